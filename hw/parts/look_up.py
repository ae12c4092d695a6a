"""A table of constants, as logic: for functions of few bits that would be a chain of additions and comparisons."""

from myhdl import always_comb, block


@block
def look_up(index, value, values):
    """Table of constants in logic: value = values[index].

    Parameters
    ----------
    values : tuple of int
        The value for each index.

    Ports
    -----
    index : in
        Unsigned, below the number of values.
    value : out

    Latency: combinational.
    """

    @always_comb
    def look():
        value.next = values[int(index)]

    return look
