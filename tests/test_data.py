"""Data sets: readers against files written byte by byte here, and one sentence for each damaged file."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from minisnn.data import load as data
from minisnn.errors import InputError

REAL = os.environ.get("MINISNN_TEST_DATA")  # a folder with svhn10k/ and mnist/, if there is one


def idx(array):
    """An IDX file of bytes, by its definition."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()


def mnist_files(folder, compress):
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 12), ("t10k", 5)):
        arrays[part] = (
            rng.integers(0, 256, (count, 28, 28)).astype(np.uint8),
            rng.integers(0, 10, count).astype(np.uint8),
        )
        for kind, array in zip(("images-idx3", "labels-idx1"), arrays[part]):
            name = f"{part}-{kind}-ubyte" + (".gz" if compress else "")
            (folder / name).write_bytes(gzip.compress(idx(array)) if compress else idx(array))
    return arrays


def svhn_files(folder):
    from scipy.io import savemat

    rng = np.random.default_rng(1)
    arrays = {}
    for part, count in (("train", 11), ("test", 6)):
        arrays[part] = rng.integers(0, 256, (32, 32, 3, count)).astype(np.uint8), np.arange(count)[:, None] % 10 + 1
        savemat(folder / f"{part}_32x32.mat", dict(zip("Xy", arrays[part])))
    return arrays


def test_digits_are_the_1797_of_the_repository():
    digits = data.load("digits")
    assert len(digits.x_train) + len(digits.x_test) == 1797
    assert digits.x_train.max() == 16 and digits.x_train.dtype == np.uint8
    np.testing.assert_array_equal(
        np.bincount(np.concatenate([digits.y_train, digits.y_test])), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    )  # as UCI states them
    first = ["  5D91  ", "  DFAF5 ", " 3F2 B8 ", " 4C  88 ", " 58  98 ", " 4B 1C7 ", " 2E5AC  ", "  6DA   "]
    expected = [[0 if c == " " else int(c, 17) for c in row] for row in first]
    np.testing.assert_array_equal(digits.x_train[0, :, :, 0], expected)
    train, test = ({image.tobytes() for image in part} for part in (digits.x_train, digits.x_test))
    assert not train & test


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_idx_files(tmp_path, name, compress):
    arrays = mnist_files(tmp_path, compress)
    loaded = data.load(name, tmp_path)
    np.testing.assert_array_equal(loaded.x_train[..., 0], arrays["train"][0])
    np.testing.assert_array_equal(loaded.x_test[..., 0], arrays["t10k"][0])
    np.testing.assert_array_equal(loaded.y_test, arrays["t10k"][1])
    assert (loaded.input_shape, loaded.classes, loaded.max_value, loaded.ordered) == ((28, 28, 1), 10, 255.0, False)


def test_svhn_files(tmp_path):
    arrays = svhn_files(tmp_path)
    loaded = data.load("svhn", tmp_path)
    for i in range(11):
        np.testing.assert_array_equal(loaded.x_train[i], arrays["train"][0][:, :, :, i])
    np.testing.assert_array_equal(loaded.y_train, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])  # label 10 is the digit 0
    assert loaded.ordered and loaded.x_train.flags.c_contiguous


def test_grey_svhn_is_the_luma_of_its_colours(tmp_path):
    svhn_files(tmp_path)
    colour, grey = data.load("svhn", tmp_path), data.load("svhn-grey", tmp_path)
    assert (grey.name, grey.input_shape, grey.ordered) == ("svhn-grey", (32, 32, 1), True)
    luma = colour.x_train @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    assert np.abs(grey.x_train[..., 0] - luma).max() <= 1.5
    np.testing.assert_array_equal(grey.y_train, colour.y_train)
    assert data.load("svhn-grey", tmp_path).x_test.dtype == np.uint8


def test_custom_npz(tmp_path):
    x = np.random.default_rng(2).random((20, 6, 5))
    np.savez(tmp_path / "own.npz", X=x, y=np.arange(20) % 3)
    loaded = data.load(tmp_path / "own.npz")
    assert loaded.x_train.shape == (16, 6, 5, 1) and loaded.x_test.shape == (4, 6, 5, 1)  # the last fifth
    assert (loaded.name, loaded.classes) == ("own", 3) and loaded.x_train.dtype == np.float32
    flat = x.reshape(20, 30)
    np.savez(tmp_path / "parts.npz", X=flat, y=np.arange(20.0) % 3, X_test=flat[:2], y_test=[0, 4])
    parts = data.load(tmp_path / "parts.npz")
    assert parts.input_shape == (30,) and parts.classes == 5 and len(parts.x_test) == 2


@pytest.mark.skipif(REAL is None, reason="MINISNN_TEST_DATA names no folder with real data")
def test_real_data():
    svhn = data.load("svhn", Path(REAL) / "svhn10k")
    assert (len(svhn.x_train), len(svhn.x_test)) == (8001, 1999)
    mnist = data.load("mnist", Path(REAL) / "mnist")
    assert (len(mnist.x_train), len(mnist.x_test)) == (60_000, 10_000)
    np.testing.assert_array_equal(mnist.y_train[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])


def _cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def _empty(path):
    path.write_bytes(b"")


def _idx(array):
    return lambda path: path.write_bytes(gzip.compress(idx(array)))


def _mat(**arrays):
    def write(path):
        from scipy.io import savemat

        savemat(path, arrays)

    return write


def _npz(**arrays):
    return lambda path: np.savez(path, **arrays)


