"""The compiler of every kernel, and the folder in which it keeps what it has compiled.

The folder is named after the kernels' sources, so that a change in one file compiles all of them again: Numba by itself
would run a caller with the old code of what it calls in another file. Nothing is written beside the sources.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from numba import config, njit

UNUSED = 30 * 24 * 3600  # seconds after which the kernels of other sources are deleted


def compiler(**options: Any) -> Callable:
    """Return a decorator: Numba's `njit` with these options, and with the folder of compiled kernels."""

    def kernel(function: Callable) -> Any:
        given, config.CACHE_DIR = config.CACHE_DIR, FOLDER or ""  # Numba reads it here; others' functions keep theirs
        try:
            compiled = njit(function, **{"cache": FOLDER is not None, "no_cfunc_wrapper": True, **options})
        finally:
            config.CACHE_DIR = given
        _let_saving_fail(compiled)
        return compiled

    return kernel


def _let_saving_fail(compiled):
    """Make a full disk cost the kept kernels and nothing else: what was compiled runs."""
    cache = getattr(compiled, "_cache", None)
    save = getattr(cache, "save_overload", None)
    if save is None:  # not compiled, or kept in another way by this version of Numba
        return

    def save_or_warn(*args):
        try:
            save(*args)
        except OSError as error:
            _warn(f"compiled kernels cannot be kept ({error.strerror}), so they are compiled again in each run")

    cache.save_overload = save_or_warn


def folder() -> str | None:
    """Return a folder for compiled kernels that can be written to, or None; warn if it does not last."""
    if config.CACHE_DIR and _usable(Path(config.CACHE_DIR)):
        return config.CACHE_DIR
    name = _digest()
    with suppress(RuntimeError):  # there may be no home
        lasting = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minisnn" / "kernels"
        if _usable(lasting / name):
            _delete_unused(lasting)
            return str(lasting / name)
    with suppress(OSError):  # there may be no folder for temporary files either
        user = os.getuid() if sys.platform != "win32" else "kernels"
        temporary = Path(tempfile.gettempdir()) / f"minisnn-{user}"
        if _usable(temporary) and _ours(temporary) and _usable(temporary / name):
            _warn(f"no cache folder can be written to, so compiled kernels are kept in {temporary}")
            return str(temporary / name)
    _warn("no cache folder can be written to, so kernels are compiled again in each run")
    return None


def _digest():
    """Name the sources of all kernels: a digest of this room, and of the files of others that have kernels."""
    rooms = sorted(Path(__file__).parents[1].glob("*/*.py"))
    sources = [text for path in rooms if b"@kernel" in (text := path.read_bytes()) or path.parent.name == "kernels"]
    return hashlib.sha256(b"".join(sources)).hexdigest()[:16]


def _usable(path):
    """Create a folder, for this user alone, and return whether it can be written to."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.utime(path)  # in use
    except OSError:
        return False
    return os.access(path, os.W_OK)


def _ours(path):
    """Return whether nobody else can write to a folder: what lies there will be run."""
    if sys.platform == "win32":
        return True  # folders for temporary files belong to one user
    about = path.lstat()
    return path.is_dir() and not path.is_symlink() and about.st_uid == os.getuid() and not about.st_mode & 0o022


def _delete_unused(lasting):
    for path in lasting.iterdir():
        with suppress(OSError):  # another process deletes it
            if time.time() - path.stat().st_mtime > UNUSED:
                shutil.rmtree(path)


def _warn(sentence):
    if parent_process() is None:  # once, and not by each worker
        warnings.warn(f"{sentence}; set NUMBA_CACHE_DIR to a folder of your own", stacklevel=2)


FOLDER = folder()
