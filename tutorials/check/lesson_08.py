"""Lesson 8: bits of a sum, a leak that rounds towards zero, and bits that are chosen honestly."""

import math

from .exercise import Exercise


def bits_of_sum(count, weight_bits, guard, sign=1, least=1):
    most = count * (2 ** (weight_bits - 1) - least) * 2**guard
    bits = 0
    while 2**bits <= most:
        bits += 1
    return bits + sign


def leak(u, beta_int, frac):
    size = abs(u) * beta_int // 2**frac
    return size if u >= 0 else -size


def choose_bits(on_training, on_test):
    best = max(on_training.values())
    return next(bits for bits, accuracy in on_training.items() if accuracy == best)


TRAINING = {(3, 5, 4): 0.95, (4, 4, 4): 0.97, (5, 4, 3): 0.96, (2, 5, 5): 0.9, (6, 3, 3): 0.94}
TEST = {(3, 5, 4): 0.97, (4, 4, 4): 0.93, (5, 4, 3): 0.967, (2, 5, 5): 0.9, (6, 3, 3): 0.94}

EXERCISES = [
    Exercise(
        name="bits_of_sum",
        cases=[(64, 4, 4), (1, 8, 0), (256, 2, 0), (288, 8, 4), (3, 3, 1), (9, 2, 0)],
        right=bits_of_sum,
        mistakes={
            "the bit of the sign is missing": lambda *case: bits_of_sum(*case, sign=0),
            "the largest weight is 2^(b-1) - 1, because we use the same range on both sides": lambda *case: bits_of_sum(
                *case, least=0
            ),
            "2^n itself does not fit into n bits": lambda count, weight_bits, guard: (
                math.ceil(math.log2(count * (2 ** (weight_bits - 1) - 1) * 2**guard)) + 1
            ),
            "these bits are enough, but not the fewest: a weight of b bits is at most 2^(b-1) - 1": (
                lambda count, weight_bits, guard: weight_bits + guard + math.ceil(math.log2(count))
            ),
            "the guard bits are missing": lambda count, weight_bits, guard: bits_of_sum(count, weight_bits, 0),
            "weights of b bits are at most 2^(b-1) - 1, not 2^b - 1": lambda count, weight_bits, guard: bits_of_sum(
                count, weight_bits + 1, guard
            ),
        },
        values=("number of bits",),
        doing=lambda count, weight_bits, guard: f"{count} weights of {weight_bits} bits, {guard} guard bits",
    ),
    Exercise(
        name="leak",
        cases=[(-9, 230, 8), (-100, 230, 8), (100, 230, 8), (7, 230, 8), (0, 7, 3), (-16, 7, 3)],
        right=leak,
        mistakes={
            "rounded down; -8.1 becomes -8 towards zero": lambda u, beta_int, frac: (beta_int * u) >> frac,
            "rounded to the nearest; drop the fraction": lambda u, beta_int, frac: round(beta_int * u / 2**frac),
            "membranes are integers": lambda u, beta_int, frac: beta_int * u / 2**frac,
        },
        values=("membrane",),
        doing=lambda u, beta_int, frac: f"u = {u}, beta = {beta_int}/{2**frac}",
    ),
    Exercise(
        name="choose_bits",
        cases=[(TRAINING, TEST), (TEST, TRAINING)],
        right=choose_bits,
        mistakes={
            "chosen by the test images: that is the luck which new images do not repeat": lambda on_training, on_test: (
                max(on_test, key=on_test.get)
            ),
            "the test images take part in the choice; they may only report": lambda on_training, on_test: max(
                on_training, key=lambda bits: 0.5 * on_training[bits] + on_test[bits]
            ),
            "this is the accuracy; the bits that have it are wanted": lambda on_training, on_test: max(
                on_training.values()
            ),
            "these are the largest bits; compare their accuracies": lambda on_training, on_test: max(on_training),
            "these are the worst, not the best": lambda on_training, on_test: min(on_training, key=on_training.get),
        },
        values=("bits",),
    ),
]
