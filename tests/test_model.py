"""Model files: they give back what was saved, and say in one sentence why they cannot."""

import json
import zipfile

import numpy as np
import pytest

from minisnn import model as models
from minisnn.encode import Encoder
from minisnn.errors import InputError
from minisnn.model import Model, load
from minisnn.network import Network

HISTORY = [
    {
        "epoch": 1,
        "lr": 0.1,
        "loss": 2.0,
        "train_accuracy": 0.5,
        "validation_accuracy": None,
        "firing_rates": [0.1, 0.2, 0.3],
        "seconds": 1.25,
    }
]


def make(**options):
    options = {
        "beta": [0.5, 0.75, 0.9],
        "threshold": [1.0, 0.5, 2.0],
        "reset": "zero",
        "classes": 5,
        "padding": 1,
        "surrogate": "atan:2",
        "detach_reset": False,
        "backend": "numpy",
        **options,
    }
    net = Network("4C3-MP2-12-10", (6, 6, 2), rng=np.random.default_rng(3), **options)
    encoder = Encoder("direct", 7, 255.0, (10.0, 0.1), (3.0, 1 / 3))
    net.pad_value = encoder.pad_value
    return Model(net, encoder, 42, "digits", {"epochs": 1, "clip": None}, [dict(HISTORY[0])])


@pytest.fixture
def path(tmp_path):
    make().save(tmp_path / "m.npz")
    return tmp_path / "m.npz"


def test_a_run_of_raw_images_keeps_every_layer():
    model = make(backend="numba")
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 2), np.uint8)
    run = model.run(images)
    expected = model.network.forward(model.encoder.encode(images), 7, record=True)
    assert all(np.array_equal(a.mem, b.mem) for a, b in zip(run.layers, expected.layers)) and run.num_steps == 7
    with pytest.raises(InputError, match="record=True"):
        model.run(images, record=False).layers
    with pytest.raises(InputError, match="images must have shape"):
        model.run(images[:, 1:])


def test_what_a_model_prints():
    model = make()
    assert repr(model) == "Model(4C3-MP2-12-10 on digits, direct, T = 7, 1 epoch)"
    model.history = [HISTORY[0] | {"validation_accuracy": accuracy} for accuracy in (0.5, 0.75, 0.6)]
    assert repr(model) == "Model(4C3-MP2-12-10 on digits, direct, T = 7, 3 epochs, validation accuracy 75.00 %)"
    assert (
        repr(Model(model.network, model.encoder)) == "Model(4C3-MP2-12-10 on no data set, direct, T = 7, not trained)"
    )
    assert str(model).startswith(str(model.network)) and "encoding   direct, 7 steps, pixels up to 255" in str(model)


def changed(path, arrays=None, drop=(), **about):
    """The model file with some arrays and fields replaced; a field set to ... is left out."""
    with np.load(path) as content:
        all_arrays = dict(content)
    text = json.loads(str(all_arrays.pop("about"))) | about
    text = {name: value for name, value in text.items() if value is not ...}
    all_arrays = {name: a for name, a in (all_arrays | (arrays or {})).items() if name not in drop}
    np.savez(path, about=np.array(json.dumps(text)), **all_arrays)


@pytest.mark.parametrize("options", [{}, {"dtype": "float64"}, {"readout": "membrane"}])
def test_round_trip(tmp_path, options):
    model = make(**options)
    model.save(tmp_path / "m.npz")
    again = load(tmp_path / "m.npz", backend="numpy")
    assert again.network.config() == model.network.config()
    for a, b in zip(again.network.params, model.network.params):
        assert (a == b).all() and a.dtype == b.dtype
    assert again.encoder == model.encoder
    assert (again.seed, again.dataset, again.settings, again.versions) == (
        42,
        "digits",
        model.settings,
        models.versions(),
    )
    x = np.random.default_rng(0).integers(0, 255, (3, 6, 6, 2), dtype=np.uint8)
    one, two = (m.network.forward(m.encoder.encode(x, dtype=m.network.dtype), 7) for m in (model, again))
    assert (one.mem == two.mem).all()


