"""Networks of snnTorch that saw recordings of event cameras: no spike differs."""

import numpy as np
import pytest

import minisnn as ms
from minisnn.errors import InputError
from minisnn.interop.compare import compare

torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")

RECORDINGS = np.random.default_rng(0).poisson(0.3, (20, 5, 8, 8, 2)).astype(np.uint8)


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 6, 3),
        snn.Leaky(0.75, threshold=0.3, init_hidden=True),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(54, 4),
        snn.Leaky(0.75, threshold=0.1, init_hidden=True, output=True),
    ).double()


@pytest.mark.parametrize("encoding", ["events", "counts"])
def test_no_spike_differs(encoding):
    assert RECORDINGS.max() > 1
    module = network()
    model = ms.from_snntorch(module, (8, 8, 2), num_steps=5, encoding=encoding)
    for layer in compare(model, module, RECORDINGS):
        assert layer.differ == 0 and layer.spikes > 0
    assert len(ms.predict(model, RECORDINGS)) == 20


def test_recordings_have_no_input_scale():
    with pytest.raises(
        InputError, match="input_scale belongs to pixels; with events coding recordings are taken as th"
    ):
        ms.from_snntorch(network(), (8, 8, 2), num_steps=5, encoding="events", input_scale=255)
