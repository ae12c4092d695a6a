"""A model from layers that a reader describes: notation, order of rows, encoder, and what does not fit together."""

import subprocess
import sys

import numpy as np
import pytest

from minisnn import Encoder, Model
from minisnn.errors import InputError
from minisnn.interop import libraries
from minisnn.interop.build import ReadLayer, build

DIRECT = Encoder("direct", 4, max_value=1.0)
ONES = np.ones((4, 3), np.float32)
CONV = np.ones((3, 3, 2, 5), np.float32)


def layer(w=ONES, **changes):
    return ReadLayer(**{"name": "fc1", "w": w, "beta": 0.5, "threshold": 1.0, **changes})


def test_a_convolution_with_its_pool_and_a_fully_connected_layer():
    rng = np.random.default_rng(0)
    w, dense = rng.standard_normal((3, 3, 2, 5)), rng.standard_normal((5 * 2 * 3, 7))
    model = build(
        [
            layer(w, b=np.arange(5.0), padding=1, pool=2, beta=0.25, threshold=0.5, reset="zero"),
            layer(dense, name="fc2", order="chw", reset="zero"),
        ],
        (4, 6, 2),
        DIRECT,
        sources={"other": "1.2"},
    )
    net = model.network
    assert (net.topology, net.padding, net.dtype, net.reset) == ("5C3-MP2-7", (1,), np.float64, "zero")
    assert (net.betas, net.thresholds) == ((0.25, 0.5), (0.5, 1.0))
    np.testing.assert_array_equal(net.layers[0].w, w)
    assert net.layers[0].b.tolist() == [0, 1, 2, 3, 4] and not net.layers[1].b.any()
    for y, x, c in np.ndindex(2, 3, 5):  # an address is (y*W + x)*C + c; channels first it is (c*H + y)*W + x
        np.testing.assert_array_equal(net.layers[1].w[(y * 3 + x) * 5 + c], dense[(c * 2 + y) * 3 + x])
    assert (model.encoder.mean, model.encoder.std, model.versions["other"]) == ((0.0, 0.0), (1.0, 1.0), "1.2")


def test_a_model_can_be_saved(tmp_path):
    model = build([layer(reset="zero"), layer(np.ones((3, 2), np.float32), reset="none")], None, DIRECT)
    model.save(tmp_path / "m.npz")
    again = Model.load(tmp_path / "m.npz")
    assert again.network.config() == model.network.config()
    assert again.network.resets == ("zero", "none")


@pytest.mark.parametrize(
    "layers, shape, sentence",
    [
        ([], (4,), "there is no layer of weights"),
        ([layer(np.ones((3, 2, 2, 5)))], (4, 4, 2), "layer fc1: weights of shape (3, 2, 2, 5) are neither"),
        ([layer(np.full((4, 3), np.nan))], None, "weights of layer fc1 must be finite"),
        ([layer(b=np.full(3, np.inf))], None, "biases of layer fc1 must be finite"),
        ([layer(b=np.ones(4))], None, "layer fc1: biases must have shape (3,), got (4,)"),
        ([layer(pool=2)], None, "layer fc1 is fully connected, and takes neither padding nor a pool"),
        ([layer(beta=1.5)], None, "beta of layer fc1 must be between 0 and 1, got 1.5"),
        ([layer(threshold=0.0)], None, "threshold of layer fc1 must be above 0, got 0"),
        ([layer(threshold=np.inf)], None, "threshold of layer fc1 must be above 0, got inf"),
        ([layer(reset="half")], None, "reset of layer fc1 must be one of"),
        ([layer(order="whc")], None, "order of layer fc1 must be one of"),
        ([layer(CONV), layer()], None, "layer fc1 is a convolution, whose weights do not tell the size"),
        ([layer(CONV), layer()], (4, 4, 3), "layer fc1 takes 2 channels, but gets 3"),
        ([layer(CONV), layer(name="fc2")], (4, 4, 2), "layer fc2 takes 4 inputs, but gets 2x2x5 = 20"),
        ([layer(), layer(name="fc2")], None, "layer fc2 takes 4 inputs, but gets 3:"),
        ([layer(reset="none"), layer(np.ones((3, 2)), name="fc2")], None, "layer fc1 has reset none"),
        (
            [layer(), layer(np.ones((3, 2)), name="fc2", reset="zero")],
            None,
            "the layers have resets subtract (layer fc1) and zero (layer fc2)",
        ),
    ],
)
def test_what_does_not_fit_is_told_by_the_layers_name(layers, shape, sentence):
    with pytest.raises(InputError) as error:
        build(layers, shape, DIRECT)
    assert str(error.value).startswith(sentence)


def test_the_encoder_has_a_mean_for_every_channel_or_one():
    encoder = Encoder("direct", 4, 1.0, (0.1, 0.2, 0.3), (1.0, 1.0, 1.0))
    with pytest.raises(InputError, match="one for each of the 2 channels"):
        build([layer(CONV, pool=2), layer(np.ones((5, 3)))], (4, 4, 2), encoder)


@pytest.mark.parametrize("missing", ["torch", "snntorch"])
def test_a_library_that_is_missing_is_named(missing, monkeypatch):
    if missing == "snntorch":
        pytest.importorskip("torch")
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    with pytest.raises(InputError, match=f"this needs {missing}, .*: pip install {missing}"):
        libraries.snntorch_library()


def test_nothing_is_imported_before_it_is_used():
    code = (
        "import sys; from minisnn.interop import compare, snntorch; assert not {'torch', 'snntorch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
