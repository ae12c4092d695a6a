"""A board in Verilator, whose serial line is a pseudo-terminal."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..generate.convert import convert
from ..generate.hierarchy.elaborate import unelaborated
from ..generate.tools import ToolError, call, need
from ..ports import bit
from ..spec import AcceleratorSpec
from ..verify.hdl_host import BUILD_TIMEOUT, VERILATOR_FLAGS, without_space
from . import board_top

DIVIDE = 8  # clock cycles of a bit: as short as tells whether the line works
TOP = "board"


@contextmanager
def simulated(spec: AcceleratorSpec, leds: int, lit: bool) -> Iterator[str]:
    """Build a board and run it; give the name of its serial port.

    Raises
    ------
    ToolError
        If Verilator or a compiler is missing or fails.
    """
    tool, *_ = need("verilator", "g++", "make")
    with TemporaryDirectory(dir=without_space(Path("/tmp"))) as name:
        inputs, outputs = board_top.ports(leds)
        block = unelaborated(board_top.design(spec, DIVIDE, lit), clk=bit(), **inputs, **outputs)
        files = convert(block, name, TOP, "verilog")
        files.append(Path(shutil.copy(Path(__file__).parent / "simulated.cpp", name)))
        command = [tool, "--cc", "--exe", "--build", *VERILATOR_FLAGS, "--prefix", "Vboard", "--top-module", TOP]
        call([*command, "--Mdir", ".", "-o", "bench", *(file.name for file in files)], name, BUILD_TIMEOUT)
        process = subprocess.Popen(
            [str(Path(name) / "bench"), str(DIVIDE)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
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
