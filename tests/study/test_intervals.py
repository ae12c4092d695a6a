"""Intervals against the theory of means, and verdicts against numbers by hand."""

import numpy as np
import pytest

from minisnn.study.claims import FAILS, HOLDS, UNSURE, verdict
from minisnn.study.intervals import Interval, Seeds, interval


def row(right, cycles=100, spikes=5, images=None):
    """Return a row with blocks of these right answers, read after the last of two steps."""
    count = len(right)
    images = [20] * count if images is None else images
    blocks = {
        "images": images,
        "right": [[0, int(value)] for value in right],
        "cycles": [[cycles * n // 2, cycles * n] for n in images],
        "spikes": [spikes * n for n in images],
        "neuron_steps": 50,
    }
    return {"result": {"test": {"blocks": blocks}}}


def test_an_interval_of_independent_images_is_that_of_the_binomial():
    rng = np.random.default_rng(1)
    right = rng.binomial(20, 0.8, 60)  # 1,200 images
    found = interval(lambda of: of.accuracy, Seeds([row(right)]))
    assert found.value == pytest.approx(right.sum() / 1200)
    deviation = np.sqrt(0.8 * 0.2 / 1200)
    assert found.high - found.low == pytest.approx(2 * 1.96 * deviation, rel=0.25)


def test_images_that_belong_together_widen_it():
    """Blocks that are right or wrong as a whole: as many independent images as there are blocks."""
    right = np.repeat([20, 0], [48, 12])
    found = interval(lambda of: of.accuracy, Seeds([row(right)]))
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(0.8 * 0.2 / 60), rel=0.15)


def test_a_comparison_of_equals_has_no_width_and_seeds_give_it_some():
    rng = np.random.default_rng(2)
    one, two, three = (row(rng.binomial(20, share, 60)) for share in (0.7, 0.8, 0.9))
    same = interval(lambda a, b: a.accuracy - b.accuracy, Seeds([one]), Seeds([one]))
    assert same == Interval(0.0, 0.0, 0.0)
    alone = interval(lambda of: of.accuracy, Seeds([two]))
    seeds = interval(lambda of: of.accuracy, Seeds([one, two, three]))
    assert seeds.high - seeds.low > 3 * (alone.high - alone.low)
    # Means of three drawn from three: their deviation is that of the three, by root 3.
    spread = np.std([0.7, 0.8, 0.9]) / np.sqrt(3)
    assert seeds.high - seeds.low == pytest.approx(2 * 1.96 * spread, rel=0.25)


def test_numbers_are_those_of_all_images_whatever_the_blocks():
    uneven = row([10, 3], cycles=70, spikes=5, images=[10, 6])
    for statistic, wanted in (
        (lambda of: of.accuracy, 13 / 16),
        (lambda of: of.latency, 70.0),
        (lambda of: of.firing_rate, 0.1),
    ):
        assert interval(statistic, Seeds([uneven])).value == pytest.approx(wanted)
    early = interval(lambda of: of.latency, Seeds([uneven], step=1))
    assert early.value == 35.0 and interval(lambda of: of.accuracy, Seeds([uneven], step=1)).value == 0.0


def test_the_same_every_time():
    rng = np.random.default_rng(3)
    rows = [row(rng.binomial(20, 0.8, 30)) for _ in range(3)]
    assert interval(lambda of: of.accuracy, Seeds(rows)) == interval(lambda of: of.accuracy, Seeds(rows))


@pytest.mark.parametrize(
    "sense, ends, wanted",
    [
        (">=", (0.5, 0.7), HOLDS),
        (">=", (0.4999, 0.7), UNSURE),
        (">=", (0.3, 0.4999), FAILS),
        ("<", (0.3, 0.5), UNSURE),
        ("<", (0.3, 0.49), HOLDS),
        ("<", (0.5, 0.6), FAILS),
        ("<=", (0.4, 0.5), HOLDS),
        (">", (0.5, 0.6), UNSURE),
    ],
)
def test_verdicts_follow_from_the_interval(sense, ends, wanted):
    assert verdict(sense, 0.5, Interval(0.5, *ends)) == wanted


def test_rounding_alone_decides_nothing():
    assert 0.9 - 0.89 > 0.01 and verdict("<=", 0.01, Interval(0.01, 0.0, 0.9 - 0.89)) == HOLDS
