"""The neuron in the firing pass: threshold, leak and reset, pipelined, a neuron a cycle.

The arithmetic is that of ``minisnn/fixed/lif.py``, bit for bit.
"""

from typing import Any

from myhdl import Signal, always_comb, block, instance, intbv


def multiplies(beta: Any) -> bool:
    """Return whether a leak needs a multiplier: one that is loaded, or is built in and no power of two."""
    return not isinstance(beta, int) or beta & (beta - 1) != 0


def cycles_to_kept(beta: Any) -> int:
    """Return the cycle of a neuron in ``lif`` in which what it keeps is out."""
    return 3 if multiplies(beta) else 2


@block
def lif(clk, fires, v, addend, threshold, clear, spike, membrane, kept, beta, frac, reset, towards_zero):
    """Leaky integrate-and-fire neuron in the firing pass: bias, threshold, leak and reset, a neuron a cycle.

    cycle   a neuron
    0       U = v + addend, saturated
    1       spike = U > threshold
    2       beta * U; a leak that is built in as a power of two is only a shift, and takes no cycle
    3       >> frac, - threshold if it spiked; this is written

    The state that is kept is what the next step starts from: leak and reset are applied here, so that an input spike
    costs nothing but its additions. It needs no saturation: a leak of at most 1 brings U nearer to 0, and the threshold
    is subtracted only if U was above it. U was positive then, and so is what leaks; less a threshold, which has a bit
    fewer than the membrane, it is no lower than the lowest membrane.

    Parameters
    ----------
    frac : int
        Fraction bits of `beta`.
    reset : str
        After a spike: "subtract" the threshold after the leak; "subtract_then_leak"; "zero", keep 0; "none", no
        neuron spikes.
    towards_zero : bool
        The leak rounds towards zero; otherwise down.

    Ports
    -----
    clk : in
        Rising edge.
    fires : in
        Bit i is 1 while a neuron is in cycle i, of the cycles before `kept` is out.
    v : in, cycle 0
        Signed; the sum so far.
    addend : in, cycle 0
        Signed; what is added last: the bias.
    threshold : in
        Unsigned.
    beta : in
        Unsigned; the leak is beta / 2**frac, at most 1. It may be built in.
    clear : in, with `kept`
        1 to keep 0, because the image ends.
    spike : out, cycle 2
    membrane : out, cycle 2
        U, before reset, as bits of two's complement.
    kept : out, cycle 3, or 2 if the leak is a shift
        Signed; the state that the next step starts from, in this cycle alone.

    Latency: 2 cycles to the spike, 2 or 3 to the kept state. Throughput: a neuron a cycle.
    """
    assert len(membrane) == len(v) == len(kept)
    assert len(fires) == cycles_to_kept(beta)
    low, high = kept.min, kept.max - 1
    width = len(kept)
    u = Signal(intbv(0, min=low, max=high + 1))  # membrane U before leak and reset, in cycle 1
    reduced = Signal(
        intbv(0, min=low, max=high + 1)
    )  # what leaks, in cycle 2: U, less the threshold if the reset comes first
    product_width = width + frac + 2
    product = Signal(intbv(0, min=-(1 << product_width), max=1 << product_width))  # beta * U
    spiked = spike  # the neuron spiked whose product it is
    most = 1 << max(width, len(addend))
    sign = most.bit_length() - 1  # bit of the total's sign; without overflow all bits from width - 1 up equal it
    ones = (1 << sign - width + 1) - 1
    factor_width = (beta.bit_length() if isinstance(beta, int) else len(beta)) + 1
    remainder = (1 << frac) - 1
    subtracts, subtracts_first = reset == "subtract", reset == "subtract_then_leak"
    zeroes, spikes = reset == "zero", reset != "none"

    @instance
    def integrate_and_fire():
        total = intbv(0, min=-most, max=most)
        theta = intbv(0, min=-(1 << width), max=1 << width)
        while True:
            yield clk.posedge
            if fires[0]:
                total[:] = v + addend
                if total[sign] == 0 and total[sign : width - 1] != 0:
                    u.next = high  # saturated
                elif total[sign] == 1 and total[sign : width - 1] != ones:
                    u.next = low  # saturated
                else:
                    u.next = total[width:].signed()
            if fires[1]:
                theta[:] = threshold
                membrane.next = u[width:]
                reduced.next = u
                spike.next = False
                # The threshold's comparison: strictly greater.
                if spikes and u > theta:
                    spike.next = True
                    if subtracts_first:
                        reduced.next = u - theta

    if multiplies(beta):
        spiked = Signal(bool(0))

        @instance
        def leak():
            scale = intbv(0, min=0, max=1 << factor_width)
            while True:
                yield clk.posedge
                if fires[2]:
                    scale[:] = beta
                    product.next = reduced * scale
                    spiked.next = spike
    else:

        @always_comb
        def leak():
            scale = intbv(0, min=0, max=1 << factor_width)
            scale[:] = beta
            product.next = reduced * scale

    @always_comb
    def keep():
        theta = intbv(0, min=-(1 << width), max=1 << width)
        leaked = intbv(0, min=-(1 << product_width), max=1 << product_width)
        left = intbv(0, min=-(1 << width), max=1 << width)
        theta[:] = threshold
        leaked[:] = product
        if towards_zero and product < 0:
            leaked[:] = product + remainder
        # The leak's rounding: the shift rounds down, and with the remainder added above, towards zero.
        left[:] = leaked >> frac
        if subtracts and spiked:
            left[:] = left - theta  # reset: subtract the threshold
        kept.next = left[width:].signed()
        if clear or (zeroes and spiked):
            kept.next = 0

    return integrate_and_fire, leak, keep
