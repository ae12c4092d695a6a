"""Load a data set by its name, or from a custom .npz file.

Images keep their raw values and types; the encoder normalises them. Files are taken from the given folder, else from
the cache folder, else they are downloaded to it.
"""

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import check
from ..errors import InputError
from . import nmnist
from .dataset import Dataset
from .formats import check_labels, read_idx, read_mat, read_npz
from .moving import moving
from .sources import SOURCES, Files

BINNED = ("moving-digits", "n-mnist")  # recordings of events, binned into any number of steps
SHIPPED = ("digits", "moving-digits")
GREY = "svhn-grey"  # made of the files of svhn
NAMES = ("digits", *SOURCES, GREY, *BINNED)


def load(
    name: str | Path,
    data_dir: str | Path | None = None,
    download: bool = True,
    progress: bool = False,
    num_steps: int | None = None,
) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    name : str or Path
        "digits", "svhn", "svhn-grey" (its luma), "mnist", "fashion-mnist", the recordings "moving-digits" or "n-mnist",
        or the path of a .npz file with X (n, H, W), (n, H, W, C) or (n, N), uint8 or float, and y (n,); X_test and
        y_test are the test part, or else the last fifth of X and y. A file of recordings has `events` and
        `events_test`, uint8 of shape (n, T, H, W, C) or (n, T, N), in place of X and X_test.
    data_dir : str or Path, optional
        Folder with the files of svhn (also for svhn-grey), mnist or fashion-mnist under their official names, by
        default ``~/.cache/minisnn/<name>``; for n-mnist the folder with Train and Test, which is not downloaded.
    download : bool, default True
        Fetch files that are missing in the cache folder.
    progress : bool, default False
        Show a bar while downloading, or reading n-mnist.
    num_steps : int, optional
        Steps into which the events of moving-digits (by default 12) or n-mnist (10) are binned; other data have none.

    Returns
    -------
    data : Dataset

    Raises
    ------
    InputError
        If the name is unknown, or a file is missing, damaged or of another format.

    Examples
    --------
    >>> data = load("digits")
    >>> data.x_train.shape, data.x_test.shape, data.classes, data.max_value
    ((1438, 8, 8, 1), (359, 8, 8, 1), 10, 16.0)
    >>> load("moving-digits").x_train.shape  # two recordings of each digit, of 12 steps, events off and on
    (2876, 12, 16, 16, 2)
    """
    is_file = str(name).endswith(".npz")
    if data_dir is not None and (is_file or name in SHIPPED):
        reason = "a file is named by its whole path" if is_file else "digits come with the package"
        raise InputError(f"{name} takes no data folder, got {data_dir}: {reason}; leave the folder out")
    if num_steps is not None and name not in BINNED:
        raise InputError(
            f"num_steps is for the events of {' and '.join(BINNED)}, and {name} is not binned; leave it out"
        )
    if is_file:
        return _custom(Path(name))
    if name == "digits":
        return _digits()
    if name == "moving-digits":
        return moving(_digits(), num_steps)
    if name == "n-mnist":
        if data_dir is None:
            raise InputError("n-mnist is not downloaded; name the folder with its Train and Test (--data)")
        return nmnist.load(data_dir, num_steps, progress)
    if name not in NAMES:
        raise InputError(f"unknown data set {name!r}: choose one of {', '.join(NAMES)}, or a file that ends in .npz")
    files = "svhn" if name == GREY else str(name)
    return _READERS[str(name)](str(name), Files(files, data_dir, download, progress))


def load_for(
    model: Any,
    path: str | Path,
    name: str | Path | None = None,
    data_dir: str | Path | None = None,
    progress: bool = False,
) -> Dataset:
    """Load the data set `name`, or by default the one that the model in file `path` was trained on.

    Raise InputError if the test images or their labels do not fit the model: its shape, scale or classes.
    """
    if name is None and not model.dataset:
        raise InputError(f"{path} does not say on which data it was trained; name a data set with --dataset")
    if name is None and model.dataset not in NAMES:
        raise InputError(f"{path} was trained on a custom file, {model.dataset!r}; name the file with --dataset")
    name = name or model.dataset
    steps = model.encoder.num_steps if name in BINNED and model.encoder.recorded_steps else None
    data = load(name, data_dir, progress=progress, num_steps=steps)
    try:
        check.images_for(model, data.x_test, data.y_test)
    except InputError as error:
        raise InputError(f"{name} does not fit {path}: {error}") from None
    return data


def _digits():
    with gzip.open(Path(__file__).parent / "digits.csv.gz") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    x, y = table[:, :64].reshape(-1, 8, 8, 1), table[:, 64].astype(np.int64)
    # The lines follow the 13 writers. Every fifth image is a test image, so that both parts contain every hand, as in
    # the random splits that are usual for these data; on unseen hands (the last fifth) networks do worse.
    test = np.arange(len(x)) % 5 == 4
    return Dataset("digits", x[~test], y[~test], x[test], y[test], classes=10, max_value=16.0, ordered=False)


def _svhn(name, files):
    train, test = (_svhn_part(files.find(f"{part}_32x32.mat")) for part in ("train", "test"))
    # Consecutive crops come from one photograph.
    return Dataset(name, *train, *test, classes=10, max_value=255.0, ordered=True)


def _svhn_grey(name, files):
    colour = _svhn(name, files)
    return replace(colour, x_train=_grey(colour.x_train), x_test=_grey(colour.x_test))


def _grey(x):
    """Return the luma of colour images (ITU-R BT.601, in 256ths), (n, H, W, 1)."""
    red, green, blue = (x[..., channel].astype(np.uint16) for channel in range(3))
    return ((77 * red + 150 * green + 29 * blue + 128) >> 8).astype(np.uint8)[..., None]


def _svhn_part(path):
    x, y = read_mat(path)
    if x.ndim != 4 or x.shape[:3] != (32, 32, 3) or x.dtype != np.uint8:
        raise InputError(
            f"{path}: X must be uint8 of shape (32, 32, 3, n), got {x.dtype} of shape {x.shape}; download it again"
        )
    x, y = np.ascontiguousarray(x.transpose(3, 0, 1, 2)), y.reshape(-1)
    check_labels(path, y, len(x), least=1, most=10)
    return x, y.astype(np.int64) % 10  # label 10 is the digit 0


def _mnist(name, files):
    train, test = (_mnist_part(files, part) for part in ("train", "t10k"))
    return Dataset(name, *train, *test, classes=10, max_value=255.0, ordered=False)


def _mnist_part(files, part):
    images, labels = (
        files.find(*(f"{part}-{kind}{mark}{number}-ubyte{end}" for mark in "-." for end in (".gz", "")))
        for kind, number in (("images", "idx3"), ("labels", "idx1"))
    )
    x, y = read_idx(images, 3), read_idx(labels, 1)
    if x.shape[1:] != (28, 28):
        raise InputError(f"{images}: images must be 28x28, got {x.shape[1]}x{x.shape[2]}; download it again")
    check_labels(labels, y, len(x), least=0, most=9)
    return x[..., None], y.astype(np.int64)


_READERS = {"svhn": _svhn, GREY: _svhn_grey, "mnist": _mnist, "fashion-mnist": _mnist}


def _count_classes(path, y):
    """Return the number of classes, 0 to the largest label; most of them must occur."""
    present = np.unique(y)
    if present[0] > 0 and len(present) == present[-1] - present[0] + 1:
        raise InputError(
            f"{path}: labels are {present[0]} to {present[-1]}, but they count from 0; subtract {present[0]}"
        )
    if present[-1] >= 2 * len(present):
        raise InputError(
            f"{path}: labels go up to {present[-1]}, but only {len(present)} of them occur; leave out images without a "
            "class, and number the classes from 0"
        )
    return int(present[-1]) + 1


def _custom(path):
    """Data set of a .npz file; without a test part, the last fifth is cut off for it."""
    arrays = read_npz(path)
    key = "events" if "events" in arrays else "X"
    x, y = arrays[key], arrays["y"]
    if f"{key}_test" in arrays:
        x_test, y_test = arrays[f"{key}_test"], arrays["y_test"]
    else:
        first = len(x) - max(len(x) // 5, 1)
        if first < 1:
            raise InputError(f"{path}: one image cannot be cut into a training and a test part; give more")
        x, y, x_test, y_test = x[:first], y[:first], x[first:], y[first:]
    if x_test.shape[1:] != x.shape[1:]:
        raise InputError(
            f"{path}: images of {key}_test have shape {x_test.shape[1:]}, those of {key} {x.shape[1:]}; they must agree"
        )
    classes = _count_classes(path, np.concatenate([y, y_test]))
    if key == "events" and not x.any():
        raise InputError(f"{path}: events holds no event, all counts are 0; write the recordings again")
    steps = x.shape[1] if key == "events" else None
    return Dataset(path.stem, x, y, x_test, y_test, classes, num_steps=steps, cut=f"{key}_test" not in arrays)
