"""The numbers (one JSON file), and the texts made of them: marked blocks of README, and files beside the numbers."""

import json
import re
from pathlib import Path

from minisnn.files import atomic_write

ROOT = Path(__file__).parents[3]
RESULTS = "tutorials/results"
NUMBERS = ROOT / RESULTS / "readme.json"
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- readme: (\S+) -->\n)(.*?)(<!-- end -->)", re.S)


def load() -> dict:
    """Return {section: its record}; a record has the numbers as ``measured``, and where they come from."""
    return json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}


def save(records: dict) -> None:
    """Write all records, at once or not at all."""
    atomic_write(NUMBERS, (json.dumps(dict(sorted(records.items())), indent=1) + "\n").encode())


def fill(text: str, blocks: dict) -> str:
    """Return README's `text` with the content of each marked block that `blocks` has, by name, made anew."""
    return BLOCK.sub(lambda block: block[1] + blocks.get(block[2], block[3]) + block[4], text)


def write(texts: dict) -> None:
    """Write README's blocks and the files beside the numbers; `texts` has both, a file under its path."""
    new = {path: text for path, text in texts.items() if path.endswith(".md")}
    new["README.md"] = fill(README.read_text(encoding="utf-8"), texts)
    for path, text in new.items():
        atomic_write(ROOT / path, text.encode())
