# %% [markdown]
# # 15. On a board: what a wire costs
# A board with an FPGA has a socket for a cable, and in the cable one wire goes to the chip and one comes back. This
# lesson sends a network and images through these two wires, reads the answers, and asks what that costs beside the
# clock cycles of the accelerator. You need lessons 10 and 12. No board is needed: the whole board runs in *Verilator*
# (which makes a program of Verilog), where its wires are a terminal of the system. If Verilator or *pyserial* is
# missing, that cell says so and goes on.

# %%
import shutil
from importlib.util import find_spec

import matplotlib.pyplot as plt
import numpy as np
from common import save, source
from myhdl import Signal, intbv

import minisnn as ms
from minisnn_hw import boards, specify, verify

rng = np.random.default_rng(0)
board = boards.board.find("ulx3s-85f")
print(f"{board.title}: a clock of {board.clock / 1e6:g} MHz; the FPGA receives at pin {board.pins['rx']}")

# %% [markdown]
# ## A byte takes ten bits
# No clock comes with the wire. It rests at 1, and the sender pulls it to 0 for one *bit time*: the start bit. Then come
# the eight bits of the byte, the lowest first, and a 1, the stop bit. Sender and receiver have agreed on the bit time,
# so the receiver looks into the middle of each. *Baud* is the number of bits a second. Here is the sender of the board,
# with a bit time of 4 cycles (on the real board, at 115,200 baud, it is 217 cycles of the clock of 25 MHz):

# %%
divide = 4


def sender(clk, rst, data, valid, ready, tx):
    return boards.uart.uart_sender(clk, rst, data, valid, ready, tx, divide)


