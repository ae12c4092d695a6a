"""The network: kernels equal the reference whole, threads change nothing, wrong values are refused."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from minisnn import lif
from minisnn.errors import InputError
from minisnn.kernels import hidden, memory
from minisnn.kernels import network as kernels
from minisnn.kernels import threads as kernel_threads
from minisnn.network import Network

from .helpers import dyadic, near, same, spikes

CASES = {
    "direct": dict(topology="5C3-MP2-33C2-20-10", input_shape=(9, 8, 3), padding=[1, 0], pad_value=[0.25, -0.5, 0.0]),
    "no pool": dict(topology="40C3-10", input_shape=(6, 6, 1)),
    "pool 3, population": dict(topology="4C2-MP3-12", input_shape=(8, 8, 2), classes=4),
    "pools of currents": dict(topology="5C3MP2-33C2MP3-20-10", input_shape=(11, 16, 3), padding=[1, 0]),
    "pools of both kinds": dict(topology="9C2MP2-5C3-MP2-6", input_shape=(9, 9, 1)),
    "flat, per layer": dict(topology="70-33-10", input_shape=(31,), beta=[0.5, 0.75, 1.0], threshold=[1.0, 0.5, 2.0]),
    "membrane": dict(topology="6C3-MP2-10", input_shape=(7, 7, 1), readout="membrane"),
}


def pair(case, dtype="float32", exact=True, **options):
    """The same network on both backends; with `exact`, weights whose sums do not round."""
    nets = [
        Network(**CASES[case], dtype=dtype, backend=backend, mean_square=0.1, rng=np.random.default_rng(1), **options)
        for backend in ("numpy", "numba")
    ]
    rng = np.random.default_rng(2)
    for param in nets[0].params:
        if exact:
            param[...] = np.rint(param * 256) / 256 if param.ndim > 1 else dyadic(rng, param.shape, param.dtype)
    for ours, theirs in zip(nets[1].params, nets[0].params):
        ours[...] = theirs
    return nets


def inputs_for(net, kind, batch=5, steps=4):
    rng = np.random.default_rng(3)
    if kind == "spikes":
        return spikes(rng, (steps, batch, *net.input_shape), 0.2)
    return dyadic(rng, (1, batch, *net.input_shape), net.dtype, 512)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["constant", "spikes"])
@pytest.mark.parametrize("reset", [r for r in lif.RESETS if r != "none"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_equal_the_reference(case, kind, reset, dtype, monkeypatch):
    monkeypatch.setattr(kernels, "LARGE", 200 if kind == "spikes" else kernels.LARGE)  # weights in shares, too
    monkeypatch.setattr(kernels, "PART", 1)  # constant currents image by image
    reference, fast = pair(case, dtype, reset=reset)
    inputs = inputs_for(reference, kind)
    expected, actual = reference.forward(inputs, 4), fast.forward(inputs, 4)
    assert expected.rates.max() > 0.02
    same(actual.spk, expected.spk)
    same(actual.mem, expected.mem)
    np.testing.assert_allclose(actual.rates, expected.rates, rtol=1e-12)
    same(fast.scores(actual), reference.scores(expected))
    rng = np.random.default_rng(4)
    dspk, dmem = (rng.standard_normal(expected.spk.shape).astype(dtype) for _ in range(2))
    drates = rng.standard_normal(len(reference.layers))
    grads = fast.backward(actual, dspk, dmem, drates, retain=False)
    for ours, theirs in zip(grads, reference.backward(expected, dspk, dmem, drates)):
        near(ours, theirs)


def test_layers_that_were_not_kept_are_a_sentence():
    reference, fast = pair("direct")
    inputs = inputs_for(reference, "constant")
    assert reference.forward(inputs, 4).layers[0].spk.shape == fast.forward(inputs, 4, record=True).layers[0].spk.shape
    with pytest.raises(InputError, match="kept no spikes and membranes of the layers; ask for them with record=True"):
        fast.forward(inputs, 4).layers[0]


def test_what_a_network_prints():
    """One line for a network, its run and its parameters; `print` shows the layers and their neurons too."""
    net = pair("membrane")[1]
    run = net.forward(inputs_for(net, "constant", batch=1), 4)
    run.rates = np.array([0.125, 0.0])
    assert repr(net) == "Network(6C3-MP2-10 on 7x7x1, 10 classes, float32, 310 parameters, numba)"
    assert repr(run) == "Run(T = 4, 1 image, 10 output neurons, firing rates 12.5, 0.0 %, layers not kept)"
    assert repr(net.params) == "Params(1.w (3, 3, 1, 6), 1.b (6,), 2.w (24, 10), 2.b (10,))"
    assert repr(net.layers[0]) == "Layer(1 6C3-MP2, 96 neurons, 60 parameters)"
    lines = str(net).splitlines()
    assert lines[4].split() == ["1", "6C3-MP2", "7x7x1", "4x4x6", "96", "60", "0.5", "1", "subtract"]
    assert lines[5].split() == ["2", "10", "2x2x6", "10", "10", "250", "0.5", "1", "none"]
    assert lines[-1] == "surrogate  fast_sigmoid:5, reset not differentiated"


@pytest.mark.parametrize("case", CASES)
def test_record_keeps_every_layer(case):
    reference, fast = pair(case)
    inputs = inputs_for(reference, "constant")
    expected, actual = reference.forward(inputs, 4), fast.forward(inputs, 4, record=True)
    for ours, theirs, layer in zip(actual.layers, expected.layers, reference.layers):
        assert ours.mem.shape == (4, 5, *layer.shape.out_shape)
        same(ours.mem, theirs.mem)
        same(ours.spk.astype(np.float32), theirs.spk)
        same(ours.out.astype(np.float32), theirs.out)
    plain = fast.forward(inputs, 4)
    same(plain.spk, actual.spk)
    np.testing.assert_array_equal(plain.rates, actual.rates)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["constant", "spikes"])
def test_layers_with_many_spikes_leave_the_common_kernel_and_change_nothing(case, kind, monkeypatch):
    """Whether a layer's spikes are few decides where its currents are computed: all by turns, each alone, none."""
    net = pair(case)[1]
    inputs = inputs_for(net, kind)
    starts, run, count = [], hidden.Slice.run, len(net.layers)
    monkeypatch.setattr(hidden.Slice, "run", lambda part, first, *rest: starts.append(first) or run(part, first, *rest))
    results = []
    for busy in ([], *([i] for i in range(1, count)), range(1, count)):
        hidden.plan.cache_clear()
        limits = iter([-1.0 if i in busy else 2.0 for i in range(count)])
        monkeypatch.setattr(hidden, "dense_from", lambda *sizes, limits=limits: next(limits))
        starts.clear()
        done = net.forward(inputs, 4, record=True)
        assert starts == [0, *busy]
        results.append([done.spk, done.mem, *(array for layer in done.layers for array in (layer.mem, layer.out))])
    hidden.plan.cache_clear()
    for other in results[1:]:
        for a, b in zip(results[0], other):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("large", [1, kernels.LARGE])  # gradients of weights in shares of them, or in slices
