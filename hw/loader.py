"""The load stream: words of the sections of a load, in the order of ``load_format``."""

from myhdl import Signal, always, always_comb, block, concat, enum, intbv

loading = enum("ST_IDLE", "ST_TAKE", "ST_DROP")


@block
def loader(clk, rst, idle, wanted, loaded, error, begins, summed, refused, stream, writer, words, beats):
    """Loader: it gathers the beats of the load stream into words, and says which section each belongs to.

    ST_IDLE   wait for a load, and until no image is under way
    ST_TAKE   take its beats
    ST_DROP   take and drop beats, up to the end of a load that was refused

    Parameters
    ----------
    words, beats : tuple of int
        Words of each section, and beats of each of its words, the lowest bits first.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous. It ends a load that is under way, and `loaded`.
    idle : in
        1 while no image is under way. A load begins in such a cycle.
    wanted : out
        1 from the cycle after a load is offered until it is done: no image may begin.
    loaded : out
        The last load was complete, and no word was refused.
    error : out
        `tlast` was not at the end of the last load, or a word was refused; then `loaded` is 0.
    begins : out
        1 in a cycle before the first beat.
    summed : out
        1 in a cycle in which a beat is taken that counts for the checksum: all but those of the checksum itself.
    refused : in
        The word that is written in this cycle is wrong. The rest of the load is dropped.
    stream : Stream, in
        The beats; `stream_tlast` with the last of a load.
    writer : LoadWriter, out
        In a cycle with `writer_write`, word `writer_address` of section `writer_section` is in the highest bits of
        `writer_data`.

    Latency: 1 cycle from a word's last beat to the word. Throughput: a beat a cycle.
    """
    width, beat_bits = len(writer.data), len(stream.tdata)
    most_words, most_beats, sections = max(words), max(beats), len(words)
    state = Signal(loading.ST_IDLE)
    asked = Signal(bool(0))  # a load was offered in the cycle before
    ended = Signal(bool(0))  # its last beat was taken in the cycle before, with `tlast`
    good, bad = [Signal(bool(0)) for _ in range(2)]
    take = Signal(bool(0))  # a beat is taken
    starts, word_ends, section_ends = [Signal(bool(0)) for _ in range(3)]
    last = Signal(bool(0))  # the present section is the last: the checksum
    writes = Signal(bool(0))  # a word is complete
    at_section = Signal(intbv(0, min=0, max=max(sections, 2)))
    at_word, last_word = [Signal(intbv(0, min=0, max=max(most_words, 2))) for _ in range(2)]
    at_beat, last_beat = [Signal(intbv(0, min=0, max=max(most_beats, 2))) for _ in range(2)]
    held = Signal(intbv(0)[width:])
    first_last_word, first_last_beat = words[0] - 1, beats[0] - 1
    next_last_word, next_last_beat = Signal(last_word.val), Signal(last_beat.val)  # of the next section
    next_last_words = tuple(n - 1 for n in (*words[1:], words[-1]))
    next_last_beats = tuple(n - 1 for n in (*beats[1:], beats[-1]))

    @always_comb
    def look_up_words():
        next_last_word.next = next_last_words[int(at_section)]

    @always_comb
    def look_up_beats():
        next_last_beat.next = next_last_beats[int(at_section)]

    @always_comb
    def handshake():
        stream.tready.next = state != loading.ST_IDLE
        take.next = state == loading.ST_TAKE and stream.tvalid
        starts.next = state == loading.ST_IDLE and asked and idle
        wanted.next = asked or writes or state != loading.ST_IDLE

    @always_comb
    def ends():
        word_ends.next = at_beat == last_beat
        section_ends.next = at_beat == last_beat and at_word == last_word
        last.next = at_section == sections - 1

    @always_comb
    def outputs():
        loaded.next = good
        error.next = bad
        begins.next = starts
        summed.next = take and not last
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
    def count():
        writer.section.next = at_section
        writer.address.next = at_word
        if starts:
            at_section.next = 0
            at_word.next = 0
            at_beat.next = 0
            last_word.next = first_last_word
            last_beat.next = first_last_beat
        elif take:
            if not word_ends:
                at_beat.next = at_beat + 1
            else:
                at_beat.next = 0
                if not section_ends:
                    at_word.next = at_word + 1
                else:
                    at_word.next = 0
                    if not last:
                        at_section.next = at_section + 1
                        last_word.next = next_last_word
                        last_beat.next = next_last_beat

    @always(clk.posedge)
    def advance():
        asked.next = stream.tvalid and state == loading.ST_IDLE
        writes.next = take and word_ends and not refused
        ended.next = take and stream.tlast and section_ends and last and not refused
        if rst:
            state.next = loading.ST_IDLE
            asked.next = False
            writes.next = False
            ended.next = False
            good.next = False
            bad.next = False
        elif state == loading.ST_IDLE:
            if starts:
                state.next = loading.ST_TAKE
                good.next = False
                bad.next = False
            elif ended:
                good.next = not refused
                bad.next = refused
        elif stream.tvalid and stream.tlast:
            state.next = loading.ST_IDLE
            if refused or not (section_ends and last):
                bad.next = True
        elif refused or (take and section_ends and last):
            state.next = loading.ST_DROP
            bad.next = True

    return look_up_words, look_up_beats, handshake, ends, outputs, gather, count, advance
