"""Editors and type checkers see the public names, which are imported when they are first used."""

import ast
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minisnn

ROOT = Path(__file__).parents[2]
SCRIPT = """
import numpy as np
import minisnn as ms

data = ms.load_data("digits")
net = ms.Network("64-10", data.input_shape, beta=0.9, rng=np.random.default_rng(0))
model = ms.fit(net, data, epochs=3, num_steps=4, loss=ms.loss.rate, schedules={"lr": ms.cosine(0.01, 0, epochs=3)})
reveal_type(data)
reveal_type(net.forward(data.x_test, 1).layers[0].spk)
reveal_type(model)
reveal_type(ms.evaluate(model, data.x_test, data.y_test).accuracy)
reveal_type(ms.load_integer("m").network)
reveal_type(ms.load_model)
ms.fit(net, data, epoch=3)
ms.fit(net, data, lr="fast")
ms.Network("64-10", 3, rng=np.random.default_rng(0))
ms.netwrok
"""


def typed():
    """Return the names under TYPE_CHECKING as "module:attribute" by name, and the modules."""
    tree = ast.parse((ROOT / "minisnn/__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    names = {}
    for node in block.body:
        names |= {alias.asname or alias.name: f"{node.module or ''}:{alias.name}" for alias in node.names}
    modules = {name for name, origin in names.items() if origin == f":{name}"}
    return {name: origin for name, origin in names.items() if name not in modules}, modules


def test_names_for_type_checkers_are_the_public_ones():
    names, modules = typed()
    assert names == minisnn._PUBLIC and set(minisnn.__all__) == set(names)
    found = {info.name for info in pkgutil.iter_modules(minisnn.__path__)}
    assert modules == {name for name in found if not name.startswith("_") and name != "lazy"}


def test_names_can_be_completed():
    """`dir` lists names and modules that nothing has imported yet, in rooms too."""
    code = "import minisnn as ms; print(*dir(ms)); print(*dir(ms.training))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    top, room = (line.split() for line in done.stdout.splitlines())
    assert {*minisnn.__all__, "plot", "loss", "training"} <= {*top} and {"train", "optim"} <= {*room}
    assert {"topology", "beta", "rng"} <= {*inspect.signature(minisnn.Network).parameters}


def test_a_type_checker_sees_the_types(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=", "script.py"],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(ROOT), "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache/script")},
        capture_output=True,
        text=True,
    )
    revealed = re.findall(r'Revealed type is "([^"\[]+)', done.stdout)
    assert [text.split(" ")[0].removeprefix("minisnn.") for text in revealed] == [
        "data.dataset.Dataset",
        "numpy.ndarray",
        "model.Model",
        "float",
        "fixed.network.IntegerNetwork",
        "def",
    ]
    assert revealed[-1].endswith("-> minisnn.model.Model")
    wrong = ["call-arg", "arg-type", "arg-type", "attr-defined"]  # of the four last lines
    assert re.findall(r"error: .*\[(.+)\]", done.stdout) == wrong, done.stdout + done.stderr
