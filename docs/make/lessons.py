"""Lessons and exercises become notebooks: pages of the book, and downloads; solutions become the answer key."""

import ast
import json
import re
import shutil
from pathlib import Path

import jupytext
import nbformat

from docs import drawings
from tutorials.check import key

from .places import relinked

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
ROOT = Path(__file__).parents[2]
COURSE = ROOT / "tutorials"


def alternative_text(code: str) -> str:
    """Return what one sees in the figure of a cell: the last argument of its call of `save`, or of `draw`."""
    for node in ast.walk(ast.parse(code)):
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("save", "draw")
        if named and node.args and isinstance(node.args[-1], ast.Constant) and " " in str(node.args[-1].value):
            return node.args[-1].value
    return ""


def with_drawings(text: str) -> str:
    """Give each drawing its description, and its sister for dark pages; the theme shows the one that fits."""

    def both(match):
        seen = drawings.draw(match[2]).description.replace("[", "").replace("]", "")
        return "\n".join(
            f"![{seen}]({match[1]}{match[2]}{dark}.svg){{.only-{mode} .drawing}}"
            for dark, mode in (("", "light"), ("-dark", "dark"))
        )

    return re.sub(r"!\[[^]]*\]\(((?:\.\./)?docs/drawings/)(\w+)\.svg\)", both, text)


def take_along(name: str, repository: str, up: str = "..") -> str:
    """Return the line of links to a lesson's notebook and script, and to services that run it."""
    links = [
        f'<a href="{up}/notebooks/{name}.ipynb" download>Notebook</a>',
        f'<a href="{up}/notebooks/{name}.py" download>Script</a>',
        f'<a href="{up}/notebooks/common.py" download>common.py</a> (put it beside)',
    ]
    if repository:
        owner = repository.rstrip("/").removeprefix("https://github.com/")
        links += [
            f"[Open in Colab](https://colab.research.google.com/github/{owner}/blob/gh-pages/notebooks/{name}.ipynb)",
            f"[Open in Binder](https://mybinder.org/v2/gh/{owner}/HEAD?urlpath=lab/tree/tutorials/{name}.py)",
        ]
    return "Take it along: " + " · ".join(links)


def for_elsewhere(notebook, repository: str):
    """Return a lesson as a download: with a first cell for Colab, and drawings by their address."""
    if repository:
        install = f"!git clone -q {repository} minisnn && pip install -q ./minisnn\n%cd minisnn/tutorials"
        notebook.cells.insert(0, nbformat.v4.new_code_cell(f"# In Colab, or wherever minisnn is missing:\n{install}"))
        raw = repository.replace("https://github.com/", "https://raw.githubusercontent.com/") + "/HEAD"
        for cell in notebook.cells:
            cell.source = cell.source.replace("](../docs/drawings/", f"]({raw}/docs/drawings/")
    return notebook


def write(notebook, path: Path) -> None:
    """Write a notebook, the same bytes each time, and only if it has changed."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def page(script: Path, first: str, last: str):
    """Return a script as a page: with a line below its title, a text at its end, links, drawings and their words."""
    notebook = jupytext.read(script)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = with_drawings(relinked(cell.source, script.relative_to(ROOT).as_posix()))
            cell.source = re.sub(r"^## (\d)$", r"## Exercise \1", text, flags=re.M)
        elif seen := alternative_text(cell.source):
            cell.metadata["mystnb"] = {"image": {"alt": seen}}
    title, _, rest = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f"{title}\n\n{first}\n\n{rest.lstrip()}"
    if last:
        notebook.cells.append(nbformat.v4.new_markdown_cell(last))
    return notebook


def prepare(source: Path, repository: str, numbers: list[int]) -> None:
    """Write the pages of the course, and the downloads, into the source folder of a build."""
    course, downloads = source / "course", source / "_extra/notebooks"
    for folder in (course, downloads):
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {key.LESSONS[lesson].removesuffix(".py") for lesson in numbers}
        for path in folder.rglob("[0-9]*.*"):
            if path.stem not in wanted:
                path.unlink()
    shutil.copy2(COURSE / "common.py", course)
    shutil.copy2(COURSE / "common.py", downloads)
    (source / "docs/drawings").mkdir(parents=True, exist_ok=True)
    for drawing in drawings.FOLDER.glob("*.svg"):
        shutil.copy2(drawing, source / "docs/drawings")
    for lesson in numbers:
        name = key.LESSONS[lesson].removesuffix(".py")
        script = COURSE / f"{name}.py"
        shutil.copy2(script, downloads)
        write(for_elsewhere(jupytext.read(script), repository), downloads / f"{name}.ipynb")
        write(page(script, take_along(name, repository), ""), course / f"{name}.ipynb")
        exercises = COURSE / f"exercises/{name}.py"
        write(jupytext.read(exercises), downloads / f"exercises_{name}.ipynb")
        back = take_along(f"exercises_{name}", "", "../..").split(" · ")[0]
        write(page(exercises, back, ""), course / f"exercises/{name}.ipynb")
        (course / "solutions").mkdir(exist_ok=True)
        answers = re.sub(r"^(#+) ", lambda match: match[1][1:] + " ", key.key(lesson), flags=re.M)
        answers = answers.replace("# ", "# Answers: ", 1)
        (course / f"solutions/{name}.md").write_text(answers + "\n", encoding="utf-8")