def test_the_same_training_gives_the_same_bytes_however_long_it_took(tmp_path):
    one, two = make(), make(threads=2)
    two.history[0]["seconds"] = 99.0
    one.save(tmp_path / "1.npz"), two.save(tmp_path / "2.npz")
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    kept = load(tmp_path / "1.npz").history
    assert kept == [{name: value for name, value in HISTORY[0].items() if name != "seconds"}]


def test_nothing_in_it_is_pickled(path):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                version = np.lib.format.read_magic(file)
                assert version == (1, 0)
                assert not np.lib.format.read_array_header_1_0(file)[2].hasobject


@pytest.mark.parametrize(
    "change, words",
    [
        ({"format": 99}, "has format version 99, this minisnn"),
        ({"kind": "checkpoint"}, "is a checkpoint file, not a model file"),
        ({"kind": ...}, "not a model file of minisnn"),
        ({"network": ...}, "cannot be built"),
        ({"network": {"topology": "4C3-10"}}, "cannot be built"),
        ({"network": 5}, "cannot be built"),
        ({"encoder": {"kind": "morse", "num_steps": 3, "mean": [0], "std": [1]}}, "unknown encoding 'morse'"),
        ({"encoder": Encoder("direct", 7).config()}, "encoding is for 1 channels, the network takes 2"),
        ({"history": 5}, "field history must be a list, got 5"),
        ({"history": [{"epoch": 1}]}, "loss in entry 1 of history must be a number, got None"),
        ({"seed": "x"}, "field seed must be a int, got 'x'"),
        ({"versions": ...}, "field versions"),
        ({"drop": ["2.w"]}, "lacks the array 2.w"),
        ({"arrays": {"2.w": np.zeros((3, 3), np.float32)}}, r"array 2.w is float32 of shape \(3, 3\)"),
        ({"arrays": {"2.w": np.zeros((36, 12))}}, "array 2.w is float64 of shape"),
        ({"arrays": {"3.b": np.full(10, np.nan, np.float32)}}, "array 3.b has values that are not finite"),
        ({"arrays": {"3.b": np.array([None] * 10)}}, "holds Python objects"),
    ],
)
def test_wrong_content_is_named_in_one_sentence(path, change, words):
    changed(path, **change)
    with pytest.raises(InputError, match=words) as error:
        load(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_files_that_are_something_else(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.savez(tmp_path / "list.npz", about=np.array("[1, 2]"))
    for name, words in (
        ("other.npz", "not a model file"),
        ("array.npy", "not an .npz file but a single array"),
        ("list.npz", "not a model file"),
        ("text.npz", "not an .npz file"),
        ("empty.npz", "not an .npz file"),
        ("none.npz", "does not exist"),
        ("", "is a folder"),
    ):
        with pytest.raises(InputError, match=words):
            load(tmp_path / name)


def test_a_file_cut_off_or_altered_anywhere_never_loads_as_another(path):
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    params = [p.tobytes() for p in load(path, backend="numpy").network.params]
    refused = 0
    cuts = [whole[:n] for n in rng.integers(0, len(whole), 100)]
    flips = []
    for place in rng.integers(0, len(whole), 200):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << rng.integers(8)
        flips.append(bytes(flipped))
    for content in cuts + flips:
        path.write_bytes(content)
        try:
            assert [p.tobytes() for p in load(path, backend="numpy").network.params] == params
        except InputError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 200  # the others fell on bytes of the archive that say nothing, such as a date


def test_a_failed_write_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def fails(file, **arrays):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(models.np, "savez", fails)
    with pytest.raises(OSError):
        make().save(path)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_a_curve_of_ones_own_cannot_be_stored(tmp_path):
    from minisnn.surrogate import Surrogate

    own = Surrogate("mine", 1.0, functions=(np.tanh, np.cos))
    with pytest.raises(InputError, match="mine"):
        make(surrogate=own).save(tmp_path / "m.npz")
