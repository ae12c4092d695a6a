"""Data sets: digits (shipped), SVHN, MNIST, Fashion-MNIST, and any .npz of your own.

Images keep their raw values and types; normalising is the encoder's business. Files are looked for in the
folder that you name, else in the cache folder, else they are downloaded there.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import download as downloads

NAMES = ("digits", "svhn", "mnist", "fashion-mnist")

# Official addresses, and the digests that their authors (SVHN) or torchvision publish.
_SVHN = (
    "http://ufldl.stanford.edu/housenumbers/",
    {"train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373", "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3"},
)
_MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
)
_FASHION = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)


@dataclass(frozen=True)
class Dataset:
    """Images and labels, in a training and a test part.

    Attributes
    ----------
    name : str
    x_train, x_test : ndarray of shape (n, H, W, C) or (n, N)
        Raw values: uint8, or float32.
    y_train, y_test : ndarray of int64, shape (n,)
        0 to classes - 1.
    classes : int
    max_value : float
        The largest value that a pixel can take.
    ordered : bool
        Neighbours belong together (a photograph, a writer): a validation part must be cut from the tail.

    Examples
    --------
    Arrays that are in memory already need no file:

    >>> rng = np.random.default_rng(0)
    >>> x = rng.integers(0, 256, (50, 6, 4, 3), np.uint8)
    >>> y = rng.integers(0, 2, 50)
    >>> data = Dataset("mine", x[:40], y[:40], x[40:], y[40:], classes=2, max_value=255.0, ordered=False)
    >>> data.input_shape  # what Network takes
    (6, 4, 3)
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    max_value: float
    ordered: bool

    @property
    def input_shape(self):
        """(H, W, C) or (N,)."""
        return self.x_train.shape[1:]


def load(name, data_dir=None, download=True, progress=False):
    """Load a data set.

    Parameters
    ----------
    name : str
        "digits", "svhn", "mnist", "fashion-mnist", or the path of a .npz file with X (n, H, W), (n, H, W, C) or
        (n, N), uint8 or float, y (n,), and X_test, y_test if there is a test part; without, the last fifth is it.
    data_dir : str or Path, optional
        Folder with the files of svhn, mnist or fashion-mnist under their official names; otherwise
        ``~/.cache/minisnn/<name>``.
    download : bool, default True
        Fetch what is missing in the cache folder.
    progress : bool, default False
        Show a bar while downloading.

    Returns
    -------
    data : Dataset

    Raises
    ------
    InputError
        If the name is unknown, or a file is missing, damaged or not what it should be.

    Examples
    --------
    >>> data = load("digits")
    >>> data.x_train.shape, data.x_test.shape, data.classes, data.max_value
    ((1438, 8, 8, 1), (359, 8, 8, 1), 10, 16.0)

    A file of your own without a test part gives its last fifth for that; maps of one channel get their axis:

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/mine.npz", X=np.zeros((10, 4, 4), np.uint8), y=np.arange(10) % 3)
    ...     data = load(f"{folder}/mine.npz")
    >>> data.name, data.x_train.shape, data.x_test.shape, data.classes, data.max_value
    ('mine', (8, 4, 4, 1), (2, 4, 4, 1), 3, 255.0)
    """
    own_file = str(name).endswith(".npz")
    if data_dir is not None and (own_file or name == "digits"):
        where = "a file is named by its whole path" if own_file else "digits come with the package"
        raise InputError(f"{name} takes no data folder, got {data_dir}: {where}; leave the folder out")
    if own_file:
        return _npz(Path(name))
    if name == "digits":
        return _digits()
    if name not in NAMES:
        raise InputError(f"unknown data set {name!r}: choose one of {', '.join(NAMES)}, or a file that ends in .npz")
    find = _Finder(name, data_dir, download, progress)
    if name == "svhn":
        return _svhn(find)
    return _mnist(name, find, _MNIST if name == "mnist" else _FASHION)


