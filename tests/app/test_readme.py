"""README and the guides: their code runs, flags exist, links lead somewhere, numbers are those that were measured."""

import re
from pathlib import Path

import numpy as np
import pytest

from minisnn import evaluate, load_data, load_model
from minisnn.commands import COMMANDS, main
from tests.benchmarks.readme import __main__ as readme
from tests.benchmarks.readme import record, shop
from tests.benchmarks.readme.blocks import BLOCKS
from tests.benchmarks.readme.tables import FILES
from tests.benchmarks.readme.texts import texts

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs/book").glob("*.md"))}
# All pages that a reader may follow from README, by their path.
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for pattern in ("*.md", "docs/**/*.md", "tutorials/*.md", "tutorials/results/*.md")
    for path in sorted(ROOT.glob(pattern))
}
REMEDY = "run python -m tests.benchmarks.readme --text, or measure a section by its name"
# A number with a unit, as results have it.
UNIT = "images/s|MHz|us|ns|mW|MB|s|min|cycles|seconds|minutes|hours|points"
RESULT = rf"(?<![\w-])\d[\d.,]* ?(?:%|x(?![\w-])|(?:{UNIT})(?!\w))"
# The clock of a board, and what others state of their own work.
QUOTED = ["25 MHz", "93.85 %", "780 us", "180 mW", "425 MHz", "93.1 %", "200 MHz", "96 %"]


def python_in(guide):
    """Return the blocks of Python in a guide."""
    return re.findall(r"```python\n(.*?)```", GUIDES[guide], re.S)


def test_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, experiment = python_in("train")
    (inspecting,) = python_in("inspector")
    names = {}
    exec(compile(code, "train.md", "exec"), names)
    assert "accuracy=0.9" in capsys.readouterr().out
    assert (tmp_path / "model.npz").is_file()
    assert main(["quantize", "model.npz"]) == 0
    shown = {}
    exec(compile(inspecting, "inspector.md", "exec"), shown)
    assert shown["why"].membrane == shown["trace"].mem[1][2][5] and len(shown["doing"]) == 3
    ours: dict = {}
    capsys.readouterr()
    exec(compile(experiment, "train.md", "exec"), ours)
    history = ours["model"].history
    assert 1 < len(history) < 30 and history[-1]["validation_accuracy"] > 0.97 >= history[-2]["validation_accuracy"]
    assert capsys.readouterr().out.startswith("epoch 1: ") and (tmp_path / "spikes.png").stat().st_size > 1000
    below = GUIDES["train"][GUIDES["train"].index("One level below") :]
    inputs = np.random.default_rng(0).random((1, 4, 8, 8, 1), np.float32)
    names |= {"inputs": inputs, "num_steps": 3, "labels": np.arange(4), "np": np}
    lines = [line for line in re.findall(r"`([^`]+)`", below)[:4] if "(" in line]
    assert len(lines) == 3
    exec("import minisnn.loss", names)
    for line in lines:
        exec(line, names)


def test_a_network_of_snntorch_becomes_vhdl(tmp_path, monkeypatch):
    """The script and the commands after it."""
    pytest.importorskip("snntorch")
    monkeypatch.chdir(tmp_path)
    (code,) = python_in("snntorch")
    exec(compile(code, "train_snntorch.py", "exec"), {})
    script, *commands = re.search(r"\n\n((?:    .+\n){4})\n", GUIDES["snntorch"])[1].splitlines()
    assert script.split() == ["python", "train_snntorch.py"]
    for command in commands:
        name, *arguments = command.split()
        assert name == "minisnn" and main(arguments) == 0
    assert (tmp_path / "accelerator" / "accelerator.vhd").is_file()
    loaded = load_model("model.npz")
    data = load_data(loaded.dataset)
    assert evaluate(loaded, data.x_test, data.y_test).accuracy > 0.9


def test_flags_exist(capsys):
    for command in COMMANDS:
        try:
            main([command, "--help"])
        except SystemExit:
            pass
        help_text = capsys.readouterr().out
        used = re.findall(rf"^    minisnn {command}((?:.|\n {{5,}})*)", "\n".join(PAGES.values()), re.M)
        flags = set(re.findall(r"--[a-z-]+", "".join(used)))
        assert flags or command == "info"
        assert flags <= set(re.findall(r"--[a-z-]+", help_text)), command