@pytest.mark.parametrize("batch", [1, 3, 9, 32])
def test_threads_change_nothing(batch, large, monkeypatch):
    monkeypatch.setattr(kernels, "SLICE_WORTH", 1)  # as many slices as there are samples, up to SLICES
    monkeypatch.setattr(kernels, "LARGE", large)
    net = Network(**CASES["direct"], rng=np.random.default_rng(1))
    inputs = np.random.default_rng(2).standard_normal((1, batch, *net.input_shape)).astype(np.float32)
    results = []
    for count in (1, 2, 3, None):
        net.threads = count
        run = net.forward(inputs, 6)
        results.append([run.spk, run.mem, run.rates, *net.backward(run, np.ones_like(run.spk), retain=count != 2)])
    for other in results[1:]:
        for a, b in zip(results[0], other):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("batch", [2, 9])
def test_slices_do_not_mix_samples(batch, monkeypatch):
    """A sample alone gives the same bits as within a batch, on both backends."""
    monkeypatch.setattr(kernels, "SLICE_WORTH", 1)
    for net in pair("direct"):
        inputs = inputs_for(net, "constant", batch)
        whole = net.forward(inputs, 4)
        for i in range(batch):
            same(net.forward(inputs[:, i : i + 1], 4).mem, whole.mem[:, i : i + 1])


def test_bytes_that_are_no_spikes_are_numbers():
    reference, fast = pair("no pool")
    inputs = np.random.default_rng(0).integers(0, 4, (1, 2, 6, 6, 1)).astype(np.uint8)
    assert inputs.max() > 1
    same(fast.forward(inputs, 3).mem, reference.forward(inputs, 3).mem)


def test_silent_and_saturated_inputs():
    for net in pair("direct"):
        net.pad_value = 0.0
        for value in (0, 1):
            inputs = np.full((4, 2, *net.input_shape), value, np.uint8)
            run = net.forward(inputs, 4)
            assert np.isfinite(run.mem).all()
            assert all(np.isfinite(g).all() for g in net.backward(run, np.ones_like(run.spk)))


def test_ties_go_to_the_lowest_class():
    net = pair("no pool")[0]
    run = net.forward(inputs_for(net, "constant"), 2)
    run.spk[...] = 1
    assert (net.scores(run).argmax(axis=1) == 0).all()


