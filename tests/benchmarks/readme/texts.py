"""All texts that are made of the numbers."""

import inspect

from .blocks import BLOCKS
from .tables import FILES


def texts(records: dict) -> dict:
    """Return the text of each block and each file, by name or path; without those whose sections are not there yet."""
    result = {}
    for name, function in (BLOCKS | FILES).items():
        needed = [parameter.replace("_", "-") for parameter in inspect.signature(function).parameters]
        if all(section in records for section in needed):
            text = function(*(records[section]["measured"] for section in needed))
            result[name] = text + (_sources(records, needed) if name in FILES else "")
    return result


def _sources(records, names):
    """Say where the numbers of a file come from."""
    lines = ["\n## Where the numbers come from\n", f"`python -m tests.benchmarks.readme {' '.join(names)}` ran\n"]
    for name in names:
        record = records[name]
        commands = [f"- `{command}`" for command in record["commands"]]
        where = f"on {record['date']} at {record['commit']} ({record['machine']}). {record['note']}".rstrip()
        lines += [*commands, f"\n{where}\n"]
    return "\n".join(lines)
