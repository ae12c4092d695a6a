"""Damage files of every kind at random, and read them: python -m tests.benchmarks.fuzz SECONDS [SEED].

A reader must take a file or refuse it with an InputError of one line; anything else is printed with its traceback, and
the file is kept in a temporary folder, which is printed.
"""

import io
import json
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

import minisnn as ms
from minisnn.data import load as datasets
from minisnn.data.formats import read_idx
from minisnn.errors import InputError
from minisnn.fixed.model import load as load_integer
from minisnn.interop import nir
from minisnn.model import load as load_model
from minisnn.study import report
from minisnn.study.store import Store
from minisnn.timing.energy import load_constants

# Values that a field of a damaged file may have in place of its own.
VALUES = (None, True, -1, 0, 1.5, 10**30, 1e308, float("nan"), float("inf"), "x", "", [], [[]], ["x"], {}, {"a": 1})

NUMBERS = (True, -1, 0, 1, 2, 1.5, 2**62, 1e308, 1e-308, float("nan"), float("inf"), [], [3, 3], "x", "")


def read_model(path: Path) -> None:
    """Read a model, describe it and use it."""
    model = load_model(path, backend="numpy")
    assert repr(model) and str(model)
    ms.predict(model, np.zeros((2, *model.network.input_shape), np.uint8))


def read_integers(path: Path) -> None:
    """Read an integer model, describe it and use it."""
    model = load_integer(path)
    assert repr(model) and str(model)
    for inputs in model.inputs(np.zeros((2, *model.network.input_shape), np.uint8)):
        assert len(inputs)


def read_nir(path: Path) -> None:
    """Read a NIR file and use the network."""
    model, _ = nir.load(path, 1e-4, num_steps=2)
    ms.predict(model, np.zeros((2, *model.network.input_shape), np.uint8))


READERS: dict[str, Callable[[Path], object]] = {
    "model.npz": read_model,
    "model.int.npz": read_integers,
    "data.npz": lambda path: datasets.load(str(path)),
    "constants.json": load_constants,
    "images-ubyte": lambda path: read_idx(path, 3),
    "study.sqlite": report.gather,
    "network.nir": read_nir,
}


