"""Where the figures of the lessons go: tutorials/output/NAME.png."""

from pathlib import Path

OUTPUT = Path(__file__).parent / "output"


def save(figure, name):
    """Write a Matplotlib figure to tutorials/output/NAME.png."""
    OUTPUT.mkdir(exist_ok=True)
    figure.savefig(OUTPUT / f"{name}.png", dpi=110)
