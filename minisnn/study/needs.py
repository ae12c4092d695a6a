"""Needs of a sweep: what a worker must have so that the rows that it computes are those of this machine.

These are the same minisnn, NumPy and Numba, and the same data. A worker that lacks one of them cannot do any job of the
sweep, so its failure is none of a point: no row is written.
"""

import socket
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from .. import __version__
from ..data import load as datasets
from ..data.dataset import Dataset
from .point import digest

LIBRARIES = ("numpy", "numba")  # whose versions may change the last bits of results


class UnfitError(RuntimeError):
    """A worker that lacks what a sweep needs; the message names the machine, what it lacks, and the mend."""


@dataclass(frozen=True)
class Needs:
    """Software that a worker must have, as :func:`software` names it, and a data set with this digest."""

    software: tuple[str, ...]
    dataset: str
    data_dir: str | None
    digest: str


def needs(dataset: str | Path, data_dir: str | Path | None, digest: str) -> Needs:
    """Return the needs of points that are computed with this machine's software and with the data of a digest."""
    return Needs(software(), str(dataset), None if data_dir is None else str(data_dir), digest)


@lru_cache  # a process keeps the code that it has loaded, whatever becomes of the files
def software() -> tuple[str, ...]:
    """Return names and versions of minisnn, with a digest of its sources, and of the libraries that compute."""
    sources = sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        sources.update(path.read_bytes().replace(b"\r\n", b"\n"))  # Git may write either end of a line
    return (f"minisnn {__version__} (sources {sources.hexdigest()[:8]})", *map(_version, LIBRARIES))


def _version(library):
    try:
        return f"{library} {metadata.version(library)}"
    except metadata.PackageNotFoundError:
        return f"no {library}"


@lru_cache(maxsize=1)  # in each worker; errors are not kept, so that a mended one is looked at anew
def data_for(needs: Needs) -> Dataset:
    """Load the data of a sweep on a worker that has all that the sweep needs; raise UnfitError on any other."""
    for here, wanted in zip(software(), needs.software, strict=True):
        if here != wanted:
            raise _unfit(f"has {here}, but the sweep was started with {wanted}; install the same there")
    mend = "give it the same files as the machine that started the sweep"
    try:
        data = datasets.load(needs.dataset, needs.data_dir)
    except Exception as error:  # any error, such as too little memory, is this machine's
        raise _unfit(f"cannot load {needs.dataset} ({type(error).__name__}: {error}); {mend}") from error
    if digest(data) != needs.digest:
        raise _unfit(f"has another {needs.dataset} than the points are for; {mend}")
    return data


def _unfit(what):
    return UnfitError(f"{socket.gethostname()} {what}")
