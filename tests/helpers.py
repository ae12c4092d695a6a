"""Shared by several tests: numbers whose sums are exact, comparisons of arrays, a mark, and a small trained model."""

import sys

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from minisnn.commands import main

# Examples are drawn the same way in every run, so that a failure on one machine is a failure on all.
few = settings(max_examples=30, deadline=None, derandomize=True)

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals, limits, links or devices")

channels = st.sampled_from([1, 2, 5, 31, 32, 33, 70])  # a vector of the kernels has 32 lanes
densities = st.sampled_from([0.0, 0.1, 0.45, 0.55, 1.0])  # on both sides of the change from sparse to dense
dtypes = st.sampled_from([np.float32, np.float64])


def dyadic(rng, shape, dtype=np.float32, bound=64):
    """Multiples of 1/256 below bound/256: thousands of products of them with 0 and 1 add up without rounding."""
    return (rng.integers(-bound, bound + 1, shape) / 256).astype(dtype)


def spikes(rng, shape, density):
    """0/1 as uint8; with at least one spike in the first and the last place unless the density is 0."""
    spk = (rng.random(shape) < density).astype(np.uint8)
    if density:
        spk.reshape(-1)[[0, -1]] = 1
    return spk


def same(actual, expected):
    """Equal to the last bit (but for the sign of zero), in shape and dtype."""
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


def near(actual, expected, factor=1.0):
    """Equal up to the rounding of sums in another order: a few thousand ulps of the largest element."""
    assert actual.shape == expected.shape
    scale = float(np.abs(expected).max()) if expected.size else 0.0
    bound = factor * 2000 * np.finfo(expected.dtype).eps * max(scale, 1e-3)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=bound)


def quantised_model(folder, topology, train, quantize=""):
    """Train a small network and quantise it on the command line; return the path of the integer model."""
    model = str(folder / "m.npz")
    flags = ["--topology", topology, *train.split(), "--backend", "numpy", "--figure", "none"]
    assert main(["train", "--out", model, *flags]) == 0
    assert main(["quantize", model, *quantize.split()]) == 0
    return folder / "m.int.npz"