def load_for(model, path, name=None, data_dir=None, progress=False):
    """The data set `name`, or else the one that a model was trained on; see :func:`load`.

    Parameters
    ----------
    model : minisnn.model.Model or minisnn.fixed.model.IntegerModel
    path : str or Path
        Its file, for the message.
    name, data_dir, progress
        As of :func:`load`.

    Returns
    -------
    data : Dataset

    Raises
    ------
    InputError
        As :func:`load`, or if none is named and the model was trained on a file.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> load_for(SimpleNamespace(dataset="digits"), "model.npz").name
    'digits'
    >>> load_for(SimpleNamespace(dataset="mine"), "model.npz")
    Traceback (most recent call last):
    minisnn.errors.InputError: model.npz was trained on a file of your own, 'mine'; name one with --dataset
    """
    if name is None and model.dataset not in NAMES:
        raise InputError(f"{path} was trained on a file of your own, {model.dataset!r}; name one with --dataset")
    return load(name or model.dataset, data_dir, progress=progress)


class _Finder:
    """Finds a file in the folder that was named, or fetches it to the cache."""

    def __init__(self, name, data_dir, download, progress):
        self.folder = downloads.cache_folder(name) if data_dir is None else Path(data_dir)
        self.fetch = download and data_dir is None
        self.progress = progress
        if data_dir is not None and not self.folder.is_dir():
            raise InputError(f"the data folder {self.folder} is not there; name one that holds the files of {name}")

    def __call__(self, source, *names):
        """Path of the first of `names` that is there, else of the first one, downloaded."""
        for name in names:
            if (self.folder / name).is_file():
                return self.folder / name
        if not self.fetch:
            raise InputError(f"{self.folder / names[0]} is missing; get it from {source[0]}{names[0]}")
        downloads.fetch(source[0] + names[0], self.folder / names[0], source[1][names[0]], self.progress)
        return self.folder / names[0]


def _digits():
    import gzip

    with gzip.open(Path(__file__).parent / "digits.csv.gz") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    x, y = table[:, :64].reshape(-1, 8, 8, 1), table[:, 64].astype(np.int64)
    # The lines follow the 13 writers. Every fifth image is for the test, so that both parts know every hand, as in
    # the random splits that are usual for these data; on hands never seen (the last fifth) networks do worse.
    test = np.arange(len(x)) % 5 == 4
    return Dataset("digits", x[~test], y[~test], x[test], y[test], 10, 16.0, ordered=False)


def _svhn(find):
    parts = []
    for part in ("train", "test"):
        path = find(_SVHN, f"{part}_32x32.mat")
        x, y = _mat(path)
        if x.ndim != 4 or x.shape[:3] != (32, 32, 3) or x.dtype != np.uint8:
            raise InputError(
                f"{path}: X must be uint8 of shape (32, 32, 3, n), got {x.dtype} of shape {x.shape}; download it again"
            )
        x, y = np.ascontiguousarray(x.transpose(3, 0, 1, 2)), y.reshape(-1)
        _check_labels(path, x, y, 1, 10)
        parts += [x, y.astype(np.int64) % 10]  # label 10 is the digit 0
    return Dataset("svhn", *parts, 10, 255.0, ordered=True)  # consecutive crops come from one photograph


def _mat(path):
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=("X", "y"))
    except Exception as error:  # whatever scipy meets in a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} is not a whole MATLAB 5 file ({reason}); download it again") from error
    for key in ("X", "y"):
        if key not in content:
            raise InputError(f"{path} has no array {key}; the file must be one of SVHN's format 2")
    return content["X"], content["y"]


def _mnist(name, find, source):
    parts = []
    for part in ("train", "t10k"):
        images, labels = (
            find(source, f"{part}-{kind}-ubyte.gz", f"{part}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")
        )
        x, y = _idx(images, 3), _idx(labels, 1)
        if x.shape[1:] != (28, 28):
            raise InputError(f"{images}: images must be 28x28, got {x.shape[1]}x{x.shape[2]}; download it again")
        _check_labels(labels, x, y, 0, 9)
        parts += [x[..., None], y.astype(np.int64)]
    return Dataset(name, *parts, 10, 255.0, ordered=False)


