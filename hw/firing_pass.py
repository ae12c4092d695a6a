"""The order of the firing pass: pooling window by window, so that each pooled word is written once."""

from myhdl import Signal, always, always_comb, block, intbv


@block
def firing_pass(clk, rst, start, busy, turn, height, width, groups, pool):
    """Order of the firing pass: the addresses of all neurons, pooling window by window.

    Each pooled word is complete after its window, so it is written once. Within a window: reading order of its pixels;
    windows: all groups of lanes at a place, then the next place in reading order.

    Parameters
    ----------
    height, width : int
        Frame of neurons, multiples of `pool`.
    groups : int
        Groups of lanes that hold the neurons of a pixel.
    pool : int
        Window; 1 for none.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous.
    start : in
        1 for one cycle, while `busy` is 0: begin a pass.
    busy : out
        1 from the cycle after `start`, in every cycle of the pass.
    turn : Turn, out
        In each cycle with `turn_fire`, the neurons of all lanes at `turn_address` fire, which is
        (y*width + x)*groups + group, for pixel (`turn_y`, `turn_x`) and group `turn_group`. `turn_first` and
        `turn_last` mark the first and the last word of a pooling window.

    Latency: 1 cycle. Throughput: one address a cycle, height * width * groups in all.
    """
    row_step, column_step = width * groups, groups
    window_row_step, next_window = pool * width * groups, (pool - 1) * groups + 1
    across = width // pool
    most = height * width * groups + window_row_step
    total = height * width * groups
    alone = total == 1
    walking, window_ends, row_ends = [Signal(bool(0)) for _ in range(3)]
    left = Signal(intbv(0, min=0, max=max(total, 2)))  # addresses after the present one
    pass_ends = Signal(bool(0))  # there is none
    at = Signal(intbv(0, min=0, max=most))  # the present address
    row_at = Signal(intbv(0, min=0, max=most))  # address at the start of this row of the window
    corner = Signal(intbv(0, min=0, max=most))  # address of the window's corner
    band = Signal(intbv(0, min=0, max=most))  # corner of the first window in this row of windows
    in_x, in_y = [Signal(intbv(0, min=0, max=max(pool, 2))) for _ in range(2)]  # in_x: place in the window
    in_group = Signal(intbv(0, min=0, max=max(groups, 2)))
    corner_y = Signal(intbv(0, min=0, max=height + 1))  # row of the window's corner
    corner_x = Signal(intbv(0, min=0, max=width + 1))  # its column
    window_x = Signal(intbv(0, min=0, max=max(across, 2)))  # number of the window in its row of windows
    y = Signal(intbv(0)[max(len(corner_y), len(in_y)) + 1 :])
    x = Signal(intbv(0)[max(len(corner_x), len(in_x)) + 1 :])

    @always_comb
    def ends():
        row_ends.next = in_x == pool - 1
        window_ends.next = in_x == pool - 1 and in_y == pool - 1

    @always_comb
    def pixel():
        y.next = corner_y + in_y
        x.next = corner_x + in_x

    @always_comb
    def outputs():
        busy.next = walking
        turn.fire.next = walking
        turn.address.next = at[len(turn.address) :]
        turn.y.next = y[len(turn.y) :]
        turn.x.next = x[len(turn.x) :]
        turn.group.next = in_group
        turn.first.next = in_x == 0 and in_y == 0
        turn.last.next = window_ends

    @always(clk.posedge)
    def begin_pass():
        if rst or (walking and pass_ends):
            walking.next = False
        elif start:
            walking.next = True

    @always(clk.posedge)
    def count():
        if rst or (walking and pass_ends):
            left.next = total - 1
            pass_ends.next = alone
        elif walking:
            left.next = left - 1
            pass_ends.next = left == 1

    @always(clk.posedge)
    def walk():
        if rst or (walking and pass_ends):  # the next pass may begin: `start` comes late in its cycle
            at.next = 0
            row_at.next = 0
            corner.next = 0
            band.next = 0
            in_x.next = 0
            in_y.next = 0
            in_group.next = 0
            window_x.next = 0
            corner_y.next = 0
            corner_x.next = 0
        elif walking:
            if not row_ends:  # the next pixel of the window
                in_x.next = in_x + 1
                at.next = at + column_step
            elif not window_ends:  # the next row of the window
                in_x.next = 0
                in_y.next = in_y + 1
                row_at.next = row_at + row_step
                at.next = row_at + row_step
            else:
                in_x.next = 0
                in_y.next = 0
                if in_group != groups - 1:  # the same window of the next group
                    in_group.next = in_group + 1
                    corner.next = corner + 1
                    row_at.next = corner + 1
                    at.next = corner + 1
                elif window_x != across - 1:  # the next window
                    in_group.next = 0
                    window_x.next = window_x + 1
                    corner_x.next = corner_x + pool
                    corner.next = corner + next_window
                    row_at.next = corner + next_window
                    at.next = corner + next_window
                else:  # the next row of windows
                    in_group.next = 0
                    window_x.next = 0
                    corner_x.next = 0
                    corner_y.next = corner_y + pool
                    band.next = band + window_row_step
                    corner.next = band + window_row_step
                    row_at.next = band + window_row_step
                    at.next = band + window_row_step

    return ends, pixel, outputs, begin_pass, count, walk
