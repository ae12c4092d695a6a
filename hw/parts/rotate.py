"""A word of equal parts, rotated: part i goes to place i + amount, cyclically."""

from myhdl import Signal, always_comb, block, concat, intbv


@block
def turn_if(word, wanted, turned, low):
    """Rotate `word` so that the bits from `low` up go to the bottom, if `wanted`. Combinational."""

    @always_comb
    def turn():
        turned.next = word
        if wanted:
            turned.next = concat(word[low:], word[len(word) : low])

    return turn


@block
def rotate(word, amount, turned, parts):
    """Rotate `word` by `amount` parts.

    Parameters
    ----------
    parts : int
        Number of parts, at least 2.

    Ports
    -----
    word, amount : in, `amount` below `parts`
    turned : out

    Combinational: a choice of two for each bit of `amount`.
    """
    width, stages = len(word), len(amount)
    size = width // parts
    between = [word, *(Signal(intbv(0)[width:]) for _ in range(stages - 1)), turned]
    return [turn_if(between[i], amount(i), between[i + 1], (parts - (1 << i) % parts) * size) for i in range(stages)]
