"""The load stream: number of steps, and weights, biases and threshold of each layer, in this order."""

from myhdl import Signal, always, always_comb, block, concat, intbv


@block
def loader(clk, rst, idle, wanted, loaded, error, stream, writer, words, beats):
    """Take a load.

    Parameters
    ----------
    words, beats : tuple of int
        Words of each section, and beats of each of its words, the lowest bits first.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous. It ends a load that is under way, without `loaded`.
    idle : in
        1 while no image is under way. A load begins in such a cycle.
    wanted : out
        1 from when a load is offered until it is done: no image may begin.
    loaded : out
        The last load was complete. A reset between loads does not change it.
    error : out
        `tlast` was not at the end of the last load; then `loaded` is 0.
    stream : Stream, in
    writer : LoadWriter, out
        The words of the sections; `data` holds a word in its highest bits.

    Throughput: a beat a cycle.
    """
    width, beat_bits = len(writer.data), len(stream.tdata)
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
        stream.tready.next = loading
        take.next = loading and stream.tvalid
        wanted.next = loading or stream.tvalid or writes

    @always_comb
    def ends():
        word_ends.next = at_beat == last_beat
        section_ends.next = at_beat == last_beat and at_word == last_word

    @always_comb
    def out():
        loaded.next = good
        error.next = bad
        writer.write.next = writes
        writer.data.next = held

    if width > beat_bits:

        @always(clk.posedge)
        def gather():
            if take:
                held.next = concat(stream.tdata, held[width:beat_bits])
    else:

        @always(clk.posedge)
        def gather():
            if take:
                held.next = stream.tdata

    @always(clk.posedge)
    def advance():
        writes.next = take and word_ends
        writer.section.next = at_section
        writer.address.next = at_word
        if rst:
            loading.next = False
            writes.next = False
            bad.next = False
        elif not loading:
            if stream.tvalid and idle:
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
            if stream.tlast or (section_ends and at_section == sections - 1):
                loading.next = False
                if stream.tlast and section_ends and at_section == sections - 1:
                    good.next = True
                else:
                    bad.next = True

    return look_up_words, look_up_beats, handshake, ends, out, gather, advance
