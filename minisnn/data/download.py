"""Download a file once: its digest is checked, an interrupted download is resumed, and no partial file is left."""

import hashlib
import os
import time
from pathlib import Path

from .. import terminal
from ..errors import InputError
from ..files import lock

CHUNK = 1 << 16
WAIT = 0.1  # seconds between two looks at the download of another process


def cache_folder(name: str) -> Path:
    """Folder of the cached files of data set `name`: $XDG_CACHE_HOME/minisnn/name, else ~/.cache/minisnn/name."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "minisnn" / name


def fetch(url: str, path: Path, md5: str, progress: bool = False, timeout: float = 30.0) -> None:
    """Download `url` to `path`, unless the file exists; `md5` is the published digest, `timeout` is in seconds.

    The bytes go to ``<path>.part``. After an interruption, even kill -9, the same call continues where that file
    ends; it gets its name when it is complete and has the right digest. If another process downloads the file, wait
    for it, and continue where it ends. Raise InputError if the server cannot be reached or breaks off, if the digest
    is wrong, or if the disk is full.
    """
    path = Path(path)
    while not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(url, path, _reason(error)) from error
        with lock(path.with_name(path.name + ".lock"), path) as alone:
            if not alone:
                time.sleep(WAIT)
            elif not path.exists():
                _download(url, path, md5, progress, timeout)


def _failed(url, path, reason):
    """Return the error of a download: what the user can do stands before the long address and path."""
    return InputError(
        f"cannot download {path.name} ({reason}): name the folder of its copy with --data DIR, or try again; it is "
        f"taken from {url} to {path}"
    )


def _download(url, path, md5, progress, timeout):
    """Download to ``<path>.part``, which no other process writes, and rename it if its digest is right."""
    part = path.with_name(path.name + ".part")
    try:
        resumed = part.exists() and part.stat().st_size > 0
        _transfer(url, part, progress, timeout)
        if _md5(part) != md5 and resumed:  # the part was of another version: once more, from the start
            part.unlink()
            _transfer(url, part, progress, timeout)
        if _md5(part) != md5:
            part.unlink()
            raise _failed(url, path, f"it does not have the published digest {md5}")
        os.replace(part, path)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # URLError, HTTPError, timeouts and a full disk are OSErrors
        raise _failed(url, path, _reason(error)) from error


def _transfer(url, part, progress, timeout):
    """Append the missing bytes of `url` to `part`."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    start = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urlopen(request, timeout=timeout)
    except HTTPError as error:
        if error.code == 416 and start:
            return  # no byte is missing: the digest decides
        raise
    with response:
        if start and response.status != 206:  # the server ignores ranges and sends everything
            start = 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        shown = terminal.bar(total, "B", shown=progress, done=start, unit_scale=True, desc=part.stem)
        with open(part, "r+b" if start else "wb") as file, shown as bar:
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
    """Words for the cause of an error, from whichever attribute holds them."""
    return getattr(error, "strerror", None) or str(getattr(error, "reason", "") or error) or type(error).__name__
