"""The manual of a delivered accelerator: all that an engineer needs to use it."""

from textwrap import fill
from typing import Any

from .benches import filled
from .manual_tables import (
    answer_table,
    counted,
    file_table,
    kinds,
    layer_table,
    loads,
    memory_table,
    order,
    reset_table,
    simulators,
    size,
    table,
    topology,
)
from .waves import INPUT, LOAD, OUTPUT, waves

PORTS = {
    "clk": "all signals are sampled at its rising edge",
    "rst": "synchronous, active high",
    "s_load_tdata": "a beat of the load",
    "s_load_tvalid": "`s_load_tdata` is valid",
    "s_load_tready": "the beat is taken at the next edge if `s_load_tvalid` is 1",
    "s_load_tlast": "the last beat of the load",
    "s_input_tdata": "a word of a frame of an image",
    "s_input_tvalid": "`s_input_tdata` is valid",
    "s_input_tready": "the word is taken at the next edge if `s_input_tvalid` is 1",
    "s_input_tlast": "the last word of the image",
    "m_output_tdata": "a beat of an answer",
    "m_output_tvalid": "`m_output_tdata` is valid, and stays until it is taken",
    "m_output_tready": "you take the beat at the next edge if `m_output_tvalid` is 1",
    "m_output_tlast": "the last beat of the answer",
    "loaded": "the last load was complete: images are accepted",
    "load_error": "`s_load_tlast` was not with the last beat of the last load",
    "input_error": "`s_input_tlast` was not with the last word of an image; stays 1 until the next reset",
    "probe_events": "4 bits a layer, the first lowest: step begins, all is added, firing starts, firing has ended",
    "probe_fired": "a bit a layer: neurons of all its lanes fired",
    "probe_address": "their address, layer 1 in the lowest bits",
    "probe_spikes": "their spikes, lane 0 of layer 1 in the lowest bit",
    "probe_before": "their membranes before reset, lane 0 of layer 1 in the lowest bits",
}

