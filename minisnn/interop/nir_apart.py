"""The reading of a NIR file in a process of its own, because HDF5's library may loop or crash on damaged bytes.

The parent starts this file's ``main``, which reads the layers and writes them to its standard output as an .npz: arrays
"0.w", "0.b", "1.w", ... and "about", a JSON text with everything else, or with the sentence of an error.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from ..errors import InputError
from .build import ReadLayer

SECONDS = 5  # of the processor that a small file may take; a sound one takes 0.3
BYTES_PER_SECOND = 2e6  # more time for larger files: a sound one is read a hundred times as fast
LOADED = 30  # times as long that a process may wait for the processor
_CHILD = "from minisnn.interop.nir_apart import main; main()"


@dataclass(frozen=True)
class Content:
    """Layers of a NIR file, the shape of its input, and the version of the format that it names."""

    layers: Sequence[ReadLayer]
    input_shape: tuple[int, ...]
    version: str


def read(path: Path, dt: float | None) -> Content:
    """Read a NIR file in another process; raise InputError for a file on which that fails or finds no end."""
    size = path.stat().st_size if path.is_file() else 0
    seconds = int(SECONDS + size / BYTES_PER_SECOND)
    environment = {name: value for name, value in os.environ.items() if name != "EAGER_IMPORT"}
    environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _CHILD, os.fspath(path), json.dumps(dt), str(seconds)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LOADED * seconds,
        )
    except subprocess.TimeoutExpired:
        raise _damaged(path) from None
    if done.returncode not in (0, 1):  # ended by a signal, that of the limit or of a crash
        raise _damaged(path)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    with np.load(BytesIO(done.stdout)) as arrays:
        return _unpacked(json.loads(str(arrays["about"])), arrays)


def content(path: Path, dt: float | None) -> Content:
    """Read a NIR file in this process."""
    from .nir_chain import chain
    from .nir_file import opened
    from .nir_layers import Reader

    with opened(path) as graph:
        reader = Reader(chain(graph), dt)
        return Content(reader.layers(), reader.input_shape, graph.version)


def main(reader: Callable[[Path, float | None], Content] = content) -> None:
    """Read the file that the command line names, and write its content to the standard output."""
    path, dt, seconds = sys.argv[1:]
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        about, arrays = _packed(reader(Path(path), json.loads(dt)))
    except (InputError, MemoryError) as error:
        about, arrays = {"error": type(error).__name__, "message": str(error)}, {}
    file = BytesIO()
    np.savez(file, about=np.array(json.dumps(about)), **arrays)
    sys.stdout.buffer.write(file.getvalue())


def _damaged(path):
    return InputError(
        f"{path} is damaged: HDF5's library crashes on it, or finds no end; write the file again with nir.write"
    )


def _packed(read):
    """Return what is read as plain values and arrays by name."""
    plain = [{**vars(layer), "w": None, "b": layer.b is not None} for layer in read.layers]
    arrays = {f"{number}.w": layer.w for number, layer in enumerate(read.layers)}
    arrays |= {f"{number}.b": layer.b for number, layer in enumerate(read.layers) if layer.b is not None}
    return {"layers": plain, "input_shape": read.input_shape, "version": read.version}, arrays


def _unpacked(about, arrays):
    """Undo :func:`_packed`; raise the error that it holds instead."""
    if "error" in about:
        raise (MemoryError if about["error"] == "MemoryError" else InputError)(about["message"])
    layers = [
        ReadLayer(**(plain | {"w": arrays[f"{number}.w"], "b": arrays[f"{number}.b"] if plain["b"] else None}))
        for number, plain in enumerate(about["layers"])
    ]
    return Content(layers, tuple(about["input_shape"]), about["version"])
