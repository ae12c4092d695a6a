"""The wrapper in a simulator under cocotb, with cocotbext-axi on all its buses; test_axi.py runs it.

The file that BOARD_CASE names has the loads, images and answers of two networks for the same design.
"""

import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamBus, AxiStreamSink, AxiStreamSource

from minisnn_hw.boards.registers import ADDRESSES, CLEAR, FLUSH, STATUS

CASE = json.loads(Path(os.environ["BOARD_CASE"]).read_text())


def read_vectors(each):
    """Return (load, images, answers) of a network."""
    return bytes.fromhex(each["load"]), [bytes.fromhex(image) for image in each["images"]], each["answers"]


NETWORKS = [read_vectors(each) for each in CASE["networks"]]
EXITS = {each["margin"]: read_vectors(each) for each in CASE["exits"]}  # the same network and images
PATTERNS = ("always", "random")


def pauses(pattern):
    """Yield for each cycle whether a bus pauses."""
    rng = random.Random(0)
    while True:
        yield pattern == "random" and rng.random() < 0.6


class System:
    """All that stands around the wrapper."""

    def __init__(self, dut, stalls_in="always", stalls_out="always"):
        self.dut, reset = dut, {"reset": dut.aresetn, "reset_active_level": False}
        cocotb.start_soon(Clock(dut.aclk, 10, unit="ns").start())
        self.load = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_load"), dut.aclk, **reset)
        self.input = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_input"), dut.aclk, **reset)
        self.output = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_output"), dut.aclk, **reset)
        self.bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, **reset)
        for stream, pattern in ((self.load, stalls_in), (self.input, stalls_in), (self.output, stalls_out)):
            stream.set_pause_generator(pauses(pattern))

    async def reset(self):
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 4)
        for stream in (self.load, self.input, self.output):
            stream.clear()
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)

    async def read(self, name):
        return int.from_bytes((await self.bus.read(ADDRESSES[name], 4)).data, "little")

    async def write(self, name, value):
        return (await self.bus.write(ADDRESSES[name], value.to_bytes(4, "little"))).resp

    async def status(self):
        """Return the names of the bits of status that are 1."""
        value = await self.read("status")
        return {name for bit, name in enumerate(STATUS) if value >> bit & 1}

    async def send_load(self, data):
        await self.load.send(data)
        await self.load.wait()
        await ClockCycles(self.dut.aclk, 40)

    async def answer(self):
        """Return the words of the next answer without its cycles, and these."""
        frame = await with_timeout(self.output.recv(), 2, "ms")
        size = CASE["answer_bytes"]
        data = bytes(frame.tdata)
        words = [int.from_bytes(data[at : at + size], "little", signed=True) for at in range(0, len(data), size)]
        return words[:-1], words[-1]

    async def ask(self, images, answers):
        """Send images, and compare all that comes back."""
        for image in images:
            await self.input.send(image)
        for wanted in answers:
            assert (await self.answer())[0] == wanted
        assert self.output.empty()

    async def cycles_of(self, images, answers):
        """Send each image into an empty accelerator, compare its answer, and return the cycles of all."""
        result = []
        for image, wanted in zip(images, answers):
            await ClockCycles(self.dut.aclk, 200)
            await self.input.send(image)
            words, cycles = await self.answer()
            assert words == wanted
            result.append(cycles)
        return result

    async def ask_wrong(self, data):
        """Send an image that is wrong; if its first frame was right, its answer has no class."""
        await self.input.send(data)
        await self.input.wait()
        while "receiving" in await self.status():
            await RisingEdge(self.dut.aclk)
        await ClockCycles(self.dut.aclk, CASE["longest_cycles"])
        assert "input error" in await self.status()
        if not self.output.empty():
            assert not CASE["pixels"] and (await self.answer())[0][-1] == -1
        assert self.output.empty()


@cocotb.test()
@cocotb.parametrize(stalls_in=PATTERNS, stalls_out=PATTERNS)
async def answers_are_those_of_the_integers(dut, stalls_in, stalls_out):
    """Stalls on the way in, and on the way out; two loads."""
    system = System(dut, stalls_in, stalls_out)
    await system.reset()
    for number, (load, images, answers) in enumerate(NETWORKS, 1):
        await system.send_load(load)
        assert await system.status() == {"loaded"}
        await system.ask(images, answers)
        assert await system.read("answers") == number * len(images)
    if stalls_out == "random":
        assert await system.read("output waits") > 0


@cocotb.test()
@cocotb.parametrize(stalls=PATTERNS)
async def a_load_waits_for_the_images_before_it(dut, stalls):
    """The next load is offered while images are under way: each image gets the answer of its own network."""
    system = System(dut, stalls, stalls)
    await system.reset()
    (load, images, answers), (next_load, next_images, next_answers) = NETWORKS
    await system.send_load(load)
    await system.input.send(images[0])
    await system.input.wait()
    await system.send_load(next_load)
    await system.ask(next_images, [answers[0], *next_answers])


@cocotb.test()
async def registers_tell_what_and_how_it_is(dut):
    system = System(dut)
    await system.reset()
    load, images, answers = NETWORKS[0]
    assert await system.read("version") == 1 and await system.read("design") == CASE["design"]
    assert await system.status() == set()
    await system.send_load(load)
    for number, (image, wanted) in enumerate(zip(images, answers), 1):
        before = await system.read("cycles")
        await system.input.send(image)
        words, cycles = await system.answer()
        assert words == wanted and 0 < cycles < await system.read("cycles") - before
        assert await system.read("answer cycles") == cycles and await system.read("answers") == number
    assert await system.read("cycles, high") == 0 and await system.read("exit margin") == 0
    for refused in (await system.write("exit margin", max(EXITS) + 1), await system.write("design", 0)):
        assert refused == AxiResp.SLVERR
    assert (await system.bus.read(0x2C, 4)).resp == AxiResp.SLVERR
    assert (await system.bus.write(0x2C, bytes(4))).resp == AxiResp.SLVERR
    await system.bus.write(ADDRESSES["control"] + 1, b"\xff")  # not the byte that counts
    await system.ask(images, answers)


