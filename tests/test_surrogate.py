"""A surrogate is a curve and its derivative; widths and heights are what they say."""

import numpy as np
import pytest

from minisnn import surrogate as sg
from minisnn.errors import InputError
from minisnn.surrogate import FAMILIES, Surrogate

scales = {"fast_sigmoid": 25.0, "atan": 2.0, "sigmoid": 10.0, "triangular": 0.5}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_derivative_is_that_of_the_curve(name, gain):
    s = Surrogate(name, scales[name], gain)
    x = np.linspace(-1.3, 1.3, 1000)  # no kink of the triangle is among these
    step = 1e-6
    np.testing.assert_allclose((s.curve(x + step) - s.curve(x - step)) / (2 * step), s.derivative(x), atol=2e-5 * gain)


@pytest.mark.parametrize("name", FAMILIES)
def test_half_width_and_peak(name):
    s = Surrogate(name, scales[name], 1.5)
    assert s.derivative(np.float64(0)) == s.peak
    np.testing.assert_allclose(s.derivative(np.array([-s.half_width, s.half_width])), s.peak / 2, rtol=1e-12)
    assert sg.from_half_width(name, 0.3).half_width == pytest.approx(0.3)


def test_published_formulas():
    """Values computed by hand from the papers' formulas."""
    at = np.float64(0.1)
    assert Surrogate("fast_sigmoid", 25.0).derivative(at) == pytest.approx(1 / 3.5**2)
    assert Surrogate("atan", 2.0).derivative(at) == pytest.approx(1 / (1 + (np.pi * 0.1) ** 2))
    assert Surrogate("sigmoid", 10.0).derivative(at) == pytest.approx(10 * np.e**-1 / (1 + np.e**-1) ** 2)
    assert Surrogate("triangular", 0.5).derivative(at) == pytest.approx(0.8 / 0.5)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("other", FAMILIES)
def test_matched_width_and_height(name, other):
    target = Surrogate(other, scales[other])
    assert sg.match_width(name, target).half_width == pytest.approx(target.half_width)
    matched = sg.match_width_and_height(name, target)
    assert (matched.half_width, matched.peak) == pytest.approx((target.half_width, target.peak))


def test_a_custom_curve_may_have_the_name_of_a_family():
    """Its half-width is that of its own derivative."""
    own = Surrogate("atan", 2.0, functions=(np.tanh, lambda x: 1 / np.cosh(x) ** 2))
    assert own.half_width == pytest.approx(np.arccosh(np.sqrt(2)), abs=1e-4)


def test_equal_scales_are_not_like_for_like():
    """k = 0.65 alpha is as wide, and still 1 against alpha/2 high."""
    assert sg.match_width("fast_sigmoid", Surrogate("atan", 1.0)).scale == pytest.approx(0.6506, abs=1e-4)


def test_table_states_its_error():
    s = Surrogate("fast_sigmoid", 5.0)
    table, error = s.tabulate(3.0, 1001)
    x = np.random.default_rng(0).uniform(-3, 3, 5000)
    worst = np.abs(table.derivative(x) - s.derivative(x)).max()
    assert 0 < worst <= error * 1.001
    assert table.derivative(np.float64(3.5)) == 0.0
    assert error >= s.derivative(np.float64(3.0))  # what is cut off


def test_sigmoid_does_not_overflow():
    s = Surrogate("sigmoid", 100.0)
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_array_equal(s.derivative(np.array([-1e3, 1e3])), [0.0, 0.0])
        np.testing.assert_array_equal(s.curve(np.array([-1e3, 1e3])), [0.0, 1.0])


def test_text_round_trip():
    for s in (Surrogate("atan", 2.0), Surrogate("fast_sigmoid", 0.1, 3.0)):
        assert sg.parse(str(s)) == s


@pytest.mark.parametrize(
    "text, words",
    [
        ("relu:1", "fast_sigmoid"),
        ("atan", "name:scale"),
        ("atan:x", "name:scale"),
        ("atan:0", "above 0"),
        ("atan:nan", "above 0"),
        ("atan:1:2:3", "name:scale"),
        ("atan:1:-1", "gain"),
    ],
)
def test_bad_text(text, words):
    with pytest.raises(InputError, match=words):
        sg.parse(text)
