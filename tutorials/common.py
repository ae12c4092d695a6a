"""What the lessons share: figures go to tutorials/output/NAME.png, sources are printed without their docstrings."""

import inspect
import re
from pathlib import Path

OUTPUT = Path(__file__).parent / "output"


def save(figure, name):
    """Write a Matplotlib figure to tutorials/output/NAME.png, sharp on a projector."""
    OUTPUT.mkdir(exist_ok=True)
    figure.savefig(OUTPUT / f"{name}.png", dpi=200)


def source(function):
    """The text that inspect.getsource finds, without the docstring, which `help` shows."""
    return re.sub(r'\n *r?""".*?"""(?=\n)', "", inspect.getsource(function), count=1, flags=re.S)
