"""Convolution with stride 1; skips silent inputs. See ``minisnn/conv2d.py`` for the equations."""

from typing import Any

import numpy as np

from . import products


def forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray,
    padding: int = 0,
    pad_value: Any = 0.0,
    frame: Any = None,
    packed: np.ndarray | None = None,
    cur: np.ndarray | None = None,
) -> np.ndarray:
    """Return the currents, as ``minisnn.conv2d.forward``; spikes as uint8 (T, B, H, W, C) take the sparse path.

    `packed` is ``products.pack(w)`` if the caller has it already; the currents are written to `cur`, if given.
    """
    if frame is None:
        frame = [n + 2 * padding - w.shape[0] + 1 for n in x.shape[2:4]]
    flat = None if cur is None else cur.reshape(-1, *cur.shape[2:])
    flat = products.forward(x.reshape(-1, *x.shape[2:]), w, b, padding, pad_value, frame, packed, flat)
    return flat.reshape(*x.shape[:2], *flat.shape[1:])


def backward(
    dcur: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    padding: int = 0,
    pad_value: Any = 0.0,
    need_dx: bool = True,
    packed: np.ndarray | None = None,
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Return (dx, dw, db), as ``minisnn.conv2d.backward``.

    `packed` is ``products.pack_transpose(w)`` if the caller has it already.
    """
    dx, dw, db = products.backward(
        dcur.reshape(-1, *dcur.shape[2:]), x.reshape(-1, *x.shape[2:]), w, padding, pad_value, need_dx, packed
    )
    return None if dx is None else dx.reshape(x.shape), dw, db
