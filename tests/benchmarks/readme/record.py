"""The numbers (one JSON file), and the texts made of them: marked blocks of pages, and files beside the numbers."""

import json
import posixpath
import re
from pathlib import Path

from minisnn.files import atomic_write

ROOT = Path(__file__).parents[3]
RESULTS = "tutorials/results"
NUMBERS = ROOT / RESULTS / "readme.json"
BLOCK = re.compile(r"(<!-- readme: (\S+) -->\n)(.*?)(<!-- end -->)", re.S)


def load() -> dict:
    """Return {section: its record}; a record has the numbers as ``measured``, and where they come from."""
    return json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}


def save(records: dict) -> None:
    """Write all records, at once or not at all."""
    atomic_write(NUMBERS, (json.dumps(dict(sorted(records.items())), indent=1) + "\n").encode())


def pages() -> dict[str, str]:
    """Return the text of each page that has a marked block, by its path: README, and guides of the book."""
    found = {}
    for pattern in ("*.md", "docs/**/*.md"):
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            if BLOCK.search(text):
                found[path.relative_to(ROOT).as_posix()] = text
    return found


def fill(text: str, blocks: dict, page: str = "README.md") -> str:
    """Return a page's `text` with the content of each marked block that `blocks` has, by name, made anew.

    The links of a block are paths from the repository's top; on the `page` they lead there from its own folder.
    """
    results = posixpath.relpath(RESULTS, posixpath.dirname(page) or ".")
    here = {name: block.replace(f"]({RESULTS}/", f"]({results}/") for name, block in blocks.items()}
    return BLOCK.sub(lambda block: block[1] + here.get(block[2], block[3]) + block[4], text)


def write(texts: dict) -> None:
    """Write the marked blocks of pages and the files beside the numbers; `texts` has both, a file under its path."""
    new = {path: text for path, text in texts.items() if path.endswith(".md")}
    new |= {path: fill(text, texts, path) for path, text in pages().items()}
    for path, text in new.items():
        atomic_write(ROOT / path, text.encode())
