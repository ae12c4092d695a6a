"""The membrane as a leaky bucket, beside the curve that its level draws."""

from .style import Drawing

BETA, CURRENT, STEPS = 0.8, 0.34, 17


def levels():
    """Return the membranes before reset, with reset "subtract", and the spikes."""
    membranes, spikes, u, spike = [], [], 0.0, 0
    for _ in range(STEPS):
        u = BETA * u - spike + CURRENT
        spike = int(u > 1)
        membranes.append(u)
        spikes.append(spike)
    return membranes, spikes


def draw():
    d = Drawing(
        "A neuron is a leaky bucket",
        "Left, a bucket: current flows in from a tap, the level of the water is the membrane U, a hole at the bottom"
        " is the leak, and a dashed mark near the rim is the threshold. When the level is above it, the neuron spikes"
        " and a scoop of water, as much as the threshold, is taken away. Right, the level step by step: it climbs,"
        " more slowly as it gets higher, crosses the threshold, and falls by the reset; below it the spikes.",
        620,
        330,
    )
    # the bucket, 150 wide at the rim and 110 at the bottom
    d.area([(71, 140), (189, 140), (179, 262), (81, 262)], "logic")
    d.line((71, 140), (189, 140), color="logic-edge", thick=2.2)
    d.line((63, 84), (81, 262), (121, 262), thick=3)
    d.line((139, 262), (179, 262), (197, 84), thick=3)
    d.line((56, 108), (204, 108), color="spike", thick=1.8, dashed=True)
    d.text(210, 108, "threshold θ", 15, "spike", "start")
    d.text(130, 190, "membrane\nU", 16, "ink", bold=True)
    # the tap, its water, and the leak
    d.area([(60, 28), (122, 28), (136, 40), (136, 58), (124, 58), (124, 46), (60, 46)], "plain-edge")
    for y in (68, 86, 104, 122):
        d.disc(130, y, 3.6, "logic-edge")
    d.text(150, 36, "current I", 15, "logic-edge", "start")
    for y in (274, 288, 302):
        d.disc(130, y, 3, "logic-edge")
    d.text(146, 290, "leak: a share β is left", 15, "quiet", "start")

    # the level over the steps
    left, bottom, unit, step = 344, 232, 112, 15
    membranes, spikes = levels()
    top = bottom - unit
    d.line((left, 92), (left, bottom), (left + step * STEPS + 6, bottom), color="line")
    d.line((left, top), (left + step * STEPS + 6, top), color="spike", thick=1.8, dashed=True)
    d.text(left - 10, top, "θ", 16, "spike", "end")
    d.text(left - 10, bottom, "0", 14, "quiet", "end")
    d.text(left - 10, 98, "U", 16, "ink", "end", bold=True)
    points, u = [(left, bottom)], 0.0
    for t, (membrane, spike) in enumerate(zip(membranes, spikes)):
        x = left + step * (t + 1)
        points.append((x, bottom - unit * membrane))
        u = membrane - spike
        if spike:
            points.append((x, bottom - unit * u))
    d.curve(points)
    d.train(left + step / 2, 282, spikes, step, 22)
    d.text(left - 10, 274, "S", 16, "spike", "end", bold=True)
    first = spikes.index(1)
    d.text(left + step * (first + 1) + 8, 78, "U > θ: a spike, and θ is taken away", 14, "quiet")
    d.text(left + step * STEPS / 2, 306, "time steps", 14, "quiet")
    return d
