"""The memories of a converted accelerator: where each is, and what it holds."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..parts.memory import ram
from .hierarchy.kinds import Kind

# What a memory holds, by the block that it is in, or its own label.
CONTENTS = {
    "weight_memory": "weights",
    "bias_memory": "biases",
    "accumulate": "sums",
    "spike_buffer": "buffer",
    "scores": "scores",
    "layer": "membranes",
}


@dataclass(frozen=True)
class Place:
    """A memory.

    Attributes
    ----------
    path : str
        Its instance below the top, joined by dots, with those of loops: ``u_stage_1.u_layer.neurons.each_lane(3)``.
    contents : str
        "weights", "biases", "sums", "membranes", "buffer", "scores" or "stamps".
    layer : int
        The layer that it belongs to, or whose frames it holds, from 1; 0 for the whole design.
    words, width : int
        Its size.
    """

    path: str
    contents: str
    layer: int
    words: int
    width: int


def memories(top: Kind) -> list[Place]:
    """Return the memories of a converted accelerator, in the order of the design."""
    return list(_inside(top, [], [], 0))


def _inside(kind: Kind, path: list[str], names: list[str], layer: int) -> Iterator[Place]:
    stages = 0
    for child in kind.children:
        name = child.kind.func.__name__
        if name == "stage":
            stages += 1
        at = layer or stages * (name == "stage")
        below, inner = [*path, child.place], [*names, name]
        if child.kind.func is ram.func:
            keys = [child.label, *reversed(names)]
            contents = next((CONTENTS[key] for key in keys if key in CONTENTS), "stamps")
            words = max(child.kind.parameters["depth"], 2)
            yield Place(".".join(below), contents, at, words, child.kind.widths["write_data"])
        else:
            yield from _inside(child.kind, below, inner, at)
