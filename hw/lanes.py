"""All lanes of a layer, side by side: as many neurons, each with a bank of sums and an adder for each tap at once."""

from myhdl import ConcatSignal, Signal, always, always_comb, block, intbv

from .banks import bank_control, bank_of_neuron, pair_control, with_half
from .lane import pixel_lane, spike_lane
from .lif import cycles_to_kept
from .parts.register import delay, later, register_or_zero
from .ports import LaneTiming, MemoryPort, SumControl, SumReader, bit, bits, word
from .windows import sums_of_window


@block
def lanes(clk, rst, walk, turn, clear, factor, weights, biases, threshold, beta, firing, drained, spec, observed):
    """All lanes of a layer, side by side: additions in every bank, or a turn of the firing pass.

    With several taps an input is added in one cycle in as many banks as it reaches, for each group of lanes, and a
    neuron that fires is read from its one bank. If all of a pooling window fire at once, no two are in the same bank,
    and each lane has a neuron for each position of the window. With a second bank of currents there are two of each
    bank, and an image is added in one while another fires from the other. Cycles with one bank, and with several:

    banks, an addition of   spikes       pixels       what is done
                            1    more    1    more
                            0    0       0    0       address to weights
                            -    1       -    1       weights held
                            1    2       1    2       weight held (turned to its bank)
                            -    -       2    3       weight * pixel
                            0    1       1    2       address to sums
                            1    2       2    3       sum held
                            2    3       3    4       sum + (that << guard), saturated
                            3    4       4    5       written

    banks, a firing with    1    more    1    more
                            -    0       -    0       which bank, and where in it
                            0    1       1    2       address to sums
                            1    2       2    3       sum held
                            -    3       -    4       the bank is chosen
                            -    -       3    5       current + bias, saturated; the kept state held
                            -    -       4    5       the image's last: 0 written as current
                            2    4       4    6       U = v + bias (pixels: kept state + that), saturated
                            3    5       5    7       spike = U > threshold
                            4    6       6    8       spike and U are out; the leak: beta * U
                            5    7       7    9       >> frac, - threshold; written (a cycle earlier if the leak is a
                                                      shift: it needs no product)

    Parameters
    ----------
    spec : LayerSpec
        Widths, taps, positions, and number of lanes.
    observed : bool
        Drive `firing_membranes` too.

    Ports
    -----
    clk, rst : in
        Rising edge; `rst` is synchronous, and forgets additions and firings under way.
    walk : Walk, in, cycle 0
        Additions: `walk_add`, a bit for each bank in `walk_banks`, and their addresses in `walk_addresses`. They must
        come at least 7 cycles after a firing of the same neurons, with several banks 8, and ``spec.nearest`` after an
        addition to them. `walk_half` says in which of two banks of currents.
    turn : Turn, in, cycle 0
        With `turn_fire`, a firing at `turn_address`, which is pixel, or window, (`turn_y`, `turn_x`), group
        `turn_group`. It must come at least ``spec.nearest`` + 1 cycles after an addition to the same neurons, and 7
        after their last firing; of spikes in several banks 8. `turn_half` says from which of two banks of currents.
    clear : in, cycle 0
        1 with a firing after which 0 is kept: the image's last.
    factor : in, cycle 0
        The pixel of an addition; not read for spikes.
    weights : in, cycle 1, with several banks cycle 2
        A word: bank by bank, each with lane 0 in its lowest bits.
    biases : GroupReader
        `biases_read` and `biases_group`, out: read the biases of this group; `biases_data`, in: they are, in the next
        cycle, lane 0 in the lowest bits.
    threshold, beta : in
        See ``lif``; beta may be built in.
    firing : Firing, out, with the spike
        `firing_spikes`, position by position, one bit a lane; `firing_membranes`, before reset, the first in the lowest
        bits; `firing_address`, where they are.
    drained : out
        0 in cycles 1 to 5 of a firing, of spikes in several banks 1 to 6: then the same neuron must not fire again in
        the next cycle.

    Latency: as above. Throughput: additions in all banks, or a firing, a cycle.
    """
    pixels, banked, paired = int(spec.input_bits > 0), int(spec.taps > 1), int(spec.second_bank)
    count, banks, w, b = spec.lanes, spec.taps, spec.weight_bits, spec.bias_bits
    width = len(walk.addresses) // banks
    read = pixels + banked  # cycle in which the address of a sum is given
    first = 2 + 2 * read  # cycle of a firing that is cycle 0 of ``lif``
    kept = first + cycles_to_kept(spec.beta)  # cycle of a firing in which what the neuron keeps is out
    stored = read + 3 if pixels else kept  # cycle of a firing in which a sum is written
    bias_read = first - 1 - pixels
    settling = 5 + (banked and not pixels)
    past, past_clears = word(kept), word(kept)  # the last firings, and `clear` with them
    fires = ConcatSignal(past, turn.fire)  # bit i: a firing is in cycle i
    clears = ConcatSignal(past_clears, clear)
    timing = LaneTiming.new(banks, pixels, kept - first)
    writes = bit()  # a firing writes a sum

    fired_at = Signal(intbv(0)[len(turn.address) :])
    group_read = later(turn.group, bias_read)
    parts = [delay(clk, turn.address, fired_at, first + 2)]
    parts.append(delay(clk, turn.group, group_read, bias_read))

    # Where the neurons that fire have their sums, by bank, in the cycles in which these are read and written.
    fired_positions = [None] * banks
    if spec.whole_windows:
        reached_read, reached_written = word(banks), word(banks)
        read_at, write_at = [[word(width + paired) for _ in range(banks)] for _ in range(2)]
        bank_bits, position_bits = bits(banks), bits(spec.positions)
        all_banks, all_positions = word(spec.positions * bank_bits), word(banks * position_bits)
        reads, writing = (reached_read, read_at), (reached_written, write_at)
        parts.append(sums_of_window(clk, turn, *reads, *writing, all_banks, all_positions, spec, read, stored))
        fired_banks = [all_banks((i + 1) * bank_bits, i * bank_bits) for i in range(spec.positions)]
        fired_positions = [all_positions((i + 1) * position_bits, i * position_bits) for i in range(banks)]
    else:
        place = word(width) if banked else turn.address
        sum_at = place
        if paired:
            sum_at = word(width + 1)  # with the half in the highest bit
            half = later(turn.half, banked)
            parts.append(with_half(half, place, sum_at))
            if banked:
                parts.append(delay(clk, turn.half, half, banked))
        place_read, place_written = later(sum_at, pixels), word(width + paired)
        read_at, write_at = [place_read] * banks, [place_written] * banks
        fired_banks = [None]
        parts.append(delay(clk, place_read, place_written, stored - read))
        if pixels:
            parts.append(delay(clk, sum_at, place_read, pixels))
        if banked:
            bank, bank_chosen, bank_written = [Signal(intbv(0, min=0, max=banks)) for _ in range(3)]
            bank_read, fired_banks = later(bank, pixels), [bank_chosen]
            parts += [
                bank_of_neuron(clk, turn, bank, place, spec),
                delay(clk, bank_read, bank_chosen, 2),
                delay(clk, bank_chosen, bank_written, stored - read - 2),
            ]
            if pixels:
                parts.append(delay(clk, bank, bank_read, pixels))

    # Which banks are added to, and where, in the cycle in which their sums are read.
    adding = [walk.banks, *(word(banks) for _ in range(read))]
    adds_now = adding[read]
    adding_at = later(walk.addresses, read)
    any_bank = [walk.add, *(bit() for _ in range(banked if paired else read))]  # the same of all banks
    adding_now = any_bank[-1]  # an addition reads its sums
    add_held = any_bank[banked]  # an addition whose weights are held next
    parts.append([register_or_zero(clk, rst, adding[i], adding[i + 1]) for i in range(read)])
    if read:
        parts.append(delay(clk, walk.addresses, adding_at, read))
    parts.append([register_or_zero(clk, rst, any_bank[i], any_bank[i + 1]) for i in range(len(any_bank) - 1)])

    # A control for each bank, for all lanes.
    reads_of, stores_of = word(banks), word(banks)  # bit i: a firing reads, or writes, in bank i
    addresses = [word(width + paired) for _ in range(banks)]
    stores = [stores_of(i) for i in range(banks)]
    controls = [SumControl.new(width + paired, spec.nearest) for _ in range(banks)]
    adding_to = [adding_at((i + 1) * width, i * width) for i in range(banks)]
    readers = [None] * banks
    if paired:
        readers = [SumReader.new(reads_of(i), read_at[i], write_at[i], spec.nearest) for i in range(banks)]
        adds_in = later(walk.half, read)
        parts += [
            delay(clk, walk.half, adds_in, read),
            [
                pair_control(clk, rst, adds_now(i), adds_in, adding_to[i], addresses[i], controls[i], readers[i])
                for i in range(banks)
            ],
        ]
    else:
        parts += [
            bank_control(
                clk,
                rst,
                adds_now(i),
                adding_to[i],
                adding_now,
                reads_of(i),
                read_at[i],
                stores[i],
                write_at[i],
                addresses[i],
                controls[i],
            )
            for i in range(banks)
        ]

    spike = [bit() for _ in range(spec.neurons)]  # position by position, lane by lane
    membrane = [word(spec.membrane_bits) for _ in range(spec.neurons)]
    taps = [
        [weights((i * count + lane + 1) * w, (i * count + lane) * w) for i in range(banks)] for lane in range(count)
    ]
    bias = [biases.data((lane + 1) * b, lane * b) for lane in range(count)]
    if pixels:
        factor_now = Signal(intbv(0)[len(factor) :])
        state_read, state_written = Signal(intbv(0)[len(turn.address) :]), later(fired_at, kept - first - 2)
        memory = MemoryPort(bit(), state_read, bit(), state_written)
        parts += [
            delay(clk, factor, factor_now, 2 + banked),
            delay(clk, turn.address, state_read, first - 2),
        ]
        if kept > first + 2:
            parts.append(delay(clk, fired_at, state_written, kept - first - 2))
        parts += [
            pixel_lane(
                clk,
                controls,
                addresses,
                stores,
                taps[lane],
                factor_now,
                timing,
                fired_banks,
                bias[lane],
                threshold,
                beta,
                memory,
                readers,
                spike[lane::count],
                membrane[lane::count],
                spec,
            )
            for lane in range(count)
        ]

        @always_comb
        def store():
            writes.next = fires[stored] and clears[stored]
            memory.read.next = fires[first - 2]
            memory.write.next = fires[kept]
            timing.adds.next = fires[first - 1]

        @always(clk.posedge)
        def multiply():
            timing.multiplies.next = timing.reads

        parts.append(multiply)
    else:
        parts += [
            spike_lane(
                clk,
                controls,
                addresses,
                stores,
                taps[lane],
                timing,
                fired_banks,
                fired_positions,
                bias[lane],
                threshold,
                beta,
                spike[lane::count],
                membrane[lane::count],
                spec,
            )
            for lane in range(count)
        ]

        @always_comb
        def store():
            writes.next = fires[stored]

    all_spikes = ConcatSignal(*reversed(spike)) if len(spike) > 1 else spike[0]

    @always_comb
    def outputs():
        firing.spikes.next = all_spikes
        firing.address.next = fired_at
        biases.read.next = fires[bias_read]
        biases.group.next = group_read

    @always_comb
    def steer():
        timing.fires.next = fires[kept:first]
        timing.clear.next = clears[kept]

    if spec.whole_windows:

        @always_comb
        def find_banks():
            timing.chooses.next = fires[read + 2]
            for i in range(banks):
                reads_of.next[i] = fires[read] and reached_read[i]
                stores_of.next[i] = writes and reached_written[i]

    elif banked:

        @always_comb
        def find_banks():
            timing.chooses.next = fires[read + 2]
            for i in range(banks):
                reads_of.next[i] = fires[read] and bank_read == i
                stores_of.next[i] = writes and bank_written == i

    else:

        @always_comb
        def find_banks():
            reads_of.next[0] = fires[read]
            stores_of.next[0] = writes

    @always(clk.posedge)
    def advance():
        past.next = fires[kept:]
        past_clears.next = clears[kept:]
        drained.next = fires[settling:] == 0  # the next pass may begin: what is kept will be written in time
        timing.reads.next = add_held
        if rst:
            past.next = 0
            drained.next = True
            timing.reads.next = False

    parts += [outputs, steer, store, find_banks, advance]
    if observed:
        all_membranes = ConcatSignal(*reversed(membrane)) if len(membrane) > 1 else membrane[0]

        @always_comb
        def out_membranes():
            firing.membranes.next = all_membranes

        parts.append(out_membranes)
    return parts
