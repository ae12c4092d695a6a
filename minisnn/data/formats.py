"""Readers of file formats: IDX (MNIST), MATLAB 5 (SVHN) and .npz; each checks what it reads, in one sentence."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from ..archive import array_names, read_arrays
from ..errors import InputError

MOST_LABEL = 2**31
MOST_EXPANSION = 1032  # of a byte by gzip
NAMED = 8  # arrays of a wrong file that its sentence names, at most
HOW_TO_WRITE = "write it with numpy.savez(file, X=images, y=labels), of recordings with events= in place of X="


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Read an IDX file of bytes: magic 0 0 8 d, d sizes of 4 bytes each, big-endian, then the bytes themselves."""
    head = 4 + 4 * dimensions
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as file:
            start = file.read(head)
            if start[:4] != bytes([0, 0, 8, dimensions]) or len(start) < head:
                plural = "s" if dimensions > 1 else ""
                raise InputError(
                    f"{path} is not an IDX file of bytes with {dimensions} dimension{plural}; download it again"
                )
            shape = tuple(int(n) for n in np.frombuffer(start, ">u4", dimensions, offset=4))
            size = int(np.prod(shape, dtype=object))
            if size > MOST_EXPANSION * path.stat().st_size:
                raise InputError(f"{path} is too short for the {size} bytes that its head promises; download it again")
            content = file.read(size + 1)  # one more byte, to notice that the file does not end there
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); download it again") from error
    if len(content) != size or size == 0:
        held = f"more than {size}" if len(content) > size else len(content)
        raise InputError(f"{path} holds {held} bytes, but its head promises {size}; download it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def read_mat(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read arrays X and y from a MATLAB 5 file."""
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=("X", "y"))
    except Exception as error:  # SciPy raises many types on a damaged file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} is not a complete MATLAB 5 file ({reason}); download it again") from error
    for key in ("X", "y"):
        if key not in content:
            raise InputError(f"{path} has no array {key}; the file must be one of SVHN's format 2")
    return content["X"], content["y"]


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read images X and labels y of a custom .npz file, and X_test and y_test if present, checked.

    Images are returned as uint8 or float32 of shape (n, H, W, C) or (n, N), labels as int64. Recordings are in `events`
    and `events_test` in place of X and X_test, uint8 of shape (n, T, H, W, C) or (n, T, N).
    """
    arrays = _npz_arrays(path)
    x = "events" if "events" in arrays else "X"
    if x == "events" and "X" in arrays:
        raise InputError(f"{path} has images X and recordings events; leave one of them out")
    suffixes = ("", "_test") if f"{x}_test" in arrays or "y_test" in arrays else ("",)
    result = {}
    for suffix in suffixes:
        images, labels = f"{x}{suffix}", f"y{suffix}"
        for key in (images, labels):
            if key not in arrays:
                others = ", ".join(map(repr, array_names(path)[:NAMED])) or "none at all"
                raise InputError(f"{path} has no array {key}, its arrays are: {others}; {HOW_TO_WRITE}")
        result[images] = (_npz_events if x == "events" else _npz_images)(path, images, arrays[images])
        check_labels(path, arrays[labels], len(result[images]), least=0)
        result[labels] = arrays[labels].astype(np.int64)
    return result


def _npz_arrays(path):
    """Arrays of a .npz file under the four known names."""
    if not path.exists():
        raise InputError(f"{path} does not exist; name a .npz file with arrays X and y")
    if not path.is_file():
        raise InputError(
            f"{path} is {'a folder' if path.is_dir() else 'no file'}; name a .npz file with arrays X and y"
        )
    try:
        return read_arrays(path, ("X", "y", "X_test", "y_test", "events", "events_test"))
    except InputError as error:
        raise InputError(f"{error}; {HOW_TO_WRITE}") from error


def _npz_images(path, key, x):
    """Images of a .npz file, checked; maps without channels get an axis for their only one."""
    if x.ndim == 5:
        raise InputError(
            f"{path}: {key} has shape {x.shape}, as recordings of events have, (n, T, H, W, C); name the array "
            f"{key.replace('X', 'events')}, or add up their steps: {key}.sum(axis=1, dtype='float32')"
        )
    if x.ndim not in (2, 3, 4) or x.size == 0:
        raise InputError(f"{path}: {key} must have shape (n, H, W), (n, H, W, C) or (n, N), got {x.shape}")
    if x.dtype != np.uint8 and not np.issubdtype(x.dtype, np.floating):
        raise InputError(f"{path}: {key} must be uint8 or float, got {x.dtype}; convert it with astype")
    if x.dtype != np.uint8:
        with np.errstate(over="ignore"):  # numbers beyond float32 become infinite, which is told below
            x = x.astype(np.float32)
        if not np.isfinite(x).all():
            raise InputError(f"{path}: {key} has values that are not finite; remove or replace them")
    return np.ascontiguousarray(x[..., None] if x.ndim == 3 else x)


def _npz_events(path, key, x):
    """Recordings of a .npz file, checked."""
    if x.ndim not in (3, 5) or x.size == 0:
        raise InputError(f"{path}: {key} must have shape (n, T, H, W, C) or (n, T, N), got {x.shape}")
    if x.dtype != np.uint8:
        raise InputError(
            f"{path}: {key} must be uint8, counts of events, got {x.dtype}; convert them with astype('uint8')"
        )
    return np.ascontiguousarray(x)


def check_labels(path: Path, y: np.ndarray, images: int, least: int, most: int | None = None) -> None:
    """Raise InputError unless `y` holds a whole number from `least` to `most` for each of `images` images."""
    if y.shape != (images,):
        remedy = "; use y.argmax(axis=1)" if y.ndim == 2 and len(y) == images and y.shape[1] > 1 else ""
        raise InputError(
            f"{path}: labels of shape {y.shape} do not fit {images} images; there must be one for each{remedy}"
        )
    numeric = y.dtype.kind in "uif"
    whole = numeric and np.isfinite(y).all() and (y == np.floor(y)).all()
    if not whole or y.min() < least or y.max() > (MOST_LABEL if most is None else most):
        limit = "" if most is None else f" to {most}"
        values = f"{y.min():g} to {y.max():g}" if numeric else str(y.dtype)
        if y.dtype.kind in "US":
            values = f"text such as {y[0]!s:.20}; number them with numpy.unique(y, return_inverse=True)[1]"
        raise InputError(f"{path}: labels must be whole numbers from {least}{limit}, got {values}")
