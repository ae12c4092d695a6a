"""The course: every lesson and solution runs, draws what it says, keeps its form, and imports only public packages."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread
from numba import config

from tutorials.check.__main__ import main as check

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "tutorials").glob("[0-9]*.py"))
SOLUTIONS = sorted((ROOT / "tutorials/solutions").glob("[0-9]*.py"))
READ = [*sorted((ROOT / "docs/book").glob("*.md")), ROOT / "tutorials/README.md", *LESSONS, *SOLUTIONS]
PACKAGES = {"minisnn", "minisnn_hw"}
QUICK = (12, 13, 14)  # these lessons take minutes, and the flag --quick


def cells(path):
    """Return (kind, lines) of each cell; the kind of code is "". Nothing may stand before the first cell."""
    before, *rest = re.split(r"^# %%(.*)\n", path.read_text(encoding="utf-8"), flags=re.M)
    assert not before
    return [(kind.strip(), text.splitlines()) for kind, text in zip(rest[::2], rest[1::2])]


def saves(path):
    """Return the arguments of each call of `save`: the figure, its name, and what one sees."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call.args for call in calls if isinstance(call.func, ast.Name) and call.func.id == "save"]


def run(folder, *words):
    """Run Python with these words beside a copy of the course; return the folder of its figures."""
    course = folder / "tutorials"
    shutil.copytree(ROOT / "tutorials", course, ignore=shutil.ignore_patterns("output", "__pycache__", "figures"))
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    environment |= {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return course / "output"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_runs(path, tmp_path):
    quick = ["--quick"] if int(path.name[:2]) in QUICK else []
    output = run(tmp_path, f"tutorials/{path.name}", *quick)
    figures = sorted(output.glob("*.png"))
    saved = {name.value for _, name, _ in saves(path) if isinstance(name, ast.Constant)}
    assert {figure.stem for figure in figures} >= saved - {"12_lanes"}  # needs Yosys
    for figure in figures:
        assert figure.stem.startswith(path.name[:2]), "a figure bears the number of its lesson"
        pixels = imread(figure)[..., :3]
        assert pixels.var() > 0.002 and min(pixels.shape[:2]) > 200, f"{figure.name} shows nothing"


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="they measure what is compiled")
@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solution_runs_and_passes_the_checks(path, capsys):
    assert check([str(int(path.name[:2])), "--file", str(path)]) == 0
    assert re.findall(r"^\d+\.\d \w+: (.*)$", capsys.readouterr().out, re.M) == ["right"] * 3


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_keeps_the_form(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(r"default_rng\(0\)|seed=0", text), "its seed is visible"
    assert saves(path), "it has a figure"
    for _, _, seen in saves(path):
        words = seen.value if isinstance(seen, ast.Constant) else "given by the caller, which says what one sees"
        assert len(words.split()) >= 8, "a figure says what one sees"
    assert re.search(r"^assert |^ +assert |np\.testing\.assert_", text, re.M)
    kind, lines = cells(path)[-1]
    assert kind == "[markdown]" and lines[0] == "# ## Exercises"
    assert re.findall(r"^# (\d)\. ", "\n".join(lines), re.M) == ["1", "2", "3"]
    assert path.name in {solution.name for solution in SOLUTIONS}


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: "solution_" + path.stem)
def test_solution_keeps_the_form(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^# (?:#+ )?(?:Exercise )?([123])(?:\.|$)", text, re.M) == ["1", "2", "3"]
    assert len(re.findall(r"^ *assert |np\.testing\.assert_", text, re.M)) >= 3
    assert path.name in {lesson.name for lesson in LESSONS}


@pytest.mark.parametrize("path", LESSONS + SOLUTIONS, ids=lambda path: f"{path.parent.name}_{path.stem}")
def test_it_opens_as_a_notebook(path):
    """Percent format: Markdown cells are comments with whole formulas, and lines are short enough for a page."""
    for kind, lines in cells(path):
        assert max(map(len, lines), default=0) <= (132 if kind else 120), max(lines, key=len)
        if kind == "[markdown]":
            words = [line for line in lines if line]
            assert words and all(re.match(r"#( |$)", line) for line in words), words
            assert len(re.findall(r"(?<!\\)\$", re.sub(r"`[^`]*`", "", "\n".join(words)))) % 2 == 0, words
        else:
            assert kind == "", "only code and Markdown"
            ast.parse("\n".join(lines))


def imports(code):
    """Return the modules of the project that a piece of code imports, or imports from."""
    modules = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules.append(node.module)
    return [module for module in modules if module.split(".")[0] in PACKAGES]


def python_in(path):
    """Return the Python code of a script, or of the fenced blocks of a Markdown file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    return "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.M | re.S))


@pytest.mark.parametrize("path", READ, ids=lambda path: f"{path.parent.name}_{path.stem}")
def test_it_imports_nothing_deeper_than_the_packages(path):
    """A reader needs no map of the modules: `from minisnn import fixed` gives `fixed.lif` and its siblings."""
    assert set(imports(python_in(path))) <= PACKAGES


def test_imports_finds_deeper_ones():
    code = (
        "import minisnn.fixed\ndef f():\n    from minisnn_hw.verify import simulate\nfrom minisnn import lif\nimport re"
    )
    assert sorted(imports(code)) == ["minisnn", "minisnn.fixed", "minisnn_hw.verify"]
    assert imports(python_in(ROOT / "docs/book/train.md")), "the guide has Python in it"


def test_a_blank_figure_is_found(tmp_path):
    """The variance of the pixels, which `test_lesson_runs` measures, is smaller in a blank figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    for name in ("blank", "axes"):
        figure = Figure()
        if name == "axes":
            figure.subplots().plot([0, 1], [0, 1])
        FigureCanvasAgg(figure).print_png(tmp_path / f"{name}.png")
    assert imread(tmp_path / "blank.png")[..., :3].var() < 0.002 < imread(tmp_path / "axes.png")[..., :3].var()
