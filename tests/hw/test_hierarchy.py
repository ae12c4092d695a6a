"""What MyHDL's own conversion gets wrong or refuses in blocks of blocks is right in our files."""

import itertools
import re
import subprocess
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from myhdl import ConcatSignal, OpenPort, Signal, always, always_comb, block, enum, intbv

from minisnn_hw.accelerator import design, ports
from minisnn_hw.generate.convert import convert
from minisnn_hw.generate.hierarchy.elaborate import unelaborated
from minisnn_hw.generate.specify import specify
from minisnn_hw.generate.tools import call
from minisnn_hw.verify import simulate
from tests.hw.networks import random_network
from tests.hw.ports import bit, needs, signed, word


class Pair(NamedTuple):
    one: object
    two: object


@dataclass(slots=True)
class Slotted:
    value: object
    sign: object


class Many:
    """A bundle with a list of signals."""

    def __init__(self, width):
        self.words = [word(width) for _ in range(3)]


@block
def leaf(clk, a, z):
    width = min(len(a), len(z))

    @always(clk.posedge)
    def go():
        z.next = a[width:]

    return go


@block
def signed_leaf(clk, a, z):
    @always(clk.posedge)
    def go():
        z.next = a >> 1

    return go


@block
def bundles(clk, pair, slotted, many, z):
    """Sum what a named tuple, an object with slots, and a list in a bundle hold."""
    words, total, sign = many.words, word(8), slotted.sign
    one, two, value, at = pair.one, pair.two, slotted.value, word(2)

    @always_comb
    def choose():
        total.next = words[0]
        if sign:
            total.next = words[at]

    @always(clk.posedge)
    def go():
        at.next = 0
        if at != 2:
            at.next = at + 1
        z.next = one ^ two ^ value ^ total

    return choose, go


@block
def use_of_bundles(clk, a, z):
    """Hand named tuples, slots and lists in bundles to a block inside."""
    pair, slotted, many = Pair(word(8), word(8)), Slotted(word(8), bit()), Many(8)
    first, second, third = many.words
    one, two, value, sign = pair.one, pair.two, slotted.value, slotted.sign

    @always(clk.posedge)
    def go():
        one.next = a
        two.next = one
        value.next = two
        sign.next = a[0]
        first.next = value
        second.next = first
        third.next = second

    return go, bundles(clk, pair, slotted, many, z)


@block
def slices(clk, a, z):
    """Hand on slices of a port that no process reads, and a slice of a signed word, which has no sign."""
    low, high, s, t = word(4), word(4), signed(6), word(5)
    parts = [leaf(clk, a(4, 0), low), leaf(clk, a(8, 4), high), leaf(clk, s(5, 0), t)]

    @always(clk.posedge)
    def go():
        s.next = a[6:].signed()

    both = ConcatSignal(low, high)

    @always_comb
    def out():
        z.next = both ^ t

    return parts, go, out


@block
def chain(clk, a, z):
    """Instances in a loop, keywords as labels and as signals."""
    register = [word(8) for _ in range(5)]
    stages = [leaf(clk, a if i == 0 else register[i - 1], register[i]) for i in range(5)]
    before, a_data = register[4], word(8)

    @always_comb
    def join():
        a_data.next = before ^ a

    @always(clk.posedge)
    def shared():
        z.next = a_data

    return stages, join, shared


@block
def tree(a, z):
    """Whether a bit is set: a block of two smaller ones of its kind."""
    if len(a) == 1:

        @always_comb
        def end():
            z.next = a != 0

        return end
    half, left, right = len(a) // 2, bit(), bit()
    parts = [tree(a(len(a), half), left), tree(a(half, 0), right)]

    @always_comb
    def both():
        z.next = left or right

    return parts, both


@block
def trees(clk, a, z):
    """Trees of single bits and of a word, one with an output that is left open."""
    some, first, last = bit(), bit(), bit()
    parts = [tree(a, some), tree(a(1, 0), first), tree(a(8, 7), last), tree(a(4, 0), OpenPort())]

    @always_comb
    def out():
        z.next = 0
        z.next[0] = some
        z.next[1] = first and last

    return parts, out


@block
def constants(clk, a, z):
    """A table that is looked up with an index that never changes, and is 0 from the start."""
    index, found = word(2), word(8)
    table = (7, 1, 2, 3)

    @always_comb
    def look():
        found.next = table[int(index)]

    @always_comb
    def out():
        z.next = found ^ a

    return look, out


@block
def reads_its_output(clk, a, z):
    """An output that is read inside, by a process and by a sub-block."""
    half, sign = signed(8), signed(8)
    part = signed_leaf(clk, sign, half)

    @always_comb
    def go():
        sign.next = z.signed()

    @always(clk.posedge)
    def step():
        z.next = (z ^ a) + half[1:]

    return part, go, step


