"""Files that are either complete or absent: written beside the final name, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .errors import InputError


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file for writing bytes that appears under `path` only when it is complete.

    The bytes go to ``<path>.part`` (the same name every time, so that a killed run leaves at most one such file and the
    next run overwrites it), are flushed to the disk, and are then renamed, which is atomic on one file system. On an
    exception `path` keeps its former content. Raise InputError if the folder does not exist or cannot be written to.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        file = open(part, "wb")
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror}; name a file in a folder that exists and that you may write to"
        ) from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
