"""Names for the waveform of a simulation in MyHDL: each block and each port has the name that it has in HDL."""

from typing import Any

from myhdl._block import _Block
from myhdl._Signal import _Signal

from .arguments import signals_of
from .kinds import Kind, given, ports_of


def name_as_in_hdl(block: _Block, kind: Kind) -> None:
    """Name a block's instances, ports and signals, and those inside them, as the kind's HDL does.

    A place in a loop of HDL, ``each_lane(3).u_lane``, becomes one name, which contains a dot. Memories are left out.
    """
    named: dict[str, Any] = {}
    subs = [sub for sub in block.subs if isinstance(sub, _Block)]
    scopes = [sub.callinfo.symdict for sub in block.subs if hasattr(sub, "callinfo")]
    outside = block.func.__globals__
    local = {name: value for scope in scopes for name, value in scope.items() if outside.get(name) is not value}
    arguments = given(block)
    for name, value in {**block.sigdict, **local}.items():
        if name in arguments:
            continue
        if isinstance(value, _Signal) or hasattr(value, "__dict__"):  # a signal, or a bundle of them
            named |= signals_of(value, name)
    block.sigdict = {name: signal for name, signal in ports_of(arguments).items() if name in kind.ports} | named
    for sub, child in zip(subs, kind.children, strict=True):
        sub.name = child.place
        name_as_in_hdl(sub, child.kind)


def signals_in(block: _Block) -> list[_Signal]:
    """Return the signals that a block names, and the blocks inside it, each once."""
    found: dict[int, _Signal] = {}
    blocks = [block]
    for each in blocks:
        found |= {id(signal): signal for signal in each.sigdict.values()}
        blocks += [sub for sub in each.subs if isinstance(sub, _Block)]
    return list(found.values())


def trace(signals: list[_Signal], wanted: bool) -> None:
    """Stop the trace of signals that MyHDL traces, or go on from the values that they have now."""
    for signal in signals:
        signal._tracing = wanted
        if wanted:
            signal._printVcd()
