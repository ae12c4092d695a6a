"""README: its code runs, its commands take the flags that it names, its links lead somewhere."""

import re
from pathlib import Path

import numpy as np

from minisnn.commands import COMMANDS, main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, inspecting = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert "accuracy=0.9" in capsys.readouterr().out
    assert (tmp_path / "model.npz").is_file()
    assert main(["quantize", "model.npz"]) == 0
    shown = {}
    exec(compile(inspecting, "README.md", "exec"), shown)
    assert shown["why"].membrane == shown["trace"].mem[1][2][5] and len(shown["doing"]) == 3
    below = TEXT[TEXT.index("One level below") :]
    inputs = np.random.default_rng(0).random((1, 4, 8, 8, 1), np.float32)
    names |= {"inputs": inputs, "num_steps": 3, "labels": np.arange(4), "np": np}
    lines = [line for line in re.findall(r"`([^`]+)`", below)[:4] if "(" in line]
    assert len(lines) == 3
    exec("import minisnn.loss", names)
    for line in lines:
        exec(line, names)


def test_flags_exist(capsys):
    for command in COMMANDS:
        try:
            main([command, "--help"])
        except SystemExit:
            pass
        help_text = capsys.readouterr().out
        used = re.findall(rf"^    minisnn {command}((?:.|\n {{5,}})*)", TEXT, re.M)
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


def test_links_and_files():
    sections = {"#" + title.lower().replace(" ", "-") for title in re.findall(r"^##+ (.+)$", TEXT, re.M)}
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert link in sections if link.startswith("#") else link.startswith("https://") or (ROOT / link).is_file(), (
            link
        )
    for name in re.findall(r"`(test_\w+\.py)`", TEXT):
        assert (ROOT / "tests" / name).is_file(), name
