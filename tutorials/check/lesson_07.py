"""Lesson 7: sums that depend on their order, a fused pass, and the memory of a step."""

import numpy as np

from .exercise import Exercise


def sum_in_order(values, order):
    total = np.float32(0)
    for k in order:
        total = np.float32(total + np.float32(values[k]))
    return total


def fused(cur, beta, threshold, pool=lambda four: four.max(axis=(2, 4)), reset="subtract", early=False, at=False):
    steps, batch, height, width, channels = cur.shape

    def windows(frame):
        return frame.reshape(batch, height // 2, 2, width // 2, 2, channels)

    cur = cur if not early else windows_of(cur)
    v = np.zeros_like(cur[0])
    out = []
    for t in range(steps):
        u = v + cur[t]
        s = (u >= threshold if at else u > threshold).astype(np.float32)
        v = beta * u - s * {"subtract": threshold, "early": beta * threshold, "zero": beta * u, "none": 0}[reset]
        out.append(s if early else pool(windows(s)))
    return np.array(out)


def windows_of(cur):
    steps, batch, height, width, channels = cur.shape
    return cur.reshape(steps, batch, height // 2, 2, width // 2, 2, channels).max(axis=(3, 5))


def more_bytes(neurons, batch, more_steps):
    return 2 * 4 * batch * sum(neurons) * more_steps


rng = np.random.default_rng(0)
MANY = np.array([2.0**24] + [1.0] * 255, np.float32)  # 2^24 + 1 is rounded to 2^24
BIG_AND_SMALL = np.array([1e8, 1.0, -1e8, 1.0], np.float32)
cur = rng.integers(-64, 128, (6, 2, 4, 6, 3)).astype(np.float32) / 64

EXERCISES = [
    Exercise(
        name="sum_in_order",
        cases=[
            (BIG_AND_SMALL, [0, 1, 2, 3]),
            (BIG_AND_SMALL, [0, 2, 1, 3]),
            (BIG_AND_SMALL, [1, 3, 0, 2]),
            (MANY, range(256)),
        ],
        right=sum_in_order,
        mistakes={
            "the sum has too many digits: round it to float32 after every addition": lambda values, order: float(
                np.sum(values.astype(np.float64))
            ),
            "NumPy's sum has an order of its own; add one number after the other": lambda values, order: values[
                list(order)
            ].sum(),
            "the order has no effect": lambda values, order: sum_in_order(values, range(len(values))),
        },
        values=("sum",),
        rtol=1e-7,
        atol=0,
        doing=lambda values, order: f"order {order}",
    ),
    Exercise(
        name="fused",
        cases=[(cur, np.float32(0.5), np.float32(1.0))],
        right=fused,
        mistakes={
            "only the last neuron of a window counts; a pooled spike is the OR of four": lambda *case: fused(
                *case, pool=lambda four: four[:, :, 1, :, 1]
            ),
            "a mean of spikes is not a spike; a pooled spike is the OR of four": lambda *case: fused(
                *case, pool=lambda four: four.mean(axis=(2, 4))
            ),
            "a membrane at the threshold does not spike; it must be above": lambda *case: fused(*case, at=True),
            "this is reset zero; reset subtract takes one threshold away": lambda *case: fused(*case, reset="zero"),
            "the currents are pooled before the neurons; pool the spikes": lambda *case: fused(*case, early=True),
            "first the leak, then the reset: the threshold itself is taken away": lambda *case: fused(
                *case, reset="early"
            ),
            "the reset is missing": lambda *case: fused(*case, reset="none"),
        },
        values=("pooled spike",),
        axes=("step", "image", "y", "x", "channel"),
    ),
    Exercise(
        name="more_bytes",
        cases=[([100, 10], 64, 1), ([16 * 196, 32 * 36, 10], 64, 15)],
        right=more_bytes,
        mistakes={
            "spikes and membranes are both kept, with 4 bytes each": lambda *case: more_bytes(*case) // 2,
            "a spike of the reference is a float too, and takes 4 bytes": lambda *case: more_bytes(*case) * 5 // 8,
            "every image of the batch has its own": lambda neurons, batch, more: more_bytes(neurons, 1, more),
            "the bytes are for each additional step": lambda neurons, batch, more: more_bytes(neurons, batch, 1),
        },
        values=("number of bytes",),
    ),
]
