"""The neuron unrolled over three steps: forward arrows, and the ways back of the gradient."""

from .style import Drawing


def draw():
    d = Drawing(
        "A neuron unrolled in time",
        "Three columns for three time steps. In each, the current I goes up into the membrane U, and U into the"
        " spike S, which enters the loss. From step to step U is handed on times beta, and the spike's reset takes"
        " theta from the next membrane. Backwards, dashed, the gradient goes each of these ways in the other"
        " direction: from the loss through the spike, times the surrogate's derivative; from the next membrane, times"
        " beta; and from the next membrane through the reset, times minus theta, unless the reset is detached. Then"
        " it goes to the current.",
        620,
        400,
    )
    columns = {"t−1": 110, "t": 310, "t+1": 510}
    d.box(310, 36, 560, 34, "loss L", "plain", 16, bold=True)
    for name, x in columns.items():
        d.box(x, 120, 78, 42, f"S[{name}]", "event", 16)
        d.box(x, 220, 78, 42, f"U[{name}]", "logic", 16)
        d.box(x, 320, 78, 42, f"I[{name}]", "stream", 16)
        d.arrow((x - 12, 299), (x - 12, 243))
        d.arrow((x - 12, 199), (x - 12, 143))
        d.arrow((x - 12, 99), (x - 12, 55))
        d.arrow((x + 14, 55), (x + 14, 97), color="back", dashed=True)
        d.arrow((x + 14, 143), (x + 14, 197), color="back", dashed=True)
        d.arrow((x + 14, 243), (x + 14, 297), color="back", dashed=True)
        d.text(x + 26, 172, "· σ′", 15, "back", "start")
    xs = list(columns.values())
    for a, b in zip(xs, xs[1:]):
        d.arrow((a + 39, 212), (b - 41, 212))
        d.text((a + b) / 2 + 12, 199, "· β", 15, "ink")
        d.arrow((b - 39, 232), (a + 41, 232), color="back", dashed=True)
        d.text((a + b) / 2, 248, "· β", 15, "back")
        d.arrow((a + 39, 128), (b - 60, 128), (b - 30, 197), color="spike")
        d.text((a + b) / 2 - 4, 116, "reset, − θ", 14, "spike")
        d.arrow((b - 38, 199), (b - 68, 142), (a + 41, 142), color="back", dashed=True)
        d.text((a + b) / 2 - 6, 156, "· (−θ)", 14, "back")
    d.arrow((38, 212), (69, 212))
    d.arrow((551, 212), (594, 212))
    d.arrow((594, 232), (551, 232), color="back", dashed=True)
    d.arrow((36, 375), (76, 375))
    d.text(84, 375, "forward", 15, "ink", "start")
    d.arrow((242, 375), (202, 375), color="back", dashed=True)
    d.text(250, 375, "backward: BPTT", 15, "back", "start")
    d.arrow((404, 375), (444, 375), color="spike")
    d.text(452, 375, "paid by a spike", 15, "spike", "start")
    return d
