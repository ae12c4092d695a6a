"""One spike from digit to clock cycle; its numbers are those of `python -m tests.benchmarks.spike`."""

import json
from pathlib import Path

from .style import Drawing

NUMBERS = Path(__file__).parents[2] / "tutorials/results/readme.json"
CELL = 15  # pixels of the drawing for a pixel of the digit
TOP = 52  # of the upper row


def draw():
    seen = json.loads(NUMBERS.read_text(encoding="utf-8"))["spike"]["measured"]
    amount, neuron, cycle = seen["spike"]["adds"], seen["neuron"], seen["spike"]["cycle"]
    d = Drawing(
        "One spike, from a digit to a clock cycle",
        f"Above, from left to right: the pixels of a handwritten {seen['label']}; the spikes that one channel of layer"
        f" 1 makes of them, with one of them framed; and the sum in neuron {neuron} of layer 2, addition by addition,"
        f" which passes its threshold; the framed spike adds {amount}. Below, bars of three layers over the clock"
        f" cycles of the image; a line marks cycle {cycle:,}, in which that addition is made.",
        640,
        440,
    )
    _pixels(d, seen, 22)
    _spikes(d, seen, 190)
    _sum(d, seen, 392, 226, 126)
    _cycles(d, seen, 84, 268)
    return d


def _pixels(d, seen, left):
    d.text(left + 4 * CELL, 30, f"pixels of a {seen['label']}", 15, "ink", bold=True)
    for y, row in enumerate(seen["image"]):
        for x, grey in enumerate(row):
            d.shade(left + x * CELL, TOP + y * CELL, CELL, CELL, "ink", grey / 16)
    d.rectangle(left, TOP, 8 * CELL, 8 * CELL, "no-fill", "faint")
    d.text(left + 4 * CELL, TOP + 8 * CELL + 18, "grey levels", 14, "quiet")
    d.arrow((left + 8 * CELL + 8, TOP + 60), (182, TOP + 60))


def _spikes(d, seen, left):
    d.text(left + 4 * CELL, 30, "spikes, layer 1", 15, "ink", bold=True)
    fires = {(y, x): "spike" for y, row in enumerate(seen["spikes"]) for x, fired in enumerate(row) if fired}
    d.grid(left, TOP, CELL, 8, 8, fires)
    row, column, channel = seen["place"]
    size = seen["pool"] * CELL
    x, y = left + column * size, TOP + row * size
    d.rectangle(x - 2, y - 2, size + 4, size + 4, "no-fill", "back", radius=3, thick=2.6)
    d.text(left + 4 * CELL, TOP + 8 * CELL + 18, f"channel {channel}, step {seen['step']}", 14, "quiet")
    d.arrow((x + size + 6, y + size / 2), (384, y + size / 2), color="back")
    d.text(347, y + size / 2 - 14, "a spike", 14, "back")


def _sum(d, seen, left, wide, high):
    """Draw the sum of a neuron after each addition; that of the spike is marked."""
    d.text(left + wide / 2, 30, f"sum in neuron {seen['neuron']}, layer 2", 15, "ink", bold=True)
    sums = [seen["kept"], *seen["sums"]]
    low, top = min(sums), max(sums)
    at = [
        (left + wide * number / (len(sums) - 1), TOP + high - high * (value - low) / (top - low))
        for number, value in enumerate(sums)
    ]
    theta = TOP + high - high * (seen["threshold"] - low) / (top - low)
    d.line((left, theta), (left + wide, theta), color="quiet", thick=1.2, dashed=True)
    d.curve(at, "logic-edge", 2)
    before, after = at[seen["followed"]], at[seen["followed"] + 1]
    d.line(before, after, color="back", thick=5)
    d.text(left + 4, TOP + 14, f"+ {seen['spike']['adds']:,}", 17, "back", "start", bold=True)
    d.arrow((left + 72, TOP + 14), (after[0] - 6, TOP + 14), (after[0] - 6, after[1] - 4), color="back", thick=1.4)
    d.text(left + wide, theta - 12, "threshold", 14, "quiet", "end")
    d.text(left, TOP + 8 * CELL + 18, f"{len(seen['sums'])} additions", 14, "quiet", "start")
    d.arrow((after[0], after[1] + 6), (after[0], 242), (434, 242), color="back", thick=1.4)


def _cycles(d, seen, left, top):
    """Draw when each layer adds and fires, and the cycle of the addition."""
    wide, row, h = 540, 40, 26
    times, end = seen["timeline"], seen["latency"]

    def x(cycle):
        return left + wide * cycle / end

    for layer in range(len(times["begins"])):
        y = top + layer * row
        d.text(18, y + h / 2, f"layer {layer + 1}", 15, "ink", "start", bold=True)
        d.line((left, y + h), (left + wide, y + h), color="faint")
        for begins, added, fires, ends in zip(*(times[name][layer] for name in ("begins", "added", "fires", "ends"))):
            if added > begins:
                d.rectangle(x(begins), y, x(added) - x(begins), h, "logic", "logic-edge", radius=2)
            d.rectangle(x(fires), y, x(ends) - x(fires), h, "memory", "memory-edge", radius=2, thick=1)
    marked = x(seen["spike"]["cycle"])
    d.line((marked, top - 14), (marked, top + 3 * row - 8), color="back", thick=2.4)
    d.text(marked, top - 26, f"clock cycle {seen['spike']['cycle']:,}", 16, "back", bold=True)
    d.arrow((left, 396), (left + wide, 396), thick=1.3)
    d.text(left + wide, 410, f"{end:,} cycles for the image", 14, "quiet", "end")
    for fill, words, at in (("logic", "adds", left), ("memory", "firing pass", left + 82)):
        d.rectangle(at, 404, 18, 14, fill, f"{fill}-edge", radius=2)
        d.text(at + 25, 411, words, 14, "quiet", "start")
