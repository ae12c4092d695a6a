"""Damaged files of every kind: one sentence that names the file, and no more memory than the file is worth."""

import gzip
import io
import json
import os
import sqlite3
import tracemalloc
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import minisnn as ms
from minisnn import archive
from minisnn.archive import read_arrays
from minisnn.data import load as datasets
from minisnn.data.formats import read_idx
from minisnn.errors import InputError
from minisnn.fixed.model import load as load_integer
from minisnn.model import load as load_model
from minisnn.study import report
from minisnn.study.store import Store
from minisnn.timing.energy import load_constants
from minisnn.training.train import fine_tune
from tests.benchmarks import fuzz


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A folder with a sound file of each kind."""
    folder = tmp_path_factory.mktemp("sound")
    fuzz.write_all(folder)
    return folder


def _changed(path, target, **fields):
    """Write a copy of a model file with other fields; "encoder.mean" is a field of a field."""
    with np.load(path) as stored:
        arrays = dict(stored)
    about = json.loads(str(arrays.pop("about")))
    for name, value in fields.items():
        *outer, last = name.split("__")
        node = about
        for key in outer:
            node = node[int(key) if key.isdigit() else key]
        node[last] = value
    np.savez(target, about=np.array(json.dumps(about)), **arrays)
    return target


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"seed": -5}, "seed must be a whole number from 0, got -5"),
        ({"seed": 10**30}, "seed must be a whole number"),
        ({"network__input_shape": [float("inf")]}, "not a model file"),
        ({"network__topology": "1000000000-3"}, "needs shape"),
        ({"encoder__mean": ["x"]}, "mean must be a list of numbers"),
        ({"encoder__std": [1e308]}, "std must be a list of numbers of up to 1e[+]30"),
        ({"history__0__loss": None}, "loss in entry 1 of history must be a number, got None"),
        ({"history__0__epoch": "x"}, "epoch in entry 1 of history must be a number, got 'x'"),
    ],
)
def test_model(sound, tmp_path, fields, words):
    path = _changed(sound / "model.npz", tmp_path / "m.npz", **fields)
    with pytest.raises(InputError, match=words):
        load_model(path, backend="numpy")


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"classes": 3.0}, "classes must be a whole number from 1, got 3.0"),
        ({"classes": -3}, "classes must be a whole number from 1, got -3"),
        ({"seed": "x"}, "seed must be a whole number from 0, got 'x'"),
        ({"pixels": [0, 1, 5.5]}, "pixels must be"),
        ({"pixels": ["x", 1, 5]}, "pixels must be"),
        ({"layers__0__scale": "x"}, "layer 1: scale must be a number, got 'x'"),
        ({"layers__0__beta": True}, "must be whole numbers"),
        ({"source": []}, "source must be a dict"),
    ],
)
def test_integer_model(sound, tmp_path, fields, words):
    path = _changed(sound / "model.int.npz", tmp_path / "m.int.npz", **fields)
    with pytest.raises(InputError, match=words):
        load_integer(path)


def _npz(path, **members):
    """Write an archive whose members are given as bytes."""
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return path


def _member(array, **header):
    """Return the bytes of an array under a header that may lie."""
    file = io.BytesIO()
    true = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(file, true | header)
    return file.getvalue() + array.tobytes()


def test_data_headers(tmp_path):
    """Headers that promise too much, or cannot be read, and an encrypted archive."""
    y = _member(np.zeros(3, np.int64))
    image = np.zeros((3, 2, 2), np.uint8)
    path = _npz(tmp_path / "a.npz", X=_member(image, shape=(10**12, 8, 8)), y=y)
    with pytest.raises(InputError, match="a.npz is damaged: array X has 12 bytes, its header promises 64000000000000"):
        datasets.load(str(path))
    path = _npz(tmp_path / "b.npz", X=_member(image).replace(b"}", b" "), y=y)
    with pytest.raises(InputError, match="b.npz is damaged: array X cannot be read"):
        datasets.load(str(path))
    path = _npz(tmp_path / "c.npz", X=_member(image), y=y)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag of the central directory
    content[6] |= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="c.npz is encrypted"):
        datasets.load(str(path))


def test_corrupt_compression(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("X.npy", _member(np.arange(3000, dtype=np.int64)))
    content = bytearray(path.read_bytes())
    content[60:120] = bytes(60)
    path.write_bytes(content)
    with pytest.raises(InputError, match="a.npz is damaged: array X cannot be read"):
        datasets.load(str(path))


@pytest.mark.parametrize("start", [b"X,y\n1,2\n", b"\x89PNG\r\n\x1a\n" + bytes(20), b""])
def test_other_kinds_of_files_are_no_npz(tmp_path, start):
    path = tmp_path / "a.npz"
    path.write_bytes(start)
    for read in (datasets.load, load_model, load_integer):
        with pytest.raises(InputError, match="a.npz is not an .npz file") as raised:
            read(str(path))
        assert "pickle" not in str(raised.value)


def test_a_damaged_schema_is_told_in_one_line(sound, tmp_path):
    """SQLite quotes the definition of a view that it cannot read, over several lines."""
    damaged = (sound / "study.sqlite").read_bytes()
    assert damaged.count(b"'$.network.reset'") == 1
    path = tmp_path / "study.sqlite"
    path.write_bytes(damaged.replace(b"'$.network.reset'", b"''.network.reset'"))
    with pytest.raises(InputError, match="malformed database schema") as raised:
        report.gather(path)
    assert "\n" not in str(raised.value)


def test_a_study_without_its_points_is_not_continued(sound, tmp_path):
    path = tmp_path / "study.sqlite"
    path.write_bytes((sound / "study.sqlite").read_bytes())
    with closing(sqlite3.connect(path)) as study:
        study.executescript("DROP VIEW results; DROP TABLE points;")
    with Store(path) as store, pytest.raises(InputError, match="is damaged .no such table: points.; restore it"):
        store.status()


def test_damaged_settings_are_found_by_what_uses_them(sound, tmp_path):
    """Only fine-tuning reads a model's settings."""
    _changed(sound / "model.npz", tmp_path / "m.npz", settings={"epochs": "x", "lr": []})
    model = load_model(tmp_path / "m.npz")
    with pytest.raises(InputError, match="file is damaged: of its settings, .* must be .*; train it again"):
        fine_tune(model, datasets.load("digits"), 1)