MANUAL = """\
# @NAME@

A spiking neural network, @TOPOLOGY@ on @SHAPE@ (height x width x channels), @CLASSES@ classes. An image is
@FRAMES@; the network runs @STEPS@ steps of time, as `load.txt` says. Weights, biases, thresholds and the number of
steps are loaded: the design has none of them. A layer works on `lanes` neurons at once, and on one input after the
other that is not 0, so that the cycles of an image depend on it.

@FILES@
A line of the text files is `tlast`, a blank, and `tdata` in hexadecimal. The load as bytes, the lowest of each beat
first:

    python3 -c "import sys; [sys.stdout.buffer.write(int(beat[2:], 16).to_bytes(@LOAD_BYTES@, 'little')) \\
        for beat in open('load.txt')]" > load.bin

## What is computed

@LAYERS@
@KINDS@ The inputs of a layer are the spikes of the one before, 0 or 1, of the same step@PIXELS@.

In a step a neuron adds weight * input * 2^guard for each input, then its bias; the sum is its membrane U. It fires if U
is greater than the threshold. Biases and thresholds are not multiplied by 2^guard. The next step begins with leak(U),
which is beta * U rounded as the table says ("down" is towards minus infinity), or, of a neuron that fired, with:

@RESETS@
An image begins with all membranes 0. A sum that leaves the membrane's bits becomes the nearest that does
not@CURRENT@.

## Simulate

@TOOLS@
Start them in this folder. Tried was @TRIED@; the lines of other tools were not. A port map to copy is in `@BENCH@`. The
testbench sends the load and one image after the other, takes and compares every beat of every answer, counts the cycles
of each image, and ends with PASS, or with FAIL and an error. Where a simulator starts in a folder of its own, as in
Vivado's projects, give the paths of the text files as @GIVEN@ `load_file`, `images_file`, `expected_file`. At time 0
there may be warnings of undefined values: outputs have none before the first edge.

## Ports

@PORTS@
The three streams are AXI4-Stream: a beat is taken at a rising edge at which `tvalid` and `tready` are both 1, and
what is offered must stay until it is taken. There are no `tkeep` and `tstrb`; where the reset is AXI's `aresetn`, `rst`
is `not aresetn`. In the diagrams below a cycle begins with a rising edge; inputs are
read, and beats taken, at the edge that ends it. `s_input_tready` is 0 from the cycle in which `s_load_tvalid`
becomes 1, unless an image is half taken: a path from an input to an output, without a register.

## Reset

`rst` must be 1 at a rising edge after power-up. `loaded` is 0 at power-up by its initial value, which FPGAs give to
registers; where there are none, wait for the end of the first load before you send an image. `rst` forgets images under
way, and ends a load that is under way without `loaded`; what was loaded stays. Afterwards the layers clear their
membranes, each for as many cycles as it has neurons in a lane; until then no image is taken, but a load is. It clears
`input_error` and `load_error`.

## Load

A load is a packet of @BEATS@ beats: these sections in this order, their words in order of address.

@SECTIONS@
A word is sent from its lowest bits up, in as many beats of @LOAD_BITS@ bits as it needs; what is above its bits in the
last is ignored. The number of steps, 1 to @MOST_STEPS@, and thresholds are unsigned. A word of weights or biases has a
number for each lane, two's complement, lane 0 in the lowest bits. Channel (or neuron) o of a layer's output is in lane
o mod lanes of group o div lanes, of G = ceil(outputs / lanes) groups; lanes without a neuron must have 0. Word g of the
biases is of group g.@ORDER@

Some weights:

@WEIGHTS@
@WORKED@

A load begins when no image is under way; from when it is offered until it is done no image begins, so that images
before it are answered by the old network. `loaded` falls when it begins, and rises in the cycle after its last beat. It
ends with `s_load_tlast`, or with the last of its @BEATS@ beats; if these are not one, `load_error` rises in the place
of `loaded`, and images wait for another load, which the next beat begins. Every cycle takes a beat. With an earlier
network loaded, and a pause in cycle 4:

@LOAD_WAVES@
To change the number of steps, a threshold or a weight, send everything again. A network that was trained anew fits
this design if `minisnn vhdl` would write the same `@DESIGN@` for it, byte for byte. Widths of biases and membranes
follow from the weights, unless `minisnn quantize --membrane-bits` fixed them: with other widths the number of beats may
be the same, so that nothing complains, and answers are wrong.

## Input

An image is @FRAMES@, of @WORDS@ words@EACH@. A word has @INPUTS@, the first in the lowest bits; the lowest
@WORD_BITS@ of the @INPUT_BITS@ bits of `s_input_tdata` are read. Words come row by row, pixel by pixel, @PER_PIXEL@ to
a pixel, channels in order@REST@. @SCALE@

Where an image ends is counted; `s_input_tlast`, with its last word, is only compared, and `input_error` says that
it was elsewhere. A word is taken in every cycle, but for the first of a frame: `s_input_tready` is 0 until one of
two banks before layer 1 is free and, for an image's first, until a network is loaded and the membranes are cleared.
An image that ends in cycle 2, and the next:

@INPUT_WAVES@
## Answer

A packet of @ANSWER_BEATS@ beats for each image, in the order of the images:

@ANSWER@
`m_output_tvalid` does not wait for `m_output_tready`. A beat that is not taken stays, and everything behind it
waits in the end. Between scores `m_output_tvalid` is 0 while the next is summed up, for a cycle or more. The last
score but one, which waits for two cycles, and the end of the packet:

@OUTPUT_WAVES@
The count of cycles has those for which a beat before it waited. Images overlap: the next may be sent before the
answer is there; its count then has the cycles for which it waited for the one before.

## Cycles

Predicted for the images of `images.txt`, each alone in the accelerator and every beat taken at once; the testbench
requires exactly these.

@CYCLES@
@RANGE@ @STREAM@ At 100 MHz, @FIRST@ cycles are @MICROSECONDS@ us.

## Resources

Memories, each with one port to write and one to read, both synchronous, so that every tool makes block RAM or
distributed RAM of them:

@MEMORIES@
@ALL_BITS@ bits in all. A lane multiplies its membrane by beta, of which synthesis makes wires where it is a power
of 2; a lane of a layer that takes pixels multiplies each by a weight. LUTs, registers, blocks of RAM and the clock
are what your tool says; `minisnn synth --out` puts what Yosys and nextpnr say here, as `report.md`.
"""


def header(model: Any, spec: Any, name: str, ports: Any) -> str:
    """Return the comment at the top of the design: its purpose and its ports."""
    lines = [
        f"{name}: a spiking neural network, generated by minisnn vhdl",
        "",
        f"topology     {topology(model)} on {size(model.network.input_shape)}",
        f"lanes        {'/'.join(str(each.lanes) for each in spec.layers)}",
        f"weight bits  {'/'.join(str(each.weight_bits) for each in spec.layers)}",
        f"membranes    {'/'.join(str(each.membrane_bits) for each in spec.layers)} bits",
        f"steps        1 to {spec.max_steps}, loaded",
        "",
    ]
    rows = [(port, direction, width, PORTS[port]) for port, direction, width in _ports(ports)]
    widest = max(len(row[0]) for row in rows)
    lines += [f"{port:{widest}}  {direction:3}  {width:>4}  {meaning}" for port, direction, width, meaning in rows]
    return "\n".join(lines).replace("`", "")