def _idx(path, dimensions):
    """Read an IDX file of bytes: magic 0 0 8 d, d sizes of 4 bytes, big-endian, and the bytes."""
    import gzip
    import zlib

    try:
        content = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); download it again") from error
    head = 4 + 4 * dimensions
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) < head:
        raise InputError(
            f"{path} is not an IDX file of bytes with {dimensions} dimension{'s'[: dimensions - 1]}; download it again"
        )
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, offset=4))
    size = int(np.prod(shape, dtype=object))
    if len(content) != head + size or size == 0:
        raise InputError(f"{path} holds {len(content) - head} bytes where its head promises {size}; download it again")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def _npz(path):
    x, y, *test = _npz_arrays(path)
    if not test:
        cut = len(x) - max(len(x) // 5, 1)
        if cut < 1:
            raise InputError(f"{path}: one image cannot be cut into a training and a test part; give more")
        x, y, test = x[:cut], y[:cut], [x[cut:], y[cut:]]
    if test[0].shape[1:] != x.shape[1:]:
        raise InputError(
            f"{path}: images of X_test have shape {test[0].shape[1:]}, those of X {x.shape[1:]}; they must agree"
        )
    classes = int(max(y.max(), test[1].max())) + 1
    max_value = 255.0 if x.dtype == np.uint8 else float(np.abs(x).max()) or 1.0
    return Dataset(path.stem, x, y, *test, max(classes, 2), max_value, ordered=False)


def _npz_arrays(path):
    import zipfile
    import zlib

    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {key: content[key] for key in ("X", "y", "X_test", "y_test") if key in content}
    except FileNotFoundError:
        raise InputError(f"{path} is not there; name a .npz file with arrays X and y") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; name a .npz file with arrays X and y") from None
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path} is not a whole .npz file of plain numbers ({error}); write it with "
            "numpy.savez(file, X=images, y=labels)"
        ) from error
    result = []
    for end in ("", "_test"):
        if end and "X_test" not in arrays and "y_test" not in arrays:
            break
        for key in ("X" + end, "y" + end):
            if key not in arrays:
                raise InputError(f"{path} has no array {key}; write it with numpy.savez(file, X=images, y=labels)")
        result += [_npz_images(path, "X" + end, arrays["X" + end])]
        _check_labels(path, result[-1], arrays["y" + end], 0, None)
        result += [arrays["y" + end].astype(np.int64)]
    return result


def _npz_images(path, key, x):
    if x.ndim not in (2, 3, 4) or x.size == 0:
        raise InputError(f"{path}: {key} must have shape (n, H, W), (n, H, W, C) or (n, N), got {x.shape}")
    if x.dtype != np.uint8 and not np.issubdtype(x.dtype, np.floating):
        raise InputError(f"{path}: {key} must be uint8 or float, got {x.dtype}; convert it with astype")
    if x.dtype != np.uint8:
        x = x.astype(np.float32)
        if not np.isfinite(x).all():
            raise InputError(f"{path}: {key} has values that are not finite; remove or replace them")
    return np.ascontiguousarray(x[..., None] if x.ndim == 3 else x)


def _check_labels(path, x, y, least, most):
    """Labels must be whole numbers from `least` to `most` (no limit if None), one for each image."""
    if y.shape != (len(x),):
        raise InputError(f"{path}: labels of shape {y.shape} do not fit {len(x)} images; there must be one for each")
    whole = np.issubdtype(y.dtype, np.number) and np.isfinite(y).all() and (y == np.floor(y)).all()
    if not whole or y.min() < least or (most is not None and y.max() > most):
        raise InputError(
            f"{path}: labels must be whole numbers from {least}"
            + (f" to {most}" if most is not None else "")
            + (f", got {y.min():g} to {y.max():g}" if np.issubdtype(y.dtype, np.number) else f", got {y.dtype}")
        )