inputs = {"rst": Signal(bool(0)), "data": Signal(intbv(0)[8:]), "valid": Signal(bool(0))}
outputs = {"ready": Signal(bool(0)), "tx": Signal(bool(0))}
stream = iter([{"rst": 1}, {"rst": 1}, {"data": 0x4B, "valid": 1}, *[{}] * (12 * divide)])
_, seen = verify.simulate.run(sender, inputs, outputs, lambda cycle, before: next(stream))
levels = [cycle["tx"] for cycle in seen[3:]]
bits = levels[divide // 2 :: divide][:10]
print("bits on the wire:", *bits)
lowest_first = [0x4B >> place & 1 for place in range(8)]
assert bits == [0, *lowest_first, 1]  # start, eight bits, stop

# %% [markdown]
# ## Without frames, one lost byte spoils everything
# An image of 48 bytes after the other: the simplest rule is that each 48 bytes are an image. But a wire loses a byte
# now and then, and then every later image begins in the wrong place:

# %%
images = [rng.integers(0, 256, 48, dtype=np.uint8).tobytes() for _ in range(20)]
line = b"".join(images)
line = line[:500] + line[501:]  # a byte of image 10 is lost
cut = [line[at : at + 48] for at in range(0, len(line), 48)]
naive = sum(got != sent for got, sent in zip(cut, images))
print(f"without frames, one lost byte spoils {naive} of {len(images)} images")
assert naive == 10

# %% [markdown]
# The cure is a byte that means END and nothing else. If a byte of the image happens to be END, two others are sent in
# its place: ESC, and a byte that says which one is meant. This is *SLIP*, of 1988 (RFC 1055). ESC must be replaced
# first: otherwise the ESC of a replaced END would be replaced again.

# %%
END, ESC, ESC_END, ESC_ESC = b"\xc0", b"\xdb", b"\xdb\xdc", b"\xdb\xdd"


def encode(frame):
    return frame.replace(ESC, ESC_ESC).replace(END, ESC_END) + END


assert all(encode(image) == boards.host.encode(image) for image in images)

line = b"".join(map(encode, images))
line = line[:500] + line[501:]
got = [boards.host.decode(frame) for frame in line.split(END)[:-1]]
framed = len(set(images) - set(got))
print(f"with frames, it spoils {framed}")
assert framed == 1

# %% [markdown]
# On the board, the first byte of a frame says what it is: L a load, I an image, R a register to read, W one to write.
# Back come A, an answer, and R, the value of a register.
#
# ## Two wires cannot say "wait"
# In lesson 10 a stream waits while `tready` is 0. Here the host cannot see whether the board is ready, so bytes wait in
# a queue of 2,048. Suppose that the accelerator takes an image of 50 bytes at once, and then computes for 12,000
# cycles. A byte of a line that is fast enough comes every 100 cycles:


# %%
def most_waiting(images, of_bytes, computing, every, window=None, credit=512):
    """Return the most bytes that wait; with a window, the host sends only what has been confirmed to have room."""
    total = images * of_bytes
    sent = 0  # bytes that the host has sent
    taken = 0  # bytes that the accelerator has taken from the queue
    most = 0
    cycle = 0
    free_from = 0  # the cycle from which on the accelerator is free
    while taken < total:
        confirmed = taken // credit * credit
        has_room = window is None or sent - confirmed < window
        if sent < total and has_room:
            sent += 1
        most = max(most, sent - taken)
        if sent - taken >= of_bytes and cycle >= free_from:
            taken += of_bytes  # a whole image
            free_from = cycle + computing
        cycle += every
    return most


for every, window in ((2170, None), (100, None), (100, 2048)):
    most = most_waiting(359, 50, 12_000, every, window)
    print(f"a byte every {every:5,} cycles, {'counted' if window else 'as they come'}: {most:6,} bytes wait at most")
assert most_waiting(359, 50, 12_000, 100) > 2048 >= most_waiting(359, 50, 12_000, 100, window=2048)

# %% [markdown]
# So the board confirms every 512 bytes that left its queue with one byte, K, and the host counts: it never has more
# under way than the queue holds. This is *flow control by credit*. It is in two functions of the host program:

# %%
print(source(boards.host.Board._send))
print(source(boards.host.Board._take))

# %% [markdown]
# ## What the wire costs
# We train a small network on the digits and predict its cycles, as in lesson 11.
#
# **Predict before you run.** The clock has 25 MHz, the line 115,200 baud. An image is 51 bytes on the line. Which share of
# the time does the accelerator compute, if an image takes it some 2,400 cycles?
#
# <details><summary>Answer</summary>
#
# Some 2 %. 51 bytes are 510 bits, and a bit takes 217 cycles: 110,670 cycles on the line for 2,400 of
# computing. (The answers come back on the other wire at the same time.)
#
# </details>

# %%
data = ms.load_data("digits")
net = ms.Network("8C3-MP2-24-10", data.input_shape, rng=np.random.default_rng(0))
model = ms.fit(net, data, epochs=10, num_steps=8, lr=4e-3, seed=0)
integer, _ = ms.quantize(model, images=data.x_train)

spec = specify(integer.network, (4, 4, 2))
about = boards.deliver.vectors(integer, data.x_test[:20], data.y_test[:20], spec)
about |= {"clock": board.clock, "baud": 115_200}
sent = [bytes.fromhex(image) for image in about["images"]]
there = np.mean([len(encode(b"I" + image)) for image in sent])
back = 1 + about["answer_bytes"] * (len(about["answers"][0]) + 1) + 1  # A, scores, class, cycles, END
computing = np.mean(about["cycles"])
on_the_line = 10 * max(there, back) * board.clock / about["baud"]
print(
    f"an image: {there:.1f} bytes there, {back} back; {on_the_line:,.0f} cycles on the line, {computing:,.0f} computing"
)
print(f"the accelerator computes {computing / on_the_line:.1%} of the time")
assert computing < on_the_line / 10

# %% [markdown]
# In lesson 11 we fought for a tenth of the cycles. Behind this line nobody would notice it. The figure has the images
# a second against the speed of the line: it rises until the accelerator is the slower one.

# %%
bauds = np.geomspace(9600, board.clock / 4, 60)
by_line = bauds / 10 / max(there, back)
by_cycles = board.clock / computing

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
left.step(np.arange(len(levels)) / divide, levels, where="post")
for at, name in enumerate(["start", *range(8), "stop"]):
    left.text(at + 0.5, 1.12, name, ha="center", fontsize=8)
left.set(xlabel="bit times", ylabel="level of the wire", ylim=(-0.1, 1.3), yticks=(0, 1))
right.loglog(bauds, by_line, "--", label="the line alone")
right.axhline(by_cycles, color="tab:green", ls="--", label="the accelerator alone")
right.loglog(bauds, np.minimum(by_line, by_cycles), "k", label="both")
right.axvline(115_200, color="gray", lw=0.8)
right.set(xlabel="bits a second", ylabel="images a second")
right.legend()
save(
    figure,
    "15_line",
    "Left, the byte K on the wire: a start bit, eight bits with the lowest first, a stop bit. Right, images a second "
    "rise with the speed of the line until the accelerator is the slower one; 115,200 bits a second is far below.",
)
crossing = by_cycles * 10 * max(there, back)
print(f"the line is the slower one up to {crossing:,.0f} bits a second")
assert crossing > 115_200

# %% [markdown]
# What helps? A faster line: `minisnn board --baud 1000000` divides 25 MHz without a rest. A bus: `minisnn vhdl --axi 64`
# puts the design behind *AXI4-Stream*, whose 8 bytes a cycle bring an image in a few cycles. Not more lanes. And not
# fewer bytes from sparse images: a pixel takes its bits whether it is 0 or not; only the cycles know about silence.
#
# ## The board answers
# Now the whole board, with the clock, the line, the queue and the accelerator, as a program. In it a bit takes 8 cycles
# and not 217, because 217 would only take longer. The host program is that of a real board: it gets into step (frames
# that another program left incomplete are ended), reads which design the board has, loads, sends images, and compares
# each answer with the integers.

# %%
tools = {name: shutil.which(name) for name in ("verilator", "g++", "make")}
missing = [name for name, path in tools.items() if not path] + ["pyserial"] * (find_spec("serial") is None)
if missing:
    print("the board is not simulated, because there is no", ", no ".join(missing))
else:
    with boards.simulated.simulated(spec, board.leds, board.lit) as port:
        print("the wires end at", port)
        line = boards.host.Board(port)
        wrong = boards.host.run(line, about, print)
        line.close()
    assert wrong == 0

# %% [markdown]
# The cycles that the board reports are more than those predicted: they count from the first word of an image to its
# answer, and the words come as slowly as the line brings them. On a real board the commands are the same:
#
#     minisnn board digits.int.npz --board ulx3s-85f --out board --build
#     openFPGALoader --board ulx3s board/board.bit
#     minisnn board digits.int.npz --board ulx3s-85f --out board --host /dev/ttyUSB0
#
# (On macOS a port is called `/dev/cu.usbserial-...`, on Windows `COM3`.) The highest LED changes with every answer, and
# the others show the class in binary.

# %% [markdown]
# ## Exercises
# Your file is [exercises/15_on_a_board.py](exercises/15_on_a_board.py): it has a place for each answer, and hints.
# `python -m tutorials.check 15` says what is right and what is wrong, and `15.2` looks at the second alone.
#
# 1. Write `decode(line)`, which takes the bytes that came over the line and returns the list of whole frames without their
#    escapes. What comes after the last END is no whole frame. Assert that it undoes `boards.host.encode`.
# 2. Write `may_send(sent, confirmations, window, credit)`: how many bytes may the host send now, if it has sent `sent`
#    and got so many K, each for `credit` bytes? Assert that it is never below 0, and never above the window.
# 3. Write `images_a_second(there, back, cycles, clock, baud)` for frames of `there` and `back` bytes, and an accelerator
#    that takes an image every `cycles` cycles. Assert it with the numbers of the lesson.
