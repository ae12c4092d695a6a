"""Optimisers, schedules and clipping: by hand, and against torch step by step."""

import numpy as np
import pytest

from minisnn.errors import InputError
from minisnn.training import optim


def params(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for shape in ((4, 3), (3,))]


def gradients(count, dtype=np.float64):
    rng = np.random.default_rng(1)
    return [[rng.standard_normal(p.shape).astype(dtype) for p in params()] for _ in range(count)]


def test_two_steps_of_sgd_by_hand():
    p = [np.array([1.0])]
    sgd = optim.SGD(p, momentum=0.5)
    sgd.step(p, [np.array([1.0])], lr=0.1)  # v = 1
    np.testing.assert_allclose(p[0], 0.9)
    sgd.step(p, [np.array([1.0])], lr=0.1)  # v = 0.5 * 1 + 1
    np.testing.assert_allclose(p[0], 0.75)


def test_the_first_step_of_adam_by_hand():
    p = [np.array([1.0])]
    adam = optim.Adam(p)
    adam.step(p, [np.array([3.0])], lr=0.1)  # mh / sqrt(vh) = 1: the first step has the size of lr
    np.testing.assert_allclose(p[0], 0.9, rtol=1e-8)
    state = adam.state()
    np.testing.assert_allclose([state["m.0"][0], state["v.0"][0]], [0.1 * 3, 0.001 * 9])
    assert state["t"] == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_kernel_of_adam_gives_the_same_bits(monkeypatch, dtype, threads):
    from minisnn.kernels import optim as kernels

    monkeypatch.setattr(kernels, "SHARE", 5)  # several shares of an array, on several threads
    ours, theirs = params(dtype), params(dtype)
    kernel = optim.Adam(ours, weight_decay=0.1, backend="numba", threads=threads)
    reference = optim.Adam(theirs, weight_decay=0.1, backend="numpy")
    for grads in gradients(4, dtype):
        kernel.step(ours, grads, 0.01)
        reference.step(theirs, grads, 0.01)
    for a, b in zip((*ours, *kernel.m, *kernel.v), (*theirs, *reference.m, *reference.v)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "name, total, rates",
    [
        ("constant", 4, {0: 1.0, 3: 1.0}),
        ("cosine", 4, {0: 1.0, 1: 0.854, 2: 0.5, 3: 0.146, 4: 0.0}),
        ("one_cycle", 10, {0: 0.04, 2: 1.0, 9: 0.0}),
    ],
)
def test_schedules_by_hand(name, total, rates):
    for step, rate in rates.items():
        assert optim.schedule(name)(step, total, 1.0) == pytest.approx(rate, abs=5e-4)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize("name, weight_decay", [("adam", 0.0), ("adam", 0.1), ("sgd", 0.0), ("sgd", 0.1)])
def test_steps_equal_those_of_torch(name, weight_decay, backend):
    torch = pytest.importorskip("torch")
    ours, theirs = params(), [torch.tensor(p, requires_grad=True) for p in params()]
    optimiser = optim.make(name, ours, weight_decay, backend)
    oracle = (
        torch.optim.AdamW(theirs, 1.0, weight_decay=weight_decay)
        if name == "adam"
        else torch.optim.SGD(theirs, 1.0, momentum=0.9, weight_decay=weight_decay)
    )
    for step, grads in enumerate(gradients(20)):
        lr = 0.01 * (1 + step % 3)
        optimiser.step(ours, grads, lr)
        oracle.param_groups[0]["lr"] = lr
        for p, g in zip(theirs, grads):
            p.grad = torch.tensor(g)
        oracle.step()
        for p, q in zip(ours, theirs):
            np.testing.assert_allclose(p, q.detach().numpy(), rtol=0, atol=1e-12)


def test_schedules_equal_those_of_torch():
    torch = pytest.importorskip("torch")
    for name, total in (("one_cycle", 50), ("one_cycle", 7), ("cosine", 50)):
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.3)
        schedulers = torch.optim.lr_scheduler
        oracle = (
            schedulers.OneCycleLR(optimiser, 0.3, total_steps=total)
            if name == "one_cycle"
            else schedulers.CosineAnnealingLR(optimiser, total)
        )
        for step in range(total):
            expected = optimiser.param_groups[0]["lr"]
            assert optim.schedule(name)(step, total, 0.3) == pytest.approx(expected, rel=1e-9, abs=1e-12), (name, step)
            optimiser.step()
            if step < total - 1:
                oracle.step()


@pytest.mark.parametrize("total", [1, 2, 3, 4, 10])
@pytest.mark.parametrize("name", optim.SCHEDULES)
def test_short_schedules_stay_between_0_and_the_peak(name, total):
    rates = [optim.schedule(name)(step, total, 1.0) for step in range(total)]
    assert all(0 <= rate <= 1 for rate in rates) and max(rates) > 0


@pytest.mark.parametrize("name", optim.OPTIMISERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saved_state_continues_bit_for_bit(name, dtype):
    steps = gradients(6, dtype)
    whole, half = params(dtype), params(dtype)
    optimiser, first = optim.make(name, whole, 0.01), optim.make(name, half, 0.01)
    for grads in steps:
        optimiser.step(whole, grads, 0.1)
    for grads in steps[:3]:
        first.step(half, grads, 0.1)
    second = optim.make(name, half, 0.01)
    second.load({key: value.copy() for key, value in first.state().items()})
    for grads in steps[3:]:
        second.step(half, grads, 0.1)
    for p, q in zip(whole, half):
        assert p.dtype == dtype and p.tobytes() == q.tobytes()


def test_clip():
    grads = [np.array([3.0, 0.0]), np.array([4.0])]
    assert optim.clip(grads, 10.0) == 5.0 and grads[1][0] == 4.0
    assert optim.clip(grads, 2.5) == 5.0
    np.testing.assert_allclose(np.concatenate(grads), [1.5, 0.0, 2.0])
    assert not np.isfinite(optim.norm([np.array([np.nan])])) and not np.isfinite(optim.norm([np.array([np.inf])]))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: optim.make("rmsprop", params()), "adam, sgd"),
        (lambda: optim.make("adam", params(), -1.0), "weight decay"),
        (lambda: optim.schedule("step"), "one_cycle"),
    ],
)
def test_wrong_values_are_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
