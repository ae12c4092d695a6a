"""A signal times a constant, in full width.

MyHDL writes a product with a Python integer that is wider than the other factor as VHDL that truncates; with a
variable of its own width it is right everywhere.
"""

from myhdl import always_comb, block, intbv


@block
def times(value, factor, product):
    """Multiply by a constant, in full width: product = value * factor.

    Parameters
    ----------
    factor : int
        The constant, above 0.

    Ports
    -----
    value : in
        Unsigned.
    product : out
        Unsigned, wide enough for any `value`.

    Latency: combinational.
    """
    factor_width = factor.bit_length()

    @always_comb
    def multiply():
        scale = intbv(0)[factor_width:]
        scale[:] = factor
        product.next = value * scale

    return multiply
