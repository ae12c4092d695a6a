"""Fully connected layer; skips silent inputs. See ``minisnn/linear.py`` for the equations."""

import numpy as np

from . import products


def forward(
    spk: np.ndarray, w: np.ndarray, b: np.ndarray, packed: np.ndarray | None = None, cur: np.ndarray | None = None
) -> np.ndarray:
    """Return the currents, as ``minisnn.linear.forward``; spikes as uint8 (T, B, N) take the sparse path.

    `packed` is ``products.pack(w[None, None])`` if the caller has it already; the currents are written to `cur`, if
    given.
    """
    rows = spk.shape[0] * spk.shape[1]
    flat = None if cur is None else cur.reshape(rows, 1, 1, -1)
    flat = products.forward(spk.reshape(rows, 1, 1, -1), w[None, None], b, 0, 0.0, (1, 1), packed, flat)
    return flat.reshape(*spk.shape[:2], -1)


def backward(
    dcur: np.ndarray, spk: np.ndarray, w: np.ndarray, need_dx: bool = True, packed: np.ndarray | None = None
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Return (dx, dw, db), as ``minisnn.linear.backward``.

    `packed` is ``products.pack_transpose(w[None, None])`` if the caller has it already.
    """
    rows = spk.shape[0] * spk.shape[1]
    dspk, dw, db = products.backward(
        dcur.reshape(rows, 1, 1, -1), spk.reshape(rows, 1, 1, -1), w[None, None], 0, 0.0, need_dx, packed
    )
    return None if dspk is None else dspk.reshape(spk.shape), dw[0, 0], db