def test_recordings_of_events_have_a_name_of_their_own(tmp_path):
    path = tmp_path / "events.npz"
    np.savez(path, X=np.zeros((10, 5, 8, 8, 2), np.uint8), y=np.arange(10))
    with pytest.raises(InputError, match=r"recordings of events .*; name the array events, or .*X.sum\(axis=1, dtype="):
        datasets.load(str(path))


def test_floats_and_integers_mixed_up(sound):
    with pytest.raises(InputError, match="holds floats; .* run `minisnn quantize .*model.npz` and use .*model.int.npz"):
        load_integer(sound / "model.npz")
    with pytest.raises(InputError, match="model.int.npz holds integers; this command needs floats"):
        load_model(sound / "model.int.npz")


def test_zeros_take_no_memory(tmp_path):
    """Files of compressed zeros are refused from their headers."""
    many = bytes(1 << 26)
    with gzip.open(tmp_path / "a.gz", "wb", 1) as file:
        file.write(many)
    with gzip.open(tmp_path / "b.gz", "wb", 1) as file:
        file.write(bytes([0, 0, 8, 3]) + b"\xff\xff\xff\xff" * 3 + many)
    with zipfile.ZipFile(tmp_path / "c.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        made.writestr("X.npy", _member(np.zeros((0,), np.uint8), shape=(1 << 26,)) + many)
    with zipfile.ZipFile(tmp_path / "d.npz", "w", zipfile.ZIP_LZMA) as made:
        made.writestr("X.npy", _member(np.zeros((0,), np.uint8), shape=(1 << 26,)) + many)
    tracemalloc.start()
    for name in ("a.gz", "b.gz"):
        with pytest.raises(InputError):
            read_idx(tmp_path / name, 3)
    with pytest.raises(InputError, match="X must have shape|has no array y"):
        datasets.load(str(tmp_path / "c.npz"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minisnn.archive.HARMLESS_BYTES", 1 << 20)
        patch.setattr("minisnn.archive._free_memory", lambda: 1 << 25)
        tracemalloc.reset_peak()
        with pytest.raises(InputError, match="array X takes 0.1 GB, and 0.0 GB of memory are free"):
            datasets.load(str(tmp_path / "c.npz"))
        patch.setattr("minisnn.archive._free_memory", lambda: 1 << 40)
        patch.setattr("minisnn.archive.MOST_COMPRESSION", 100)
        with pytest.raises(InputError, match="array X claims 0.1 GB, which so small a file cannot hold"):
            datasets.load(str(tmp_path / "c.npz"))
        with pytest.raises(InputError, match="array X is compressed by another method than NumPy's"):
            datasets.load(str(tmp_path / "d.npz"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 23


def test_sparse_events_shrink_a_hundredfold(tmp_path, monkeypatch):
    """Honest arrays of hardly any spikes are read, however well they were compressed."""
    monkeypatch.setattr("minisnn.archive.HARMLESS_BYTES", 1 << 20)
    path, spikes = tmp_path / "events.npz", np.zeros((64, 1 << 17), np.uint8)
    spikes[::7, ::40_009] = 1
    np.savez_compressed(path, spikes=spikes)
    assert spikes.nbytes > 400 * path.stat().st_size
    assert (read_arrays(path)["spikes"] == spikes).all()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    for read in (datasets.load, load_model):
        with pytest.raises(InputError, match="pipe.npz is no file; name a"):
            read(tmp_path / "pipe.npz")


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="Linux alone says how much memory is free")
def test_free_memory():
    assert 1 << 20 < archive._free_memory() < 1 << 45


def test_mnist_under_dotted_names(tmp_path):
    """The names of MNIST's files as archive tools and mirrors write them."""
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images.idx3-ubyte").write_bytes(bytes([0, 0, 8, 3]) + _sizes(2, 28, 28) + bytes(2 * 784))
        (tmp_path / f"{part}-labels.idx1-ubyte.gz").write_bytes(
            gzip.compress(bytes([0, 0, 8, 1]) + _sizes(2) + b"\3\4")
        )
    assert datasets.load("mnist", tmp_path).y_test.tolist() == [3, 4]


def _sizes(*lengths):
    return np.array(lengths, ">u4").tobytes()


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"best_accuracy": "x"}, "lacks the progress of the training, or it is damaged; delete it to start anew"),
        ({"history": [1]}, "entry 1 of history is not an epoch; delete it to start anew"),
        ({"format": 0}, "use the version of minisnn that wrote it, or delete it to start anew"),
    ],
)
def test_checkpoint(tmp_path, fields, words):
    """A damaged checkpoint is refused by the training that resumes from it."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", X=rng.integers(0, 17, (12, 4, 4), np.uint8), y=np.arange(12) % 3)
    data, path = datasets.load(tmp_path / "a.npz"), tmp_path / "m.checkpoint"

    def train(resume):
        net = ms.Network("4-3", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
        ms.fit(net, data, epochs=1, num_steps=2, batch_size=4, validation=0.3, checkpoint=path, resume=resume)

    train(False)
    _changed(path, tmp_path / "c.npz", **fields).replace(path)
    with pytest.raises(InputError, match=words):
        train(True)


def test_constants(tmp_path):
    for text, words in (("1" + "0" * 400, "got 1000"), ("1e400", "got inf"), ("NaN", "got nan"), ('"x"', "got 'x'")):
        (tmp_path / "c.json").write_text(f'{{"static": {text}}}')
        with pytest.raises(InputError, match=f"static must be a number of W, 0 or more, {words}"):
            load_constants(tmp_path / "c.json")
    np.savez(tmp_path / "c.npz", w=np.arange(256, dtype=np.uint8))
    with pytest.raises(InputError, match="c.npz is not a text file; give a JSON file such as"):
        load_constants(tmp_path / "c.npz")


@pytest.mark.parametrize("seed", range(3))
def test_damaged_at_random(tmp_path, seed):
    """A short run of the fuzzer; python -m tests.benchmarks.fuzz makes long ones."""
    rounds = iter(range(25))
    slow = ("network.nir",)  # read in processes of their own; tests/interop/test_nir_refused.py reads some
    broken = fuzz.run(tmp_path, np.random.default_rng(seed), lambda: next(rounds, None) is not None, slow)
    assert not broken


def test_a_sound_study_is_read(sound):
    assert report.gather(sound / "study.sqlite")["about"]["points"] == 1
