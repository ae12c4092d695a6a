"""What the library refuses: wrong shapes, types, scales and labels, at every entry into compiled code."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minisnn as ms
from minisnn import check
from minisnn.data.dataset import Dataset
from minisnn.data.load import load_for
from minisnn.errors import InputError
from minisnn.timing import cycles
from minisnn.training.settings import Settings

from .helpers import few
from .hw.networks import random_inputs, random_network

STEPS, BATCH = 3, 4


def network(topology="4C2-MP2-6", backend="numba", **options):
    return ms.Network(topology, (5, 5, 2), backend=backend, rng=np.random.default_rng(0), **options)


def laid_out(x, layout):
    """Return the same numbers in another layout of memory."""
    if layout == "strided":
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    if layout == "reversed":
        return np.ascontiguousarray(x[::-1])[::-1]
    return np.asfortranarray(x) if layout == "fortran" else x


layouts = st.sampled_from(["contiguous", "strided", "reversed", "fortran"])
numbers = st.sampled_from(["f2", "f4", "f8", "i4", "u1", "?", ">f8"])


@few
@given(layouts, numbers, st.sampled_from([1, STEPS]))
def test_forward_takes_any_layout_and_type(layout, dtype, steps):
    net = network()
    inputs = np.random.default_rng(1).integers(0, 2, (steps, BATCH, 5, 5, 2)).astype(dtype)
    expected = network(backend="numpy").forward(inputs.astype("f4"), STEPS)
    run = net.forward(laid_out(inputs, layout), STEPS)
    np.testing.assert_array_equal(run.spk, expected.spk)
    np.testing.assert_allclose(run.mem, expected.mem, atol=1e-5)


@few
@given(layouts, numbers, layouts)
def test_backward_takes_any_layout_and_type(layout, dtype, other):
    net, rng = network(), np.random.default_rng(2)
    run = net.forward(rng.standard_normal((1, BATCH, 5, 5, 2)), STEPS)
    dspk, dmem = rng.integers(0, 3, (2, STEPS, BATCH, 6)).astype(dtype)
    expected = net.backward(run, dspk.astype("f4"), dmem.astype("f4"))
    for grad, wanted in zip(net.backward(run, laid_out(dspk, layout), laid_out(dmem, other)), expected):
        np.testing.assert_array_equal(grad, wanted)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize("name", ["dspk", "dmem"])
@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((STEPS - 1, BATCH, 6)),
        np.zeros((STEPS, BATCH + 1, 6)),
        np.zeros((STEPS, BATCH, 5)),
        np.zeros((1, 1, 1)),
        np.zeros(6),
        np.full((STEPS, BATCH, 6), "1"),
        np.zeros((STEPS, BATCH, 6), complex),
    ],
    ids=lambda x: f"{x.dtype} {x.shape}",
)
def test_backward_refuses_another_shape(backend, name, wrong):
    net = network(backend=backend)
    run = net.forward(np.ones((1, BATCH, 5, 5, 2)), STEPS)
    with pytest.raises(InputError, match=f"{name} must be numbers of the shape"):
        net.backward(run, **{"dspk": None, name: wrong})


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_backward_refuses_the_run_of_another_network(backend):
    inputs = np.ones((1, BATCH, 5, 5, 2))
    other = network("8C2-MP2-6", backend).forward(inputs, STEPS, record=True)
    with pytest.raises(InputError, match="the run that the forward pass of this network"):
        network(backend=backend).backward(other, np.ones((STEPS, BATCH, 6)))
    with pytest.raises(InputError, match="drates must be numbers of the shape"):
        net = network(backend=backend)
        net.backward(net.forward(inputs, STEPS, record=True), None, drates=[1.0])


def test_a_run_that_was_not_retained_is_refused():
    net = network()
    run = net.forward(np.ones((1, BATCH, 5, 5, 2)), STEPS)
    net.backward(run, None, retain=False)
    for again in (net.counts, lambda run: net.backward(run, None)):
        with pytest.raises(InputError, match="this run was not retained by the backward pass that took it"):
            again(run)


@pytest.mark.parametrize(
    "inputs, steps, words",
    [
        (np.full((1, 2, 5, 5, 2), np.nan), 3, "finite"),
        (np.full((1, 2, 5, 5, 2), np.inf), 3, "finite"),
        (np.ones((1, 2, 5, 5, 2)), 3.0, "num_steps must be a whole number"),
        (np.ones((1, 2, 5, 5, 2)), True, "num_steps must be a whole number"),
        (np.ones((1, 2, 5, 5, 2)), 0, "num_steps must be a whole number"),
        (np.ones((2, 2, 5, 5, 2)), 3, "must have shape"),
        (np.ones((1, 2, 5, 2, 5)), 3, "must have shape"),
        (np.ones((1, 0, 5, 5, 2)), 3, "must have shape"),
        ([[1.0], [1.0, 2.0]], 3, "different lengths"),
        (np.full((1, 2, 5, 5, 2), "x"), 3, "must be numbers"),
        (np.ones((1, 2, 5, 5, 2), complex), 3, "must be numbers"),
        (None, 3, "must be numbers"),
    ],
)
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_forward_refuses(backend, inputs, steps, words):
    with pytest.raises(InputError, match=words):
        network(backend=backend).forward(inputs, steps)


@few
@given(layouts, st.sampled_from(["u1", "u2", "u4", "u8"]), st.sampled_from([0, 3]))
def test_integers_take_any_layout_and_width(layout, dtype, input_bits):
    """64 bits, too, which NumPy and Numba would add to signed numbers as floats."""
    integer = random_network("3C2-4", (4, 4, 2), np.random.default_rng(0), input_bits=input_bits)
    inputs = random_inputs(integer, STEPS, BATCH, np.random.default_rng(1))
    expected = integer.forward(inputs, STEPS, keep="membranes")
    run = integer.forward(laid_out(inputs.astype(dtype), layout), STEPS, keep="membranes")
    np.testing.assert_array_equal(run.scores, expected.scores)
    for mem, wanted in zip(run.mem, expected.mem):
        np.testing.assert_array_equal(mem, wanted)
    given = cycles.Stimulus.of(integer, laid_out(inputs.astype(dtype), layout), run, STEPS)
    wanted = cycles.Stimulus.of(integer, inputs, expected, STEPS)
    np.testing.assert_array_equal(cycles.predict(given, (1, 1)).latency, cycles.predict(wanted, (1, 1)).latency)


def test_integers_and_cycles_refuse():
    integer = random_network("3C2-4", (4, 4, 2), np.random.default_rng(0))
    inputs = random_inputs(integer, STEPS, BATCH, np.random.default_rng(1))
    run = integer.forward(inputs, STEPS, keep="spikes")
    for wrong, steps, words in (
        (inputs[:2], STEPS, "must have shape"),
        (inputs[..., :1], STEPS, "must have shape"),
        (inputs.astype("i4"), STEPS, "unsigned"),
        (inputs.astype("f4"), STEPS, "unsigned"),
        (2 * inputs, STEPS, "up to 1"),
        (inputs, 3.0, "whole number"),
    ):
        with pytest.raises(InputError, match=words):
            integer.forward(wrong, steps)
    for frames in (
        [inputs],
        [inputs, run.out[0][:, :1]],
        [inputs, run.out[0][:2]],
        [inputs, run.out[0][..., :1]],
        [inputs.astype("f4"), run.out[0]],
        [inputs, run.out[0].astype("i8")],
    ):
        with pytest.raises(InputError, match="frames"):
            cycles.Stimulus.of_frames(integer, frames, STEPS)


@pytest.fixture(scope="module")
def digits():
    return ms.load_data("digits")


@pytest.fixture(scope="module")
def model(digits):
    net = ms.Network("10", digits.input_shape, backend="numpy", rng=np.random.default_rng(0))
    return ms.fit(net, digits, epochs=1, num_steps=2)


@pytest.fixture(scope="module")
def integer(digits, model):
    return ms.quantize(model, images=digits.x_train)[0]


def test_float_and_integer_model_refuse_the_same(digits, model, integer):
    x, y = digits.x_test, digits.y_test
    for images, labels, words in (
        (x / 16, y, "same scale"),
        (x.astype("f4") * 16, y, "same scale"),
        (np.full(x.shape, np.nan), y, "finite"),
        (x[:, :4], y, "shape"),
        (x[:0], y[:0], "shape"),
        (x, y + 7, "labels must be 0 to 9"),
        (x, y[:5], "one for each"),
        (x, y.astype(complex), "whole numbers"),
        (x, y.astype(str), "whole numbers"),
        (x, y + 0.5, "whole numbers"),
    ):
        for call in (lambda: ms.evaluate(model, images, labels), lambda: integer.evaluate(images, labels)):
            with pytest.raises(InputError, match=words):
                call()
    with pytest.raises(InputError, match="same scale"):
        ms.cycles(integer, x / 16)
    with pytest.raises(InputError, match="shape"):
        ms.cycles(integer, x[:0])


def test_what_is_no_other_scale(digits, model, integer):
    """A hot pixel, a bright image, one dark image, and labels as whole floats."""
    hot, row = digits.x_test.astype("f4"), digits.x_test.astype("f4")
    hot[0, 0, 0] = 1e4
    row[3] = 1e3
    for images in (hot, row, digits.x_test[:1] / 16):
        ms.evaluate(model, images, digits.y_test[: len(images)].astype(float))
        integer.evaluate(images, digits.y_test[: len(images)])


@pytest.mark.parametrize("fault", ["hot pixel", "outlier row", "constant", "bytes up to 3"])
def test_odd_training_images_are_no_other_scale(digits, fault):
    """The scale of a model survives what one image does to it; test images of the same kind fit."""
    x = {
        "hot pixel": digits.x_train / 16.0,
        "outlier row": digits.x_train / 16.0,
        "constant": np.full(digits.x_train.shape, 0.7),
        "bytes up to 3": digits.x_train // 5,
    }[fault]
    test = x[:100].copy()
    if fault == "hot pixel":
        x[7, 3, 3] = 1000.0
    if fault == "outlier row":
        x[7] = 500.0
    most = 255.0 if x.dtype == np.uint8 else float(x.max())
    data = replace(digits, x_train=x, x_test=test, y_test=digits.y_train[:100], max_value=most)
    net = ms.Network("10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    ms.evaluate(ms.fit(net, data, epochs=1, num_steps=2), data.x_test, data.y_test)


def test_load_for_checks_once_for_all_commands(tmp_path, digits, model, integer):
    for name, arrays, words in (
        ("scale", {"X": digits.x_test / 16, "y": digits.y_test}, "same scale"),
        ("shape", {"X": digits.x_test[:, :6], "y": digits.y_test}, "shape"),
        ("labels", {"X": np.repeat(digits.x_test[:12], 2, 0), "y": np.arange(24) // 2}, "labels must be 0 to 9"),
    ):
        path = tmp_path / f"{name}.npz"
        np.savez(path, **arrays)
        for one in (model, integer):
            with pytest.raises(InputError, match=f"{name}.npz does not fit m.npz: .*{words}"):
                load_for(one, "m.npz", path)


@pytest.mark.parametrize(
    "labels, words",
    [
        ([1, 2, 3, 1, 2, 3, 1, 2], "count from 0; subtract 1"),
        ([0, 1, 2, 255, 1, 2, 0, 1], "labels go up to 255, but only 4 of them occur"),
        ([0, 1, 10**6, 0, 1, 0, 1, 0], "labels go up to 1000000"),
        ([0, 1e300, 1, 0, 1, 0, 1, 0], "labels must be whole numbers from 0, got 0 to 1e"),
        ([0, 1j, 1, 0, 1, 0, 1, 0], "labels must be whole numbers from 0, got complex128"),
        ([0, -1, 1, 0, 1, 0, 1, 0], "labels must be whole numbers from 0, got -1 to 1"),
        (["cat", "dog"] * 4, "labels must be whole numbers from 0, got text such as cat"),
    ],
)
def test_labels_of_a_file(tmp_path, labels, words):
    path = tmp_path / "d.npz"
    np.savez(path, X=np.zeros((8, 3, 3), np.uint8), y=np.array(labels))
    with pytest.raises(InputError, match=words):
        ms.load_data(path)


def test_dataset_refuses():
    x, y = np.zeros((4, 2, 2, 1)), np.array([0, 1, 0, 1])
    for change, words in (
        ({"x_train": x * np.nan}, "x_train must be finite"),
        ({"x_test": x[:, :1]}, "x_test has images of shape"),
        ({"x_train": x[..., 0]}, "must have shape"),
        ({"y_train": y[:2]}, "y_train must be whole numbers, one for each of 4"),
        ({"y_test": y + 1}, "y_test must be 0 to 1, one for each class, got 1 to 2; labels count from 0: subtract"),
        ({"classes": 2.0}, "classes must be a whole number"),
    ):
        with pytest.raises(InputError, match=words):
            Dataset(
                **{
                    "name": "d",
                    "x_train": x,
                    "y_train": y,
                    "x_test": x,
                    "y_test": y,
                    "classes": 2,
                    "max_value": 1.0,
                    "ordered": False,
                }
                | change
            )


def test_dataset_finds_classes_and_the_largest_pixel():
    x, y = np.array([[0, 7], [3, 1]], np.uint8), np.array([0, 1])
    data = Dataset("d", x, y, x[:1], np.array([2]))
    assert (data.classes, data.max_value, data.ordered) == (3, 255.0, False)
    assert Dataset("d", x / 2, y, x / 2, y).max_value == 3.5
    assert Dataset("d", x * 0.0, y, x * 0.0, y).max_value == 1.0
    with pytest.raises(InputError, match="y_train must be whole numbers"):
        Dataset("d", x, np.array(["a", "b"]), x, y)


def test_doubts_are_warnings(digits):
    rng = np.random.default_rng(0)
    first = rng.integers(0, 255, (40, 3, 20, 24)).astype(np.uint8)
    y = np.arange(40) % 2
    data = Dataset("first", first, y, first, y, 2, 255.0, ordered=False)
    net = ms.Network("2", data.input_shape, backend="numpy", rng=rng)
    with pytest.warns(UserWarning, match=r"channels first; if so, use x.transpose\(0, 2, 3, 1\)"):
        ms.fit(net, data, epochs=1, num_steps=1)
    net = ms.Network("2C3-MP3-10", digits.input_shape, padding=1, backend="numpy", rng=rng)
    with pytest.warns(UserWarning, match="windows of 3 leave out the last 2 rows and 2 columns of 8x8"):
        ms.fit(net, replace(digits, x_train=digits.x_train[:64], y_train=digits.y_train[:64]), epochs=1, num_steps=1)
    net = ms.Network("10", digits.input_shape, backend="numpy", rng=rng)
    with pytest.warns(UserWarning, match="test images: .*same scale"):
        ms.fit(net, replace(digits, x_test=digits.x_test // 16), epochs=1, num_steps=1)


def test_python_mistakes(digits):
    net = ms.Network("10", digits.input_shape, backend="numpy", rng=np.random.default_rng(0))
    for call, words in (
        (lambda: ms.Network("10", (64,), rng=0), "rng must be a NumPy generator"),
        (lambda: ms.Network("10", (64,), beta="0.9", rng=np.random.default_rng(0)), "beta must be a number"),
        (lambda: ms.Network("10", (64,), threads=1.5, rng=np.random.default_rng(0)), "threads must be a whole number"),
        (lambda: ms.fit(net, (digits.x_train, digits.y_train)), "data must be a Dataset, such as load_data returns"),
        (lambda: ms.fit(net, digits, epoch=1), "no setting 'epoch'; did you mean epochs"),
        (lambda: ms.fit(net, digits, wobble=1), "no setting 'wobble'; choose from"),
        (lambda: ms.fit(digits, net), "net must be a Network"),
        (lambda: ms.evaluate(net, digits.x_test, digits.y_test), "model must be a Model"),
        (lambda: ms.predict(net, digits.x_test), "model must be a Model"),
        (lambda: net.params.__setitem__(0, np.zeros(3)), "cannot become one of shape"),
    ):
        with pytest.raises(InputError, match=words):
            call()


def test_machine_arguments_are_no_fault_of_the_file(tmp_path, model):
    model.save(tmp_path / "m.npz")
    for options, words in (
        ({"backend": "torch"}, "backend must be one of"),
        ({"threads": 0}, "threads must be a whole"),
    ):
        with pytest.raises(InputError, match=f"^{words}"):
            ms.load_model(tmp_path / "m.npz", **options)


def test_lists_are_arrays(digits, model):
    """Lists of numbers give what arrays give."""
    assert ms.evaluate(model, digits.x_test.tolist(), digits.y_test.tolist()) == ms.evaluate(
        model, digits.x_test, digits.y_test
    )
    data = replace(digits, x_train=digits.x_train.tolist(), y_train=digits.y_train.tolist())
    assert data.x_train.shape == digits.x_train.shape and Settings().epochs == 20
    assert check.whole("n", np.int8(3)) == 3


def test_functions_of_the_user():
    """A function in C may have no signature; it is taken as it is."""
    assert check.takes("it", max, ("scores", "labels")) is max
    assert check.takes("it", lambda *all_of_them: 0, ("scores", "labels"))
    with pytest.raises(
        InputError, match=r"it is called with \(scores, labels\), but takes \(x\); change its arguments"
    ):
        check.takes("it", lambda x: 0, ("scores", "labels"))
    names = [check.called(function) for function in (np.mean, partial(np.mean, axis=0), np.random.default_rng(0))]
    assert names == ["mean", "mean", "Generator"]
