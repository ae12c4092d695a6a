"""The pipeline of the neuron in gates: what happens to a membrane in each clock cycle of the firing pass."""

from .style import Drawing


def draw():
    d = Drawing(
        "The neuron as a pipeline",
        "Five boxes from left to right, one for each clock cycle: sum of state and bias, saturated; comparison with"
        " the threshold; product with beta; shift by the fraction bits and subtraction of the threshold if there was"
        " a spike; writing of the kept state. Between them are registers. Below, a table of cycles: a neuron enters"
        " in every cycle, so that in cycle 4 five neurons are under way at once.",
        620,
        350,
    )
    stages = (
        ("V + bias", "saturate"),
        ("U > θ ?", "spike"),
        ("β · U", "product"),
        (">> frac", "− θ if spike"),
        ("keep V", "write"),
    )
    xs = [72 + 119 * k for k in range(5)]
    for cycle, (x, (first, second)) in enumerate(zip(xs, stages)):
        d.text(x, 22, f"cycle {cycle}", 14, "quiet")
        d.box(x, 70, 88, 64, f"{first}\n{second}", "memory" if cycle == 4 else "logic", 14)
        if cycle < 4:
            d.rectangle(x + 52, 42, 8, 56, "plain", "plain-edge", radius=2)
            d.line((x + 44, 70), (x + 52, 70))
            d.arrow((x + 60, 70), (x + 75, 70))
    d.arrow((xs[1], 102), (xs[1], 130), color="spike")
    d.text(xs[1], 142, "S to the pool", 14, "spike")
    d.text(xs[2] + 60, 122, "bars: registers", 14, "quiet", "start")

    colors = ("logic", "memory", "stream", "event", "back-fill")
    left, top, w, h = 176, 196, 61, 24
    d.text(left - 20, top - 22, "clock cycle", 14, "quiet", "end")
    for cycle in range(7):
        d.text(left + (cycle + 0.5) * w, top - 22, str(cycle), 15, "ink")
    for neuron in range(5):
        d.text(left - 20, top + neuron * 28 + 3, f"neuron {neuron}", 15, "ink", "end")
        for stage in range(5):
            cycle = neuron + stage
            if cycle < 7:
                x, y = left + cycle * w, top + neuron * 28 - 9
                d.rectangle(x + 2, y, w - 4, h, colors[stage], "line", radius=4, thick=1)
                d.text(x + w / 2, y + h / 2, ("V+b", "U>θ", "β·U", ">>", "V")[stage], 13)
    x = left + 4 * w
    d.rectangle(x - 1, top - 13, w + 2, 148, "no-fill", "spike", radius=5, thick=2)
    d.text(x + w + 12, top + 3, "five at once", 15, "spike", "start")
    return d
