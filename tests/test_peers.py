"""The same network in torch, by automatic differentiation, and in snnTorch: spikes, membranes, gradients.

The oracles are written in torch alone and never import what they test. Layouts differ: torch's maps are channels
first, and its flat rows run (channel, y, x).
"""

import numpy as np
import pytest

from minisnn import loss
from minisnn.network import Network
from minisnn.surrogate import FAMILIES
from tests.benchmarks import race

torch = pytest.importorskip("torch")

TOPOLOGY, SHAPE, STEPS = "6C3-MP2-5C2-MP2-12-8", (10, 9, 2), 5
BETA, THRESHOLD = 0.5, 0.75


class Spike(torch.autograd.Function):
    """Step forward; derivative of a surrogate backward, in x = U - theta."""

    @staticmethod
    def forward(ctx, x, derivative):
        ctx.save_for_backward(x)
        ctx.derivative = derivative
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.derivative(ctx.saved_tensors[0]), None


DERIVATIVES = {
    "fast_sigmoid:3": lambda x: 1 / (1 + 3 * x.abs()) ** 2,
    "atan:2": lambda x: 1 / (1 + (torch.pi * x) ** 2),
    "sigmoid:4": lambda x: 4 * torch.sigmoid(4 * x) * (1 - torch.sigmoid(4 * x)),
    "triangular:0.5": lambda x: torch.clamp(1 - x.abs() / 0.5, min=0) / 0.5,
}


def test_every_family_has_an_oracle():
    assert {name.split(":")[0] for name in DERIVATIVES} == set(FAMILIES)


def torch_params(net):
    """Our parameters as torch's, channels first, and the transposition of gradients back."""
    params = []
    for layer in net.layers:
        shape, w, b = layer.shape, torch.tensor(layer.w), layer.b
        if shape.kind == "conv2d":
            w = w.permute(3, 2, 0, 1)
        elif len(shape.in_shape) == 3:
            height, width, channels = shape.in_shape
            w = w.reshape(height, width, channels, -1).permute(2, 0, 1, 3).reshape(len(w), -1).T
        else:
            w = w.T
        params += [w.contiguous().requires_grad_(), torch.tensor(b).requires_grad_()]
    return params


def ours(net, grads):
    """Gradients of torch's parameters in our layout."""
    result = []
    for shape, dw, db in zip([layer.shape for layer in net.layers], grads[::2], grads[1::2]):
        if shape.kind == "conv2d":
            dw = dw.permute(2, 3, 1, 0)
        elif len(shape.in_shape) == 3:
            height, width, channels = shape.in_shape
            dw = dw.T.reshape(channels, height, width, -1).permute(1, 2, 0, 3).reshape(len(dw.T), -1)
        else:
            dw = dw.T
        result += [dw.numpy(), db.numpy()]
    return result


def torch_network(params, x, num_steps, fire):
    """Two convolutions with pools and two linear layers over time; `fire(layer, cur)` gives (spk, mem)."""
    mems = [[] for _ in range(4)]
    spks = []
    for t in range(num_steps):
        s = x[t if len(x) > 1 else 0]
        for i in range(4):
            if i < 2:
                s = torch.nn.functional.conv2d(s, *params[2 * i : 2 * i + 2])
            else:
                s = torch.nn.functional.linear(s.flatten(1), *params[2 * i : 2 * i + 2])
            s, mem = fire(i, s)
            mems[i].append(mem)
            if i < 2:
                s = torch.nn.functional.max_pool2d(s, 2)
        spks.append(s)
    return torch.stack(spks), [torch.stack(m) for m in mems]


def neurons(reset, derivative, detach):
    """The neuron as DESIGN states it, one equation a reset, with automatic differentiation."""
    state = {}

    def fire(layer, cur):
        u, s = state.get(layer, (torch.zeros_like(cur), torch.zeros_like(cur)))
        s = s.detach() if detach else s
        u = {
            "subtract": lambda: BETA * u + cur - THRESHOLD * s,
            "subtract_then_leak": lambda: BETA * (u - THRESHOLD * s) + cur,
            "zero": lambda: BETA * u * (1 - s) + cur,
        }[reset]()
        state[layer] = u, Spike.apply(u - THRESHOLD, derivative)
        return state[layer][1], u

    return fire