WITHOUT_VECTORS = {
    "python": ("", {"NUMBA_DISABLE_JIT": "1"}),  # what the kernels mean
    "plain": ("sys.modules['minisnn.kernels.vectors'] = None\n", {}),  # a Numba that has no room for vectors
}


@pytest.mark.parametrize("engine", WITHOUT_VECTORS)
def test_kernels_without_vectors_equal_the_reference(engine):
    """In an interpreter of its own: the engine is chosen when kernels are imported."""
    before, environment = WITHOUT_VECTORS[engine]
    code = (
        f"import sys, warnings\nwarnings.simplefilter('ignore')\n{before}"
        "import tests.test_network as t\n"
        "for kind, case in zip(('constant', 'spikes') * 2, ('pool 3, population', 'pools of both kinds') * 2):\n"
        "    a, b = t.pair(case)\n"
        "    x = t.inputs_for(a, kind, 2)\n"
        "    r, s = a.forward(x, 4), b.forward(x, 4)\n"
        "    (t.same if kind == 'spikes' else t.near)(s.mem, r.mem)\n"
        "    for g, h in zip(b.backward(s, r.spk), a.backward(r, r.spk)): t.near(g, h)\n"
        "from minisnn.kernels.simd import engine\n"
        "print(engine.WIDTH)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == {"python": "16\n", "plain": "1\n"}[engine], done.stderr


def test_slices_with_many_and_with_few_spikes(monkeypatch):
    """The weights of a large layer are shared out in one way for all slices, whatever each holds."""
    monkeypatch.setattr(kernels, "SLICE_WORTH", 1)
    monkeypatch.setattr(kernels, "LARGE", 1)
    rng = np.random.default_rng(6)
    for density in ((0.05, 0.95), (0.95, 0.05), (0.05, 0.05)):
        inputs = np.concatenate([spikes(rng, (3, 4, 6, 6, 20), share) for share in density], axis=1)
        results = []
        for backend in ("numpy", "numba"):
            net = Network("9C3-40-3", (6, 6, 20), backend=backend, threads=2, rng=np.random.default_rng(1))
            run = net.forward(inputs, 3)
            results.append(net.backward(run, np.ones_like(run.spk)))
        for ours, theirs in zip(*results):
            near(ours, theirs)


def test_changed_weights_are_read_again():
    """The kernels keep weights as they read them, and must see a change of any one, in place or not."""
    reference, kernels_net = pair("no pool")
    x, rng = inputs_for(reference, "constant"), np.random.default_rng(5)
    kernels_net.backward(kernels_net.forward(x, 3), np.ones((3, x.shape[1], 10), x.dtype))
    for layer, twin in zip(kernels_net.layers, reference.layers):
        place = tuple(int(rng.integers(n)) for n in layer.w.shape)
        layer.w[place] += 2
        twin.w[place] += 2
    run, expected = kernels_net.forward(x, 3), reference.forward(x, 3)
    near(run.mem, expected.mem)
    ones = np.ones_like(expected.spk)
    for ours, theirs in zip(kernels_net.backward(run, ones), reference.backward(expected, ones)):
        near(ours, theirs)


def test_memory_is_used_again_only_when_nothing_refers_to_it():
    first = memory.empty((1000, 7), np.float32)
    address, view = first.ctypes.data, first[3:, 2]
    first[...] = 1
    del first  # the view still refers to it
    second = memory.empty((1000, 7), np.float32)
    second[...] = 2
    assert second.ctypes.data != address and (view == 1).all()
    del view
    assert memory.empty((1000, 7), np.float32).ctypes.data == address
    memory.POOL.clear()
    assert memory.POOL.bytes == 0 and not memory.POOL.waiting


def test_config_rebuilds_the_network():
    net = Network(**CASES["flat, per layer"], surrogate="atan:2:0.5", rng=np.random.default_rng(0))
    again = Network(**net.config(), rng=np.random.default_rng(1))
    assert again.config() == net.config()


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(beta=1.5), "beta must be between 0 and 1"),
        (dict(beta=[0.5, 0.5, 0.5]), "3 values for 2"),
        (dict(beta="fast"), "beta must be a number"),
        (dict(threshold=0), "threshold must be above 0"),
        (dict(threshold=float("nan")), "threshold"),
        (dict(reset="none"), "reset must be one of"),
        (dict(readout="counts"), "readout must be one of"),
        (dict(classes=3), "must divide the 10"),
        (dict(backend="cuda"), "backend must be one of"),
        (dict(dtype="float16"), "dtype must be one of"),
        (dict(threads=0), "threads must be"),
        (dict(init="zeros"), "init must be one of spiking, pytorch"),
        (dict(pad_value=[1.0, 2.0]), "pad_value"),
    ],
)
def test_wrong_values_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        Network("4C3-10", (6, 6, 1), rng=np.random.default_rng(0), **options)


