"""A word of equal parts, rotated: part i goes to place i + amount, cyclically."""

from myhdl import Signal, always_comb, block, concat, intbv


@block
def turn_if(word, wanted, turned, low):
    """Rotate a word by a fixed number of bits, or not: one stage of ``rotate``.

    Parameters
    ----------
    low : int
        The number of this bit becomes 0 when the word is rotated.

    Ports
    -----
    word : in
    wanted : in
        1 to rotate `word`, so that the bits from `low` up become the lowest; 0 to leave it as it is.
    turned : out

    Latency: combinational.
    """
    width = len(word)

    @always_comb
    def turn():
        whole = intbv(0)[width:]
        whole[:] = word  # which may be a slice, and a slice of a slice is no Verilog
        turned.next = whole
        if wanted:
            turned.next = concat(whole[low:], whole[width:low])

    return turn


@block
def rotate(word, amount, turned, parts):
    """Rotate a word of equal parts cyclically: part i goes to place (i + amount) mod parts.

    Parameters
    ----------
    parts : int
        Number of parts, at least 2.

    Ports
    -----
    word : in
        Part 0 is in the lowest bits.
    amount : in
        Below `parts`.
    turned : out

    Latency: combinational, a choice of two for each bit of `amount`.
    """
    width, stages = len(word), len(amount)
    size = width // parts
    between = [word, *(Signal(intbv(0)[width:]) for _ in range(stages - 1)), turned]
    # Stage i rotates by 2**i parts if bit i of the amount is 1.
    return [turn_if(between[i], amount(i), between[i + 1], (parts - (1 << i) % parts) * size) for i in range(stages)]
