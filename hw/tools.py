"""Tools that are not Python: found on PATH, called with a time limit, quoted when they fail."""

import shutil
import subprocess

PACKAGES = {"ghdl": "ghdl", "verilator": "verilator", "g++": "g++", "make": "make"}  # of Debian
NAMES = {"ghdl": "GHDL", "verilator": "Verilator"}


class ToolError(RuntimeError):
    """A tool is missing or failed; says which, and what it said."""


def need(*tools):
    """Refuse to go on without a tool.

    Raises
    ------
    ToolError
        That says how to get what is missing.
    """
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        names = " and ".join(NAMES.get(tool, tool) for tool in missing)
        raise ToolError(f"{names} {'is' if len(missing) == 1 else 'are'} not on PATH; on Debian: apt install "
                        f"{' '.join(PACKAGES[tool] for tool in missing)}")


def call(command, folder, timeout):
    """Call a tool in a folder; what it printed.

    Raises
    ------
    ToolError
        If it fails, or warns, or takes more than `timeout` seconds.
    """
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise ToolError(f"{' '.join(command[:2])} did not end within {timeout} s") from None
    said = (done.stdout + done.stderr).strip()
    if done.returncode != 0 or "warning" in said.lower():
        raise ToolError(f"{' '.join(command[:2])} failed ({version(command[0])}): {said[-2000:]}")
    return said


def version(tool):
    """The first line that ``tool --version`` prints."""
    done = subprocess.run([tool, "--version"], capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr).strip().splitlines()[0]
