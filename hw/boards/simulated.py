"""A board in Verilator, whose serial line is a pseudo-terminal."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..generate.tools import ToolError, nothing
from ..spec import AcceleratorSpec
from ..verify.verilate import verilate
from . import board_top

DIVIDE = 8  # clock cycles of a bit: as short as tells whether the line works


@contextmanager
def simulated(spec: AcceleratorSpec, leds: int, lit: bool, tick: Callable[[], object] = nothing) -> Iterator[str]:
    """Build a board and run it; give the name of its serial port. `tick` is called twice a second during the build.

    Raises
    ------
    ToolError
        If Verilator or a compiler is missing or fails.
    """
    host = Path(__file__).parent / "simulated.cpp"
    with TemporaryDirectory() as name:
        make = board_top.design(spec, DIVIDE, lit)
        program = verilate(make, board_top.ports(leds), "board", host, Path(name), tick=tick)
        process = subprocess.Popen(
            [program, str(DIVIDE)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port.startswith("/dev/"):
                raise ToolError(f"the simulated board has not started: {port}")
            yield port
        finally:
            process.terminate()
            process.wait()
            process.stdout and process.stdout.close()
