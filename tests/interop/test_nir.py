"""NIR files: equal spikes in both directions, by the equations of the format and in snnTorch; what is not carried."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

import minisnn as ms
from minisnn.encode import Encoder
from minisnn.errors import InputError
from minisnn.interop.nir import from_nir, to_nir

nir = pytest.importorskip("nir")

from tests.interop import equations  # noqa: E402
from tests.interop.nir_graphs import SUM, W34, flatten, if_, lif, maps, normal, pooled, row  # noqa: E402

DT = 1e-4
# Files of the NIR paper and of snnTorch, with expected spikes beside some: a folder that this variable names.
REAL = os.environ.get("MINISNN_TEST_NIR")


def model_of(topology, shape, beta=0.5, threshold=0.75, padding=0, **options):
    """A network with random weights that fires, and takes what it is given."""
    rng = np.random.default_rng(0)
    net = ms.Network(
        topology,
        shape,
        beta=beta,
        threshold=threshold,
        padding=padding,
        reset="zero",
        rng=rng,
        backend="numpy",
        **options,
    )
    for layer in net.layers:
        layer.w[...] = 2 * layer.w
        layer.b[...] = 0.1 * rng.standard_normal(layer.b.shape)
    channels = len(net.pad_value)
    return ms.Model(net, Encoder("direct", 8, 1.0, (0.0,) * channels, (1.0,) * channels))


def read(path, dt=DT):
    """The model of a file that takes what it is given."""
    return from_nir(path, dt, num_steps=8, input_scale=1, reset="zero")


def inputs_for(shape, steps=8, images=40):
    return np.random.default_rng(2).random((steps, images, *shape), np.float32)


def channels_first(x):
    return np.moveaxis(x, -1, 2) if x.ndim == 5 else x


def spikes_of(model, inputs):
    """Spikes of the last layer, of which there are some."""
    spk = model.network.forward(inputs, len(inputs)).spk
    assert 0.02 < spk.mean() < 0.98, "the stimulus makes the neurons fire, and not always"
    return spk


NETWORKS = [
    ("20-10", (12,), 0, 0.9),
    ("20-10", (4, 3, 2), 0, (0.0, 0.3)),
    ("8C3-20-10", (8, 7, 2), 1, (0.3, 0.123456, 0.95)),
    ("8C3-MP2-20-10", (11, 10, 2), 1, (0.3, 1.0, 0.5)),
    ("8C3-MP3-4C2-MP2-10", (18, 17, 2), 0, 1.0),
    ("4C5-6", (7, 9, 1), "same", 0.5),
]


@pytest.mark.filterwarnings("ignore:dt .* equals tau")  # beta 0 is on purpose
@pytest.mark.parametrize("topology, shape, padding, beta", NETWORKS)
def test_a_written_file_holds_the_equations_and_is_read_back(topology, shape, padding, beta, tmp_path):
    model = model_of(topology, shape, beta, padding=padding)
    inputs = inputs_for(shape)
    expected = spikes_of(model, inputs)
    to_nir(model, tmp_path / "m.nir", dt=0.002)
    graph = nir.read(tmp_path / "m.nir")  # checks that the nodes fit together
    np.testing.assert_array_equal(equations.run(graph, channels_first(inputs), dt=0.002), expected)
    again = read(tmp_path / "m.nir", dt=0.002)
    assert again.network.config() == model.network.config() | {"backend": "numba"}
    for ours, theirs in zip(again.network.params, model.network.params):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(spikes_of(again, inputs), expected)


GRAPHS = {
    "no biases, and a gain of 0.96": (row(nir.Linear(W34), lif(3, 0.0025, 24.02, 0.5)), ("3", 0.96)),
    "biases, and a gain of 0.96": (row(nir.Affine(W34, normal(3)), lif(3, 0.0025, 24.02, 0.5)), ("3", 0.96)),
    "float64": (row(nir.Affine(W34.astype(np.float64), np.zeros(3)), lif(3, dtype=np.float64)), ("3", 0.5)),
    "integrate and fire": (row(nir.Affine(W34, normal(3)), if_(3, 0.75)), ("3", 1.0)),
    "one tau for all neurons": (row(nir.Linear(W34), lif(1)), ("3", 0.5)),
    "flattened maps": (maps(flatten(2, 7, 6), nir.Linear(normal(3, 84)), lif(3, threshold=1.0)), ("3", 0.5)),
    "half": (pooled(SUM, nir.Threshold(np.full((3, 3, 3), 0.5))), ("3C3-MP2-3", 1.0)),
    "scalars": (pooled(nir.SumPool2d(2, 2, 0), nir.Threshold(np.float32(0.25))), ("3C3-MP2-3", 1.0)),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_file_of_the_package_nir_gives_the_spikes_of_its_equations(name, tmp_path):
    graph, (topology, beta) = GRAPHS[name]
    nir.write(tmp_path / "m.nir", graph)
    model = read(tmp_path / "m.nir")
    assert model.network.topology == topology
    assert model.network.betas[0] == pytest.approx(beta, abs=1e-7)
    inputs = np.random.default_rng(3).integers(0, 3, (12, 30, *model.network.input_shape)).astype(np.float32)
    expected = equations.run(nir.read(tmp_path / "m.nir", type_check=False), channels_first(inputs), DT)
    np.testing.assert_array_equal(spikes_of(model, inputs), expected)
    assert model.network.dtype == (np.float64 if name == "float64" else np.float32)


@pytest.mark.filterwarnings("ignore:dt .* equals tau")  # beta 0 is on purpose
@pytest.mark.parametrize("beta", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99])
def test_rounded_time_constants_keep_weights_and_leak(beta, tmp_path):
    """snnTorch computes tau and r in single precision, so that r*dt/tau is not always 1, nor 1 - dt/tau beta."""
    tau = np.float32(DT) / (np.float32(1) - np.float32(beta))
    assert tau.dtype == np.float32
    graph = row(nir.Affine(W34, normal(3)), lif(3, tau, tau / np.float32(DT)))
    nir.write(tmp_path / "m.nir", graph)
    layer = read(tmp_path / "m.nir").network.layers[0]
    np.testing.assert_array_equal(layer.w, W34.T)
    np.testing.assert_array_equal(layer.b, graph.nodes["0"].bias)
    assert layer.beta == pytest.approx(beta, abs=1e-7) and (layer.beta == 0) == (beta == 0)


def test_a_model_with_a_normalisation_takes_raw_pixels_in_its_file(tmp_path):
    """The first layer holds mean and deviation of each channel, and its border is a black pixel."""
    model = model_of("6C3-MP2-10", (9, 8, 2), 0.5, padding=1)
    model.encoder = Encoder("direct", 8, 255.0, (100.0, 80.0), (50.0, 70.0))
    model.network.pad_value = model.encoder.pad_value
    images = np.random.default_rng(3).integers(0, 256, (60, 9, 8, 2), np.uint8)
    expected = model.network.forward(model.encoder.encode(images), 8).spk
    to_nir(model, tmp_path / "m.nir")
    again = from_nir(tmp_path / "m.nir", DT, num_steps=8, input_scale=1, max_value=255, reset="zero")
    inputs = again.encoder.encode(images)
    assert again.encoder.mean == (0.0, 0.0) and inputs.max() == 255
    np.testing.assert_array_equal(again.network.forward(inputs, 8).spk, expected)
    theirs = equations.run(nir.read(tmp_path / "m.nir"), channels_first(np.repeat(inputs, 8, axis=0)), DT)
    np.testing.assert_array_equal(theirs, expected)
    assert 0.02 < expected.mean() < 0.98


def test_flat_maps_with_a_normalisation(tmp_path):
    model = model_of("10", (3, 2, 2), 0.5)
    model.encoder = Encoder("direct", 8, 255.0, (100.0, 80.0), (50.0, 70.0))
    images = np.random.default_rng(3).integers(0, 256, (60, 3, 2, 2), np.uint8)
    expected = model.network.forward(model.encoder.encode(images), 8).spk
    to_nir(model, tmp_path / "m.nir")
    np.testing.assert_array_equal(read(tmp_path / "m.nir").network.forward(images[None], 8).spk, expected)


def test_what_was_assumed_is_told_and_what_was_said_is_kept(tmp_path):
    to_nir(model_of("4-4", (5,)), tmp_path / "m.nir")
    with pytest.warns(UserWarning) as told:
        model = from_nir(tmp_path / "m.nir", DT)
    assert [str(one.message).split(":")[0] for one in told] == [
        "the number of time steps was not given",
        "inputs are taken as they are, up to 1",
        "reset zero, as NIR defines LIF and IF",
    ]
    assert model.encoder.num_steps == 10
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = {"mean": 0.5, "std": 0.25, "classes": 2, "dataset": "digits", "surrogate": "atan:2", "reset": "zero"}
        model = from_nir(tmp_path / "m.nir", DT, num_steps=7, input_scale=16, max_value=15, **said)
    assert model.encoder == Encoder("direct", 7, 15.0, (8.0,), (4.0,))
    assert (model.network.classes, model.dataset, str(model.network.surrogate)) == (2, "digits", "atan:2")
    assert model.versions["nir"] == "1.0.8"
    model.save(tmp_path / "m.npz")
    assert ms.load_model(tmp_path / "m.npz").network.config() == model.network.config()


def test_a_dt_that_keeps_no_membrane_is_told(tmp_path):
    to_nir(model_of("4-4", (5,), (0.5, 0.95)), tmp_path / "m.nir")
    for dt, words in (
        (2e-4, "^dt 0.0002 equals tau of 'neurons1' .LIF., so that beta is 0: no membrane is kept"),
        (1.9e-4, "^dt 0.00019 is nearly tau of 'neurons1' .LIF., so that beta is 0.05: hardly any membrane"),
    ):
        with pytest.warns(UserWarning, match=words):
            assert read(tmp_path / "m.nir", dt).network.betas[0] < 0.06


def test_flat_rows_are_images_of_a_given_shape(tmp_path):
    """Pixels of a flat file count channels first."""
    to_nir(model_of("10", (12,)), tmp_path / "m.nir")
    model = from_nir(tmp_path / "m.nir", DT, num_steps=8, input_scale=1, reset="zero", input_shape=(3, 2, 2))
    images = inputs_for((3, 2, 2))
    rows = np.moveaxis(images, -1, 2).reshape(8, 40, 12)
    np.testing.assert_array_equal(spikes_of(model, images), spikes_of(read(tmp_path / "m.nir"), rows))
    with pytest.raises(InputError, match=r"^input_shape \(3, 3, 1\) has 9 pixels, but .* takes rows of 12"):
        from_nir(tmp_path / "m.nir", DT, input_shape=(3, 3, 1))


def test_a_border_that_is_no_black_pixel_is_told_and_not_written(tmp_path):
    to_nir(model_of("4C3-4", (5, 5, 1), padding=1), tmp_path / "m.nir")
    with pytest.warns(UserWarning, match="layer 1 4C3 pads with 0, which is no pixel of value 0"):
        model = from_nir(tmp_path / "m.nir", DT, num_steps=4, input_scale=1, mean=0.5, reset="zero")
    with pytest.raises(InputError, match="the first layer pads with 0, which is no pixel of value 0, and NIR pads"):
        to_nir(model, tmp_path / "again.nir")
    assert not (tmp_path / "again.nir").exists()


def test_what_nir_cannot_say_is_not_written(tmp_path):
    path, rng = tmp_path / "m.nir", np.random.default_rng(0)
    for options, words in (
        ({"reset": "subtract"}, "lack reset 'subtract'; train with reset 'zero'"),
        ({"reset": "subtract_then_leak"}, "lack reset 'subtract_then_leak'"),
        ({"reset": "zero", "readout": "membrane"}, "a membrane readout cannot be written"),
    ):
        model = ms.Model(ms.Network("4-3", (5,), **options, rng=rng), Encoder("direct", 4))
        with pytest.raises(InputError, match=words):
            to_nir(model, path)
    model = model_of("4C2-MP2-3", (5, 5, 1))
    model.network.layers[0].pooling = object()
    with pytest.raises(InputError, match="only maximum pools can be written to NIR"):
        to_nir(model, path)
    with pytest.raises(InputError, match="layer 1 4C2MP2 pools its currents before the neurons"):
        to_nir(model_of("4C2MP2-3", (5, 5, 1)), path)
    with pytest.raises(InputError, match="dt must be a number above 0, in the unit of the time constants, got -1"):
        to_nir(model_of("3", (5,)), path, dt=-1)
    with pytest.raises(InputError, match="model must be a Model"):
        to_nir(model.network, path)
    with pytest.raises(InputError, match="cannot write"):
        to_nir(model_of("3", (5,)), tmp_path / "nowhere" / "m.nir")
    assert [*tmp_path.iterdir()] == []


def test_a_file_is_the_same_each_time(tmp_path):
    for name in "ab":
        to_nir(model_of("4C2-MP2-3", (5, 5, 1)), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.skipif(REAL is None, reason="MINISNN_TEST_NIR names no folder with files of the NIR paper and of snnTorch")
@pytest.mark.parametrize(
    "name, words",
    [
        ("snntorch_linear_vec", None),
        ("snntorch_conv_vec_nopool", None),
        ("lif_rockpool", None),
        ("snntorch_conv_vec_avg", r"node '2' \(AvgPool2d\) cannot be read: .* maximum"),
        ("cnn_sinabs", r"node '0' \(Conv2d\) has stride 2"),
        ("two_lif_neurons", r"node 'lif1' \(LIF\) has v_leak 1.2"),
        ("braille_noDelay_bias_zero", r"node 'lif1.lif' \(CubaLIF\) cannot be read: .* synapses"),
        ("braille_noDelay_noBias_subtract", r"node 'lif1.lif' \(CubaLIF\) cannot be read: .* synapses"),
    ],
)
def test_files_of_others_are_read_with_equal_spikes_or_refused_with_the_reason(name, words):
    path = Path(REAL) / f"{name}.nir"
    if words:
        with pytest.raises(InputError, match=words):
            from_nir(path, DT)
        return
    model = read(path)
    if (Path(REAL) / f"{name}_expected.npz").exists():
        with np.load(Path(REAL) / f"{name}_expected.npz") as stored:
            inputs, expected = stored["x"], stored["spk_minisnn"]
        ours = np.moveaxis(inputs, 2, -1) if inputs.ndim == 5 else inputs
        np.testing.assert_array_equal(model.network.forward(ours, len(ours)).spk, expected)
    else:
        inputs = np.random.default_rng(0).integers(0, 2, (100, 20, *model.network.input_shape)).astype(np.float32)
        ours = inputs
    # Output neurons of some files never fire, so all layers are compared with the equations of the format.
    run = model.network.forward(ours, len(ours), record=True)
    graph = nir.read(path, type_check=False)
    nodes = equations.outputs(graph, inputs, DT)
    theirs = [spk for node, spk in nodes.items() if isinstance(graph.nodes[node], nir.LIF)]
    assert len(theirs) == len(run.layers) and theirs[0].any()
    for layer, spk in zip(run.layers, theirs):
        np.testing.assert_array_equal(layer.spk, np.moveaxis(spk, 2, -1) if spk.ndim == 5 else spk)