def compare(net, inputs, fire, exact):
    """Run both, and hold spikes, membranes and gradients of a random functional of them against each other."""
    rng = np.random.default_rng(3)
    run = net.forward(inputs, STEPS, record=True)
    dspk, dmem = (rng.integers(-8, 9, run.spk.shape) / 8 for _ in range(2))
    grads = net.backward(net.forward(inputs, STEPS), dspk.astype(net.dtype), dmem.astype(net.dtype))
    params = torch_params(net)
    x = torch.tensor(inputs).permute(0, 1, 4, 2, 3).to(params[0].dtype)
    spk, mems = torch_network(params, x, STEPS, fire)
    assert 0.02 < spk.mean() < 0.9
    np.testing.assert_array_equal(run.spk, spk.detach().numpy())
    for done, mem, layer in zip(run.layers, mems, net.layers):
        mem = mem.detach().permute(0, 1, 3, 4, 2).numpy() if mem.ndim == 5 else mem.detach().numpy()
        if layer.shape.pool > 1:  # neurons outside whole windows do not exist here
            assert mem.shape[2:4] != layer.shape.out_shape[:2], "the stimulus has a frame that is cropped"
            mem = mem[:, :, : layer.shape.out_shape[0], : layer.shape.out_shape[1]]
        if exact:
            np.testing.assert_array_equal(done.mem, mem)
        else:
            np.testing.assert_allclose(done.mem, mem, rtol=0, atol=1e-10)
    (spk * torch.tensor(dspk)).sum().add((mems[3] * torch.tensor(dmem)).sum()).backward()
    for name, actual, expected in zip(net.param_names, grads, ours(net, [p.grad for p in params])):
        assert np.abs(expected).max() > 0, name
        bound = 1e-4 if exact else 1e-10  # in float32 the surrogate's quotients round
        np.testing.assert_allclose(actual, expected, rtol=0, atol=bound * max(1, np.abs(expected).max()), err_msg=name)


def network(dtype, backend, mean_square=0.3, **options):
    net = Network(
        TOPOLOGY,
        SHAPE,
        beta=BETA,
        threshold=THRESHOLD,
        dtype=dtype,
        backend=backend,
        mean_square=mean_square,
        rng=np.random.default_rng(1),
        **options,
    )
    if dtype == "float32":  # dyadic: sums are exact, and no spike can flip
        for param in net.params:
            param[...] = np.rint(param * 64) / 64
    return net


def stimulus(dtype, constant):
    rng = np.random.default_rng(2)
    if constant:
        return (rng.integers(-16, 17, (1, 3, *SHAPE)) / 8).astype(dtype)
    return (rng.random((STEPS, 3, *SHAPE)) < 0.3).astype(np.uint8)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("reset", ["subtract", "subtract_then_leak", "zero"])
