"""The flow of a walker: two elastic stages, and the walk that they feed without a bubble."""

from myhdl import Signal, always, always_comb, block


@block
def stages(clk, rst, valid, ends, ready, move, load, walking, busy):
    """Move inputs through two stages to the walk; the stages' contents belong to the walker.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    valid : in
        An input is offered that has additions.
    ends : in
        The present walk is in its last cycle.
    ready, move, load : out
        1 in a cycle at whose end the first stage takes the input, the second stage that of the first, the walk that of
        the second.
    walking : out
        The additions of an input are being issued.
    busy : out
        An input is in a stage or in the walk.

    Latency: the walk of an input begins 3 cycles after it was taken.
    """
    first_valid, second_valid, second_free, walk_free = [Signal(bool(0)) for _ in range(4)]

    @always_comb
    def walk_flow():
        walk_free.next = (not walking) or ends

    @always_comb
    def second_flow():
        second_free.next = (not second_valid) or walk_free

    @always_comb
    def out():
        ready.next = (not first_valid) or second_free
        move.next = second_free
        load.next = walk_free
        busy.next = first_valid or second_valid or walking

    @always(clk.posedge)
    def advance():
        if ready:
            first_valid.next = valid
        if second_free:
            second_valid.next = first_valid
        if walk_free:
            walking.next = second_valid
        if rst:
            first_valid.next = False
            second_valid.next = False
            walking.next = False

    return walk_flow, second_flow, out, advance
