"""One network written four times: rows are concepts, columns are ways of writing them."""

from .style import Drawing


def draw():
    d = Drawing(
        "One network, written four times",
        "A table of boxes. Its rows are linear, conv2d, maxpool, lif and network; its columns are NumPy to read,"
        " Numba to use, integers, and gates. Between the columns stands what holds them together: equal to the last"
        " bits, within a stated bound, and exactly equal.",
        620,
        330,
    )
    columns = (
        ("NumPy", "to read", "logic"),
        ("Numba", "to use", "logic"),
        ("integers", "to deploy", "memory"),
        ("gates", "to build", "stream"),
    )
    rows = {
        "linear": ("spk @ w + b", "skips silence", "integer sum", "a row a spike"),
        "conv2d": ("windows", "skips silence", "integer sum", "scatter"),
        "maxpool": ("maximum", "OR", "OR", "OR on write"),
        "lif": ("leak, fire", "fused steps", "saturates", "a pipeline"),
        "network": ("BPTT", "slices", "events", "accelerator"),
    }
    xs = (156, 290, 424, 558)
    for x, (name, use, _) in zip(xs, columns):
        d.text(x, 26, name, 17, "ink", bold=True)
        d.text(x, 48, use, 14, "quiet")
    for number, (row, words) in enumerate(rows.items()):
        y = 84 + 42 * number
        d.text(18, y, row, 16, "ink", "start", bold=True)
        for x, word, (_, _, kind) in zip(xs, words, columns):
            d.box(x, y, 108, 30, word, kind, 14)
        for a, b, sign in zip(xs, xs[1:], ("=", "≈", "=")):
            d.text((a + b) / 2, y, sign, 18, "spike", bold=True)
    for a, b, words in zip(xs, xs[1:], ("same result,\nfaster", "within a\nstated bound", "every spike\nand cycle")):
        d.text((a + b) / 2, 302, words, 14, "spike")
    return d
