"""A table of constants, as logic: for functions of few bits that would be a chain of additions and comparisons."""

from myhdl import always_comb, block


@block
def look_up(index, value, table):
    """Set value = table[index].

    Parameters
    ----------
    table : tuple of int

    Ports
    -----
    index : in, unsigned, below ``len(table)``
    value : out

    Combinational.
    """

    @always_comb
    def look():
        value.next = table[int(index)]

    return look
