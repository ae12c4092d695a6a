"""The pipeline of steps and layers: while a layer integrates step t, the next one integrates step t-1."""

from .style import Drawing

ADD, FIRE = (52, 118, 50), 22  # widths of a step's additions by layer, and of a firing pass
STEPS = 4
SCALE = 0.75  # pixels for each unit of time


def schedule():
    """Return (begins, added, fires) of each layer and step: a layer fires when the next one has a free bank."""
    begins, added, fires = {}, {}, {}
    for t in range(STEPS):
        for layer in range(3):
            ready = fires[layer - 1, t] + FIRE if layer else 0
            begins[layer, t] = max(ready, fires[layer, t - 1] + FIRE if t else 0)
            added[layer, t] = begins[layer, t] + ADD[layer]
            free = added.get((layer + 1, t - 2), 0)  # two banks: the one that step t - 2 has left
            fires[layer, t] = max(added[layer, t], free)
    return begins, added, fires


def draw():
    d = Drawing(
        "Steps and layers overlap",
        "A chart of three layers over clock cycles. In each layer, each of four steps is a blue bar of additions"
        " followed by a short orange firing pass. Layer 2 begins step 0 when layer 1 has fired it, and meanwhile"
        " layer 1 adds step 1. Layer 2 takes longest, it is the bottleneck: layer 1 must wait, hatched, before"
        " firing, because both banks of layer 2 are still in use; layer 3 is idle in between.",
        640,
        290,
    )
    begins, added, fires = schedule()
    left, top, row, h = 84, 40, 62, 38
    for layer in range(3):
        y = top + layer * row
        d.text(20, y + h / 2, f"layer {layer + 1}", 15, "ink", "start", bold=True)
        d.line((left, y + h), (624, y + h), color="faint")
        for t in range(STEPS):
            x, end, fire = (left + times[layer, t] * SCALE for times in (begins, added, fires))
            d.rectangle(x, y, end - x, h, "logic", "logic-edge", radius=3)
            d.text((x + end) / 2, y + h / 2, f"{t}", 16, "ink", bold=True)
            if fire > end + 1:
                d.rectangle(end, y + 8, fire - end, h - 16, "plain", "plain-edge")
                d.hatch(end, y + 8, fire - end, h - 16, "plain-edge")
            d.rectangle(fire, y, FIRE * SCALE, h, "memory", "memory-edge", radius=3)
    for layer in range(2):
        for t in range(1 if layer else 2):
            x = left + (fires[layer, t] + FIRE) * SCALE
            d.arrow((x - 6, top + layer * row + h + 2), (x - 6, top + (layer + 1) * row - 2), color="spike", thick=1.6)
    d.arrow((left, 238), (624, 238), thick=1.3)
    d.text(624, 222, "clock cycles", 14, "quiet", "end")
    x = 22
    for fill, edge, words, w in (
        ("logic", "logic-edge", "adds step t", 118),
        ("memory", "memory-edge", "firing pass", 118),
        ("plain", "plain-edge", "waits for a free bank", 186),
    ):
        d.rectangle(x, 258, 20, 16, fill, edge, radius=2)
        d.text(x + 28, 266, words, 14, "quiet", "start")
        x += w + 10
    d.arrow((x + 4, 266), (x + 30, 266), color="spike")
    d.text(x + 38, 266, "a frame of spikes", 14, "spike", "start")
    return d
