"""The nodes of a NIR graph in the order in which spikes pass them: one line from an input to an output.

A node that this library lacks, a loop or a branch is refused by its name.
"""

from collections import defaultdict
from collections.abc import Mapping

from ..errors import InputError
from .nir_file import Graph, Node, shown

_TRAIN = "train with LIF or IF neurons"
# Nodes of the format that are read; a SumPool2d only with a Threshold after it.
READ = ("Input", "Output", "Linear", "Affine", "Conv2d", "LIF", "IF", "Flatten", "SumPool2d", "Threshold")
# Nodes of the format that are not, with the reason and the remedy.
REFUSED = {
    "CubaLIF": f"its synapses have a leak of their own, which minisnn lacks; {_TRAIN}",
    "CubaLI": f"its synapses have a leak of their own and it never spikes, which minisnn lacks; {_TRAIN}",
    "LI": f"it integrates and never spikes, and every layer read from NIR must spike; {_TRAIN}",
    "I": f"it integrates and never spikes, and every layer read from NIR must spike; {_TRAIN}",
    "Delay": "minisnn has no delays; train without them",
    "Conv1d": "minisnn's convolutions have two dimensions; write it as a Conv2d over maps",
    "AvgPool2d": "minisnn pools spikes by their maximum; train with a SumPool2d and a Threshold of 0.5 after it",
    "Scale": "minisnn does not scale between layers; multiply the weights before it",
    "NIRGraph": "it is a graph within the graph, as recurrent neurons are; train without recurrence",
}


def chain(graph: Graph) -> list[Node]:
    """Return the nodes from the input to the output, both included.

    Raise InputError, with a node's name, for a node that cannot be read, a loop, a branch, a second input or output, or
    a node that is not on the way.
    """
    after, before = _neighbours(graph)
    first = _only(graph, "Input")
    _only(graph, "Output")
    nodes = [_checked(first, after, before)]
    while nodes[-1].kind != "Output":
        following = after[nodes[-1].name]
        if not following:
            raise nodes[-1].error("leads nowhere, and not to the output; write the edge that is missing")
        nodes.append(_checked(graph.nodes[following[0]], after, before))
    if strays := graph.nodes.keys() - {node.name for node in nodes}:
        stray = graph.nodes[min(strays)]
        raise stray.error("is not on the way from the input to the output; remove it, or write its edges")
    return nodes


def _neighbours(graph):
    """Return the names that each node leads to, and those that lead to it."""
    after, before = defaultdict(list), defaultdict(list)
    for source, target in graph.edges:
        for name in (source, target):
            if name not in graph.nodes:
                raise InputError(
                    f"{graph.path}: edge {shown(source)} -> {shown(target)} names a node that does not exist, "
                    f"{shown(name)}; write the file again with nir.write"
                )
        after[source].append(target)
        before[target].append(source)
    return after, before


def _only(graph, kind):
    """Return the only node of a kind."""
    nodes = [node for node in graph.nodes.values() if node.kind == kind]
    if len(nodes) == 1:
        return nodes[0]
    named = f"{len(nodes)} {kind} nodes ({_list(node.name for node in nodes)})" if nodes else f"no {kind} node"
    raise InputError(f"{graph.path} has {named}, and minisnn reads a network with one; write it with one")


def _checked(node, after, before):
    """Return a node that can be read and has no more than one neighbour on either side."""
    if node.kind in REFUSED:
        raise node.error(f"cannot be read: {REFUSED[node.kind]}")
    if node.kind not in READ:
        raise node.error(f"cannot be read: minisnn does not know its type; the types it reads are {', '.join(READ)}")
    if node.kind == "Input" and before[node.name]:
        raise node.error(
            f"is reached from {_list(before[node.name])}, and nothing may lead to an input; remove the edge"
        )
    for names, words in ((after[node.name], "leads to"), (before[node.name], "is reached from")):
        if len(names) > 1:
            if looped := _comes_back(node.name, after):
                raise node.error(
                    f"is recurrent, by way of {shown(looped)}, which minisnn lacks; train without recurrence"
                )
            raise node.error(
                f"{words} {len(names)} nodes ({_list(names)}), and minisnn reads one line of layers; train without "
                "branches"
            )
    return node


def _comes_back(name: str, after: Mapping[str, list[str]]) -> str:
    """Return the node by which spikes come back to a node, or nothing if none does."""
    seen, waiting = set(), [name]
    while waiting:
        here = waiting.pop()
        if name in after[here]:
            return here
        waiting += [other for other in after[here] if other not in seen]
        seen.update(after[here])
    return ""


def _list(names):
    names = [*names]
    return ", ".join(shown(name) for name in names[:3]) + ", ..." * (len(names) > 3)
