"""A layer of the accelerator: from the words of a frame to the spikes of the next one."""

from .style import Drawing


def draw():
    d = Drawing(
        "A layer in gates",
        "A spike buffer of two banks gives words to the scanner, which hands one spike's address per cycle to the"
        " walker. The walker turns it into addresses of weights and membranes. In each of many lanes an adder takes a"
        " weight and adds it to a membrane. After the last spike of a step, the firing pass reads the membranes,"
        " compares them with the threshold, writes back what is kept, and sends its spikes through the pool to the"
        " next layer's buffer.",
        620,
        400,
    )
    d.box(78, 66, 116, 64, "spike buffer\n2 banks", "memory")
    d.box(260, 66, 112, 64, "scanner\nwhere?", "logic")
    d.box(450, 66, 132, 64, "walker\nwhich weights?", "logic")
    d.arrow((136, 66), (202, 66), text="words")
    d.arrow((316, 66), (382, 66), text="spike")
    d.frame(378, 218, 432, 150, "lane, one of many")
    d.box(260, 218, 116, 48, "weights", "memory")
    d.box(412, 218, 72, 48, "adder", "logic", bold=True)
    d.box(530, 218, 100, 48, "membranes", "memory")
    d.arrow((450, 98), (450, 118), (260, 118), (260, 192), color="line")
    d.arrow((480, 98), (480, 118), (560, 118), (560, 192), color="line")
    d.text(360, 106, "addresses", 14, "quiet")
    d.arrow((318, 218), (374, 218))
    d.arrow((448, 218), (478, 218), both=True)
    d.text(378, 266, "one addition per lane and cycle", 14, "quiet")
    d.box(530, 346, 132, 52, "firing pass\nU > θ ?", "logic")
    d.arrow((530, 244), (530, 318), both=True)
    d.box(330, 346, 80, 52, "pool\nOR", "logic")
    d.arrow((464, 346), (372, 346), color="spike", text="spikes")
    d.box(116, 346, 168, 52, "next layer's\nspike buffer", "memory")
    d.arrow((290, 346), (202, 346), color="spike", text="words")
    return d
