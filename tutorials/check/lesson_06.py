"""Lesson 6: a shifted frame, the way back through a convolution, and a convolution as a matrix."""

import numpy as np

from .exercise import Exercise


def shift(spk, axis=1, fill=True):
    moved = np.roll(spk, 1, axis)
    if fill:
        moved[(slice(None),) * axis + (0,)] = 0
    return moved


def pairs(size, kernel=3):
    """All (place of a neuron, place of an input, place in the kernel) with a padding of 1 along one axis."""
    return [(y, y + k - 1, k) for y in range(size) for k in range(kernel) if 0 <= y + k - 1 < size]


def back(dcur, w, turn=False):
    dx = np.zeros((*dcur.shape[:2], w.shape[2]))
    for y, i, ky in pairs(dcur.shape[0]):
        for x, j, kx in pairs(dcur.shape[1]):
            tap = w[2 - ky, 2 - kx] if turn else w[ky, kx]
            dx[i, j] += tap @ dcur[y, x]
    return dx


def wrapped(dcur, w):
    return sum(np.roll(dcur @ w[ky, kx].T, (ky - 1, kx - 1), (0, 1)) for ky in range(3) for kx in range(3))


def matrix(w, size, turn=False):
    table = np.zeros((size, size, w.shape[2], size, size, w.shape[3]))
    for y, i, ky in pairs(size):
        for x, j, kx in pairs(size):
            table[i, j, :, y, x] = w[2 - ky, 2 - kx] if turn else w[ky, kx]
    return table.reshape(size * size * w.shape[2], -1)


rng = np.random.default_rng(0)
w = rng.normal(size=(3, 3, 2, 4))
single = np.zeros((4, 5, 4))
single[0, 3, 1] = 1.0

EXERCISES = [
    Exercise(
        name="shift",
        cases=[((rng.random((4, 4, 2)) < 0.5).astype(float),), (np.arange(18.0).reshape(3, 3, 2) + 1,)],
        right=shift,
        mistakes={
            "what leaves the frame on the right comes back on the left; the first column is silent": lambda spk: shift(
                spk, fill=False
            ),
            "without an axis np.roll moves every number to the next channel": lambda spk: np.roll(spk, 1),
            "shifted down; x is the second axis": lambda spk: shift(spk, axis=0),
            "shifted to the left": lambda spk: shift(spk[:, ::-1])[:, ::-1],
        },
        values=("spike",),
        axes=("y", "x", "channel"),
    ),
    Exercise(
        name="gradient_of_inputs",
        cases=[(single, w), (rng.normal(size=(4, 5, 4)), w)],
        right=back,
        mistakes={
            "the kernel is turned the wrong way: go back to where the forward pass has read": lambda dcur, w: back(
                dcur, w, turn=True
            ),
            "the border is still there; cut it off": lambda dcur, w: np.pad(dcur, 1)[..., :2],
            "what falls outside the frame comes back at the other side": wrapped,
        },
        values=("dx",),
        axes=("y", "x", "channel"),
    ),
    Exercise(
        name="as_matrix",
        cases=[(w, 4)],
        right=matrix,
        mistakes={
            "the matrix is transposed: a row for each input, a column for each neuron": lambda w, size: (
                matrix(w, size).T
            ),
            "the kernel is turned the wrong way": lambda w, size: matrix(w, size, turn=True),
        },
        values=("weight",),
        axes=("input", "neuron"),
    ),
]
