"""Numbers as words and tables, and what several texts compute of them."""

import textwrap

import numpy as np

TITLES = {  # of the races, in README; those of other networks say theirs
    "t10_b32": "32C3-MP2-32C3-MP2-256-10 on 32x32x3, T = 10, batch 32",
    "t25_b128": "the same, T = 25, batch 128",
    "mlp": "784-1024-10, T = 25, batch 128",
    "small": "8C3-MP2-16C3-MP2-10 on 28x28, T = 10, batch 32",
    "vgg9": "64C3-112C3-MP2-192C3-216C3-MP2-480C3-504C3-560C3-MP2-1064-10 on 32x32x3, padded, T = 4, batch 16",
    "weights_doubled": "32C3-MP2-32C3-MP2-256-10, weights doubled, T = 10, batch 32",
}


def paragraph(text: str) -> str:
    """Return text as lines of at most 120 columns; lines in the source may be of any length."""
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False) + "\n"


def table(header: tuple, rows: list) -> str:
    """Return a table in Markdown."""
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in (header, ["---"] * len(header), *rows))


def percent(share: float, digits: int = 2) -> str:
    """Return a share as "12.34 %"."""
    return f"{100 * share:.{digits}f} %"


def rates(shares) -> str:
    """Return firing rates as "1.2, 3.4 %"."""
    return ", ".join(f"{100 * share:.1f}" for share in shares) + " %"


def accuracy(mean: float, least: float, most: float) -> str:
    """Return "98.42 % (97.77 to 98.89)": mean and range over seeds."""
    return f"{percent(mean)} ({100 * least:.2f} to {100 * most:.2f})"


def whole(values) -> str:
    """Return "119,366 (116,465 to 123,017)": mean and range."""
    return f"{np.mean(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def duration(seconds: float) -> str:
    """Return seconds as "11 s" or "4 min"."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def item(text):
    """Return a paragraph as an item of a list."""
    lines = textwrap.wrap(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False)
    return "- " + "\n  ".join(lines) + "\n"


def lost(bits: dict) -> dict:
    """Return what integers lose against floats, by width, kind and seed."""
    floats = bits["0"]
    return {
        width: {kind: np.subtract(floats[kind], of[kind]) for kind in of} for width, of in bits.items() if width != "0"
    }


def layerwise_cycles(cycles: dict) -> float:
    """Return the cycles of the layerwise schedule at the lanes of the study."""
    plain = cycles["designs"]["plain"]
    return plain["latency_cycles"]["mean"] / plain["latency_vs"]["layerwise"]


def spikes_that_differ(rows):
    """Return the table of networks that went from one library to another."""
    header = ("library", "layers", "reset", "images", "spikes", "that differ", "in double precision")
    return table(
        header,
        [
            (
                row["library"],
                row["layers"],
                row["reset"],
                f"{row['images']:,}",
                f"{row['spikes']:,}",
                f"{row['differ']:,}",
                f"{row['differ_double']:,}",
            )
            for row in rows
        ],
    )