@block
def constant_choices(clk, a, z):
    """Conditions and loops that constants decide, and sums of constants."""
    wanted, unwanted, places, count = True, False, 3, 1
    left, some = word(8), bit()

    @always_comb
    def choose():
        # A comment that is longer than a line: some is 1 if the lowest bit of a is, and it is this long, with commas,
        # so that it takes more than one line in HDL, where each has to begin as a comment does, or no tool reads it.
        some.next = wanted and (a[0] or unwanted) and places > 2
        left.next = a
        for i in range(count):
            if not a[places + i - 1]:
                left.next[i] = False

    @always(clk.posedge)
    def go():
        if unwanted:
            z.next = 0
        elif wanted and some:
            z.next = (left ^ (places - 2 * count)) + (places - 3)
        else:
            z.next = left ^ z

    return choose, go


BENCH = """module bench;
    reg clk = 0;
    reg [7:0] a;
    wire [7:0] z;
    dut under_test (.clk(clk), .a(a), .z(z));
    initial begin
        {}    end
endmodule
"""
BLOCKS = [use_of_bundles, slices, chain, trees, constants, reads_its_output, constant_choices]


def ports_of():
    return {"a": word(8)}, {"z": word(8)}


@pytest.mark.parametrize("make", BLOCKS, ids=lambda make: make.__name__)
def test_the_entities_do_what_the_block_does(make, tmp_path):
    """In MyHDL, in GHDL and in Icarus Verilog, cycle by cycle."""
    needs("ghdl", "iverilog")
    rng = np.random.default_rng(0)
    given, seen = simulate.run(
        make, *ports_of(), lambda cycle, _: {"a": int(rng.integers(256))} if cycle < 100 else next(iter(()))
    )
    assert len(seen) == 100 and len({cycle["z"] for cycle in seen}) > 2
    simulate.same_in_ghdl(make, *ports_of(), given, seen)
    inputs, outputs = ports_of()
    files = convert(unelaborated(make, clk=bit(), **inputs, **outputs), tmp_path, "dut", "verilog")
    sent = "".join(f"a = {cycle['a']}; #5 $display(z); clk = 1; #5 clk = 0;\n" for cycle in given)
    (tmp_path / "bench.v").write_text(BENCH.format(sent))
    call(["iverilog", "-g2001", "-s", "bench", "-o", "bench.vvp", "bench.v", *map(str, files)], tmp_path, 60)
    shown = [line.strip() for line in call(["vvp", "-n", "bench.vvp"], tmp_path, 60).splitlines()]
    assert shown == [str(cycle["z"]) for cycle in seen]


def test_constants_are_computed_and_conditions_are_plain(tmp_path):
    inputs, outputs = ports_of()
    texts = {
        hdl: convert(unelaborated(constant_choices, clk=bit(), **inputs, **outputs), tmp_path, "dut", hdl)[
            -1
        ].read_text()
        for hdl in ("vhdl", "verilog")
    }
    assert "some <= a(0);" in texts["vhdl"] and "some = a[0];" in texts["verilog"]
    assert "if a(2) /= '1' then\n        left(0) <= '0';" in texts["vhdl"] and "if some = '1' then" in texts["vhdl"]
    assert re.search(r"\n    -- A comment .*\n    -- .*\n(    -- .*\n)*    some <= a", texts["vhdl"])
    for text in texts.values():
        code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("--", "//")))
        assert not any(word in code for word in ("((", "bool(", "True", "False", "loop", "for (")), code


def accelerator(folder, hdl, name="dut"):
    """Convert a small accelerator; return its files."""
    spec = specify(random_network("2C2-MP2-4-3", (5, 5, 2), np.random.default_rng(0), input_bits=3), [1, 2, 3])
    inputs, outputs = ports(spec, False)
    folder.mkdir()
    return convert(unelaborated(design(spec), clk=bit(), **inputs, **outputs), folder, name, hdl, std_logic=True)


@pytest.mark.parametrize("std", ["93", "93c", "08"])
def test_ghdl_takes_the_files_in_their_order_without_a_warning(tmp_path, std):
    """Each entity is known where another has an instance of it; a tool that sorts files itself takes any order."""
    needs("ghdl")
    files = accelerator(tmp_path / "design", "vhdl")
    assert files[0].name.startswith("pck_") and files[-1].name == "dut.vhd" and len(files) > 30
    commands = [["-a", *files], ["-e", "dut"]], [["-i", *files[::-1]], ["-m", "dut"]]
    for work, (first, then) in zip((tmp_path / "listed", tmp_path / "sorted"), commands):
        work.mkdir()
        for option, *names in (first, then):
            done = subprocess.run(["ghdl", option, f"--std={std}", *names], cwd=work, capture_output=True, text=True)
            assert done.returncode == 0 and "warning" not in done.stdout + done.stderr
            assert option == "-m" or done.stdout + done.stderr == ""


