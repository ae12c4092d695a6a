"""Small networks in integers for the wrapper and the boards, with the bytes of their loads, images and answers."""

import numpy as np

from minisnn.fixed.early_exit import LOSSLESS, stops
from minisnn_hw.boards.vectors import image_bytes, load_bytes
from minisnn_hw.generate.specify import specify
from minisnn_hw.generate.words import answer_words
from tests.hw.networks import random_inputs, random_network

STEPS = 3
MARGINS = (None, 1, LOSSLESS)
# Images in words of 3 and of 4 bytes; the last has a load stream of 12 bits.
KINDS = {
    "pixels": (("2C2-MP2-4", (5, 5, 2)), {"input_bits": 3}, [1, 3], {}),
    "spikes": (("5-4", (40,)), {}, [2, 4], {}),
    "colours": (("3C2-4", (3, 3, 5)), {"input_bits": 4}, [3, 2], {}),
    "narrow load": (("2C2-4", (5, 4, 1)), {"input_bits": 8}, [2, 1], {"load_bits": 12}),
}


def case(kind, seed=0, images=3):
    """Return (spec, network, inputs) of one of KINDS; another seed gives other weights for the same design."""
    (topology, shape), options, lanes, more = KINDS[kind]
    rng = np.random.default_rng(seed)
    network = random_network(topology, shape, rng, **options)
    return specify(network, lanes, max_steps=STEPS, **more), network, random_inputs(network, STEPS, images, rng)


def vectors(kind, seed=0, images=3, margin=None):
    """Return (load, images, answers): bytes of the load and of each image, and [*scores, class] of each."""
    spec, network, inputs = case(kind, seed, images)
    sent = [image_bytes(inputs, image, spec) for image in range(images)]
    run = network.forward(inputs, STEPS)
    scores = run.scores if margin is None else stops(run.totals, network.neurons_per_class, margin).scores
    return load_bytes(network, spec, STEPS, margin), sent, answer_words(scores)


def exits(kind):
    """Return (load, images, answers) for each of MARGINS: all have an image that ends at another step than with 1."""
    for seed in range(9):
        by_margin = [vectors(kind, seed, 60, margin) for margin in MARGINS]
        whole, one, lossless = (answers for _, _, answers in by_margin)
        differ = [[a != b for a, b in zip(lossless, others)] for others in (whole, one)]
        if all(map(any, differ)):
            picked = [differences.index(True) for differences in differ]
            return [(load, *([part[at] for at in picked] for part in parts)) for load, *parts in by_margin]
    raise AssertionError(f"no network of {kind} has images that end at different steps")
