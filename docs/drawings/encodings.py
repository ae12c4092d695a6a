"""One pixel as input of twelve steps, in three ways."""

from .style import Drawing

STEPS = 12
RATE = {"bright": (1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0), "dark": (0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0)}
LEVELS = {"bright": 0.75, "dark": 0.17}


def draw():
    d = Drawing(
        "Three ways to show a pixel to a network of spikes",
        "Two pixels, a bright one and a dark one, over twelve steps. Direct coding repeats the grey level as a"
        " current in every step: high bars for the bright pixel, low bars for the dark one. Rate coding draws random"
        " spikes: nine for the bright pixel, two for the dark one. Latency coding sends one spike each: the bright"
        " pixel's comes early, the dark one's late.",
        620,
        336,
    )
    columns = {"bright": 152, "dark": 392}
    step = 17
    shades = {"bright": "bright", "dark": "dim"}
    for name, x in columns.items():
        d.rectangle(x + 26, 18, 30, 30, shades[name], "line", radius=3)
        d.text(x + 70, 33, f"{name} pixel, {LEVELS[name]:.2f}", 15, "ink", "start", bold=True)
    rows = (("direct", "the level\nas a current", 120), ("rate", "random spikes", 200), ("latency", "one spike", 280))
    for name, words, y in rows:
        d.text(22, y - 28, name, 17, "ink", "start", bold=True)
        d.text(22, y - 4 + 7 * words.count("\n"), words, 14, "quiet", "start")
    for name, x in columns.items():
        level = LEVELS[name]
        d.line((x, 120), (x + step * STEPS, 120), color="faint")
        for t in range(STEPS):
            d.rectangle(x + t * step + 3, 120 - 46 * level, step - 6, 46 * level, "logic-edge", radius=1.5)
        d.train(x, 200, RATE[name], step, 30)
        first = round((1 - level) * (STEPS - 1))
        d.train(x, 280, [int(t == first) for t in range(STEPS)], step, 30)
        d.arrow((x, 306), (x + step * STEPS, 306), color="line", thick=1.3)
        d.text(x + step * STEPS / 2, 322, "time steps", 13, "quiet")
    return d
