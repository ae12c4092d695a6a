"""Arrays inside a page: the smallest integers that hold them (or float32), in byte planes, deflated, as base64."""

import base64
import json
import re
import zlib

import numpy as np

ENTRY = 200  # bytes of HTML and JSON around an array, at most


class Pack:
    """Arrays by name, as HTML elements that the page's script decodes."""

    def __init__(self) -> None:
        self.about: dict[str, dict] = {}
        self.size = 0
        self._texts: dict[str, str] = {}

    def add(self, name: str, values: np.ndarray) -> None:
        """Store one array."""
        values = smallest(np.asarray(values))
        planes = np.frombuffer(values.tobytes(), np.uint8).reshape(-1, values.itemsize).T.tobytes()
        text = base64.b64encode(zlib.compress(planes, 6)).decode()
        self.about[name] = {"type": values.dtype.str[1:], "shape": list(values.shape)}
        self._texts[name] = text
        self.size += len(text) + ENTRY

    def html(self) -> str:
        """Return one element per array."""
        return "\n".join(
            f'<script type="text/plain" id="array-{name}">{text}</script>' for name, text in self._texts.items()
        )


def smallest(values: np.ndarray) -> np.ndarray:
    """Return the values in the smallest little-endian type that holds them and that JavaScript reads."""
    if values.dtype.kind == "f":
        return values.astype("<f4")
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    for kind in ("u1", "i1", "<i2", "<i4"):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return values.astype(kind)
    return values.astype("<f8")  # membranes of more than 32 bits; exact below 2**53


def bits(spikes: np.ndarray) -> np.ndarray:
    """Return the spikes of each step as bits, (T, bytes); the first neuron is the lowest bit."""
    return np.packbits(spikes.reshape(len(spikes), -1) > 0, axis=1, bitorder="little")


def decoded(text: str) -> tuple[dict, dict[str, np.ndarray]]:
    """Return (plain values, arrays by name) of a page, as its script reads them; ``0.mem`` is of the first layer."""
    about = json.loads(re.findall(r'<script type="application/json" id="meta">(.*?)</script>', text, re.S)[0])
    arrays = {}
    for name, packed in re.findall(r'<script type="text/plain" id="array-([\w.]+)">(.*?)</script>', text, re.S):
        kind = np.dtype(about["arrays"][name]["type"])
        planes = np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8).reshape(kind.itemsize, -1)
        arrays[name] = np.frombuffer(planes.T.tobytes(), kind).reshape(about["arrays"][name]["shape"])
    return about, arrays
