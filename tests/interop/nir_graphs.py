"""Small graphs of the package nir for tests: one line of nodes, right or wrong."""

import nir
import numpy as np


def lif(count, tau=2e-4, r=2.0, threshold=1.0, dtype=np.float32, **changes):
    """LIF neurons as nir holds them."""
    fields = {"tau": tau, "r": r, "v_leak": 0.0, "v_threshold": threshold} | changes
    return nir.LIF(**{name: np.full(count, value, dtype) for name, value in fields.items()})


def if_(count, threshold=1.0, **changes):
    fields = {"r": 1.0, "v_threshold": threshold} | changes
    return nir.IF(**{name: np.full(count, value, np.float32) for name, value in fields.items()})


def conv2d(w, shape, padding=0, stride=1, dilation=1, groups=1):
    return nir.Conv2d(shape, w, stride, padding, dilation, groups, np.zeros(len(w), np.float32))


def flatten(*shape, dims=(0, -1)):
    return nir.Flatten({"input": np.array(shape)}, *dims)


def line(*nodes):
    """A graph of one line of nodes, "0", "1", ...; types are not checked, so that wrong ones can be written too."""
    names = ["input", *map(str, range(len(nodes) - 2)), "output"]
    return nir.NIRGraph(dict(zip(names, nodes)), list(zip(names, names[1:])), type_check=False)


def row(*nodes, inputs=4, outputs=3):
    """A graph that takes and returns flat rows."""
    return line(nir.Input({"input": np.array([inputs])}), *nodes, nir.Output({"output": np.array([outputs])}))


def maps(*nodes, shape=(2, 7, 6), outputs=3):
    """A graph that takes maps and returns a flat row."""
    return line(nir.Input({"input": np.array(shape)}), *nodes, nir.Output({"output": np.array([outputs])}))


RNG = np.random.default_rng(7)


def normal(*shape):
    """Weights whose sums meet no threshold exactly: the rounded numbers of a file would decide there."""
    return (0.6 * RNG.standard_normal(shape)).astype(np.float32)


W34 = normal(3, 4)
W3222 = normal(3, 2, 3, 3)


def pooled(*pool):
    """A convolution, its neurons, and what follows them before the flattening."""
    dense = nir.Affine(np.abs(normal(3, 27)), normal(3))
    return maps(conv2d(W3222, (7, 6), "same"), if_((3, 7, 6)), *pool, flatten(3, 3, 3), dense, lif(3, 1e-3, 10.0, 8.0))


SUM = nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
