"""Fully connected layer; skips silent inputs. See ``minisnn/linear.py`` for the equations."""

from . import windows


def forward(spk, w, b, packed=None):
    """As ``minisnn.linear.forward``; spikes as uint8 (T, B, N) go the sparse way.

    `packed` is ``windows.pack(w[None, None])`` where the caller has it already.
    """
    rows = spk.shape[0] * spk.shape[1]
    cur = windows.forward(spk.reshape(rows, 1, 1, -1), w[None, None], b, 0, 0.0, (1, 1), packed)
    return cur.reshape(*spk.shape[:2], -1)


def backward(dcur, spk, w, need_dspk=True, packed=None):
    """As ``minisnn.linear.backward``; `packed` is ``windows.pack_transpose(w[None, None])`` where known."""
    rows = spk.shape[0] * spk.shape[1]
    dspk, dw, db = windows.backward(dcur.reshape(rows, 1, 1, -1), spk.reshape(rows, 1, 1, -1), w[None, None], 0,
                                    0.0, need_dspk, packed)
    return dspk.reshape(spk.shape) if need_dspk else None, dw[0, 0], db
