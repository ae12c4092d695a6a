"""Backpropagation through time against central finite differences.

With the step swapped for the surrogate's curve the network is a smooth function, and its written-out gradient
must be the true one. (`detach_reset=True` leaves a term out on purpose, which differences cannot see:
test_peers.py holds that.)
"""

import numpy as np
import pytest

from minisnn import loss as losses
from minisnn.encode import Encoder
from minisnn.network import Network
from minisnn.surrogate import FAMILIES, Surrogate, from_half_width
from minisnn.training.cycle_penalty import CyclePenalty

LABELS = np.array([2, 0])
SURROGATES = [*(str(from_half_width(name, 0.4)) for name in FAMILIES), "sigmoid:3:0.5", "triangular:1.5"]
RESETS = ["subtract", "subtract_then_leak", "zero"]


def network(surrogate, reset, readout="spikes", topology="3C3-MP2-2C2-6"):
    return Network(
        topology,
        (8, 7, 2),
        classes=3,
        beta=[0.5, 0.7, 0.9],
        threshold=[1.0, 0.8, 1.2],
        reset=reset,
        readout=readout,
        detach_reset=False,
        surrogate=surrogate,
        padding=[1, 0],
        pad_value=[0.3, -0.2],
        dtype="float64",
        backend="numpy",
        rng=np.random.default_rng(5),
    )


def check(net, inputs, num_steps, objective):
    """Every layer's gradient against differences in its leak, its threshold, some weights and biases, to 1e-6."""
    value, *gradients = objective(net.forward(inputs, num_steps, smooth=True))
    grads = net.backward(net.forward(inputs, num_steps, smooth=True), *gradients)
    check_constants(net, inputs, num_steps, objective, gradients, grads)
    rng, step = np.random.default_rng(6), 1e-5
    for name, param, grad in zip(net.param_names, net.params, grads):
        assert np.abs(grad).max() > 1e-7, f"{name} has no gradient: the check would see nothing"
        flat, expected = param.reshape(-1), grad.reshape(-1)
        chosen = rng.choice(flat.size, min(6, flat.size), replace=False)
        for i in [*chosen, int(np.abs(expected).argmax())]:
            kept = flat[i]
            flat[i] = kept + step
            up = objective(net.forward(inputs, num_steps, smooth=True))[0]
            flat[i] = kept - step
            down = objective(net.forward(inputs, num_steps, smooth=True))[0]
            flat[i] = kept
            difference = (up - down) / (2 * step)
            assert abs(difference - expected[i]) <= 1e-6 * max(1.0, np.abs(expected).max()), (name, i)


def check_constants(net, inputs, num_steps, objective, gradients, grads):
    """The gradients of leak and threshold, one a layer; asking for them changes no other gradient."""
    run = net.forward(inputs, num_steps, smooth=True)
    *same, dthreshold, dbeta = net.backward(run, *gradients, learn=["threshold", "beta"])
    for one, other in zip(same, grads, strict=True):
        np.testing.assert_array_equal(one, other)
    step = 1e-5
    for name, grad in (("betas", dbeta), ("thresholds", dthreshold)):
        values = getattr(net, name)
        for index, expected in enumerate(grad):
            ends = []
            for change in (step, -step):
                setattr(net, name, [v + change * (i == index) for i, v in enumerate(values)])
                ends.append(objective(net.forward(inputs, num_steps, smooth=True))[0])
            setattr(net, name, values)
            difference = (ends[0] - ends[1]) / (2 * step)
            assert abs(difference - expected) <= 1e-6 * max(1.0, np.abs(grad).max()), (name, index)
            silent = name == "thresholds" and net.resets[index] == "none"  # a readout has no threshold
            assert (expected == 0) == silent, f"{name} of layer {index + 1}: the check would see nothing"


def with_loss(text, net, penalty=None):
    loss = losses.parse(text)

    def objective(run):
        value, dspk, dmem = loss(run.spk, run.mem, LABELS, net.classes)
        if penalty is None:
            return value, dspk, dmem
        price, drates = losses.rate_penalty(run.rates, *penalty)
        return value + price, dspk, dmem, drates

    return objective


@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("loss", ["rate", "membrane", "mse_count:0.7:0.1"])
def test_conv_pool_linear_network(surrogate, reset, loss):
    net = network(surrogate, reset)
    inputs = np.random.default_rng(7).standard_normal((1, 2, 8, 7, 2))
    check(net, inputs, 4, with_loss(loss, net))


@pytest.mark.parametrize("penalty", [(0.7, None), (3.0, 0.2), ((2.0, 0.5, 0.1), None)])
def test_rate_penalty(penalty):
    net = network("fast_sigmoid:2", "subtract")
    inputs = np.random.default_rng(8).standard_normal((1, 2, 8, 7, 2))
    check(net, inputs, 3, with_loss("rate", net, penalty))


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("lanes", [(3, 2, 1), (1, 2, 6)])  # layer 2, or layer 3 is not far from the bottleneck
def test_cycle_penalty(reset, lanes):
    net = network("fast_sigmoid:2", reset)
    inputs = np.random.default_rng(8).standard_normal((1, 2, 8, 7, 2))
    penalty = CyclePenalty(net, Encoder("direct", 3, 1.0, (0.0, 0.0), (1.0, 1.0)), lanes, weight=5.0)
    check(net, inputs, 3, lambda run: priced(net, run, inputs, penalty))


def priced(net, run, inputs, penalty):
    value, dspk, dmem = losses.rate(run.spk, run.mem, LABELS, net.classes)
    price, dcounts = penalty(net.counts(run), inputs)
    return value + price, dspk, dmem, None, dcounts


@pytest.mark.parametrize("reset", RESETS)
def test_inputs_that_change_over_time(reset):
    net = network("atan:2", reset)
    inputs = np.random.default_rng(9).standard_normal((4, 2, 8, 7, 2))
    check(net, inputs, 4, with_loss("rate", net))


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("steps", [1, 4])
def test_pools_of_currents(reset, steps):
    net = network("fast_sigmoid:2", reset, topology="3C3MP2-2C2MP2-6")
    inputs = np.random.default_rng(12).standard_normal((steps, 2, 8, 7, 2))
    check(net, inputs, 4, with_loss("mse_count:1:0", net))


def test_membrane_readout():
    net = network("fast_sigmoid:2", "subtract", readout="membrane")
    inputs = np.random.default_rng(10).standard_normal((1, 2, 8, 7, 2))
    check(net, inputs, 4, with_loss("membrane", net))


def test_a_curve_of_ones_own():
    own = Surrogate("tanh", 1.0, functions=(np.tanh, lambda x: 1 / np.cosh(x) ** 2))
    net = network(own, "subtract")
    inputs = np.random.default_rng(11).standard_normal((1, 2, 8, 7, 2))
    check(net, inputs, 3, with_loss("rate", net))
