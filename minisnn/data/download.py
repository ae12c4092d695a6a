"""Download a file once: with its digest checked, resumed where it broke off, and never half there."""

import hashlib
import os
from pathlib import Path

from ..errors import InputError

CHUNK = 1 << 16


def cache_folder(name):
    """Folder in which the files of data set `name` are kept: $XDG_CACHE_HOME/minisnn/name, else ~/.cache/minisnn/name.

    Parameters
    ----------
    name : str

    Returns
    -------
    folder : Path

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch.dict(os.environ, XDG_CACHE_HOME="/var/cache"):
    ...     cache_folder("mnist").as_posix()
    '/var/cache/minisnn/mnist'
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "minisnn" / name


def fetch(url, path, md5, progress=False, timeout=30.0):
    """Download `url` to `path`, unless the file is there.

    The bytes go to ``<path>.part``. After an interruption, even kill -9, the same call goes on where that file
    ends; only when the whole has the right digest does it get its name.

    Parameters
    ----------
    url : str
    path : Path
    md5 : str
        Digest of the whole file, as published with it.
    progress : bool, default False
        Show a bar.
    timeout : float, default 30
        Seconds without a byte after which the server counts as lost.

    Raises
    ------
    InputError
        If the server cannot be reached or breaks off, the digest is wrong, or the disk is full.

    Examples
    --------
    What is there already is not fetched again, be the source gone:

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     source, path = Path(folder, "source"), Path(folder, "cache", "file")
    ...     _ = source.write_bytes(b"ten bytes.")
    ...     fetch(source.as_uri(), path, hashlib.md5(b"ten bytes.").hexdigest())
    ...     source.unlink()
    ...     fetch(source.as_uri(), path, "")
    ...     path.read_bytes()
    b'ten bytes.'

    What has another digest than was published gets no name:

    >>> with TemporaryDirectory() as folder:
    ...     source, path = Path(folder, "source"), Path(folder, "cache", "file")
    ...     _ = source.write_bytes(b"ten bytes!")
    ...     try:
    ...         fetch(source.as_uri(), path, hashlib.md5(b"ten bytes.").hexdigest())
    ...     except InputError as error:
    ...         print("does not have the published digest" in str(error), list(path.parent.iterdir()))
    True []
    """
    path = Path(path)
    if path.exists():
        return
    part = path.with_name(path.name + ".part")
    by_hand = f"download it by other means to {path}, or name its folder with --data"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        had = part.stat().st_size if part.exists() else 0
        _transfer(url, part, progress, timeout)
        if _md5(part) != md5 and had:  # the part was of another version: once more, from the start
            part.unlink()
            _transfer(url, part, progress, timeout)
        if _md5(part) != md5:
            part.unlink()
            raise InputError(f"the download of {url} does not have the published digest {md5}; {by_hand}")
        os.replace(part, path)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # URLError, HTTPError, timeouts and a full disk are OSErrors
        raise InputError(f"cannot download {url} ({_reason(error)}); try again, or {by_hand}") from error


def _transfer(url, part, progress, timeout):
    """Append to `part` what it lacks of `url`."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    from tqdm import tqdm

    start = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urlopen(request, timeout=timeout)
    except HTTPError as error:
        if error.code == 416 and start:
            return  # nothing lacks: the digest decides
        raise
    with response:
        if start and response.status != 206:  # the server knows no ranges and sends the whole
            start = 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        bar = tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=part.stem, disable=not progress)
        with open(part, "r+b" if start else "wb") as file, bar:
            file.seek(start)
            try:
                while chunk := response.read(CHUNK):
                    file.write(chunk)
                    start += len(chunk)
                    bar.update(len(chunk))
            except HTTPException as error:
                raise OSError("the connection broke off") from error
            file.flush()
            os.fsync(file.fileno())
    if total is not None and start < total:
        raise OSError(f"the connection broke off after {start} of {total} bytes")


def _md5(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _reason(error):
    return getattr(error, "strerror", None) or str(getattr(error, "reason", "") or error) or type(error).__name__
