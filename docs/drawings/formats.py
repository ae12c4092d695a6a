"""Number formats as marks on a line: what a weight can be with 2, 3, 4 and 8 bits."""

from .style import Drawing

WEIGHT = 0.62  # of the largest, to be rounded in each row


def draw():
    d = Drawing(
        "Number formats on a line",
        "Five lines from minus 1 to 1, in units of the largest weight. Floats lie so densely that the line is solid."
        " Eight bits have 255 marks, four bits 15, three bits 7, two bits only 3: minus s, 0 and s. A weight of 0.62"
        " is moved to the nearest mark on each line, so its error grows as the bits become fewer; the distance"
        " between marks is the scale s.",
        620,
        340,
    )
    left, right = 128, 584
    middle, half = (left + right) / 2, (right - left) / 2
    at = middle + WEIGHT * half
    d.text(at, 24, f"a weight, {WEIGHT}", 15, "spike", bold=True)
    d.line((at, 38), (at, 288), color="spike", thick=1.4, dashed=True)
    rows = (("float32", 0), ("8 bits", 8), ("4 bits", 4), ("3 bits", 3), ("2 bits", 2))
    for number, (name, bits) in enumerate(rows):
        y = 66 + 52 * number
        d.text(22, y - 8, name, 16, "ink", "start", bold=True)
        if not bits:
            d.text(22, y + 12, "dense", 14, "quiet", "start")
            d.rectangle(left, y - 7, right - left, 14, "logic-edge", radius=2)
            continue
        most = 2 ** (bits - 1) - 1
        d.text(22, y + 12, f"{2 * most + 1} values", 14, "quiet", "start")
        d.line((left, y), (right, y), color="faint")
        marks = [middle + k / most * half for k in range(-most, most + 1)]
        d.ticks(marks, y, 11 if bits < 8 else 7, "logic-edge", 2.4 if bits < 8 else 0.9)
        nearest = middle + round(WEIGHT * most) / most * half
        if bits < 8:
            d.arrow((at, y + 20), (nearest, y + 20), color="spike", thick=1.6)
            d.disc(nearest, y, 5.5, "spike")
        if bits == 4:
            a, b = middle - half, middle - half + half / most
            d.text((a + b) / 2 + 6, y + 26, "scale s", 14, "quiet")
    for x, word in ((left, "−1"), (middle, "0"), (right, "1")):
        d.text(x, 308, word, 15, "quiet")
    d.text(middle, 328, "weight, in units of the largest", 14, "quiet")
    return d
