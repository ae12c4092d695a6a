"""The step of the forward pass, and the window of its surrogate's derivative."""

from .style import Drawing

SLOPE = 5.0
HALF_WIDTH = (2**0.5 - 1) / SLOPE


def draw():
    d = Drawing(
        "Forward a step, backward a window",
        "Left, the forward pass: the spike S is 0 below the threshold and 1 above, a step whose slope is 0"
        " everywhere except at the threshold; over it, dashed, the smooth curve of a surrogate. Right, the backward"
        " pass: the derivative of that curve is a bell around the threshold. Neurons whose membrane lies in this"
        " window learn; those far outside receive next to nothing.",
        620,
        316,
    )
    span = 1.0  # of x = U - theta, to each side
    width, height, bottom = 250, 150, 236
    for left in (42, 342):
        d.line((left, bottom), (left + width, bottom), color="line")
        d.line(
            (left + width / 2, bottom), (left + width / 2, bottom - height - 26), color="spike", dashed=True, thick=1.4
        )
        d.text(left + width / 2, bottom + 18, "θ", 16, "spike")
        d.text(left + width, bottom + 18, "membrane U", 14, "quiet", "end")

    def x_of(left, x):
        return left + width / 2 + x / span * width / 2

    values = [-span + 2 * span * k / 120 for k in range(121)]
    curve = [(x_of(42, x), bottom - height * (0.5 + 0.5 * (SLOPE * x / (1 + SLOPE * abs(x))))) for x in values]
    d.line(*curve, color="back", thick=2.2, dashed=True)
    d.line((42, bottom), (167, bottom), color="logic-edge", thick=3.4)
    d.line((167, bottom - height), (292, bottom - height), color="logic-edge", thick=3.4)
    d.disc(167, bottom, 4.6, "logic-edge")
    d.disc(167, bottom - height, 4.6, "page", "logic-edge")
    d.text(42, 26, "forward: the step", 17, "ink", "start", bold=True)
    d.text(232, bottom - height - 18, "S = 1", 15, "logic-edge")
    d.text(80, bottom + 18, "S = 0", 15, "logic-edge")
    d.text(230, 152, "surrogate's\ncurve", 14, "back", "start")

    bell = [(x_of(342, x), bottom - height / (1 + SLOPE * abs(x)) ** 2) for x in values]
    inside = [
        (x_of(342, x), bottom - height / (1 + SLOPE * abs(x)) ** 2) for x in values if abs(x) <= HALF_WIDTH * 1.05
    ]
    d.area([(inside[0][0], bottom), *inside, (inside[-1][0], bottom)], "back-fill")
    d.curve(bell, "back")
    d.text(342, 26, "backward: the window", 17, "ink", "start", bold=True)
    half = HALF_WIDTH * width / 2 / span
    d.arrow((467 - half, bottom - height / 2), (467 + half, bottom - height / 2), color="back", both=True, thick=1.3)
    d.text(494 + half, bottom - height / 2 - 14, "width at\nhalf height", 14, "back", "start")
    d.text(374, bottom - 40, "learns\nlittle", 14, "quiet")
    d.text(564, bottom - 40, "learns\nlittle", 14, "quiet")
    d.text(310, 288, "The spike stays 0 or 1; only its slope is replaced, when the gradient passes.", 14, "quiet")
    return d
