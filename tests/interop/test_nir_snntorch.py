"""NIR files of snnTorch, and files for it: equal spikes in its own neurons and in ours."""

import contextlib
import io
import json

import numpy as np
import pytest

from minisnn.interop.nir import from_nir, to_nir

nir = pytest.importorskip("nir")
torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")
pytest.importorskip("nirtorch")

from tests.benchmarks import interop_nir  # noqa: E402
from tests.interop.test_nir import NETWORKS, channels_first, inputs_for, model_of, read, spikes_of  # noqa: E402


def snntorch_network(shape, hidden, beta, threshold, padding=0, bias=True, reset="zero", delay=False):
    """A network of snnTorch's, by default with the resets of the format: to zero, within the step."""

    def leaky(*neurons):
        constants = {"beta": torch.full(neurons, beta), "threshold": torch.full(neurons, threshold)}  # it needs vectors
        return snn.Leaky(**constants, init_hidden=True, reset_mechanism=reset, reset_delay=delay)

    layers, size, hidden = [], int(np.prod(shape)), [*hidden]
    if len(shape) == 3:
        maps_, kernel = hidden.pop(0)
        rows, columns = (n + 2 * padding - kernel + 1 for n in shape[1:])
        layers += [torch.nn.Conv2d(shape[0], maps_, kernel, padding=padding, bias=bias)]
        layers += [leaky(maps_, rows, columns), torch.nn.Flatten()]
        size = maps_ * rows * columns
    for count in hidden:
        layers += [torch.nn.Linear(size, count, bias=bias), leaky(count)]
        size = count
    return torch.nn.Sequential(*layers)


def run_snntorch(net, inputs):
    """Spikes of a network with hidden states, step by step."""
    for module in net.modules():
        if isinstance(module, snn.Leaky):
            module.reset_hidden()
    with torch.no_grad():
        outputs = [net(torch.tensor(x)) for x in inputs]
    return np.stack([(out[0] if isinstance(out, tuple) else out).numpy() for out in outputs])


@pytest.mark.filterwarnings("ignore:nirtorch.extract_nir_graph:DeprecationWarning")  # snnTorch calls it
@pytest.mark.parametrize(
    "shape, hidden, beta, threshold, padding, bias",
    [
        ((12,), [20, 10], 0.9, 0.3, 0, True),
        ((12,), [10], 0.31, 0.2, 0, False),
        ((2, 8, 7), [(6, 3), 10], 0.5, 0.25, 1, True),
        ((1, 9, 9), [(4, 5), 16, 10], 0.8, 0.25, 0, False),
    ],
)
def test_a_network_of_snntorch_comes_over_with_equal_spikes(shape, hidden, beta, threshold, padding, bias, tmp_path):
    from snntorch.export_nir import export_to_nir

    torch.manual_seed(0)
    net = snntorch_network(shape, hidden, beta, threshold, padding, bias)
    nir.write(tmp_path / "m.nir", export_to_nir(net, torch.zeros(1, *shape), ignore_dims=[0]))
    model = read(tmp_path / "m.nir")
    inputs = np.random.default_rng(3).random((10, 100, *shape), np.float32)
    ours = np.moveaxis(inputs, 2, -1) if len(shape) == 3 else inputs
    np.testing.assert_array_equal(spikes_of(model, ours), run_snntorch(net, inputs))


@pytest.mark.filterwarnings("ignore:nirtorch.extract_nir_graph:DeprecationWarning")
def test_the_reset_of_a_network_of_snntorch_is_given(tmp_path):
    """Its default, subtract, is written as LIF like any other: assumed to be zero, spikes differ, and this is told."""
    from snntorch.export_nir import export_to_nir

    torch.manual_seed(0)
    net = snntorch_network((12,), [20, 10], 0.9, 0.3, reset="subtract", delay=True)
    nir.write(tmp_path / "m.nir", export_to_nir(net, torch.zeros(1, 12), ignore_dims=[0]))
    inputs = np.random.default_rng(3).random((10, 100, 12), np.float32)
    expected = run_snntorch(net, inputs)
    options = {"num_steps": 10, "input_scale": 1}
    model = from_nir(tmp_path / "m.nir", 1e-4, **options, reset="subtract")
    np.testing.assert_array_equal(spikes_of(model, inputs), expected)
    with pytest.warns(UserWarning, match="^reset zero, .* the file does not say .* give reset subtract, or import"):
        assumed = from_nir(tmp_path / "m.nir", 1e-4, **options)
    assert assumed.network.reset == "zero" and (spikes_of(assumed, inputs) != expected).any()
    with pytest.warns(UserWarning, match="reset_delay=False is subtract_then_leak, except"):
        assert from_nir(tmp_path / "m.nir", 1e-4, **options, reset="subtract_then_leak")


@pytest.mark.parametrize("topology, shape, padding, beta", [case for case in NETWORKS if "MP" not in case[0]])
def test_snntorch_reads_what_is_written(topology, shape, padding, beta, tmp_path):
    """Except pools, which it lacks as NIR has them."""
    from snntorch.import_nir import import_from_nir

    model = model_of(topology, shape, beta, padding=padding)
    inputs = inputs_for(shape)
    to_nir(model, tmp_path / "m.nir")
    with contextlib.redirect_stdout(io.StringIO()):
        net = import_from_nir(nir.read(tmp_path / "m.nir"))
    for module in net.modules():
        if isinstance(module, torch.nn.Flatten):
            module.start_dim = 1  # its reader forgets that torch's first dimension is the batch
    np.testing.assert_array_equal(run_snntorch(net, channels_first(inputs)), spikes_of(model, inputs))


def test_the_table_of_spikes_that_differ(monkeypatch, capsys):
    """A small one of python -m tests.benchmarks.interop_nir: a row for each way, and no spike that differs."""
    monkeypatch.setattr(interop_nir, "IMAGES", 40)
    assert interop_nir.main(["--networks", "2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["library"] for row in rows} == {
        "snnTorch > minisnn",
        "minisnn > nir",
        "minisnn > minisnn",
        "minisnn > snnTorch",
    }
    assert any("MP2" in row["layers"] for row in rows)
    for row in rows:
        assert row["spikes"] > 1000 and row["images"] == 40 and row["differ_double"] == 0, row