@pytest.mark.parametrize("hdl", ["vhdl", "verilog"])
def test_files_are_flat_short_and_headed(tmp_path, hdl):
    """Each says its block, its Python file and the block's documentation; the top draws its instances."""
    files = accelerator(tmp_path / "design", hdl)
    assert (tmp_path / "design/dut.f").read_text().split() == [file.name for file in files]
    for file in files:
        text = file.read_text()
        assert text.count("\n") < 500 and max(map(len, text.splitlines())) <= 120
        if not file.name.startswith("pck_"):
            head = text.partition("\n\n")[0]
            assert head.startswith((f"-- {file.stem}: ", f"// {file.stem}: ")) and not re.search(r"\bbeta = ", head)
            assert re.search(r"\S From block \w+ of hw/[\w/]+\.py.*(\n\S+     .+)*$", head), head
            generics = re.search(
                r"generic \((.*?): integer\)|#\(parameter (.*?)\) \(", text.partition("architecture")[0], re.DOTALL
            )
            for name in re.findall(r"[a-z]\w*", (generics[1] or generics[2]) if generics else ""):
                assert re.search(rf"\b{name}\b.*: ", head.partition("Generics")[2], re.DOTALL), name
            assert "Latency" in text or "ombinational" in text
    top = files[-1].read_text()
    assert "s_input ==> [takes: stream_in] ==> [u_stage_1: stage" in top
    assert "==> m_output" in top


@block
def between(clk, a, z, lowest, most):
    width = len(a)

    @always(clk.posedge)
    def go():
        if a > lowest and a < most:
            z.next = a
        else:
            z.next = a[width - 1 :]

    return go


@block
def two_between(clk, a, z):
    """Two blocks in which numbers of three meanings happen to be equal."""
    narrow, wide = word(5), word(7)

    @always_comb
    def join():
        z.next = narrow ^ wide

    return between(clk, a(5, 0), narrow, 5, 5), between(clk, a(7, 0), wide, 7, 7), join


@pytest.mark.parametrize("hdl", ["vhdl", "verilog"])
def test_generics_that_happen_to_be_equal_stay_apart(tmp_path, hdl):
    *_, part, _ = convert(unelaborated(two_between, bit(), word(8), word(8)), tmp_path, hdl=hdl)
    text = part.read_text()
    found = re.search(r"generic \((.*?): integer\)|parameter (.*?)\) \(", text)
    names = re.findall(r"[a-z]\w*", found[1] or found[2])
    assert sorted(names) == ["a_bits", "lowest", "most"]
    assert re.search(r"a > lowest\b", text) and re.search(r"a < most\b", text)


def test_names_of_variants_say_what_differs(tmp_path):
    names = {file.stem for file in accelerator(tmp_path / "design", "vhdl")}
    assert {"lanes_2_lanes", "linear_2_groups", "ram_signed", "layer_control_of_pixels", "taps_in_turn_find_x"} <= names
    assert not any(re.search(r"_v\d+$", name) for name in names)


def test_the_same_block_gives_the_same_bytes(tmp_path):
    first, second = (accelerator(tmp_path / name, "vhdl") for name in ("first", "second"))
    assert [file.name for file in first] == [file.name for file in second]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second))


def test_a_kind_is_made_once(tmp_path):
    """However many lanes there are, the function of a lane is called once."""
    calls = itertools.count()

    @block
    def counted(clk, a, z):
        next(calls)

        @always(clk.posedge)
        def go():
            z.next = a

        return go

    @block
    def many(clk, a, z):
        between = [word(8) for _ in range(100)]
        return [counted(clk, a if i == 0 else between[i - 1], between[i]) for i in range(100)], counted(
            clk, between[99], z
        )

    files = convert(unelaborated(many, bit(), word(8), word(8)), tmp_path)
    assert next(calls) == 1 and [file.name for file in files] == ["pck_myhdl_011.vhd", "counted.vhd", "many.vhd"]


def test_the_block_that_is_given_stays_as_it_is(tmp_path):
    """It can be simulated afterwards: neither its names nor its signals are touched."""
    clk, a, z = bit(), word(8), word(8)
    made = chain(clk, a, z)
    before = [made.name, z._driven, z._name, a._read, *(sub.name for sub in made.subs)]
    convert(made, tmp_path, hdl="verilog")
    assert before == [made.name, z._driven, z._name, a._read, *(sub.name for sub in made.subs)]


states = enum("ONE", "TWO")


@block
def takes_a_state(clk, state, z):
    @always(clk.posedge)
    def go():
        z.next = state == states.TWO

    return go


@block
def hands_a_state(clk, a, z):
    state = Signal(states.ONE)
    return takes_a_state(clk, state, z)


@block
def drives_twice(clk, a, z):
    return leaf(clk, a, z), leaf(clk, a, z)


far = Signal(intbv(0)[8:])


@block
def reaches_out(clk, a, z):
    @always(clk.posedge)
    def go():
        z.next = a ^ far

    return go


@pytest.mark.parametrize(
    "make, error, words",
    [
        (hands_a_state, TypeError, "a port between two blocks cannot be enumerated"),
        (drives_twice, ValueError, "has two drivers"),
        (reaches_out, ValueError, "uses the signal far, which is not among its arguments; hand it over as one"),
    ],
)
def test_what_cannot_be_converted_is_refused_in_a_sentence(tmp_path, make, error, words):
    with pytest.raises(error, match=words):
        convert(unelaborated(make, bit(), word(8), bit() if make is hands_a_state else word(8)), tmp_path)
