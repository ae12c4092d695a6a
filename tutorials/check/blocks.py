"""Simulation of a student's block: it gets a stream of inputs, and its outputs are compared cycle by cycle."""

from myhdl import Signal, intbv

from minisnn_hw import verify


def unsigned(width):
    """Return an unsigned signal of some bits."""
    return Signal(intbv(0)[width:])


def simulate(block, inputs, outputs, stream):
    """Return the outputs in each cycle, one column for each; the widths of inputs and outputs are in bits.

    A row shows the outputs at the end of the cycle before, as a register's neighbour sees them.
    """
    remaining = iter(stream)
    _, seen = verify.simulate.run(
        block,
        {name: unsigned(width) for name, width in inputs.items()},
        {name: unsigned(width) for name, width in outputs.items()},
        lambda cycle, before: next(remaining),
    )
    return [[int(cycle[name]) for name in outputs] for cycle in seen]
