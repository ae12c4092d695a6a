"""HTML of a study's page: its template, paragraphs, tables and images."""

import base64
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --page: #fff; --ink: #1c1c1c; --dim: #666; --line: #ddd; --good: #116329;
        --bad: #a40e26; --link: #0b57a4; --tile: #f4f4f4; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --page: #131416; --ink: #e6edf3; --dim: #a0a9b4; --line: #363c44; --good: #63cf8f; --bad: #ff9d8d;
          --link: #7fb0f5; --tile: #1d2126; }}
  img {{ background: #fff; }}
}}
body {{ margin: 0 auto; padding: 0 16px 48px; max-width: 1180px; background: var(--page); color: var(--ink);
       font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }}
h1 {{ font-size: 1.7rem; line-height: 1.25; margin: 1.2em 0 .3em; }}
h2 {{ font-size: 1.25rem; margin: 2.2em 0 .4em; padding-top: .6em; border-top: 1px solid var(--line); }}
details > summary {{ cursor: pointer; border-top: 1px solid var(--line); padding: .5em 0; }}
summary h2 {{ display: inline; border: 0; padding: 0; }}
h3 {{ font-size: 1rem; margin: 1.6em 0 .3em; }}
p, li {{ max-width: 50em; }}
img {{ display: block; width: 100%; height: auto; margin: .6em 0; }}
.wide {{ overflow-x: auto; margin: .8em 0; }}
table {{ border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3em .7em; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); }}
th {{ vertical-align: bottom; white-space: normal; border-bottom: 1px solid #888; }}
#points th, #points td {{ padding: .3em .35em; }}
.l {{ text-align: left; white-space: normal; min-width: 8em; }}
.t {{ text-align: left; white-space: nowrap; min-width: 0; }}
.s {{ white-space: normal; min-width: 5em; }}
.note td {{ text-align: left; white-space: normal; color: var(--dim); }}
.name td {{ text-align: left; white-space: normal; padding-top: .9em; border-bottom: none; }}
.note div, .name div {{ position: sticky; left: .4em; max-width: calc(100vw - 48px); }}
.good {{ color: var(--good); font-weight: 600; }}
.bad {{ color: var(--bad); font-weight: 600; }}
.dim {{ color: var(--dim); }}
code, pre {{ font: .85rem ui-monospace, "DejaVu Sans Mono", monospace; background: var(--tile); overflow-x: auto; }}
pre {{ padding: .6em .8em; white-space: pre-wrap; overflow-wrap: anywhere; }}
nav {{ font-size: .9rem; }}
nav a {{ margin-right: 1em; display: inline-block; }}
a {{ color: var(--link); }}
@media (max-width: 600px) {{
  body {{ font-size: 15px; }}
  h1 {{ font-size: 1.35rem; }}
  table {{ font-size: .8rem; }}
  th, td {{ padding: .3em .4em; }}
  .l {{ min-width: 6.5em; }}
  .s {{ min-width: 4em; }}
}}
</style>
</head>
<body>
<h1>{title}</h1>
{intro}
<nav>{links}</nav>
{sections}
</body>
</html>
"""


class Cell(NamedTuple):
    """A table cell with CSS classes."""

    text: str
    classes: str


class Across(NamedTuple):
    """A table row of one cell that spans all columns.

    It is a "note" on the row above it, or the "name" of the rows below it; `verdict` stands behind the text.
    """

    text: str
    kind: str
    verdict: Cell | None = None


Row = Across | Sequence[str | Cell]


def folded(name: str, heading: str, body: str) -> str:
    """Return a section that shows its heading alone until it is unfolded, or until a link leads into it."""
    return f'<details>\n<summary>{heading}</summary>\n<section id="{name}">\n{body}\n</section>\n</details>'


def paragraph(text: str) -> str:
    """Return a paragraph of plain text, or "" without text."""
    return f"<p>{escape(text)}</p>" if text else ""


def table(head: Sequence[str | Cell], rows: Sequence[Row], left: int = 1, tight: bool = False) -> str:
    """Return a table whose first `left` columns hold text; the others hold numbers, aligned to the right.

    In a `tight` table the lines of text do not break.
    """
    text_class = "t" if tight else "l"
    body = "\n".join(
        _across(row, len(head)) if isinstance(row, Across) else _row("td", row, left, text_class) for row in rows
    )
    return (
        f'<div class="wide"><table>\n<thead>{_row("th", head, left, text_class)}</thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _row(tag, contents, left, text_class):
    cells = []
    for index, content in enumerate(contents):
        text, classes = content if isinstance(content, Cell) else (content, "")
        names = " ".join(filter(None, [text_class if index < left else "", classes]))
        attribute = f' class="{names}"' if names else ""
        cells.append(f"<{tag}{attribute}>{escape(str(text))}</{tag}>")
    return "<tr>" + "".join(cells) + "</tr>"


def _across(row, columns):
    verdict = f' <span class="{row.verdict.classes}">{escape(row.verdict.text)}</span>' if row.verdict else ""
    return f'<tr class="{row.kind}"><td colspan="{columns}"><div>{escape(row.text)}{verdict}</div></td></tr>'


def image(pngs: tuple[bytes, bytes] | None, text: str) -> str:
    """Return a figure with its PNG for a wide and for a narrow page inside; "" without one. `text` describes it."""
    if not pngs:
        return ""
    wide, narrow = ("data:image/png;base64," + base64.b64encode(png).decode() for png in pngs)
    return (
        f'<picture><source media="(max-width: 600px)" srcset="{narrow}">'
        f'<img src="{wide}" alt="{escape(text)}"></picture>\n'
    )


def percent(value: float | None, digits: int = 2) -> str:
    """Return a share in per cent, such as "12.34 %"; "" for None."""
    return "" if value is None else f"{100 * value:.{digits}f} %"


def whole(value: float | None) -> str:
    """Return a number rounded to a whole one, such as "12,345"; "" for None."""
    return "" if value is None else f"{value:,.0f}"


def with_ends(found: Sequence[float], text: Callable[[float], str]) -> str:
    """Return a number with the ends of its interval, such as "89.50 % (88.90 to 90.10)"."""
    value, low, high = found
    return f"{text(value)} ({text(low).removesuffix(' %')} to {text(high).removesuffix(' %')})"
