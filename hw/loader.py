"""The load stream: number of steps, and weights, biases and threshold of each layer, in this order."""

from myhdl import Signal, always, always_comb, block, concat, intbv


@block
def loader(
    clk, rst, idle, wanted, loaded, error, tdata, tvalid, tready, tlast, write, section, address, data, words, beats
):
    """Take a load.

    Parameters
    ----------
    words, beats : tuple of int
        Of each section: its words, and the beats of each word, the lowest bits first.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous. It ends a load that is under way, without `loaded`.
    idle : in
        No image is under way. A load begins in such a cycle, and
    wanted : out
        is 1 from when a load is offered until it is done: no image may begin.
    loaded : out
        The last load was whole. A reset between loads does not change it.
    error : out
        `tlast` was not at the end of the last load; then `loaded` is 0.
    tdata, tvalid, tready, tlast : AXI4-Stream
    write, section, address, data : out
        In a cycle with `write`, a word of a section; it ends with the highest bit of `data`.

    Throughput: a beat a cycle.
    """
    width, beat_bits = len(data), len(tdata)
    most_words, most_beats, sections = max(words), max(beats), len(words)
    loading, good, bad, take, word_ends, section_ends, writes = [Signal(bool(0)) for _ in range(7)]
    at_section = Signal(intbv(0, min=0, max=max(sections, 2)))
    at_word, last_word = [Signal(intbv(0, min=0, max=max(most_words, 2))) for _ in range(2)]
    at_beat, last_beat = [Signal(intbv(0, min=0, max=max(most_beats, 2))) for _ in range(2)]
    held = Signal(intbv(0)[width:])
    last_words, last_beats = tuple(n - 1 for n in words), tuple(n - 1 for n in beats)

    @always_comb
    def look_up_words():
        last_word.next = last_words[int(at_section)]

    @always_comb
    def look_up_beats():
        last_beat.next = last_beats[int(at_section)]

    @always_comb
    def handshake():
        tready.next = loading
        take.next = loading and tvalid
        wanted.next = loading or tvalid or writes

    @always_comb
    def ends():
        word_ends.next = at_beat == last_beat
        section_ends.next = at_beat == last_beat and at_word == last_word

    @always_comb
    def out():
        loaded.next = good
        error.next = bad
        write.next = writes
        data.next = held

    if width > beat_bits:

        @always(clk.posedge)
        def gather():
            if take:
                held.next = concat(tdata, held[width:beat_bits])
    else:

        @always(clk.posedge)
        def gather():
            if take:
                held.next = tdata

    @always(clk.posedge)
    def advance():
        writes.next = take and word_ends
        section.next = at_section
        address.next = at_word
        if rst:
            loading.next = False
            writes.next = False
            bad.next = False
        elif not loading:
            if tvalid and idle:
                loading.next = True
                good.next = False
                bad.next = False
                at_section.next = 0
                at_word.next = 0
                at_beat.next = 0
        elif take:
            if not word_ends:
                at_beat.next = at_beat + 1
            else:
                at_beat.next = 0
                if not section_ends:
                    at_word.next = at_word + 1
                else:
                    at_word.next = 0
                    if at_section != sections - 1:
                        at_section.next = at_section + 1
            if tlast or (section_ends and at_section == sections - 1):
                loading.next = False
                if tlast and section_ends and at_section == sections - 1:
                    good.next = True
                else:
                    bad.next = True

    return look_up_words, look_up_beats, handshake, ends, out, gather, advance
