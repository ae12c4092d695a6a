"""A convolution from the side of a spike: it adds its kernel into the neurons that it reaches."""

from .style import Drawing

CELL, SIZE = 27, 6
KERNEL = ("a", "b", "c"), ("d", "e", "f"), ("g", "h", "i")


def draw():
    d = Drawing(
        "A spike's scatter",
        "Left, a frame of 6 by 6 inputs with two spikes, one inside, one in a corner. In the middle, a kernel of 3"
        " by 3 weights, a to i. Right, the membranes: the inner spike adds its kernel, turned by half a turn, into"
        " the nine membranes around its place; the spike in the corner reaches only four, the other five taps lie"
        " outside the frame and cost nothing. All other inputs are silent and cost nothing either.",
        620,
        310,
    )
    left, middle, right, top = 24, 262, 434, 64
    inner, corner = (3, 2), (0, 5)
    d.text(left + 81, 34, "spikes", 17, "ink", bold=True)
    d.text(middle + 40, 34, "kernel", 17, "ink", bold=True)
    d.text(right + 81, 34, "membranes", 17, "ink", bold=True)
    d.grid(left, top, CELL, SIZE, SIZE, {inner: "spike", corner: "back"})
    fills = {(row, column): "memory" for row in range(3) for column in range(3)}
    d.grid(middle, top + 40, CELL, 3, 3, fills)
    for row in range(3):
        for column in range(3):
            d.text(middle + (column + 0.5) * CELL, top + 40 + (row + 0.5) * CELL, KERNEL[row][column], 15)
    reached = {}
    for (y, x), fill in ((inner, "event"), (corner, "back-fill")):
        for row in range(3):
            for column in range(3):
                at = y + 1 - row, x + 1 - column  # padding of 1: this neuron reads the spike through this tap
                if 0 <= at[0] < SIZE and 0 <= at[1] < SIZE:
                    reached[at] = fill, KERNEL[row][column]
    d.grid(right, top, CELL, SIZE, SIZE, {at: fill for at, (fill, _) in reached.items()})
    for (row, column), (_, letter) in reached.items():
        d.text(right + (column + 0.5) * CELL, top + (row + 0.5) * CELL, f"+{letter}", 14)
    y = top + 80
    d.arrow((left + 174, y), (middle - 12, y))
    d.arrow((middle + 93, y), (right - 12, y))
    d.text(left + 81, 252, "34 silent inputs:\nno work", 14, "quiet")
    d.text(middle + 40, 252, "one weight\nfor each tap", 14, "quiet")
    d.text(right + 81, 252, "9 and 4 additions; taps\noutside cost nothing", 14, "quiet")
    d.text(310, 294, "The neuron below and to the right reads the spike through its upper left tap, a.", 14, "quiet")
    return d
