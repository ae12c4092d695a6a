"""The flow of a walker: two elastic stages, and the walk that they feed without a bubble."""

from myhdl import Signal, always, always_comb, block


@block
def stages(clk, rst, valid, ending, ready, move, load, walking, busy):
    """Flow of a walker: inputs move through two stages to the walk, which lasts one cycle for each addition.

    The contents of the stages are registers of the walker; this block says when they take a new input.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and drops all inputs.
    valid : in
        1 while an input is offered that has additions. It enters in a cycle in which `ready` is 1, too.
    ending : in
        1 in a cycle after which the walk is in its last cycle: of the walk that begins, in a cycle with `load`.
    ready : out
        1 in a cycle at whose end the first stage takes what is offered.
    move : out
        1 in a cycle at whose end the second stage takes the input of the first.
    load : out
        1 in a cycle at whose end the walk takes the input of the second stage.
    walking : out
        1 in every cycle of a walk.
    busy : out
        1 while an input is in a stage or in the walk.

    Latency: the walk of an input begins 3 cycles after the input entered. Throughput: a walk follows the one before
    without an empty cycle between them; `ready` never depends on `valid` of the same cycle.

    A cycle ahead it computes whether the walk is free, and whether both stages are full: the path from there to the
    scanner's next input is the longest.
    """
    first_valid = Signal(bool(0))  # the first stage has an input
    full = Signal(bool(0))  # so have both stages
    second_valid = Signal(bool(0))  # the second stage has an input
    second_free = Signal(bool(0))  # the second stage is empty, or hands its input over in this cycle
    walk_free = Signal(bool(1))  # there is no walk, or it ends in this cycle

    @always_comb
    def second_flow():
        second_free.next = (not second_valid) or walk_free

    @always_comb
    def outputs():
        ready.next = (not full) or walk_free
        move.next = second_free
        load.next = walk_free
        busy.next = first_valid or second_valid or walking

    @always(clk.posedge)
    def advance():
        if ready:
            first_valid.next = valid
        if second_free:
            second_valid.next = first_valid
        full.next = (not ready) or (valid and (first_valid or not second_free))
        if walk_free:
            walking.next = second_valid
            walk_free.next = ending or not second_valid
        else:
            walk_free.next = ending
        if rst:
            first_valid.next = False
            full.next = False
            second_valid.next = False
            walking.next = False
            walk_free.next = True

    return second_flow, outputs, advance
