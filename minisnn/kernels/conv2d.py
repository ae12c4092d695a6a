"""Convolution with stride 1; skips silent inputs. See ``minisnn/conv2d.py`` for the equations."""

from . import windows


def forward(x, w, b, padding=0, pad_value=0.0, frame=None, packed=None):
    """As ``minisnn.conv2d.forward``; spikes as uint8 (T, B, H, W, C) go the sparse way.

    `packed` is ``windows.pack(w)`` where the caller has it already.
    """
    if frame is None:
        frame = [n + 2 * padding - w.shape[0] + 1 for n in x.shape[2:4]]
    cur = windows.forward(x.reshape(-1, *x.shape[2:]), w, b, padding, pad_value, frame, packed)
    return cur.reshape(*x.shape[:2], *cur.shape[1:])


def backward(dcur, x, w, padding=0, pad_value=0.0, need_dx=True, packed=None):
    """As ``minisnn.conv2d.backward``; `packed` is ``windows.pack_transpose(w)`` where the caller has it."""
    dx, dw, db = windows.backward(dcur.reshape(-1, *dcur.shape[2:]), x.reshape(-1, *x.shape[2:]), w, padding,
                                  pad_value, need_dx, packed)
    return dx.reshape(x.shape) if need_dx else None, dw, db
