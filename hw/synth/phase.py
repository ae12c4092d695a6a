"""The phase in which Yosys, nextpnr or a packer is, read from the logs that they write."""

import re
from pathlib import Path

TAIL = 8192  # bytes at the end of a log in which a phase is looked for
# "2.21.3. Executing ABC pass (technology mapping using ABC)." of Yosys, "Info: Routing globals..." of nextpnr.
HEADING = re.compile(r"^(?:[\d.]+ Executing |Info: )([A-Z].*?)(?: \(.*|\.+|:)?$", re.MULTILINE)


def phase_of(folder: Path) -> str:
    """Return the tool whose log in a folder is the newest, and what it is doing, in at most 60 characters."""
    logs = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    if not logs:
        return "starting"
    with open(logs[-1], "rb") as file:
        file.seek(max(0, logs[-1].stat().st_size - TAIL))
        text = file.read().decode(errors="replace")
    found = HEADING.findall(text.rpartition("\n")[0])
    return f"{logs[-1].stem}: {found[-1] if found else 'starting'}"[:60]