def write_all(folder: Path) -> None:
    """Write a sound file of each kind."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 17, (12, 4, 4), np.uint8), np.arange(12) % 3
    np.savez(folder / "data.npz", X=x, y=y)
    data = datasets.load(str(folder / "data.npz"))
    net = ms.Network("4-3", data.input_shape, backend="numpy", rng=rng)
    model = ms.fit(net, data, epochs=1, num_steps=2, batch_size=4, validation=0.3)
    model.save(folder / "model.npz")
    convolution = ms.Network("3C3-MP2-3", (6, 6, 1), reset="zero", beta=(0.5, 1.0), backend="numpy", rng=rng)
    ms.to_nir(ms.Model(convolution, ms.Encoder("direct", 2, 1.0)), folder / "network.nir")
    ms.quantize(model, images=data.x_train)[0].save(folder / "model.int.npz")
    (folder / "constants.json").write_text('{"static": 0.1, "cycles": 2}')
    (folder / "images-ubyte").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 4]) + bytes(48))
    with Store(folder / "study.sqlite") as store:
        store.note("command", "minisnn sweep")
        point = {
            "data": {"name": "digits"},
            "network": {"topology": "4-3", "surrogate": "atan:2", "beta": 0.5, "threshold": 1.0, "reset": "zero"},
            "integers": {},
            "hardware": {"lanes": None, "taps": None},
            "training": {"num_steps": 2, "seed": 0, "epochs": 1, "lr": 0.01, "rate_penalty": None, "loss": "rate"}
            | {"encoding": "rate", "validation": 0.1},
        }
        store.save("t", None, [("k", point, "failed", "no reason", {}, 1.0)])


def damaged(whole: bytes, kind: str, rng: np.random.Generator) -> bytes:
    """Return a damaged copy of a file: bytes changed, cut or repeated, or a field of its JSON replaced."""
    if rng.random() < 0.6:
        if kind.endswith("model.npz") or kind.endswith(".int.npz"):
            return _other_field(whole, rng)
        if kind.endswith(".sqlite"):
            return _other_cell(whole, rng)
        if kind.endswith(".nir"):
            return _other_array(whole, rng)
    content = bytearray(whole)
    way = rng.integers(4)
    if way == 0:
        return bytes(content[: rng.integers(len(content))])
    if way == 1:
        start, stop = sorted(rng.integers(0, len(content), 2))
        return bytes(content[:start] + content[stop:])
    for place in rng.integers(0, len(content) if way == 2 else min(len(content), 200), rng.integers(1, 6)):
        content[place] = rng.integers(256)
    return bytes(content)


def _other_field(whole, rng):
    with np.load(io.BytesIO(whole)) as stored:
        arrays = dict(stored)
    about = json.loads(str(arrays.pop("about")))
    if rng.random() < 0.2:
        name = list(arrays)[rng.integers(len(arrays))]
        arrays[name] = (arrays[name].astype(complex), arrays[name][..., :-1], arrays[name].astype(str))[rng.integers(3)]
    else:
        _replace(about, rng)
    file = io.BytesIO()
    (np.savez, np.savez_compressed)[rng.integers(2)](file, about=np.array(json.dumps(about)), **arrays)
    return file.getvalue()


def _replace(node, rng):
    """Replace or delete one field, at a random depth."""
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = keys[rng.integers(len(keys))]
        if not isinstance(node[key], (dict, list)) or rng.random() < 0.2:
            break
        node = node[key]
    if isinstance(node, dict) and rng.random() < 0.2:
        del node[key]
    else:
        node[key] = VALUES[rng.integers(len(VALUES))]


def _other_cell(whole, rng):
    """Return a study in which one table is gone, or one cell has another value."""
    db = sqlite3.connect(":memory:")
    content = bytearray(whole)
    content[18:20] = b"\x01\x01"  # not in WAL mode
    db.deserialize(bytes(content))
    cells = [("points", column) for column in ("point", "status", "reason", "result")]
    cells += [("times", "seconds"), ("notes", "value")]
    table, column = cells[rng.integers(len(cells))]
    if rng.random() < 0.2:
        db.execute("DROP VIEW results")
        db.execute(f"DROP TABLE {table}")
    else:
        value = VALUES[rng.integers(len(VALUES))]
        if isinstance(value, (list, dict, int)):
            value = json.dumps(value)
        db.execute(f"UPDATE OR IGNORE {table} SET {column} = ?", (b"\xff" if value is None else value,))
    db.commit()
    return db.serialize()


def _other_array(whole, rng):
    """Return a NIR file in which one array is gone, or has another value, shape or type."""
    file = io.BytesIO(whole)
    with h5py.File(file, "r+") as stored:
        names: list[str] = []
        stored.visititems(lambda name, member: names.append(name) if isinstance(member, h5py.Dataset) else None)
        name = names[rng.integers(len(names))]
        array = np.asarray(stored[name][()])
        array = array.astype("S") if array.dtype.kind == "O" else array
        del stored[name]
        values = [None, array[None], array.ravel()[:0], -array if array.dtype.kind == "f" else b"", *NUMBERS]
        value = values[rng.integers(len(values))]
        if value is not None:
            stored[name] = value
    return file.getvalue()


def run(
    folder: Path, rng: np.random.Generator, rounds: Callable[[], bool], without: tuple[str, ...] = ()
) -> list[Path]:
    """Damage and read files while `rounds` returns True; return the files on which a reader broke."""
    write_all(folder)
    wholes = {name: (folder / name).read_bytes() for name in READERS if name not in without}
    broken: list[Path] = []
    while rounds():
        for name in wholes:
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                path = Path(scratch) / name
                content = damaged(wholes[name], name, rng)
                path.write_bytes(content)
                try:
                    try:
                        READERS[name](path)
                    except InputError as error:
                        assert "\n" not in str(error) and "pickle" not in str(error), error
                except Exception:
                    traceback.print_exc()
                    broken.append(folder / f"broken{len(broken)}.{name}")
                    broken[-1].write_bytes(content)
    return broken


def main(seconds: float, seed: int = 0) -> int:
    """Run for some seconds and print what broke."""
    end = time.monotonic() + seconds
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    broken = run(folder, np.random.default_rng(seed), lambda: time.monotonic() < end)
    print(f"{len(broken)} files broke a reader; they are in {folder}" if broken else "no file broke a reader")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
