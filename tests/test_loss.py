"""Losses: numbers by hand, finite differences, torch and snnTorch as oracles."""

import numpy as np
import pytest

from minisnn import loss
from minisnn.errors import InputError

LABELS = np.array([2, 0, 1])
TEXTS = ["rate", "membrane", "mse_count", "mse_count:0.7:0.1"]


def activity(neurons=6, steps=5):
    """Spikes as real numbers and membranes, so that differences can be taken."""
    rng = np.random.default_rng(0)
    return rng.random((steps, 3, neurons)), rng.standard_normal((steps, 3, neurons))


def test_rate_by_hand():
    spk = np.zeros((3, 1, 2))
    spk[:2, 0, 1] = 1  # counts 0, 2
    value, dspk, dmem = loss.rate(spk, None, np.array([0]), 2)
    p = np.exp(2) / (1 + np.exp(2))
    assert value == pytest.approx(-np.log(1 - p))
    np.testing.assert_allclose(dspk[:, 0], [[-p, p]] * 3)
    assert dmem is None


def test_mse_by_hand():
    spk = np.zeros((2, 1, 4))
    spk[:, 0, 0] = 1  # classes of two neurons: counts 2, 0; wanted 0.25*4 = 1 and 0.5*4 = 2
    value, dspk, _ = loss.mse_count(spk, None, np.array([1]), 2, correct=0.5, incorrect=0.25)
    assert value == pytest.approx((1 + 4) / 2 / 2)
    np.testing.assert_allclose(dspk[0, 0], np.array([1, 1, -2, -2]) * 2 / (2 * 2))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("classes", [3, 6])
def test_finite_differences(text, classes):
    f, arrays = loss.parse(text), list(activity())
    _, *gradients = f(*arrays, LABELS, classes)
    assert sum(g is not None for g in gradients) == 1
    for array, gradient in zip(arrays, gradients):
        flat = array.reshape(-1)
        for i in range(0, flat.size, 7):
            kept, values = flat[i], []
            for shift in (1e-5, -1e-5):
                flat[i] = kept + shift
                values.append(f(*arrays, LABELS, classes)[0])
            flat[i] = kept
            expected = 0.0 if gradient is None else gradient.reshape(-1)[i]
            assert (values[0] - values[1]) / 2e-5 == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("target", [None, 0.2, [0.1, 0.2, 0.3]])
def test_rate_penalty_differences(target):
    rates = np.array([0.3, 0.05, 0.2])
    value, drates = loss.rate_penalty(rates, 1.5, target)
    for i in range(3):
        step = np.eye(3)[i] * 1e-6
        up, down = (loss.rate_penalty(r, 1.5, target)[0] for r in (rates + step, rates - step))
        assert (up - down) / 2e-6 == pytest.approx(drates[i], abs=1e-8)
    assert loss.rate_penalty(rates, 2.0)[0] == pytest.approx(1.1)
    assert loss.rate_penalty(rates, 2.0, rates)[0] == 0
    assert loss.rate_penalty(rates, (1.0, 0.0, 2.0))[0] == pytest.approx(0.7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("text", TEXTS)
def test_gradients_keep_the_dtype(text, dtype):
    spk, mem = (a.astype(dtype) for a in activity())
    _, *gradients = loss.parse(text)(spk, mem, LABELS, 3)
    assert all(g.dtype == dtype and g.shape == spk.shape for g in gradients if g is not None)


def test_huge_counts_do_not_overflow():
    with np.errstate(over="raise", invalid="raise"):
        value, dspk, _ = loss.rate(np.full((1, 3, 3), 1e4, np.float32) * np.arange(3, dtype="f4"), None, LABELS, 3)
    assert np.isfinite(value) and np.isfinite(dspk).all()


def test_torch_cross_entropy():
    torch = pytest.importorskip("torch")
    spk, mem = activity()
    for text, array in (("rate", spk), ("membrane", mem)):
        x = torch.tensor(array, requires_grad=True)
        logits = x.sum(0) if text == "rate" else x.reshape(-1, 6)
        labels = torch.tensor(LABELS if text == "rate" else np.tile(LABELS, 5))
        expected = torch.nn.functional.cross_entropy(logits, labels)
        expected.backward()
        value, *gradients = loss.parse(text)(spk, mem, LABELS, 6)
        assert value == pytest.approx(expected.item(), rel=1e-12)
        np.testing.assert_allclose(next(g for g in gradients if g is not None), x.grad.numpy(), atol=1e-14)


@pytest.mark.parametrize("classes", [3, 6])
def test_snntorch_mse_count_loss(classes):
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("snntorch.functional")
    spk = (activity()[0] > 0.5).astype(float)
    # Rates that want whole counts: snnTorch cuts wanted counts down to whole numbers, ours are what they are.
    theirs = functional.mse_count_loss(
        correct_rate=0.8, incorrect_rate=0.2, population_code=classes != 6, num_classes=classes
    )
    x = torch.tensor(spk, requires_grad=True)
    expected = theirs(x, torch.tensor(LABELS))
    value, dspk, _ = loss.mse_count(spk, None, LABELS, classes, 0.8, 0.2)
    assert value == pytest.approx(expected.item(), rel=1e-5)
    if expected.requires_grad:
        expected.backward()
        np.testing.assert_allclose(dspk, x.grad.numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 3], [0, -1, 1], [0.0, 1.0, 2.0]])
def test_labels_that_do_not_fit(labels):
    with pytest.raises(InputError, match="labels must be"):
        loss.rate(*activity(), np.array(labels), 3)


@pytest.mark.parametrize("text", ["hinge", "rate:1", "mse_count:2:0", "mse_count:x:0", "mse_count:0.5"])
def test_bad_names(text):
    with pytest.raises(InputError, match="loss"):
        loss.parse(text)


@pytest.mark.parametrize("text", ["x", "-1", "1:2", "1:0.1:3", "nan", "1,-1", "1,x", "1,2:0.1,2", ""])
def test_bad_penalties(text):
    with pytest.raises(InputError, match="rate penalty"):
        loss.parse_penalty(text)
