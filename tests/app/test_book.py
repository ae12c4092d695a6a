"""The book: pages made from lessons, commands and results; a checker that finds faults; and the site in a browser.

The site itself takes minutes to build, so `.ci/more` builds it and names its folder in MINISNN_TEST_BOOK.
"""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from functools import partial
from pathlib import Path

import pytest

from docs import build
from docs.make import docstrings, links, places
from minisnn.commands import COMMANDS

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGES = ("index", "course/04_bptt", "course/exercises/04_bptt", "fpga", "manual", "commands", "results/study")


# What is made of lessons


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The folder with the pages and downloads of lesson 4, and the module that makes them."""
    pytest.importorskip("jupytext")
    from docs.make import lessons

    folder = tmp_path_factory.mktemp("book")
    lessons.prepare(folder, "https://github.com/someone/minisnn", [4])
    return folder, lessons


@pytest.fixture(scope="module")
def guides():
    """The module that makes guides."""
    pytest.importorskip("jupytext")
    from docs.make import guides

    return guides


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def test_a_lesson_becomes_a_page(course):
    folder, _ = course
    text = "\n".join(cell["source"] for cell in cells(folder / "course/04_bptt.ipynb", "markdown"))
    assert "](exercises/04_bptt.ipynb)" in text and ".py)" not in re.sub(r"mybinder\S+", "", text)
    (light,) = re.findall(r"!\[(.+)\]\(\.\./docs/drawings/unrolled\.svg\)\{\.only-light", text)
    (dark,) = re.findall(r"!\[(.+)\]\(\.\./docs/drawings/unrolled-dark\.svg\)\{\.only-dark", text)
    assert light == dark and len(light.split()) > 30
    assert (folder / "docs/drawings/unrolled-dark.svg").exists()
    assert "colab.research.google.com/github/someone/minisnn/" in text and "mybinder.org/v2/gh/someone/minisnn/" in text


def test_a_guide_shows_drawings_for_light_and_dark_pages(course, guides):
    folder, _ = course
    guides.copy(ROOT / "docs/book/fpga.md", folder, "", "\n## Of a design\n")
    text = (folder / "fpga.md").read_text("utf-8")
    assert text.endswith("\n## Of a design\n")
    assert re.search(r"!\[A spike buffer .+\]\(docs/drawings/layer\.svg\)\{\.only-light", text)
    assert text.count("(docs/drawings/layer-dark.svg){.only-dark") == 1


@pytest.mark.parametrize(
    "link, here",
    [
        ("[a](results.md)", "[a](results.md)"),
        ("[a](../glossary.md#lane)", "[a](docs/glossary.md#lane)"),
        ("[a](../../tutorials/04_bptt.py)", "[a](course/04_bptt.ipynb)"),
        ("[a](../../tutorials/results/study.md)", "[a](results/study.md)"),
        ("[a](../../tutorials/results/svhn/results.csv)", "[a](<results/svhn/results.csv>)"),
        ("![a](../drawings/layer.svg)", "![a](docs/drawings/layer.svg)"),
        ("[a](#here) and [b](https://neuroir.org)", "[a](#here) and [b](https://neuroir.org)"),
        ("[two\nwords](../../hw/lif.py)", "[two\nwords](https://github.com/someone/minisnn/blob/HEAD/hw/lif.py)"),
    ],
)
def test_links_of_the_repository_lead_to_pages(link, here):
    assert places.relinked(link, "docs/book/guide.md", "https://github.com/someone/minisnn") == here


def test_a_file_that_no_page_shows_is_named_alone():
    assert places.relinked("see [lif](../hw/lif.py)", "docs/glossary.md") == "see lif"
    assert places.relinked("[lif](04_bptt.py), [e](exercises/04_bptt.py)", "tutorials/01_one_neuron.py") == (
        "[lif](04_bptt.ipynb), [e](exercises/04_bptt.ipynb)"
    )


def test_every_figure_of_a_lesson_says_what_one_sees(course):
    folder, lessons = course
    drawn = [cell for cell in cells(folder / "course/04_bptt.ipynb", "code") if "save(" in cell["source"]]
    assert drawn and all(cell["metadata"]["mystnb"]["image"]["alt"].startswith("Left, ") for cell in drawn[-1:])
    assert lessons.alternative_text('save(figure, "x", "what one sees")') == "what one sees"
    assert lessons.alternative_text('if a:\n    draw("x", "what " "one sees")') == "what one sees"
    assert lessons.alternative_text("from common import save") == ""


def test_downloads_run_elsewhere(course):
    folder, _ = course
    notebook = folder / "_extra/notebooks/04_bptt.ipynb"
    first = cells(notebook, "code")[0]["source"]
    assert "git clone -q https://github.com/someone/minisnn minisnn" in first
    assert "](https://raw.githubusercontent.com/someone/minisnn/HEAD/docs/drawings/" in notebook.read_text("utf-8")
    assert (folder / "_extra/notebooks/common.py").read_bytes() == (ROOT / "tutorials/common.py").read_bytes()


def test_pages_are_written_only_when_they_change(course):
    folder, lessons = course
    page = folder / "course/04_bptt.ipynb"
    os.utime(page, (1, 1))
    lessons.prepare(folder, "https://github.com/someone/minisnn", [4])
    assert page.stat().st_mtime == 1
    lessons.prepare(folder, "", [4])
    assert page.stat().st_mtime > 1 and "colab" not in page.read_text("utf-8")


def test_answers_have_a_page(course):
    folder, _ = course
    text = (folder / "course/solutions/04_bptt.md").read_text("utf-8")
    assert text.startswith("# Answers: 4. Backpropagation") and "\n## Exercise 4.3: `truncated`" in text


# What is made of commands and results


@pytest.mark.parametrize("command", COMMANDS)
def test_the_guide_has_every_command(command, guides):
    text = guides.help_of(command)
    assert text.startswith(f"usage: minisnn {command}") and "--help" in text
    assert "COLUMNS" not in os.environ or os.environ["COLUMNS"] != "100"


def test_a_manual_becomes_a_part_of_its_page(tmp_path, guides):
    manual = tmp_path / "README.md"
    manual.write_text("# The design\n\n```text\n# a comment\n```\n\n## Ports\n\nof it\n\n## Load\n\nfirst\n")
    text = guides.folded(manual)
    assert text.startswith("## The design\n") and "\n# a comment\n" in text
    assert "<details><summary>Ports</summary>\n\nof it\n\n</details>\n\n<details><summary>Load<" in text


@pytest.mark.parametrize("words", [["--lessons", "0"], ["--lessons", "x"], ["--lessons", "1,99"]])
def test_wrong_lessons_are_refused(words, capsys):
    with pytest.raises(SystemExit) as stop:
        build.main(words)
    assert stop.value.code == 2
    assert "must be lessons such as 1,4" in capsys.readouterr().err


def test_the_workflow_builds_and_publishes_what_the_command_makes():
    workflow = (ROOT / ".github/workflows/book.yml").read_text("utf-8")
    assert "python -m docs.build --repository" in workflow and "path: build/book/site" in workflow
    assert "build/" in (ROOT / ".gitignore").read_text("utf-8"), "nothing that is built is committed"
    assert "-m docs.build" in (ROOT / ".ci/more").read_text("utf-8")


# What is made of docstrings


def test_equations_and_tables_of_docstrings_stand_as_in_the_source():
    equation = ["A neuron:", "", "    U = V + I", "    S = U > theta", "", "The end."]
    assert docstrings.as_it_stands(equation) == [*equation[:2], "::", "", *equation[2:]]
    table = ["A neuron.", "", "cycle   a neuron", "0       U", "", "The end", "of it."]
    assert docstrings.as_it_stands(table) == [*table[:2], "::", "", *(f"    {row}" for row in table[2:4]), *table[4:]]
    sections = ["A neuron.", "", "Parameters", "----------", "u : int", "    The membrane.", "", "    More of it."]
    assert docstrings.as_it_stands(sections) == sections


def test_ports_of_blocks_are_shown():
    lines = "Add.\n\nPorts\n-----\nclk : in\n    Rising edge.".split("\n")
    assert docstrings.with_ports(lines)[2:7] == ["Notes", "-----", "**Ports**", "", "clk : in"]
    assert docstrings.with_ports(["Ports"]) == ["Ports"]


# The checker


def site(folder, **pages):
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    return links.problems(folder)


def test_a_site_without_faults_passes(tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    picture = '<img src="a.svg" alt="a picture">'
    assert not site(tmp_path, one=f'<a href="two.html#here">x</a>{picture}', two='<p id="here"><a href="#here">y</a>')


@pytest.mark.parametrize(
    "body, words",
    [
        ('<a href="nowhere.html">x</a>', "leads nowhere"),
        ('<a href="one.html#nothing">x</a>', "names an anchor that is not there"),
        ('<a href="#nothing">x</a>', "names an anchor that is not there"),
        ('<script src="https://elsewhere.org/x.js"></script>', "asks https://elsewhere.org/x.js of another host"),
        ('<link rel="stylesheet" href="//elsewhere.org/x.css">', "of another host"),
        ('<img src="one.html">', "has no alternative text"),
        ('<img src="one.html" alt="one.html">', "has no alternative text"),
        ('<img src="one.html" alt=" ">', "has no alternative text"),
    ],
)
def test_a_fault_is_found(tmp_path, body, words):
    found = site(tmp_path, one=body)
    assert len(found) == 1 and words in found[0] and found[0].startswith("one.html: ")


def test_a_style_that_asks_another_host_is_found(tmp_path):
    (tmp_path / "a.css").write_text("@import 'https://elsewhere.org/x.css';")
    assert site(tmp_path, one="") == ["a.css: asks https://elsewhere.org/x.css of another host"]
    assert links.problems(tmp_path / "empty") == [f"{tmp_path / 'empty'} has no pages"]


# The site in a browser

MEASURE = """<!doctype html><body><pre id="answer"></pre><script>
const widths = %s, pages = %s, answer = [];
(async () => {
  for (const width of widths) for (const page of pages) {
    const frame = document.createElement("iframe");
    frame.style.cssText = `width:${width}px;height:900px;border:0`;
    frame.src = `/${page}.html`;
    document.body.append(frame);
    await new Promise(done => frame.onload = done);
    const inside = frame.contentDocument;
    if (frame.contentWindow.MathJax && frame.contentWindow.MathJax.startup)
      await frame.contentWindow.MathJax.startup.promise;
    const shown = [...inside.images].filter(image => image.offsetParent);
    answer.push({page, width, wide: inside.documentElement.scrollWidth,
      formulas: inside.querySelectorAll("mjx-container").length,
      raw: inside.querySelectorAll("span.math, div.math").length,
      broken: shown.filter(image => image.complete && !image.naturalWidth).map(image => image.src),
      copy: inside.querySelectorAll("button.copybtn").length,
      next: !!inside.querySelector("a.next-page"), search: !!inside.querySelector("input[name=q]"),
      modes: inside.querySelectorAll("button.theme-toggle").length});
    frame.remove();
  }
  document.getElementById("answer").textContent = JSON.stringify(answer);
})();
</script></body>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of a folder that prints nothing."""

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What a browser finds on some pages of the site, at the widths of a laptop and of a phone."""
    if not (named := os.environ.get("MINISNN_TEST_BOOK")):
        pytest.skip("MINISNN_TEST_BOOK does not name the folder of a site that `python -m docs.build` has made")
    assert CHROMIUM, "Chromium is needed"
    folder = tmp_path_factory.mktemp("site") / "site"
    shutil.copytree(named, folder)
    (folder / "measure.html").write_text(MEASURE % (json.dumps([1280, 390]), json.dumps(PAGES)), encoding="utf-8")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000", "--dump-dom"]
    flags += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--window-size=1400,1000"]
    address = f"http://127.0.0.1:{server.server_port}/measure.html"
    done = subprocess.run(
        [
            CHROMIUM,
            *flags,
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--window-size=1400,1000",
            address,
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    server.shutdown()
    answer = re.search(r'<pre id="answer">(.+)</pre>', done.stdout)
    assert answer, done.stdout[-1000:] + done.stderr[-2000:]
    return json.loads(answer[1])


def test_pages_fit_a_laptop_and_a_phone(measured):
    assert len(measured) == 2 * len(PAGES)
    for page in measured:
        assert page["wide"] <= page["width"], f"{page['page']} is {page['wide']} pixels wide at {page['width']}"


def test_pages_have_what_a_reader_needs(measured):
    for page in measured:
        assert not page["broken"], page
        assert page["search"] and page["modes"], page["page"]
        assert page["next"] or page["page"].startswith(("course/solutions", "results")), page["page"]
    lesson = next(page for page in measured if page["page"] == "course/04_bptt")
    assert lesson["copy"] > 10, "copy buttons"
    assert lesson["formulas"] >= lesson["raw"] > 20, "formulas are shown without a network"
