"""A stream of bytes cut anew: beats of one width come in, beats of another go out.

The bytes wait in one register, the oldest in the lowest bits. Its unit is the greatest common divisor of the two
widths: beats come and go in whole units.
"""

from math import gcd

from myhdl import Signal, always, always_comb, block, intbv, modbv

from ..ports import bits


@block
def gearbox(clk, rst, cut, taken, given, given_keep, longest):
    """Pack the bytes of each packet into beats of another width.

    Parameters
    ----------
    longest : int
        0 for packets that may end within a beat, which `given_keep` tells. Otherwise a packet that does not end with a
        beat, or has a beat with other than whole `tkeep`, is wrong: it gets `longest` beats of zeros more, so that
        whatever takes packets of up to `longest` beats finds it too long.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous and drops all bytes.
    cut : in
        Drop all bytes, and what is still to come of a packet that has begun to come.
    taken : ByteStream, in
        `tkeep` is 1 from bit 0 on, for at least one byte, and for all bytes except at `tlast`. `tready` is a register.
    given : Stream or ByteStream, out
        Changes only as registers do.
    given_keep : out
        A bit for each byte of `given` that counts.

    Throughput: a beat a cycle on the narrower side; a packet waits until the one before has left.
    """
    in_bytes, out_bytes = len(taken.tdata) // 8, len(given.tdata) // 8
    unit = gcd(in_bytes, out_bytes)
    in_units, out_units = in_bytes // unit, out_bytes // unit
    most = 2 * in_units + out_units - 1  # units that fit
    ready_up_to = most - in_units
    strict = longest > 0
    store, kept = [Signal(intbv(0)[8 * unit * most :]) for _ in range(2)]
    moved = Signal(modbv(0)[8 * unit * most :])  # modbv: it may overflow while its inputs settle
    fill, left, filled = [Signal(intbv(0, min=0, max=most + 1)) for _ in range(3)]
    count = Signal(intbv(0, min=0, max=in_units + 1))
    shift = Signal(intbv(0, min=0, max=8 * unit * most + 1))
    pads = Signal(intbv(0)[bits(longest + 1) :])
    whole_keep = Signal(intbv(0)[in_bytes:])
    sound, ending, whole, ready, takes, valid, gives, last, ends, still, under_way, dropping = [
        Signal(bool(0)) for _ in range(12)
    ]
    keeps_in = tuple((1 << unit * n) - 1 for n in range(in_units + 1))
    keeps_out = tuple((1 << unit * min(n, out_units)) - 1 for n in range(most + 1))
    shifts = tuple(8 * unit * n for n in range(most + 1))

    @always_comb
    def count_units():
        count.next = 0
        for i in range(in_units):
            if taken.tkeep[i * unit]:
                count.next = i + 1

    @always_comb
    def look_up_keep():
        whole_keep.next = keeps_in[int(count)]

    @always_comb
    def judge():
        sound.next = taken.tkeep == whole_keep and count != 0 and (count == in_units or taken.tlast)

    @always_comb
    def handshake():
        taken.tready.next = ready
        takes.next = taken.tvalid and ready and not dropping
        valid.next = fill >= out_units or ending
        gives.next = (fill >= out_units or ending) and given.tready

    if strict:

        @always_comb
        def find_last():
            last.next = ending and ((whole and fill == out_units) or (fill == 0 and pads == longest))
    else:

        @always_comb
        def find_last():
            last.next = ending and fill <= out_units

    @always_comb
    def outputs():
        given.tvalid.next = valid
        given.tlast.next = last
        given.tdata.next = store[8 * out_bytes :]

    @always_comb
    def look_up_kept():
        given_keep.next = keeps_out[int(fill)]

    @always_comb
    def drain():
        left.next = fill
        kept.next = store
        if gives:
            left.next = 0
            kept.next = 0
            if fill > out_units:
                left.next = fill - out_units
                kept.next = store >> (8 * out_bytes)

    @always_comb
    def look_up_shift():
        shift.next = shifts[int(left)]

    @always_comb
    def insert():
        wide = intbv(0)[8 * unit * most :]
        wide[:] = taken.tdata
        moved.next = 0
        filled.next = left
        if takes:
            moved.next = wide << shift
            filled.next = left + count

    @always_comb
    def follow():
        ends.next = (ending and not (gives and last)) or (takes and taken.tlast)
        still.next = under_way
        if taken.tvalid and ready:
            still.next = not taken.tlast

    @always(clk.posedge)
    def advance():
        store.next = kept | moved
        fill.next = filled
        ending.next = ends
        ready.next = not ends and filled <= ready_up_to
        under_way.next = still
        dropping.next = dropping and still
        if takes:
            whole.next = whole and sound
        if ending and not ends:
            whole.next = True
        pads.next = 0
        if strict and ending and fill == 0:
            pads.next = pads
            if gives and not last:
                pads.next = pads + 1
        if rst or cut:
            store.next = 0
            fill.next = 0
            ending.next = False
            ready.next = not rst
            whole.next = True
            pads.next = 0
            dropping.next = still and not rst
        if rst:
            under_way.next = False

    return (
        count_units,
        look_up_keep,
        judge,
        handshake,
        find_last,
        outputs,
        look_up_kept,
        drain,
        look_up_shift,
        insert,
        follow,
        advance,
    )