@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("surrogate", DERIVATIVES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch_autograd(backend, reset, detach, surrogate, dtype):
    net = network(dtype, backend, reset=reset, detach_reset=detach, surrogate=surrogate)
    fire = neurons(reset, DERIVATIVES[surrogate], detach)
    compare(net, stimulus(dtype, constant=True), fire, exact=dtype == "float32")


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_torch_autograd_on_spiking_input(backend):
    net = network("float64", backend, mean_square=0.1, surrogate="atan:2")
    compare(net, stimulus("float64", constant=False), neurons("subtract", DERIVATIVES["atan:2"], True), exact=False)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("surrogate", ["fast_sigmoid:3", "atan:2"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_snntorch(backend, surrogate, dtype):
    """snn.Leaky with its subtractive reset: the neuron and the detached reset that ours claims to equal.

    snnTorch's surrogates turn spikes to float32; so in float64 the curve is torch's, and the neuron snnTorch's.
    """
    snntorch = pytest.importorskip("snntorch")
    from snntorch import surrogate as theirs

    curve = {"fast_sigmoid:3": theirs.fast_sigmoid(slope=3), "atan:2": theirs.atan(alpha=2)}[surrogate]
    if dtype == "float64":

        def curve(x):
            return Spike.apply(x, DERIVATIVES[surrogate])

    beta = torch.tensor(BETA, dtype=getattr(torch, dtype))
    cells = [snntorch.Leaky(beta=beta, threshold=THRESHOLD, spike_grad=curve) for _ in range(4)]
    state = {}

    def fire(layer, cur):
        spk, state[layer] = cells[layer](cur, state.get(layer, torch.zeros_like(cur)))
        return spk, state[layer]

    net = network(dtype, backend, surrogate=surrogate)
    compare(net, stimulus(dtype, constant=True), fire, exact=dtype == "float32")


LEAKY = {"subtract_then_leak": "subtract"}  # snnTorch's name of a reset where it is not ours


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("reset", ["subtract", "zero", "none", "subtract_then_leak"])
def test_snntorch_learns_leak_and_threshold(backend, reset):
    """learn_beta and learn_threshold of three layers of snn.Leaky, one a layer: the same gradients.

    With its default reset_delay the spike of the reset is detached; without, it is not.
    """
    snntorch = pytest.importorskip("snntorch")
    delayed, readout = reset != "subtract_then_leak", reset == "none"
    net = Network(
        "12-9-4",
        (6,),
        beta=(0.5, 0.75, 0.625),
        threshold=(0.75, 1.25, 0.5),
        reset="subtract" if readout else reset,
        readout="membrane" if readout else "spikes",
        detach_reset=delayed,
        surrogate="fast_sigmoid:3",
        backend=backend,
        rng=np.random.default_rng(1),
    )
    for param in net.params:
        param[...] = np.rint(param * 64) / 64
    inputs = (np.random.default_rng(2).integers(-16, 17, (1, 3, 6)) / 16).astype(np.float32)
    if not delayed:  # a membrane that is above the threshold still after a reset is reset once more by snnTorch
        inputs /= 2
    cells = [
        snntorch.Leaky(
            beta=torch.tensor(layer.beta),
            threshold=torch.tensor(layer.threshold),
            spike_grad=snntorch.surrogate.fast_sigmoid(slope=3),
            learn_beta=True,
            learn_threshold=True,
            reset_mechanism=LEAKY.get(layer.reset, layer.reset),
            reset_delay=delayed,
        )
        for layer in net.layers
    ]
    params = torch_params(net)
    run = net.forward(inputs, STEPS, record=True)
    dspk, dmem = (np.random.default_rng(3).integers(-8, 9, run.spk.shape) / 8 for _ in range(2))
    if readout:
        dspk[...] = 0  # snnTorch's neuron without a reset spikes, ours does not
    if not delayed:
        dmem[...] = 0  # there snnTorch returns the membrane after the reset
    states, value = [torch.zeros(3, layer.shape.neurons) for layer in net.layers], 0
    for t in range(STEPS):
        s = torch.tensor(inputs[0])
        for i, cell in enumerate(cells):
            s, states[i] = cell(torch.nn.functional.linear(s, *params[2 * i : 2 * i + 2]), states[i])
            if cell.reset_mechanism != "none":
                np.testing.assert_array_equal(s.detach(), run.layers[i].spk[t])
        value = value + (s * torch.tensor(dspk[t])).sum() + (states[-1] * torch.tensor(dmem[t])).sum()
    value.backward()
    *_, dbeta, dthreshold = net.backward(run, dspk, dmem, learn=["beta", "threshold"])
    assert np.abs(dbeta).min() > 1e-3 and np.abs(dthreshold[: -1 if readout else None]).min() > 1e-3
    np.testing.assert_allclose(dbeta, [cell.beta.grad.item() for cell in cells], rtol=1e-4)
    np.testing.assert_allclose(dthreshold, [cell.threshold.grad.item() for cell in cells], rtol=1e-4)


# The peers of the benchmark: they race with our weights, so they must compute what ours computes.

RACED = {  # topology, shape of the input, padding: a cropped frame, padded maps without a pool, flat rows
    "cropped": ("3C3-MP2-4C2-MP2-6-5", (10, 9, 2), 0),
    "padded": ("3C3-4C3-MP2-5C3-6-5", (6, 6, 2), "same"),
    "flat": ("12-5", (16,), 0),
}


class Recorder:
    """Optimiser that keeps the gradients and changes nothing."""

    def __init__(self, params, *_, **__):
        self.params = list(params)
        Recorder.last = self

    def zero_grad(self):
        for param in self.params:
            param.grad = None

    def step(self):
        self.grads = [param.grad for param in self.params]


def race_entries(peer, name, num_steps):
    """Our network, our loss, counts and gradients, and a peer's entry with the same weights, images and labels."""
    if lack := race.lacks(peer):
        pytest.skip(f"{peer} needs {lack}")
    topology, shape, padding = RACED[name]
    setting = race.Setting(
        topology=topology, shape=shape, padding=padding, num_steps=num_steps, size=6, rounds=1, minutes=1
    )
    rng = np.random.default_rng(5)
    x, y = (rng.integers(-16, 17, (6, *shape)) / 8).astype(np.float32), rng.integers(0, 5, 6)
    net = race.network(1, peer, setting)
    for param in net.params:  # not dyadic: at exactly the threshold libraries may round to either side
        param *= np.float32(2)
    run = net.forward(x[None], num_steps)
    value, dspk, dmem = loss.rate(run.spk, run.mem, y, net.classes)
    return (net, value, net.scores(run), net.backward(run, dspk, dmem)), race.entry(peer, net, num_steps, x, y)


def check_race(peer, name, num_steps=4):
    """A peer's counts, loss and gradients are ours."""
    (net, value, counts, grads), (infer, train) = race_entries(peer, name, num_steps)
    assert 0.05 < counts.mean() / num_steps < 0.9
    np.testing.assert_array_equal(np.asarray(infer()), counts)
    if train is None:
        return
    np.testing.assert_allclose(train(), value, rtol=1e-5)
    theirs = Recorder.last.grads
    if race.PEERS[peer].file == "folded":  # its flat rows run as ours, and so do these gradients
        theirs = [g.permute(2, 3, 1, 0) if g.ndim == 4 else g.t() for g in theirs]
    else:
        theirs = ours(net, theirs)
    for parameter, actual, expected in zip(net.param_names, theirs, grads, strict=True):
        scale = np.abs(expected).max()
        assert scale > 0, parameter
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * scale, err_msg=parameter)


@pytest.mark.parametrize("name", RACED)
@pytest.mark.parametrize("peer", [peer for peer in race.PEERS if peer != "compile"])
def test_peers_of_the_race(peer, name, monkeypatch):
    monkeypatch.setattr(torch.optim, "Adam", Recorder)
    check_race(peer, name)


@pytest.mark.more
def test_compiled_peer_of_the_race(monkeypatch):
    """torch.compile, with a single small network: it compiles for some ten seconds."""
    monkeypatch.setattr(torch.optim, "Adam", Recorder)
    check_race("compile", "cropped", num_steps=2)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("pool", [1, 2])
def test_folded_neurons_by_automatic_differentiation(pool, constant):
    """The backward passes by hand of the folded and the compiled peer, against torch's of neurons and of its pool."""
    from tests.benchmarks import folded

    num_steps, size = 4, 3
    generator = torch.Generator().manual_seed(0)
    cur = 2 * torch.randn((size if constant else num_steps * size, 5, 7, 6), generator=generator)
    cur = cur.contiguous(memory_format=torch.channels_last)

    def plain(cur, num_steps, pool, constant):
        spk = folded.plain_neurons(cur, num_steps, 1, constant)
        return torch.nn.functional.max_pool2d(spk, pool)

    results = []
    for neurons in (plain, folded.plain_neurons, folded.Neurons.apply):
        leaf = cur.clone().requires_grad_()
        spk = neurons(leaf * 1, num_steps, pool, constant)  # a copy: the currents are overwritten
        weight = torch.randn(spk.shape, generator=torch.Generator().manual_seed(1))
        (spk * weight).sum().backward()
        results.append((spk.detach(), leaf.grad))
    (expected, expected_grad), *others = results
    assert 0.05 < expected.mean() < 0.95 and expected_grad.abs().max() > 0.1
    for spk, grad in others:
        assert torch.equal(spk, expected)
        torch.testing.assert_close(grad, expected_grad, rtol=1e-4, atol=1e-6)