def test_plain_and_editable_installations_have_their_own_environments():
    """Numba's cache files of a plain installation would hide an editable one of the same environment."""
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    made = re.findall(r"-m venv (\S+) && (\S+)/bin/pip install (\S+)", TEXT + contributing)
    assert len(made) == 3 and all(name == used for name, used, _ in made)
    kinds = {name: {what == "-e" for made_name, _, what in made if made_name == name} for name, _, _ in made}
    assert all(len(kind) == 1 for kind in kinds.values()) and len(kinds) == 2


def anchors(text):
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """They lead from the page's own folder, as on GitHub; the book moves pages, and its own checker follows it."""
    links = re.findall(r"\]\(<?([^)>\s]+)>?\)", re.sub(r"`[^`\n]*`", "", PAGES[page]))
    links += re.findall(r'(?:src|srcset)="([^"]+\.svg)"', PAGES[page])
    for link in links:
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        to = (ROOT / page).parent / path if path else ROOT / page
        assert to.is_file(), f"{page}: {link}"
        assert not anchor or anchor in anchors(to.read_text(encoding="utf-8")), f"{page}: {link}"
    for name in re.findall(r"`(test_\w+\.py)`", PAGES[page] if page == "docs/book/layout.md" else ""):
        assert (ROOT / "tests" / name).is_file(), name


def test_readme_is_a_front_door():
    """A reader sees in one screen what it is, with a picture, and how to begin; everything long is a link away."""
    lines = TEXT.splitlines()
    assert len(lines) < 200
    first = lines[:45]
    for seen in ("<picture>", "## From digits to VHDL", "    python3 -m venv .venv && .venv/bin/pip install ."):
        assert any(line.startswith(seen) for line in first), seen
    linked = set(re.findall(r"\(docs/book/(\w+)\.md\)", TEXT))
    lacking = {name for name, text in GUIDES.items() if "```{" not in text} - linked
    assert not lacking, f"README does not link the guides {lacking}"


def test_numbers_are_those_that_were_measured():
    """Marked blocks, and the tables beside readme.json, are made of it: nobody types a number."""
    made = texts(record.load())
    pages = record.pages()
    assert sorted(block[2] for text in pages.values() for block in record.BLOCK.finditer(text)) == sorted(BLOCKS)
    assert {*made} == {*BLOCKS, *FILES}
    for page, text in pages.items():
        assert record.fill(text, made, page) == text, f"{page}: {REMEDY}"
    for path in FILES:
        assert (ROOT / path).read_text(encoding="utf-8") == made[path], f"{path}: {REMEDY}"


def test_no_result_is_outside_of_a_marked_block():
    rest = "\n".join([TEXT, *GUIDES.values()])
    rest = re.sub(r"```.*?```", "", record.BLOCK.sub("", rest), flags=re.S)
    assert re.findall(RESULT, rest) == QUOTED, "measure it in tests/benchmarks/readme, in a marked block"


def test_figures_are_those_that_the_command_made():
    files = {
        path: digest for one in record.load().values() for path, digest in one["measured"].get("files", {}).items()
    }
    shown = re.findall(r"\]\((?:\.\./\.\./)?(tutorials/[^)]+\.png)\)", TEXT + "".join(GUIDES.values()))
    assert shown and {*shown} <= {*files}
    for path, digest in files.items():
        assert shop.digest(ROOT / path) == digest, f"{path} was not made by python -m tests.benchmarks.readme"


def test_every_section_says_where_it_comes_from():
    records = record.load()
    assert {*records} == {*readme.SECTIONS}
    for name, one in records.items():
        assert one["commands"] and one["date"] and one["commit"] and one["machine"] and one["measured"], name


