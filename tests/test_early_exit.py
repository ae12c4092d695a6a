"""Early exit: the lossless stop is exactly the answer of all steps, and no later than it must be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minisnn as ms
from minisnn.check import InputError
from minisnn.fixed.early_exit import LOSSLESS, leads, stops
from minisnn.training import exit_margin

from .hw.networks import random_inputs, random_network


@st.composite
def totals_of(draw):
    """Scores after each step of one image, (T, 1, classes), and the neurons of a class; many scores tie."""
    num_steps, classes, members = draw(st.integers(1, 6)), draw(st.integers(2, 4)), draw(st.integers(1, 3))
    step = st.lists(st.integers(0, members), min_size=classes, max_size=classes)
    spikes = draw(st.lists(step, min_size=num_steps, max_size=num_steps))
    return np.array(spikes, np.int64).cumsum(axis=0)[:, None], members


def answer(scores):
    """The class with the highest score, the lowest of equals, in plain words."""
    return max(range(len(scores)), key=lambda c: (scores[c], -c))


def could_change(scores, members, left):
    """Whether any spikes of the steps that are left make another answer: it is enough to try each class alone."""
    first = answer(scores)
    return any(
        answer([s + members * left * (c == other) for c, s in enumerate(scores)]) != first
        for other in range(len(scores))
    )


@settings(max_examples=300, deadline=None)
@given(totals_of())
def test_lossless_ends_at_the_first_step_whose_answer_is_final(case):
    totals, members = case
    (steps,), (scores,), (answered,), (last,) = stops(totals, members)
    rows = totals[:, 0].tolist()
    final = [not could_change(row, members, len(rows) - t) for t, row in enumerate(rows, 1)]
    assert steps == final.index(True) + 1
    assert scores.tolist() == rows[steps - 1]
    assert answered == last == answer(rows[-1])


@settings(max_examples=300, deadline=None)
@given(totals_of(), st.integers(1, 20))
def test_a_margin_ends_at_the_first_lead_and_never_later_than_lossless(case, margin):
    totals, members = case
    (steps,), _, (answered,), (last,) = stops(totals, members, margin)
    lossless = int(stops(totals, members).steps[0])
    rows = totals[:, 0].tolist()
    # A lead of at least the margin: one spike less for any other class leaves the answer as it is.
    leading = [not could_change(row, margin, 1) for row in rows]
    assert steps == min(lossless, (leading.index(True) if True in leading else len(rows)) + 1)
    assert (answered, last) == (answer(rows[steps - 1]), answer(rows[-1]))
    if margin >= members * (len(rows) - 1):
        assert steps == lossless


def test_ties_by_hand():
    """T = 3: a higher class that ties loses, so class 0 needs no lead over it; a lower class that ties wins."""
    one_left = np.array([[[1, 0]], [[1, 0]], [[1, 1]]])
    assert stops(one_left, 1).steps.tolist() == [2]
    assert stops(one_left[..., ::-1], 1).steps.tolist() == [3]
    assert leads(np.array([[2, 2, 2], [0, 2, 2], [0, 0, 2]])).tolist() == [0, 0, 1]


def test_random_networks_answer_as_after_all_steps():
    """With pixels and spikes, with one neuron a class and several."""
    steps, ties = set(), 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        classes = (10, 5, 2)[seed % 3]
        network = random_network("7-10", (12,), rng, input_bits=4 * (seed % 2), threshold=25, classes=classes)
        run = network.forward(random_inputs(network, 6, 40, rng), 6)
        ended = stops(run.totals, network.neurons_per_class)
        assert np.array_equal(ended.answers, run.scores.argmax(axis=1))
        ranked = np.sort(run.scores, axis=1)
        ties += int((ranked[:, -1] == ranked[:, -2]).sum())
        steps |= set(ended.steps.tolist())
    assert ties > 40 and len(steps) > 2


def test_what_cannot_end_early():
    with pytest.raises(InputError, match="only one class"):
        stops(np.zeros((3, 1, 1), np.int64), 4)
    with pytest.raises(InputError, match="exit must be a whole number from 1, got 0"):
        stops(np.zeros((3, 1, 2), np.int64), 4, margin=0)


@pytest.fixture(scope="module")
def trained():
    data = ms.load_data("digits")
    net = ms.Network("24-20", data.input_shape, classes=10, rng=np.random.default_rng(0))
    return ms.fit(net, data, epochs=3, num_steps=4, progress=False), data


def test_floats_and_integers_choose_on_images_that_training_held_out(trained):
    model, data = trained
    integer, _ = ms.quantize(model, images=data.x_train)
    images = exit_margin.held_out(model, data)
    assert np.array_equal(images, exit_margin.held_out(integer, data)) and 0 < len(images) < len(data.x_train)
    for one in (model, integer):
        chosen = exit_margin.choose(one, data)
        result, totals = exit_margin.evaluate(one, data.x_test, data.y_test)
        plain = one.evaluate(data.x_test, data.y_test) if one is integer else ms.evaluate(one, data.x_test, data.y_test)
        assert result == plain
        smaller = range(1, int(min(chosen.margin, 6)))
        _, held_out = exit_margin.evaluate(one, data.x_train[images], data.y_train[images])
        labels = data.y_train[images]
        assert all(exit_margin.tried(stops(held_out, 2, margin), labels, margin).loss > 0 for margin in smaller)
        assert chosen.loss <= 0
        lossless = exit_margin.tried(stops(totals, 2), data.y_test, LOSSLESS)
        assert lossless.accuracy == lossless.all_steps_accuracy == result.accuracy
        assert lossless.loss == lossless.loss_low == lossless.loss_high == 0
    other = ms.Dataset("other", data.x_train, data.y_train, data.x_test, data.y_test)
    with pytest.raises(InputError, match="names none of other; give a margin, or lossless"):
        exit_margin.choose(model, other)


def test_the_interval_of_a_loss_by_hand():
    """6 lost and 2 won of 98: (4 - 1.96 * sqrt(9 - 16 / 100)) / 100."""
    low, high = exit_margin.interval(6, 2, 98)
    assert (round(low, 5), round(high, 5)) == (-0.01827, 0.09827)
