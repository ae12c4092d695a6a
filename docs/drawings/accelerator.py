"""The accelerator: streams, loader, layers with their buffers, and the scores."""

from .style import Drawing


def draw():
    d = Drawing(
        "The accelerator",
        "Three streams. The load stream goes to a loader, which checks its design word and checksum and writes"
        " weights, biases and thresholds into the layers. The input stream brings frames of pixels or spikes into the"
        " first buffer. Then buffers and layers alternate: each layer reads one bank of its buffer while the layer"
        " before writes the other. The last layer's spikes are counted by the scores, and the output stream gives"
        " scores, answer and cycles.",
        620,
        330,
    )
    d.frame(310, 166, 424, 296, "accelerator")
    d.box(48, 70, 76, 50, "load", "stream", bold=True)
    d.box(48, 250, 76, 50, "input", "stream", bold=True)
    d.box(572, 250, 76, 50, "output", "stream", bold=True)
    d.box(190, 70, 120, 50, "loader\nand check", "logic")
    d.arrow((86, 70), (128, 70), color="stream-edge")
    d.text(432, 70, "weights, biases,\nthresholds", 14, "quiet")
    xs = (150, 276, 402)
    for number, x in enumerate(xs, 1):
        d.box(x, 250, 72, 36, "buffer", "memory", 14)
        d.box(x, 168, 84, 44, f"layer {number}", "logic", bold=True)
        d.arrow((x, 232), (x, 192), color="spike")
    d.line((250, 70), (340, 70), (340, 112), color="stream-edge")
    d.line((xs[0], 112), (xs[2], 112), color="stream-edge")
    for x in xs:
        d.arrow((x, 112), (x, 144), color="stream-edge")
    d.arrow((86, 250), (112, 250), color="stream-edge")
    for a, b in zip(xs, xs[1:]):
        d.arrow((a + 42, 168), (a + 63, 168), (a + 63, 250), (b - 38, 250), color="spike")
    d.box(486, 168, 62, 44, "scores", "logic", 14)
    d.arrow((444, 168), (453, 168), color="spike")
    d.arrow((486, 190), (486, 250), (532, 250), color="stream-edge")
    d.text(276, 290, "two banks each: one is read, one is written", 14, "quiet")
    return d
