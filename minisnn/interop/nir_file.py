"""NIR files: a graph of named nodes in HDF5, read with every check that a damaged file asks for, and written.

    /version                    text
    /node/type                  "NIRGraph"
    /node/edges                 texts of shape (E, 2): from, to
    /node/nodes/NAME/type       text, such as "LIF"
    /node/nodes/NAME/FIELD      numbers, such as tau

The meaning of the nodes is not known here. The format is that of the package nir, which is not needed.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ..archive import check_fits
from ..errors import InputError
from ..files import atomic_write

VERSION = "1.0.8"  # of the package nir whose format is written
SIGNATURE = b"\x89HDF\r\n\x1a\n"  # of HDF5
SHOWN = 40  # characters of a name that a message shows
MOST_SIZES = 8  # numbers in a shape, a stride or the like
_AGAIN = "write the file again with nir.write"


@dataclass(frozen=True)
class Node:
    """A node of an open file; its fields are read when they are asked for."""

    path: Path
    name: str
    kind: str
    group: Any

    def __str__(self) -> str:
        plain = self.kind.isidentifier() and len(self.kind) <= SHOWN
        return f"{shown(self.name)} ({self.kind if plain else shown(self.kind)})"

    def error(self, what: str) -> InputError:
        """Return an InputError that begins with the file and the node."""
        return InputError(f"{self.path}: node {self} {what}")

    def has(self, field: str) -> bool:
        """Return True if the node has this field."""
        return field in self.group

    def numbers(self, field: str, remedy: str = "train the network again") -> np.ndarray:
        """Return a field of finite numbers, float32 as in the file or else float64."""
        values = self._read(field)
        if values.dtype.kind not in "fiu":
            raise self.error(f"has {field} as {_briefly(values)}, and not as numbers; {_AGAIN}")
        if not np.isfinite(values).all():
            raise self.error(f"has values in {field} that are not finite; {remedy}")
        return values.astype(np.float32 if values.dtype.itemsize == 4 and values.dtype.kind == "f" else np.float64)

    def whole(self, field: str) -> tuple[int, ...]:
        """Return a field of whole numbers, such as a shape, as a tuple."""
        values = self._read(field)
        if values.dtype.kind not in "iu" or values.ndim > 1 or not 1 <= values.size <= MOST_SIZES:
            raise self.error(f"has {field} as {_briefly(values)}, and not as whole numbers; {_AGAIN}")
        return tuple(int(value) for value in values.ravel())

    def text(self, field: str) -> str | None:
        """Return a field that is a text, or None if it is something else."""
        dataset = _member(self.path, self.group, field, self.error)
        return _text(dataset, self.path, f"{field} of node {shown(self.name)}")

    def _read(self, field):
        dataset = _member(self.path, self.group, field, self.error)
        return _array(dataset, self.path, f"{field} of node {shown(self.name)}")


@dataclass(frozen=True)
class Graph:
    """The nodes of an open file by name, its edges (from, to), and the version of the package that wrote it."""

    path: Path
    nodes: dict[str, Node]
    edges: list[tuple[str, str]]
    version: str


@contextmanager
def opened(path: str | Path) -> Iterator[Graph]:
    """Open a NIR file and yield its graph; raise InputError, one sentence, for any other file."""
    h5py = _h5py()
    path = Path(path)
    if not path.is_file():
        wrong = "is a folder" if path.is_dir() else "is no file" if path.exists() else "does not exist"
        raise InputError(f"{path} {wrong}; name a .nir file")
    try:
        file = h5py.File(path, "r")
    except Exception as error:  # h5py raises many types on what is not HDF5
        if os.access(path, os.R_OK) and not _begins_as_hdf5(path):
            raise InputError(f"{path} is not an HDF5 file, as NIR files are; name a .nir file") from error
        raise InputError(f"{path} is damaged or cut off ({_short(error)}); {_AGAIN}") from error
    with file:
        yield _graph(path, file)


def is_nir(path: str | Path, by_name: bool = True) -> bool:
    """Return True if the first bytes of a file, or also its name, say that it is a NIR file."""
    path = Path(path)
    return (by_name and path.suffix == ".nir") or (path.is_file() and _begins_as_hdf5(path))


def write(path: str | Path, nodes: Mapping[str, Mapping[str, Any]], edges: Sequence[tuple[str, str]]) -> None:
    """Write a NIR file, completely or not at all; each node has a "type" and its fields."""
    h5py = _h5py()
    text = h5py.string_dtype()
    content = BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("version", data=VERSION, dtype=text)
        graph = file.create_group("node")
        graph.create_dataset("type", data="NIRGraph", dtype=text)
        graph.create_dataset("edges", data=[list(edge) for edge in edges], dtype=text)
        for name, fields in nodes.items():
            group = graph.create_group(f"nodes/{name}")
            for field, value in fields.items():
                if isinstance(value, str):
                    group.create_dataset(field, data=value, dtype=text)
                else:
                    group.create_dataset(field, data=value, compression="gzip" if np.ndim(value) else None)
    atomic_write(path, content.getvalue())


def shown(name: str) -> str:
    """Return a name from a file as messages show it: quoted, and not too long."""
    return repr(name if len(name) <= SHOWN else name[: SHOWN - 3] + "...")


def _begins_as_hdf5(path):
    """Return True if a file has HDF5's signature at its start, where NIR files have it."""
    try:
        with open(path, "rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def _h5py():
    try:
        import h5py
    except ImportError:
        raise InputError("NIR files need h5py: pip install 'minisnn[interop]'") from None
    return h5py


def _graph(path, file):
    """Read names, types and edges; the fields stay in the file."""

    def error(what):
        return InputError(f"{path} is not a NIR file: it {what}; {_AGAIN}")

    top = _member(path, file, "node", error, group=True)
    if (kind := _text(_member(path, top, "type", error), path, "type")) != "NIRGraph":
        raise error(f"holds {'something without a type' if kind is None else shown(kind)}, and not a NIRGraph")
    members = _member(path, top, "nodes", error, group=True)
    with _damage(path, "the list of nodes"):
        names = list(members)
    nodes = {name: _node(path, members, name, error) for name in names}
    return Graph(path, nodes, _edges(path, top, error), _version(path, file, error))


def _version(path, file, error):
    """Return the version that a file names; it is only told, and a file may lack it."""
    version = _text(_member(path, file, "version", error), path, "version") if "version" in file else None
    return version if version and re.fullmatch(r"[\w.+-]{1,40}", version) else "unknown"


def _node(path, members, name, error):
    quoted = shown(name)
    group = _member(path, members, name, error, group=True, label=f"node {quoted}")
    kind = _member(path, group, "type", lambda what: error(f"has node {quoted}, which {what}"))
    kind = _text(kind, path, f"type of node {quoted}")
    if kind is None:
        raise error(f"has node {quoted}, whose type is no text")
    return Node(path, name, kind, group)


def _edges(path, top, error):
    """Return the edges as pairs of names."""
    pairs = _array(_member(path, top, "edges", error), path, "edges")
    if pairs.size == 0:
        return []
    names = [_decoded(name) for name in pairs.ravel()] if pairs.dtype.kind in "OS" else [None]
    if None in names or pairs.shape[1:] != (2,):
        raise error(f"has edges as {_briefly(pairs)}, and not as pairs of names")
    return list(zip(names[::2], names[1::2]))


def _member(path, parent, name, error: Callable[[str], InputError], group=False, label=""):
    """Return a group, or an array, of this very file: a link could lead to a device that never ends."""
    h5py = _h5py()
    label = label or name
    with _damage(path, label):
        link = parent.get(name, getlink=True)
        member = parent[name] if isinstance(link, h5py.HardLink) else None
    if link is None:
        raise error(f"lacks {name}")
    if not isinstance(member, h5py.Group if group else h5py.Dataset):
        raise error(f"has no {'group' if group else 'array'} {label}")
    return member


def _array(dataset, path, what):
    """Read an array, after its data are found in the file and its size to fit the file and the memory."""
    with _damage(path, what):
        nothing = dataset.shape is None or (dataset.size and not dataset.id.get_storage_size())
        if nothing or dataset.external or dataset.is_virtual:
            raise InputError(f"{path}: {what} has no data in the file; {_AGAIN}")
        check_fits(dataset.nbytes, what, path)
        return np.asarray(dataset[()])


def _text(dataset, path, what):
    """Return a scalar text, or None if the array is something else."""
    array = _array(dataset, path, what)
    return _decoded(array.item()) if array.shape == () else None


def _decoded(value):
    """Return a text that h5py read as bytes, or None; bytes that are no UTF-8 are kept as their codes."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else None


@contextmanager
def _damage(path, what):
    """Turn what h5py raises on a damaged file, which is of many types, into an InputError."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"{path} is damaged: {what} cannot be read ({_short(error)}); {_AGAIN}") from error


def _briefly(values):
    kind = "text" if values.dtype.kind in "OSU" else values.dtype
    return f"{kind} of shape {values.shape}"


def _short(error):
    reason = error.args[0] if error.args else ""
    return (str(reason).splitlines() or [type(error).__name__])[0]
