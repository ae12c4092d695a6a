"""Encoders: numbers by hand, statistics of random codes, and refused input."""

import math
import tracemalloc
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minisnn import encode
from minisnn.errors import InputError

from .helpers import few

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 4, 5, 3)).astype(np.uint8)


def test_direct_is_the_normalised_image():
    encoder = encode.fit("direct", IMAGES, 5, 255)
    inputs = encoder.encode(IMAGES)
    assert inputs.shape == (1, *IMAGES.shape) and inputs.dtype == np.float32
    np.testing.assert_allclose(inputs.mean(axis=(0, 1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.std(axis=(0, 1, 2, 3)), 1, atol=1e-5)
    black = encoder.encode(np.zeros((1, 4, 5, 3), np.uint8))
    np.testing.assert_allclose(black[0, 0, 0, 0], encoder.pad_value, rtol=1e-6)


def test_constant_channel_and_flat_rows():
    assert encode.fit("direct", np.full((3, 2, 2, 1), 9, np.uint8), 1, 255).std == (1.0,)
    assert len(encode.fit("direct", np.random.default_rng(0).random((5, 8)), 1, 1.0).mean) == 1


def test_rate_fires_as_often_as_the_pixel_is_bright():
    x = np.array([[0, 51, 128, 255]], np.uint8)
    spk = encode.Encoder("rate", 20_000).encode(x, np.random.default_rng(1))
    assert spk.dtype == np.uint8 and set(np.unique(spk)) == {0, 1}
    p = x[0] / 255
    bound = 4 * np.sqrt(p * (1 - p) / 20_000)  # four standard deviations
    assert (np.abs(spk.mean(axis=0)[0] - p) <= bound).all()


def test_rate_steps_are_independent():
    spk = encode.rate(np.full((1, 1), 128, np.uint8), 20_000, 256, np.random.default_rng(2)).ravel().astype(float)
    assert abs(np.corrcoef(spk[1:], spk[:-1])[0, 1]) < 0.03


def test_same_generator_same_spikes():
    first, second, other = (encode.rate(IMAGES, 4, 255, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@few
@given(st.integers(1, 12), st.integers(0, 99))
def test_latency_fires_once_and_the_brighter_the_earlier(steps, seed):
    x = np.random.default_rng(seed).integers(0, 17, (2, 9)).astype(np.uint8)
    spk = encode.Encoder("latency", steps, 16.0).encode(x)
    np.testing.assert_array_equal(spk.sum(axis=0), x > 0)
    first = np.where(x > 0, spk.argmax(axis=0), steps)
    order = np.argsort(x, axis=None)
    assert (np.diff(first.ravel()[order]) <= 0).all()
    assert (first[x == 16] == 0).all()


def test_config_round_trip():
    encoder = encode.fit("direct", IMAGES, 5, 255)
    config = encoder.config()
    assert encode.Encoder(**{**config, "mean": tuple(config["mean"]), "std": tuple(config["std"])}) == encoder


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("morse", 5), "unknown encoding"),
        (("rate", 0), "number of steps"),
        (("rate", 2.5), "number of steps"),
        (("rate", 5, 0.0), "largest value"),
        (("direct", 5, 255.0, (0.0,), (0.0,)), "standard deviation"),
    ],
)
def test_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        encode.Encoder(*arguments)


def test_mean_and_deviation_of_bytes_are_exact():
    """Equal to fractions, rounded once, over several blocks and a rest; only the chosen images count."""
    x = np.random.default_rng(0).integers(0, 256, (700, 20, 20, 2), np.uint8)
    chosen = np.arange(0, 700, 2)[::-1]
    assert x[chosen].size > encode.BLOCK
    encoder = encode.fit("direct", x, 5, 255, chosen)
    for channel in range(2):
        numbers = x[chosen, ..., channel].ravel().tolist()
        mean = Fraction(sum(numbers), len(numbers))
        variance = Fraction(sum(number**2 for number in numbers), len(numbers)) - mean**2
        assert encoder.mean[channel] == float(mean)
        assert encoder.std[channel] == math.sqrt(float(variance))


@few
@given(st.sampled_from([np.uint8, np.int32, np.float32, np.float64]), st.integers(1, 3), st.integers(0, 99))
def test_blocks_do_not_change_mean_and_deviation(dtype, channels, seed):
    """As of all images at once in float64, but for the rounding of sums; numbers far from 0 lose no digits."""
    x = np.random.default_rng(seed).integers(1, 256, (9, 3, 5, channels)).astype(dtype)
    x += np.array(0 if dtype == np.uint8 else 10_000, dtype)
    with patch.object(encode, "BLOCK", 40):
        encoder = encode.fit("direct", x, 5, 1e5)
    flat = x.reshape(-1, channels).astype(np.float64)
    np.testing.assert_allclose(encoder.mean, flat.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(encoder.std, flat.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_no_copy_of_all_images_is_made(dtype):
    x = np.zeros((2000, 32, 32, 3), dtype)
    chosen = np.arange(1800)
    tracemalloc.start()
    encode.fit("direct", x, 5, 255, chosen)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(x) * 32 * 32 * 3  # a copy in float64 would take eight times as much
