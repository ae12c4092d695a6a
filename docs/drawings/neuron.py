"""The pipeline of the neuron in gates: what happens to a membrane in each clock cycle of the firing pass."""

from .style import Drawing


def draw():
    d = Drawing(
        "The neuron as a pipeline",
        "Four boxes from left to right, one for each clock cycle: sum of state and bias, saturated; comparison with"
        " the threshold; product with beta; shift by the fraction bits, subtraction of the threshold if there was a"
        " spike, and writing of the kept state. Between them are registers. Below, a table of cycles: a neuron enters"
        " in every cycle, so that in cycle 3 four neurons are under way at once.",
        620,
        322,
    )
    stages = (
        ("V + bias", "saturate"),
        ("U > θ ?", "spike"),
        ("β · U", "product"),
        (">> frac, − θ", "write V"),
    )
    xs = [92 + 145 * k for k in range(4)]
    for cycle, (x, (first, second)) in enumerate(zip(xs, stages)):
        d.text(x, 22, f"cycle {cycle}", 14, "quiet")
        d.box(x, 70, 102, 64, f"{first}\n{second}", "memory" if cycle == 3 else "logic", 14)
        if cycle < 3:
            d.rectangle(x + 60, 42, 8, 56, "plain", "plain-edge", radius=2)
            d.line((x + 51, 70), (x + 60, 70))
            d.arrow((x + 68, 70), (x + 94, 70))
    d.arrow((xs[1], 102), (xs[1], 130), color="spike")
    d.text(xs[1], 142, "S to the pool", 14, "spike")
    d.text(xs[2] + 60, 122, "bars: registers", 14, "quiet", "start")

    colors = ("logic", "memory", "stream", "event")
    left, top, w, h = 176, 196, 61, 24
    d.text(left - 20, top - 22, "clock cycle", 14, "quiet", "end")
    for cycle in range(7):
        d.text(left + (cycle + 0.5) * w, top - 22, str(cycle), 15, "ink")
    for neuron in range(4):
        d.text(left - 20, top + neuron * 28 + 3, f"neuron {neuron}", 15, "ink", "end")
        for stage in range(4):
            cycle = neuron + stage
            if cycle < 7:
                x, y = left + cycle * w, top + neuron * 28 - 9
                d.rectangle(x + 2, y, w - 4, h, colors[stage], "line", radius=4, thick=1)
                d.text(x + w / 2, y + h / 2, ("V+b", "U>θ", "β·U", ">> V")[stage], 13)
    x = left + 3 * w
    d.rectangle(x - 1, top - 13, w + 2, 120, "no-fill", "spike", radius=5, thick=2)
    d.text(x + w + 12, top + 3, "four at once", 15, "spike", "start")
    return d
