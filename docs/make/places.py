"""Where files of the repository stand in the book. Guides link as on GitHub, from their own folder; pages link here."""

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The path in the repository, as a pattern, and that in the source of the book.
PLACES = (
    (r"docs/book/(.+)", r"\1"),
    (r"docs/(glossary\.md|drawings/.+)", r"docs/\1"),
    (r"tutorials/((?:exercises/)?\d\d_\w+)\.py", r"course/\1.ipynb"),
    (r"tutorials/solutions/(\d\d_\w+)\.py", r"course/solutions/\1.md"),
    (r"tutorials/README\.md", "course.md"),
    (r"tutorials/(results|figures)/(.+)", r"\1/\2"),
    (r"(CONTRIBUTING|CHANGELOG)\.md", r"\1.md"),
    (r"README\.md", "index.md"),
)
LINK = re.compile(r"(!?)\[([^]]*)\]\((?!\w+:|#|<)([^)#\s]+)(#[^)\s]*)?\)")


def place(path: str) -> str | None:
    """Return where a file of the repository stands in the book, or None if it is not in it."""
    for pattern, to in PLACES:
        if re.fullmatch(pattern, path):
            return re.sub(pattern, to, path)
    return None


def relinked(text: str, path: str, repository: str = "") -> str:
    """Let the links in a Markdown text from the repository lead to pages of the book.

    Parameters
    ----------
    text, path : str
        The text, and where it stands in the repository.
    repository : str
        Its address, which files lead to that are not in the book; without one only their names are shown.
    """
    here = posixpath.dirname(place(path) or "")

    def link(match):
        picture, words, target, anchor = match.groups(default="")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        to = place(file)
        if to is None:
            return f"[{words}]({repository}/blob/HEAD/{file}{anchor})" if repository else words
        to = posixpath.relpath(to, here or ".")
        if Path(to).suffix in (".csv", ".json", ".sqlite"):
            to = f"<{to}>"  # a download
        return f"{picture}[{words}]({to}{anchor})"

    return LINK.sub(link, text)
