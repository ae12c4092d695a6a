"""Pooling windows that fire at once: bank, address and position of every neuron, by loops; MyHDL and VHDL."""

from types import SimpleNamespace

import numpy as np
import pytest
from myhdl import ConcatSignal, always_comb, block

from minisnn_hw.ports import Turn
from minisnn_hw.windows import sums_of_window
from tests.hw.ports import below, in_ghdl, pack, run, word

# height and width of the frame, kernel, pool, groups, pixels, second bank of currents
CASES = [
    (4, 6, 3, 2, 2, 0, 0),
    (6, 3, 3, 3, 1, 0, 0),
    (4, 8, 5, 2, 1, 4, 1),
    (2, 4, 2, 2, 3, 4, 0),
    (8, 8, 3, 2, 1, 0, 0),
]


@pytest.mark.parametrize("height, width, kernel, pool, groups, input_bits, second_bank", CASES)
def test_sums_of_window(height, width, kernel, pool, groups, input_bits, second_bank):
    """A window a cycle, in any order."""
    spec = SimpleNamespace(
        out_height=height,
        out_width=width,
        kernel=kernel,
        pool=pool,
        taps=kernel**2,
        positions=pool**2,
        groups=groups,
        input_bits=input_bits,
        second_bank=bool(second_bank),
    )
    read, stored = (2, 5) if input_bits else (1, 8)
    places = -(-height // kernel) * -(-width // kernel) * groups
    place_bits = max((places - 1).bit_length(), 1)
    address_bits = place_bits + second_bank
    bank_bits, position_bits = (kernel**2 - 1).bit_length(), (pool**2 - 1).bit_length()

    def ports():
        return (
            {"y": below(height // pool), "x": below(width // pool), "its_group": below(groups), "half": word(1)},
            {
                "reached_read": word(kernel**2),
                "read_at": word(kernel**2 * address_bits),
                "reached_written": word(kernel**2),
                "write_at": word(kernel**2 * address_bits),
                "fired_banks": word(pool**2 * bank_bits),
                "fired_positions": word(kernel**2 * position_bits),
            },
        )

    @block
    def make(
        clk, y, x, its_group, half, reached_read, read_at, reached_written, write_at, fired_banks, fired_positions
    ):
        turn = Turn(None, None, y, x, its_group, None, None, half if second_bank else None)
        reads, writes = [[word(address_bits) for _ in range(kernel**2)] for _ in range(2)]
        all_reads, all_writes = ConcatSignal(*reversed(reads)), ConcatSignal(*reversed(writes))
        arguments = reached_read, reads, reached_written, writes, fired_banks, fired_positions
        sums = sums_of_window(clk, turn, *arguments, spec, read, stored)

        @always_comb
        def outputs():
            read_at.next = all_reads
            write_at.next = all_writes

        return sums, outputs

    rng = np.random.default_rng(kernel)
    turns = [
        (y, x, g, half)
        for y in range(height // pool)
        for x in range(width // pool)
        for g in range(groups)
        for half in range(1 + second_bank)
    ]
    turns = [turns[i] for i in rng.permutation(len(turns))] * 2
    idle = turns[:1] * 10

    def bench():
        for turn in [*turns, *idle]:
            yield dict(zip(("y", "x", "its_group", "half"), turn))

    given, seen = run(make, ports, bench())
    for cycle, (y, x, g, half) in enumerate(turns):
        inside = [(y * pool + dy, x * pool + dx) for dy in range(pool) for dx in range(pool)]
        banks = [row % kernel * kernel + column % kernel for row, column in inside]
        at = [(row // kernel * -(-width // kernel) + column // kernel) * groups + g for row, column in inside]
        assert len(set(banks)) == pool**2
        for name, address, when in (("reached_read", "read_at", read), ("reached_written", "write_at", stored)):
            now = seen[cycle + when]
            assert now[name] == sum(1 << bank for bank in banks)
            for bank, place in zip(banks, at):
                found = now[address] >> bank * address_bits & (1 << address_bits) - 1
                assert found == (half << place_bits) + place
        assert seen[cycle + read + 2]["fired_banks"] == pack(banks, bank_bits)
        if not input_bits:
            positions = seen[cycle + stored]["fired_positions"]
            for position, bank in enumerate(banks):
                assert positions >> bank * position_bits & (1 << position_bits) - 1 == position
    in_ghdl(make, ports, given, seen)
