"""A drawing of a block's instances in text, made from the signals that join them.

    s_input ==> [takes: stream_in] ==> [u_spike_buffer_1: spike_buffer] ==> [u_layer_1: layer] ==> ...

An arrow is a bundle that two of them share, from the one that drives more of its bits.
"""

from collections.abc import Iterator
from itertools import combinations, product

from .kinds import Kind

WIDTH = 112
Ends = dict[int, tuple[int, bool]]  # of a bundle's signals, by id: bits, and whether the node drives them


def drawing(kind: Kind, names: dict[Kind, str]) -> str:
    """Return the drawing of the instances in a kind; `names` are those of the entities."""
    titles = {child.label: f"[{child.label}: {names[child.kind]}]" for child in kind.children}
    arrows = list(_arrows(kind))
    starts = dict.fromkeys(source for source, _ in arrows)
    lines: list[str] = []
    left = list(arrows)
    while left:
        ends = {target for _, target in left}
        at = next((source for source in starts if source not in ends and any(a == source for a, _ in left)), left[0][0])
        path = [at]
        while following := next(((a, b) for a, b in left if a == at), None):
            left.remove(following)
            at = following[1]
            path.append(at)
        lines += _chain([titles.get(node, node) for node in path])
    alone = [title for label, title in titles.items() if not any(label in arrow for arrow in arrows)]
    return "\n".join([*lines, *_chain(alone, "  ")])


def _chain(words: list[str], between: str = " ==> ") -> list[str]:
    lines, here = [], ""
    for word in words:
        if here and len(here) + len(between) + len(word) > WIDTH:
            lines.append(here)
            here = between + word
        else:
            here += (between if here else "") + word
    return [*lines, here] if here else lines


def _arrows(kind: Kind) -> Iterator[tuple[str, str]]:
    """Yield (driver, reader) for each bundle that two nodes share, nodes being instances and bundles of ports."""
    nodes: dict[str, list[Ends]] = {}
    for argument in dict.fromkeys(port.argument for port in kind.ports.values()):
        ports = [port for port in kind.ports.values() if port.argument == argument]
        if len(ports) > 1:  # what enters is driven from outside
            nodes[argument] = [{port.inner: (port.bits, not port.out) for port in ports}]
    for child in kind.children:
        bundles: dict[str, Ends] = {}
        for path, port in child.kind.ports.items():
            signal = child.actuals[path]
            bundles.setdefault(port.argument, {})[id(getattr(signal, "_sig", signal))] = (port.bits, port.out)
        nodes[child.label] = [bundle for bundle in bundles.values() if len(bundle) > 1]
    for (a, of_a), (b, of_b) in combinations(nodes.items(), 2):
        for one, other in product(of_a, of_b):
            shared = set(one) & set(other)
            driven = [{key for key in shared if side[key][1]} for side in (one, other)]
            if len(shared) > 1 and driven[0] | driven[1]:
                weights = [sum(side[key][0] for key in keys) for side, keys in zip((one, other), driven)]
                yield (a, b) if weights[0] >= weights[1] else (b, a)