PAGE = "Typed.\n<!-- readme: one -->\nold\n<!-- end -->\nTyped too.\n"


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A README with two sections; returns the names of those that were measured, and the state of the sources."""
    measured, sources = [], {"now": "1"}

    def section(name):
        def measure(shop):
            """A section."""
            measured.append(name)
            shop.commands.append(f"minisnn {name}")
            return len(measured)

        return measure

    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setattr(record, "NUMBERS", tmp_path / "readme.json")
    (tmp_path / "README.md").write_text(PAGE)
    monkeypatch.setattr(readme, "SECTIONS", {name: section(name) for name in ("one", "two")})
    monkeypatch.setattr(readme, "state", lambda text: sources["now"])
    monkeypatch.setattr(readme, "texts", lambda records: {k: f"{v['measured']}\n" for k, v in records.items()})
    monkeypatch.setattr(readme, "main", lambda *flags, run=readme.main: run([*flags, "--folder", str(tmp_path)]))
    return measured, sources


def test_a_section_is_measured_once_for_the_same_sources(small, tmp_path, capsys):
    measured, sources = small
    assert readme.main() == 0 and measured == ["one", "two"]
    assert (tmp_path / "README.md").read_text() == PAGE.replace("old", "1")
    assert readme.main() == 0 and measured == ["one", "two"]
    assert readme.main("two") == 0 and measured == ["one", "two", "two"]
    assert readme.main("--again") == 0 and measured[3:] == ["one", "two"]
    sources["now"] = "2"
    assert readme.main("--list") == 0 and capsys.readouterr().out.count("to be measured") == 2
    assert readme.main() == 0 and measured[5:] == ["one", "two"]
    assert readme.main("three") == 2 and "there is no section 'three'" in capsys.readouterr().err


def test_a_block_may_stand_in_any_page_and_its_links_lead_from_there(small, tmp_path, monkeypatch):
    guide = tmp_path / "docs/book/guide.md"
    guide.parent.mkdir(parents=True)
    guide.write_text(PAGE.replace("one", "two"))
    (tmp_path / "CHANGELOG.md").write_text("no block\n")
    linked = f"[all]({record.RESULTS}/two.md)\n"
    monkeypatch.setattr(readme, "texts", lambda records: dict.fromkeys(records, linked))
    assert readme.main() == 0
    assert [*record.pages()] == ["README.md", "docs/book/guide.md"]
    assert linked in (tmp_path / "README.md").read_text()
    assert guide.read_text() == PAGE.replace("one", "two").replace("old", "[all](../../tutorials/results/two.md)")


def test_an_interrupted_command_goes_on(small, tmp_path, monkeypatch):
    """What was measured before it is in the file and in README."""
    measured, _ = small

    def interrupt(shop):
        """A section."""
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(readme.SECTIONS, "two", interrupt)
        with pytest.raises(KeyboardInterrupt):
            readme.main()
    assert {*record.load()} == {"one"} and "\n1\n" in (tmp_path / "README.md").read_text()
    assert readme.main() == 0 and measured == ["one", "two"]


def test_a_section_without_its_data_is_left_out_with_a_sentence(small, monkeypatch, capsys):
    measured, _ = small

    def lacking(shop):
        """A section."""
        return shop.run("minisnn train DIR", "svhn10k")

    monkeypatch.setitem(readme.SECTIONS, "one", lacking)
    assert readme.main() == 1 and measured == ["two"] and {*record.load()} == {"two"}
    assert "left out: needs --data with a folder svhn10k in it" in capsys.readouterr().err


def test_a_command_that_ran_on_the_same_sources_is_remembered(tmp_path, monkeypatch):
    now = ["1"]
    monkeypatch.setattr(shop, "state", lambda text: now[0])
    (tmp_path / "count.py").write_text("print('x', file=open('ran', 'a')); print('{\"a\": 1}')")

    def runs(again=False):
        assert shop.Shop(tmp_path, again=again).json("python count.py") == {"a": 1}
        return (tmp_path / "ran").read_text().count("x")

    assert [runs(), runs(), runs(again=True)] == [1, 1, 2]
    now[0] = "2"
    assert runs() == 3
    with pytest.raises(RuntimeError, match="fail.py failed with status 1"):
        (tmp_path / "fail.py").write_text("raise SystemExit(1)")
        shop.Shop(tmp_path).run("python fail.py")
    with pytest.raises(shop.Missing, match="needs no-such-tool"):
        shop.Shop(tmp_path).run("no-such-tool run")


def test_state_follows_the_sources_of_a_command(tmp_path, monkeypatch):
    """A change in the gates concerns the cosimulation, not the training."""
    monkeypatch.setattr(shop, "ROOT", tmp_path)
    for name in ("minisnn/kernels/lif.py", "hw/lif.py", "hw/lif.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    commands = ("OPENBLAS_CORETYPE=Haswell minisnn train --seed 0", "minisnn cosim model.int.npz")
    train, cosim = map(shop.state, commands)
    (tmp_path / "hw/lif.txt").write_text("2")
    assert [*map(shop.state, commands)] == [train, cosim]
    (tmp_path / "hw/lif.py").write_text("2")
    assert shop.state(commands[0]) == train and shop.state(commands[1]) != cosim
    (tmp_path / "minisnn/kernels/lif.py").write_text("2")
    assert shop.state(commands[0]) != train