IMAGES, LABELS = np.zeros((10, 4, 4), np.uint8), np.arange(10)
SVHN = np.zeros((32, 32, 3, 4), np.uint8)
# (data set, damaged file, damage, words of the message besides the file's name)
DAMAGED = [
    ("mnist", "train-images-idx3-ubyte.gz", Path.unlink, "is missing"),
    ("mnist", "train-images-idx3-ubyte.gz", _cut, "cannot be read"),
    ("mnist", "t10k-labels-idx1-ubyte.gz", _empty, "not an IDX file"),
    ("mnist", "train-images-idx3-ubyte.gz", lambda p: p.write_bytes(b"plain"), "cannot be read"),
    ("mnist", "train-images-idx3-ubyte.gz", lambda p: p.write_bytes(gzip.compress(b"\0\0\x0d\3")), "not an IDX file"),
    ("mnist", "train-images-idx3-ubyte.gz", _idx(np.zeros(5, np.uint8)), "not an IDX file"),
    ("mnist", "t10k-images-idx3-ubyte.gz", _idx(np.zeros((5, 8, 8), np.uint8)), "must be 28x28"),
    (
        "mnist",
        "t10k-images-idx3-ubyte.gz",
        lambda p: p.write_bytes(gzip.compress(gzip.decompress(p.read_bytes())[:-1])),
        "promises 3920",
    ),
    ("mnist", "t10k-labels-idx1-ubyte.gz", _idx(np.full(5, 10, np.uint8)), "from 0 to 9"),
    ("mnist", "t10k-labels-idx1-ubyte.gz", _idx(np.zeros(4, np.uint8)), "do not fit 5 images"),
    ("svhn", "test_32x32.mat", Path.unlink, "is missing"),
    ("svhn", "test_32x32.mat", lambda p: p.write_bytes(p.read_bytes()[:3000]), "not a complete MATLAB 5 file"),
    ("svhn", "test_32x32.mat", _empty, "not a complete MATLAB 5 file"),
    ("svhn", "test_32x32.mat", _mat(X=SVHN), "no array y"),
    ("svhn", "test_32x32.mat", _mat(X=SVHN.astype(float), y=np.ones((4, 1))), "must be uint8"),
    ("svhn", "test_32x32.mat", _mat(X=SVHN[:16], y=np.ones((4, 1))), "(32, 32, 3, n)"),
    ("svhn", "test_32x32.mat", _mat(X=SVHN, y=np.zeros((4, 1))), "from 1 to 10"),
    ("svhn", "test_32x32.mat", _mat(X=SVHN, y=np.ones((3, 1))), "do not fit 4 images"),
    ("own.npz", "own.npz", Path.unlink, "does not exist"),
    ("own.npz", "own.npz", _cut, "own.npz is damaged or cut off"),
    ("own.npz", "own.npz", _empty, "own.npz is not an .npz file"),
    ("own.npz", "own.npz", _npz(X=IMAGES), "no array y, its arrays are: 'X'; write it with"),
    ("own.npz", "own.npz", _npz(x=IMAGES, labels=LABELS), "no array X, its arrays are: 'x', 'labels'; write it with"),
    ("own.npz", "own.npz", _npz(), "no array X, its arrays are: none at all; write it with"),
    ("own.npz", "own.npz", _npz(X=IMAGES, y=np.eye(10)), "there must be one for each; use y.argmax(axis=1)"),
    ("own.npz", "own.npz", _npz(X=IMAGES, y=LABELS, X_test=IMAGES), "no array y_test"),
    ("own.npz", "own.npz", _npz(X=np.array([{}]), y=LABELS), "plain numbers"),
    ("own.npz", "own.npz", _npz(X=IMAGES.astype(complex), y=LABELS), "uint8 or float"),
    ("own.npz", "own.npz", _npz(X=IMAGES[0, 0], y=LABELS[:4]), "must have shape"),
    ("own.npz", "own.npz", _npz(X=IMAGES[:0], y=LABELS[:0]), "must have shape"),
    ("own.npz", "own.npz", _npz(X=np.full((10, 4), np.inf), y=LABELS), "not finite"),
    ("own.npz", "own.npz", _npz(X=IMAGES, y=LABELS - 1), "whole numbers from 0"),
    ("own.npz", "own.npz", _npz(X=IMAGES, y=LABELS / 3), "whole numbers from 0"),
    ("own.npz", "own.npz", _npz(X=IMAGES, y=np.array(list("abcdefghij"))), "got text such as a; number them with"),
    ("own.npz", "own.npz", _npz(X=IMAGES, y=LABELS[:, None]), "do not fit"),
    ("own.npz", "own.npz", _npz(X=IMAGES[:1], y=LABELS[:1]), "cannot be cut"),
    ("own.npz", "own.npz", _npz(X=IMAGES, y=LABELS, X_test=IMAGES[:, :2], y_test=LABELS), "must agree"),
]


@pytest.mark.parametrize("name, file, damage, words", DAMAGED)
def test_damaged_files(tmp_path, name, file, damage, words):
    mnist_files(tmp_path, compress=True)
    svhn_files(tmp_path)
    np.savez(tmp_path / "own.npz", X=IMAGES, y=LABELS)
    source = [tmp_path / name] if name.endswith(".npz") else [name, tmp_path]
    data.load(*source)  # complete before the damage
    damage(tmp_path / file)
    with pytest.raises(InputError) as error:
        data.load(*source)
    sentence = str(error.value)
    assert file in sentence and words in sentence and "\n" not in sentence


def test_unknown_names(tmp_path):
    for arguments in (("cifar",), ("mnist", tmp_path / "nowhere"), ("digits.csv",), (tmp_path.with_suffix(".npz"),)):
        with pytest.raises(InputError):
            data.load(*arguments)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        data.load(tmp_path / "folder.npz")
