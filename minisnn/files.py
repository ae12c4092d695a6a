"""Files that several processes share: each is either complete or absent, and a lock says who works on one."""

import errno
import os
import secrets
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO

from .errors import InputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LEFTOVER = 3600  # seconds after which a temporary file must be that of a killed process
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # what the systems answer if a disk is full
HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)  # what the systems answer if another process holds a lock


def atomic_write(path: str | Path, content: bytes) -> None:
    """Write a file that appears under `path` only when it is complete; of a symbolic link, its target is written.

    The bytes go to ``<path>.<random>.part``, so that no two processes share it, are flushed to the disk, and are then
    renamed, which is atomic on one file system. On an exception `path` keeps its former content. Raise InputError if
    it cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise InputError(f"cannot write {path}: it exists and is no file; name another file")
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with open(part, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _remove_leftovers(target)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}; {_remedy(error)}") from error


def _remedy(error):
    if error.errno in NO_ROOM:
        return "make room there, or name a file on another disk"
    return "name a file in a folder that exists and that you may write to"


def _remove_leftovers(target):
    """Remove the temporary files of processes that were killed while they wrote `target`."""
    for part in target.parent.glob(f"{escape(target.name)}.{'[0-9a-f]' * 8}.part"):
        with suppress(OSError):  # another process has removed it, or it belongs to another user
            if time.time() - part.stat().st_mtime > LEFTOVER:
                part.unlink()


@contextmanager
def lock(path: str | Path, guarded: str | Path | None = None) -> Iterator[bool]:
    """Hold the lock file `path` and yield True, or yield False at once if another process holds it.

    The system locks, not the existence of the file: the lock ends with its process, even by kill -9, and a file left
    behind blocks nobody. Raise InputError if the file cannot be written; it names what is `guarded`, if that is given.
    """
    path = Path(path)
    try:
        file = _locked(path)
    except OSError as error:
        raise InputError(
            f"cannot write {path if guarded is None else guarded}: {error.strerror or error}; {_remedy(error)}"
        ) from error
    try:
        yield file is not None
    finally:
        if file is not None:
            _unlock(file, path)


def _locked(path):
    """Return the open and locked file, or None if another process holds the lock."""
    while True:
        file = open(path, "ab")
        try:
            _take(file)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        except FileNotFoundError:
            pass  # the one who held it has just removed it: lock a new one
        except OSError as error:
            if error.errno in HELD:
                file.close()
                return None
            warnings.warn(f"{path.parent} has no locks ({error.strerror}); start no second process there", stacklevel=4)
            return file
        except BaseException:
            file.close()
            raise
        file.close()


def _take(file: IO[bytes]) -> None:
    """Lock an open file, or raise an OSError at once."""
    if sys.platform == "win32":
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unlock(file: IO[bytes], path: Path) -> None:
    """Remove the lock file and release the lock, in the order that the system allows."""
    if sys.platform != "win32":
        path.unlink(missing_ok=True)  # while it is locked: nobody else can hold it
    file.close()
    if sys.platform == "win32":
        with suppress(OSError):  # another process has opened it since
            path.unlink()
