"""One lane: the membranes of every lanes-th neuron, an adder, and the firing pipeline.

The arithmetic is that of ``minisnn/fixed/lif.py``, bit for bit. What is kept from step to step is what the next step
starts from: leak and reset are applied while firing, so that a spike costs nothing but its additions.

    cycle   an addition                          firing
    0       address to the memory                address to the memory
    1       v + (weight << guard), saturated     U = v + addend, saturated
    2       written                              spike = U > threshold
    3                                            beta * U
    4                                            >> frac, - threshold, saturated
    5                                            written
"""

from myhdl import Signal, always, always_comb, block, intbv

from .memory import ram


@block
def saturate(wide, narrow):
    """`narrow` is the value nearest to `wide` that it can hold; both signed. Combinational."""
    low, high = narrow.min, narrow.max - 1

    @always_comb
    def clip():
        if wide > high:
            narrow.next = high
        elif wide < low:
            narrow.next = low
        else:
            narrow.next = wide[len(narrow):].signed()

    return clip


@block
def lif(clk, enable, address, near, far, weight, addend, threshold, write, write_address, fired, clear, spike, before,
        depth, guard, beta, frac, reset, towards_zero):
    """A lane.

    Parameters
    ----------
    depth : int
        Neurons of the lane.
    guard, beta, frac : int
        Shift of a weight, and the leak beta / 2**frac.
    reset : str
        "subtract", "subtract_then_leak", "zero" or "none".
    towards_zero : bool
        How the leak rounds; else down.

    Ports
    -----
    clk : in, rising edge
    enable, address : in, cycle 0
        1 for an addition or a firing, and its neuron.
    near, far : in, cycle 1
        1 if the addition one or two cycles before was to the same neuron.
    weight, addend : in, cycle 1, signed
        What an addition adds, and what is added before firing.
    threshold : in, unsigned
    write, write_address : in, cycle 2 of an addition, cycle 5 of a firing
    fired : in, cycle 2 or 5
        1 if what is written comes from a firing.
    clear : in, cycle 4 of a firing
        1 to keep 0: the image ends.
    spike, before : out, cycle 3 of a firing
        The spike, and U, the membrane before reset.

    Throughput: an addition or a firing a cycle. ``layer`` keeps the two apart.
    """
    low, high = before.min, before.max
    width = len(before)
    stored, v, result, kept, written, to_write = [Signal(intbv(0, min=low, max=high)) for _ in range(6)]
    added, u_now, u, reduced = [Signal(intbv(0, min=low, max=high)) for _ in range(4)]
    value = Signal(intbv(0, min=-(1 << len(weight) + guard), max=1 << len(weight) + guard))
    wide = max(width, len(value), len(addend)) + 1
    total, u_wide = [Signal(intbv(0, min=-(1 << wide), max=1 << wide)) for _ in range(2)]
    product_width = width + frac + 2
    product_now, product, rounded, leaked, after = [
        Signal(intbv(0, min=-(1 << product_width), max=1 << product_width)) for _ in range(5)]
    new = Signal(intbv(0, min=low, max=high))
    above, fires = [Signal(bool(0)) for _ in range(2)]
    theta = Signal(intbv(0, min=-(1 << width), max=1 << width))
    factor_width = beta.bit_length() + 1
    remainder = (1 << frac) - 1
    subtracts, subtracts_first = reset == "subtract", reset == "subtract_then_leak"
    zeroes, spikes = reset == "zero", reset != "none"

    memory = ram(clk, write, write_address, to_write, enable, address, stored, depth)

    @always_comb
    def widen():
        theta.next = threshold

    # An addition.
    @always_comb
    def shift():
        value.next = weight << guard

    @always_comb
    def newest():
        v.next = stored
        if near:
            v.next = result
        elif far:
            v.next = written

    @always_comb
    def sum_up():
        total.next = v + value
        u_wide.next = stored + addend

    clip_sum = saturate(total, added)
    clip_u = saturate(u_wide, u_now)

    @always(clk.posedge)
    def additions():
        result.next = added
        written.next = to_write

    # Firing.
    @always_comb
    def compare():
        above.next = False
        if spikes:
            above.next = u > theta

    @always_comb
    def leak():
        scale = intbv(0, min=0, max=1 << factor_width)
        scale[:] = beta
        product_now.next = reduced * scale

    @always_comb
    def round_off():
        rounded.next = product
        if towards_zero and product < 0:
            rounded.next = product + remainder

    @always_comb
    def shift_back():
        leaked.next = rounded >> frac

    @always_comb
    def take_away():
        after.next = leaked
        if fires:
            if subtracts:
                after.next = leaked - theta
            elif zeroes:
                after.next = 0

    clip_after = saturate(after, new)

    @always(clk.posedge)
    def firing():
        u.next = u_now
        reduced.next = u
        if subtracts_first and above:
            reduced.next = u - theta
        spike.next = above
        before.next = u
        fires.next = spike
        product.next = product_now
        kept.next = new
        if clear:
            kept.next = 0

    @always_comb
    def back():
        to_write.next = result
        if fired:
            to_write.next = kept

    return (memory, widen, shift, newest, sum_up, clip_sum, clip_u, additions, compare, leak, round_off, shift_back,
            take_away, clip_after, firing, back)