@pytest.mark.parametrize(
    "shape, steps", [((1, 2, 5, 6, 1), 3), ((2, 2, 6, 6, 1), 3), ((1, 0, 6, 6, 1), 3), ((1, 2, 6, 6, 1), 0)]
)
def test_wrong_inputs_are_refused(shape, steps):
    net = Network("4C3-10", (6, 6, 1), rng=np.random.default_rng(0))
    with pytest.raises(InputError):
        net.forward(np.zeros(shape, np.float32), steps)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["constant", "spikes"])
@pytest.mark.parametrize("reset", [r for r in lif.RESETS if r != "none"])
@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_learn_leak_and_threshold_as_the_reference(case, kind, reset, detach, dtype):
    """And all other gradients are those without; a readout has no threshold."""
    reference, fast = pair(case, dtype, reset=reset, detach_reset=detach)
    inputs, learn = inputs_for(reference, kind, batch=7), ["beta", "threshold"]
    expected, actual = reference.forward(inputs, 4), fast.forward(inputs, 4)
    rng = np.random.default_rng(4)
    dspk, dmem = (rng.standard_normal(expected.spk.shape).astype(dtype) for _ in range(2))
    drates = rng.standard_normal(len(reference.layers))
    wanted = reference.backward(expected, dspk, dmem, drates, learn=learn)
    grads = fast.backward(actual, dspk, dmem, drates, learn=learn)
    for ours, theirs in zip(grads[:-2], fast.backward(actual, dspk, dmem, drates), strict=True):
        near(ours, theirs)
    for ours, theirs in zip(grads[-2:], wanted[-2:], strict=True):
        assert ours.dtype == theirs.dtype == np.float64
        bound = 2000 * np.finfo(dtype).eps * np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=bound)
    assert (wanted[-2] != 0).all() and (grads[-1][-1] == 0) == (wanted[-1][-1] == 0) == (case == "membrane")


def test_learned_constants_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr(kernels, "SLICE_WORTH", 100)
    _, net = pair("direct")
    inputs, results = inputs_for(net, "constant", batch=9), []
    for threads in (1, 2, 3):
        net.threads = threads
        run = net.forward(inputs, 4)
        assert len(run.tape) > 2
        results.append(net.backward(run, np.ones_like(run.spk), learn=["threshold", "beta"]))
    for other in results[1:]:
        for ours, theirs in zip(other, results[0], strict=True):
            same(ours, theirs)


def test_constants_of_the_layers_can_be_assigned():
    net = pair("flat, per layer")[0]
    net.betas, net.thresholds = (0.25, 0.5, 0.0), 0.75
    assert [layer.beta for layer in net.layers] == [0.25, 0.5, 0.0] and net.thresholds == (0.75, 0.75, 0.75)
    with pytest.raises(InputError, match="beta must be between 0 and 1, got 1.5"):
        net.betas = (0.5, 1.5, 0.5)
    with pytest.raises(InputError, match="threshold has 2 values for 3 layers"):
        net.thresholds = (1.0, 1.0)
    assert net.betas == (0.25, 0.5, 0.0) and net.thresholds == (0.75, 0.75, 0.75)


def test_an_unknown_constant_is_not_learned():
    net = pair("flat, per layer")[0]
    run = net.forward(inputs_for(net, "constant"), 4)
    with pytest.raises(InputError, match="learn must be .*beta.*threshold.*got 'weights'"):
        net.backward(run, np.zeros_like(run.spk), learn=["weights"])


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="threads cannot be moved here")
def test_helpers_stay_off_the_processor_of_the_caller():
    mine = os.sched_getaffinity(0)
    if len(mine) < 2:
        pytest.skip("there is one processor alone")
    met = threading.Barrier(2)  # both numbers are worked on at the same time

    def where(_):
        met.wait(60)
        return threading.get_native_id(), os.sched_getaffinity(0)

    kernel_threads.each(where, 2, 2)  # only now the helper is there
    results = dict(kernel_threads.each(where, 2, 2))
    assert results.pop(threading.get_native_id()) == mine
    [helpers] = results.values()
    assert helpers < mine and len(helpers) == len(mine) - 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be moved here")
def test_where_threads_may_not_be_moved_they_work(monkeypatch):
    def forbidden(thread, processors):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    helpers = kernel_threads._Helpers(1)
    helpers.submit(int).result()
    monkeypatch.setattr(kernel_threads, "_helpers", lambda threads, process: helpers)
    assert kernel_threads.each(lambda i: 2 * i, 5, 2) == [0, 2, 4, 6, 8]
    helpers.shutdown()
