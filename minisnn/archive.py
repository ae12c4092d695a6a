"""A reader of .npz archives that looks at every header before it allocates memory for an array."""

import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np

from .errors import InputError

HARMLESS_BYTES = 1 << 28  # an array that is no larger is read without asking whether it fits
MOST_BYTES = 1 << 33  # of an array, where nobody says how much memory is free
MOST_COMPRESSION = 1032  # times that deflate, which NumPy uses, can shrink anything


def read_arrays(path: str | Path, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Return the arrays of a .npz file by name, or those of them that are in `names`.

    Raise InputError, which ends in what is wrong and not in a remedy, if the file is no .npz file, is damaged, or
    holds something other than plain numbers and texts.
    """
    path = Path(path)
    with _opened(path) as archive:
        arrays = {}
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if entry.filename.endswith(".npy") and (names is None or name in names):
                try:
                    arrays[name] = _array(archive, entry, path)
                except InputError:
                    raise
                except Exception as error:  # NumPy, zipfile and the decompressors raise many types on a damaged file
                    raise InputError(f"{path} is damaged: array {name} cannot be read ({_short(error)})") from error
    return arrays


def array_names(path: str | Path) -> list[str]:
    """Return the names of the arrays in a .npz file, in their order; raise InputError as :func:`read_arrays`."""
    with _opened(Path(path)) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def _opened(path):
    """Open the archive; the first bytes tell what another kind of file is."""
    try:
        with open(path, "rb") as file:
            start = file.read(6)
        if start == b"\x93NUMPY":
            raise InputError(f"{path} is not an .npz file but a single array (.npy)")
        if start[:2] != b"PK":
            raise InputError(f"{path} is not an .npz file")
        return zipfile.ZipFile(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or _short(error)})") from error
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path} is damaged or cut off: its list of arrays cannot be read") from error


def _array(archive, entry, path):
    """Read one array, after its header and its promised size are found to agree with the archive."""
    name = entry.filename.removesuffix(".npy")
    if entry.flag_bits & 1:
        raise InputError(f"{path} is encrypted, and minisnn reads plain .npz files")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile reads others without a limit
        raise InputError(f"{path}: array {name} is compressed by another method than NumPy's")
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(file)
        begin = file.tell()
    if dtype.hasobject:
        raise InputError(f"{path}: array {name} holds Python objects; only plain numbers are read")
    size = dtype.itemsize
    for length in shape:
        size *= length
    if min(shape, default=0) < 0 or begin + size != entry.file_size:
        raise InputError(
            f"{path} is damaged: array {name} has {entry.file_size - begin} bytes, its header promises {size}"
        )
    check_fits(size, name, path)
    with archive.open(entry) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def check_fits(size: int, name: str, path: Path) -> None:
    """Raise InputError if a file cannot hold an array of so many bytes, or the memory cannot."""
    if size <= HARMLESS_BYTES:
        return
    if size > MOST_COMPRESSION * path.stat().st_size:
        raise InputError(
            f"{path} is damaged: array {name} claims {size / 1e9:.1f} GB, which so small a file cannot hold"
        )
    free = _free_memory()
    if size > free:
        raise InputError(f"{path}: array {name} takes {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free")


def _free_memory():
    """Return the bytes of memory that can be taken, as Linux says; elsewhere the most that a file may ask for."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return MOST_BYTES


def _short(error):
    reason = error.args[0] if error.args else ""  # tokenize's errors are tuples
    return (str(reason).splitlines() or [type(error).__name__])[0]