def manual(
    model: Any,
    spec: Any,
    name: str,
    hdl: str,
    package: str,
    ports: Any,
    load: list,
    answers: list,
    interval: float,
    latencies: Any,
    memories: list,
) -> str:
    """Return README.md.

    `load` and `answers` are beats; `interval` is in cycles; `latencies` are those of the first test images, and the
    most with every spike set; `memories` come from ``deliver.memories``.
    """
    first, pixels, count = spec.layers[0], spec.layers[0].input_bits > 0, answers[0][-1]
    values = {
        "NAME": name,
        "TOPOLOGY": topology(model),
        "SHAPE": size(model.network.input_shape),
        "CLASSES": spec.classes,
        "FRAMES": "one frame of pixels" if pixels else f"{counted(model.num_steps, 'frame')} of spikes, one a step",
        "STEPS": model.num_steps,
        "FILES": file_table(name, hdl, package),
        "LAYERS": layer_table(model, spec),
        "PORTS": table(
            ("port", "direction", "bits", "meaning"),
            [(f"`{port}`", direction, width, PORTS[port]) for port, direction, width in _ports(ports)],
        ),
        "PIXELS": "; of the first the pixels, in every step the same" * pixels,
        "CURRENT": "; the first layer sums its pixels, and then its bias, once an image, and adds this in every step"
        * pixels,
        "KINDS": kinds(spec),
        "ORDER": order(spec),
        "RESETS": reset_table(spec),
        "MOST_STEPS": spec.max_steps,
        "LOAD_BITS": spec.load_bits,
        "LOAD_BYTES": -(-spec.load_bits // 8),
        "DESIGN": f"{name}.{'vhd' if hdl == 'vhdl' else 'v'}",
        "BEATS": f"{len(load):,}",
        "WORDS": first.in_words,
        "EACH": "" if pixels else " each",
        "WORD_BITS": first.word_bits,
        "INPUT_BITS": spec.input_bits,
        "INPUTS": counted(first.in_lanes, "pixel") + f", {first.input_bits} bits, unsigned"
        if pixels
        else counted(first.in_lanes, "spike"),
        "PER_PIXEL": first.in_words // (first.in_height * first.in_width),
        "REST": "; where channels end before a word does, its rest must be 0"
        * (first.in_channels % first.in_lanes > 0),
        "SCALE": _scale(model.pixels) if pixels else "",
        "ANSWER_BEATS": spec.classes + 2,
        "ANSWER": answer_table(spec),
        "CYCLES": table(
            ("image", "class in the answer", "cycles"),
            [(index, answer[-2], f"{answer[-1]:,}") for index, answer in enumerate(answers)],
        ),
        "STREAM": ""
        if len(answers) == 1
        else f"Sent without a pause, their answers follow one another every {interval:,.0f} cycles.",
        "RANGE": _range(*latencies) if latencies else "",
        "FIRST": f"{count:,}",
        "MICROSECONDS": f"{count / 100:,.1f}",
        "MEMORIES": memory_table(memories, spec),
        "ALL_BITS": f"{sum(words * width for _, _, words, width in memories):,}",
        "LOAD_WAVES": waves(LOAD),
        "INPUT_WAVES": waves(INPUT),
        "OUTPUT_WAVES": waves(OUTPUT),
        **simulators(name, hdl, package),
        **loads(model, spec, load),
    }
    return "\n\n".join(_wrapped(part) for part in filled(MANUAL, values).split("\n\n"))


def _scale(pixels):
    """Return the meaning of an integer pixel, in a sentence."""
    if (pixels.low, pixels.step) == (0, 1):
        return "They are the pixels of the data set as they are."
    return f"An integer p stands for the pixel {pixels.low:g} + {pixels.step:g} * p of the data set."


def _range(latencies, dense):
    return (
        f"Of the first {counted(len(latencies), 'image')} of the test set: {latencies.min():,} to "
        f"{latencies.max():,}, {latencies.mean():,.0f} in the mean; {dense:,} if every neuron fired in every step."
    )


def _wrapped(part):
    """Wrap a paragraph to 120 columns; headings, tables and diagrams stay as they are."""
    if part.startswith(("#", "|", "    ")):
        return part
    end = "\n" if part.endswith("\n") else ""
    return fill(" ".join(part.split()), 120, break_long_words=False, break_on_hyphens=False) + end


def _ports(ports):
    """Return (name, in or out, width) of each port."""
    inputs, outputs = ports
    both = {**inputs, **outputs}
    return [
        ("clk", "in", 1),
        *((each, "in" if each in inputs else "out", len(both[each]) or 1) for each in PORTS if each in both),
    ]
