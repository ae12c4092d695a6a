"""The course: every lesson and every solution runs, its figures show something, and it has the form it promises."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "tutorials").glob("[0-9]*.py"))
SOLUTIONS = sorted((ROOT / "tutorials/solutions").glob("[0-9]*.py"))
QUICK = 13  # lessons from this one on take minutes, and --quick


def cells(path):
    """(kind, lines) of each cell, kind "" for code; the text before the first cell must be empty."""
    before, *rest = re.split(r"^# %%(.*)\n", path.read_text(encoding="utf-8"), flags=re.M)
    assert not before
    return [(kind.strip(), text.splitlines()) for kind, text in zip(rest[::2], rest[1::2])]


def run(path, folder):
    """Run a script in a copy of the course, from another working directory, and return the folder of its figures."""
    course = folder / "tutorials"
    shutil.copytree(ROOT / "tutorials", course, ignore=shutil.ignore_patterns("output", "__pycache__", "figures"))
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    environment |= {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    script = course / path.relative_to(ROOT / "tutorials")
    quick = ["--quick"] if int(path.name[:2]) >= QUICK else []
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", str(script), *quick],
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
    output = run(path, tmp_path)
    figures = sorted(output.glob("*.png"))
    assert {figure.stem for figure in figures} >= set(re.findall(r'^save\(\w+, "(.+)"\)', path.read_text(), re.M))
    for figure in figures:
        assert figure.stem.startswith(path.name[:2]), "a figure bears the number of its lesson"
        pixels = imread(figure)[..., :3]
        assert pixels.var() > 0.002 and min(pixels.shape[:2]) > 200, f"{figure.name} shows nothing"


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solution_runs(path, tmp_path):
    run(path, tmp_path)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_keeps_the_form(path):
    text = path.read_text(encoding="utf-8")
    assert 80 <= len(text.splitlines()) <= 150
    assert re.search(r"default_rng\(0\)|seed=0", text), "its seed can be seen"
    assert "save(figure" in text
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
    """Percent format: Markdown cells are comments with whole formulas; lines fit a page, formulas written out."""
    for kind, lines in cells(path):
        assert max(map(len, lines), default=0) <= (132 if kind else 120), max(lines, key=len)
        if kind == "[markdown]":
            words = [line for line in lines if line]
            assert words and all(re.match(r"#( |$)", line) for line in words), words
            assert len(re.findall(r"(?<!\\)\$", re.sub(r"`[^`]*`", "", "\n".join(words)))) % 2 == 0, words
        else:
            assert kind == "", "only code and Markdown"
            ast.parse("\n".join(lines))


def test_a_blank_figure_is_found(tmp_path):
    """The measure of `test_lesson_runs` tells an empty pair of axes from a curve."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    for name in ("blank", "axes"):
        figure = Figure()
        if name == "axes":
            figure.subplots().plot([0, 1], [0, 1])
        FigureCanvasAgg(figure).print_png(tmp_path / f"{name}.png")
    assert imread(tmp_path / "blank.png")[..., :3].var() < 0.002 < imread(tmp_path / "axes.png")[..., :3].var()