@cocotb.test()
async def a_margin_of_the_register_does_what_that_of_a_load_does(dut):
    """The integers' answers, in the same cycles, in any order of margins; a load brings its own again."""
    system = System(dut)
    await system.reset()
    cycles = {}
    for margin, (load, images, answers) in EXITS.items():
        await system.send_load(load)
        assert await system.read("exit margin") == margin
        cycles[margin] = await system.cycles_of(images, answers)
    assert len(set(map(tuple, cycles.values()))) == len(cycles)
    for margin in (1, 0, max(EXITS), 1):
        assert await system.write("exit margin", margin) == AxiResp.OKAY
        assert await system.read("exit margin") == margin
        _, images, answers = EXITS[margin]
        assert await system.cycles_of(images, answers) == cycles[margin]
    assert await system.write("exit margin", max(EXITS) + 1) == AxiResp.SLVERR
    assert await system.read("exit margin") == 1
    await system.send_load(EXITS[0][0])
    assert await system.read("exit margin") == 0
    system.load.send_nowait(EXITS[0][0])
    await ClockCycles(dut.aclk, 8)
    assert await system.write("exit margin", 1) == AxiResp.OKAY  # during a load it waits for its end
    assert await system.status() == {"loading", "margin waits"}
    await system.load.wait()
    await ClockCycles(dut.aclk, 40)
    assert await system.read("exit margin") == 1 and await system.status() == {"loaded"}


@cocotb.test()
@cocotb.parametrize(stalls=PATTERNS)
async def a_margin_waits_for_the_images_before_it(dut, stalls):
    """It is written while an image is under way, which keeps the margin that it began with."""
    system = System(dut, stalls, stalls)
    await system.reset()
    load, images, answers = EXITS[0]
    await system.send_load(load)
    await system.input.send(images[0])
    await system.input.wait()
    assert await system.write("exit margin", max(EXITS)) == AxiResp.OKAY
    assert "margin waits" in await system.status() and await system.read("exit margin") == 0
    await system.ask(images, [answers[0], *EXITS[max(EXITS)][2]])
    assert await system.status() == {"loaded"} and await system.read("exit margin") == max(EXITS)


@cocotb.test()
@cocotb.parametrize(stalls_in=PATTERNS, stalls_out=PATTERNS, cycles=(1, 23, 150, 400))
async def a_reset_at_any_time_leaves_nothing_behind(dut, stalls_in, stalls_out, cycles):
    """During each of two loads, an image or an answer; a new load is needed, and then all answers are right."""
    system = System(dut, stalls_in, stalls_out)
    await system.reset()
    for load, images, answers in NETWORKS:
        system.load.send_nowait(load)
        for image in images:
            system.input.send_nowait(image)
        await ClockCycles(dut.aclk, cycles)
        await system.reset()
        assert await system.status() == set() and await system.read("answers") == 0
        await system.send_load(load)
        await system.ask(images, answers)


@cocotb.test()
@cocotb.parametrize(cycles=(3, 29, 190, 350, 500))
async def a_flush_drops_images_and_keeps_the_load(dut, cycles):
    """An answer that has begun is completed; images sent after the flush are answered."""
    system = System(dut, "always", "random")
    await system.reset()
    load, images, answers = NETWORKS[1]
    await system.send_load(load)
    for image in images:
        system.input.send_nowait(image)
    await ClockCycles(dut.aclk, cycles)
    system.input.clear()  # what has not begun is not sent
    assert await system.write("control", 1 << FLUSH) == AxiResp.OKAY
    while "flushing" in await system.status() or not system.input.idle():
        await RisingEdge(dut.aclk)
    await ClockCycles(dut.aclk, 100)
    before = []
    while not system.output.empty():
        before.append((await system.answer())[0])
    assert before == answers[: len(before)]
    assert await system.status() <= {"loaded"}
    await system.ask(images, answers)


@cocotb.test()
async def wrong_packets_are_refused(dut):
    """Images and loads that are too short or too long, by a byte or more; each is followed by a right one."""
    system = System(dut)
    await system.reset()
    load, images, answers = NETWORKS[0]
    others = NETWORKS[1][0]
    word, beat = CASE["input_bytes"], CASE["load_bytes"]
    for wrong in (others[:-beat], others[:-1], others + bytes(1), others + bytes(beat), b"?" + others[1:], others[:1]):
        await system.send_load(wrong)
        status = await system.status()
        assert "load error" in status and "loaded" not in status, len(wrong)
    await system.send_load(load)
    assert await system.status() == {"loaded", "had load error"}
    assert await system.write("control", 1 << CLEAR) == AxiResp.OKAY
    assert await system.status() == {"loaded"}
    for data in (images[0][:-word], images[0] + bytes(word), images[0] + b"1", images[0][: len(images[0]) // 2]):
        await system.ask_wrong(data)
        await system.ask(images[1:2], answers[1:2])
        assert await system.status() == {"loaded", "had input error"}
    if word > 1:  # within a word
        await system.ask_wrong(images[0][:-1])
        await system.ask(images, answers)
