"""The manual of a delivered accelerator, for an engineer who has nothing but the delivered folder."""

import re
from textwrap import fill

import numpy as np

from minisnn.fixed.model import IntegerModel

from ..generate.hierarchy.entities import Entity
from ..generate.memories import Place
from ..load_format import VERSION, beats, design_word
from ..spec import AcceleratorSpec
from .benches import filled
from .block_map import block_table
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
    "clk": "clock; only its rising edge is used",
    "rst": "reset, synchronous, active high; a load must follow",
    "flush": "drops the images under way, as a reset does, but keeps what is loaded; tie it to 0 if you do not need it",
    "s_load_tdata": "one beat of the load",
    "s_load_tvalid": "`s_load_tdata` is valid",
    "s_load_tready": "the beat is taken at the next rising edge if `s_load_tvalid` is 1",
    "s_load_tlast": "the beat is the last of the load",
    "s_input_tdata": "one word of a frame of an image",
    "s_input_tvalid": "`s_input_tdata` is valid",
    "s_input_tready": "the word is taken at the next rising edge if `s_input_tvalid` is 1",
    "s_input_tlast": "the word is the last of the image",
    "m_output_tdata": "one beat of an answer",
    "m_output_tvalid": "`m_output_tdata` is valid; stays 1 until the beat is taken",
    "m_output_tready": "you take the beat at the next rising edge if `m_output_tvalid` is 1",
    "m_output_tlast": "the beat is the last of the answer",
    "loaded": "the last load was accepted; images are taken",
    "load_error": "the last load was refused: it is for another design, damaged, too short or too long",
    "input_error": "the last image was wrong: too short, too long, or ended by a load",
    "probe_events": "4 bits per layer, layer 1 in the lowest; from the lowest bit up: a step begins, all its inputs "
    "are added, its firing pass starts, its firing pass has ended",
    "probe_fired": "1 bit per layer, layer 1 lowest: its lanes present the results of one group of neurons, or of all "
    "positions of one group of pooling windows",
    "probe_address": "the address of that group, layer 1 in the lowest bits",
    "probe_spikes": "the spikes of that group, position by position, lane 0 of layer 1 in the lowest bit",
    "probe_before": "the membranes of that group before reset, position by position, lane 0 of layer 1 in the lowest "
    "bits",
}

MANUAL = """\
# @NAME@

This is a spiking neural network: topology @TOPOLOGY@, input @SHAPE@ (height x width x channels), @CLASSES@ classes. An
image is @FRAMES@. The network runs for the number of time steps given in `load.txt`: @STEPS@. Weights, biases,
@LOADED@ and the number of steps are loaded at run time; the design contains none of them. A layer works on `lanes`
neurons at once and handles its nonzero inputs one after the other, so the number of cycles depends on the image.

@FILES@
Each line of `load.txt`, `images.txt` and `expected.txt` holds `tlast`, a space, and `tdata` in hexadecimal. This
command writes the load as bytes, with the lowest byte of each beat first:

    python3 -c "import sys; [sys.stdout.buffer.write(int(beat[2:], 16).to_bytes(@LOAD_BYTES@, 'little')) \\
        for beat in open('load.txt')]" > load.bin

## What is computed

@LAYERS@
@KINDS@ The inputs of a layer are the spikes (0 or 1) of the layer before it in the same step@PIXELS@.

In each step, a neuron adds weight * input * 2^guard for every input, and then its bias. The sum is its membrane U. The
neuron spikes if U is greater than the threshold. Biases and thresholds are not multiplied by 2^guard. A neuron that
does not spike begins the next step with leak(U), which is beta * U, rounded as the table says ("down" means towards
minus infinity). A neuron that spikes begins the next step with:

@RESETS@
All membranes are 0 when an image begins. A sum that does not fit in the bits of a membrane saturates: it is replaced by
the nearest value that fits.@CURRENT@

## Simulate

@TOOLS@
Run these commands in this folder. The design was tried with @TRIED@; the commands for other tools have not been tried.
`@BENCH@` contains a port map that you can copy. The testbench sends the load and then one image after the other. It
takes every beat of every answer, compares it with the expected one, and prints the answer and the cycles of each image.
The cycles of the load count from power-up, and a few more pass before the first image and after the last one. It ends
with PASS, or with FAIL and an error. If your simulator runs in a folder of its own, as in Vivado projects, give the
paths of the text files in the @GIVEN@ `load_file`, `images_file`, `expected_file` and `labels_file`. A simulator may
warn of undefined values at time 0, because the outputs are undefined before the first clock edge.

## Ports

@PORTS@
The three streams follow AXI4-Stream: a beat is taken at a rising edge at which `tvalid` and `tready` are both 1. Once
`tvalid` is 1, it must stay 1, and the beat must stay unchanged, until the beat is taken. There are no `tkeep` and
`tstrb` signals. If your system has AXI's `aresetn`, connect `rst` to `not aresetn`. In the diagrams below, each cycle
begins with a rising edge; inputs are sampled, and beats are taken, at the rising edge that ends the cycle. No stream's
`tvalid` or `tready` reaches another stream's in the same cycle: there is no combinational path between streams.

## Reset and flush

After power-up, `rst` must be 1 at one rising edge at least. No register needs an initial value. A reset drops the
images under way, aborts a load under way, and clears `loaded`, `load_error` and `input_error`: a load must follow.
`flush` drops the images under way and clears `input_error`, and touches neither the load nor `loaded`. After both, an
answer that was being sent is broken off without `m_output_tlast`, the next word of the input stream is the first of an
image, and the layers clear their membranes, which takes each layer as many cycles as a lane has neurons; until then no
image is taken, but a load is.

## Load

A load is a packet of @BEATS@ beats. It consists of these sections in this order, and the words of a section are sent in
order of address:

@SECTIONS@
The first word names this design: it is `@WORD@` in every load that fits. It is made of the version of this format
(@VERSION@) and of all numbers that the design was built from: topology, padding, widths, lanes, taps, resets, rounding
@NOT_LOADED@. The number of steps is 1 to @MOST_STEPS@. Reserved words must be 0.@LEAKS@ The
checksum is the CRC-32 of zlib, `zlib.crc32` in Python, over all beats before it, each in whole bytes with the lowest
byte first: those of `load.bin` above but its last @CHECKSUM_BYTES@ bytes.

A word is sent from its lowest bits up, in as many beats of @LOAD_BITS@ bits as it needs. Bits of the last beat above
the word's own count for the checksum alone. Thresholds are unsigned. A word of weights or biases holds one number for
each lane, in two's complement, with lane 0 in the lowest bits. A layer has G = ceil(outputs / lanes) groups of output
channels (or neurons). Output channel (or neuron) o belongs to lane o mod lanes of group o div lanes. The numbers of
lanes without a neuron must be 0. Word g of the biases belongs to group g.@ORDER@

Examples of where weights are stored:

@WEIGHTS@
@WORKED@

A load begins when no image is under way. From the cycle after a load is offered until the load is done, no new image
begins, so the images sent before it are answered by the old network. An image of which some words are taken goes on, as
long as its words are offered without a gap; in the first cycle in which a word could be taken and none is offered, the
load ends it as a wrong image (see Input). `loaded` falls when the load begins and rises in the second cycle after its
last beat. In its place, `load_error` rises if the load is refused, and images wait for another load. A load for another
design, or with a wrong number of steps, is refused before any weight is stored; a load that is damaged or has a wrong
number of beats is refused at its end, when it has replaced weights, so the network before it is lost. The rest of a
refused load is taken and dropped, up to the beat with `s_load_tlast`. During a load, one beat is taken in every cycle
in which `s_load_tvalid` is 1. This diagram shows a load that replaces an earlier network, with a pause in cycle 5:

@LOAD_WAVES@
To change the number of steps@OR_A_LEAK@, a threshold or a weight, send the whole load again. A newly trained network
fits this design if `minisnn vhdl` prints the same design word for it. The widths of biases and membranes follow from
the weights, unless `minisnn quantize --membrane-bits` fixed them.

## Input

An image is @FRAMES@, with @WORDS@ words@EACH@. A word holds @INPUTS@. Of the @INPUT_BITS@ bits of `s_input_tdata`, the
design reads only the @LOWEST@. The inputs of a frame are sent row by row, each row pixel by pixel, and of each pixel
the channels in order; @CUT@. Every frame begins a new word. @SCALE@

`s_input_tlast` comes with the last word of an image, and with no other. If it comes early or late, or if a load ends
the image, the image is wrong: `input_error` is 1 from the next cycle until another image is taken whole, or until a
reset or flush. Words of an image that is too long are taken and dropped, up to the one with `s_input_tlast`. A wrong
image is dropped without an answer@WRONG@. The next image and the next load are taken as usual.

A word is taken in every cycle in which `s_input_tvalid`
is 1, except that the first word of a frame may have to wait: `s_input_tready` is 0 until one of the two banks of the
buffer before layer 1 is free and, for the first word of an image, until a network is loaded and the membranes are
cleared. This diagram shows an image that ends in cycle 2, and the image after it:

@INPUT_WAVES@
## Answer

For each image there is one packet of @ANSWER_BEATS@ beats, in the order of the images:

@ANSWER@
`m_output_tvalid` does not wait for `m_output_tready`. A beat stays until it is taken; if you do not take it, the layers
behind it have to wait. Between two scores `m_output_tvalid` is 0 for a cycle or more, while the next score
is summed. This diagram shows the last score but one, which waits for two cycles, and the rest of the packet:

@OUTPUT_WAVES@
@EXIT@The cycle count includes the cycles in which earlier beats of the answer waited. Images may overlap: you may send
the next image before the answer to the current one is complete. The cycle count of that next image then includes the
cycles in which it waited for the image before it.

## Cycles

This table predicts the cycles of the images in `images.txt`, when each image is alone in the accelerator and every beat
of the answer is taken at once. The testbench requires exactly these numbers.

@CYCLES@
@RANGE@ @STREAM@ At 100 MHz, @FIRST@ cycles take @MICROSECONDS@ us.

## Blocks

Each file says at its head what its block does. Files of one block differ in numbers; Python and lessons are minisnn's.

@BLOCKS@
## Resources

Each memory has one write port and one read port, both synchronous, so that every tool can map it to block RAM or
distributed RAM:

@MEMORIES@
The memories have @ALL_BITS@ bits in total. A lane multiplies its membrane by beta@SHIFT@. A lane of a layer that takes
pixels also multiplies each pixel by a weight. Your tool reports LUTs, registers, block RAM and clock frequency;
`minisnn synth --out` writes the results of Yosys and nextpnr to this folder as `report.md`.
"""


def header(model: IntegerModel, spec: AcceleratorSpec) -> str:
    """Return the comment at the top of the design: its network."""
    lines = [
        "A spiking neural network, generated by minisnn vhdl; README.md has a table of the ports.",
        "",
        f"topology     {topology(model)} on {size(model.network.input_shape)}",
        f"lanes        {'/'.join(str(layer.lanes) for layer in spec.layers)}",
        f"weight bits  {'/'.join(str(layer.weight_bits) for layer in spec.layers)}",
        f"membranes    {'/'.join(str(layer.membrane_bits) for layer in spec.layers)} bits",
        f"steps        1 to {spec.max_steps}, loaded",
        f"design       {design_word(spec):08X}, the first word of its loads",
    ]
    return "\n".join(lines)


def manual(
    model: IntegerModel,
    spec: AcceleratorSpec,
    name: str,
    hdl: str,
    package: str,
    ports: tuple[dict, dict],
    load: list[int],
    answers: list[list[int]],
    interval: float,
    latencies: tuple[np.ndarray, int] | None,
    memories: list[Place],
    entities: list[Entity],
    margin: float | None,
) -> str:
    """Return the text of README.md.

    `load` and each row of `answers` list beats; `interval` is in cycles. `latencies` are the cycles of the first images
    of the test set, and the cycles of an image if every neuron spiked in every step. `memories` come from
    :func:`minisnn_hw.generate.memories.memories`, `ports` from :func:`minisnn_hw.accelerator.ports`, and `entities`
    from :func:`minisnn_hw.generate.convert.converted`. `margin` is that of the load.
    """
    values = {
        "NAME": name,
        "TOPOLOGY": topology(model),
        "SHAPE": size(model.network.input_shape),
        "CLASSES": spec.classes,
        "STEPS": model.num_steps,
        "FILES": file_table(name, hdl, package),
        "LAYERS": layer_table(model, spec),
        "PORTS": table(
            ("port", "direction", "bits", "meaning"),
            [(f"`{port}`", direction, width, PORTS[port]) for port, direction, width in _ports(ports)],
        ),
        "KINDS": kinds(spec),
        "ORDER": order(spec),
        "RESETS": reset_table(spec),
        "MOST_STEPS": spec.max_steps,
        **_leak_values(spec),
        "WORD": f"{design_word(spec):08X}",
        "VERSION": VERSION,
        "CHECKSUM_BYTES": beats(spec)[-1] * -(-spec.load_bits // 8),
        "LOAD_BITS": spec.load_bits,
        "LOAD_BYTES": -(-spec.load_bits // 8),
        "DESIGN": f"{name}.{'vhd' if hdl == 'vhdl' else 'v'}",
        "BEATS": f"{len(load):,}",
        "ANSWER_BEATS": spec.classes + 2,
        "ANSWER": answer_table(spec),
        "BLOCKS": block_table(entities, hdl),
        "MEMORIES": memory_table(memories, spec),
        "ALL_BITS": f"{sum(memory.words * memory.width for memory in memories):,}",
        "LOAD_WAVES": waves(LOAD),
        "INPUT_WAVES": waves(INPUT),
        "OUTPUT_WAVES": waves(OUTPUT),
        "EXIT": _exit(spec, margin),
        **_input_values(model, spec),
        **_cycle_values(answers, interval, latencies),
        **simulators(name, hdl),
        **loads(model, spec, load),
    }
    return "\n\n".join(wrapped(part) for part in filled(MANUAL, values).split("\n\n"))


def _exit(spec, margin):
    """Say when an image is answered before its last step."""
    if not spec.exits:
        return ""
    members = spec.layers[-1].out_channels // spec.classes
    gain = "the steps that are left" if members == 1 else f"{members} times the steps that are left"
    loaded = "0" if margin is None else int(min(margin, spec.most_gain))
    return (
        "An image may be answered before its last step, by the exit margin in the load. The lead of the class with the "
        "highest score is the number of spikes that any other class may gain without becoming the answer: the least "
        "difference to the score of another class, less 1 if that class has a lower number. With an exit margin other "
        f"than 0 the image ends after the first step whose lead is at least the margin, or at least {gain}; then no "
        "spike could change the class any more. A margin of "
        f"{spec.most_gain} is therefore lossless: each class is that of all steps. A smaller one may change classes; "
        f"`minisnn evaluate --exit` says how many. The margin in `load.txt` is {loaded}.\n\nThe scores are then those "
        "of the steps up to this one. The answer is sent at once, what is left of the image is dropped, and the next "
        "image may follow. Send all words of every image all the same: those of an image that has ended are taken, one "
        "in each cycle, and dropped. With a margin the scores are looked at after each step, and the last layer's next "
        "firing pass waits for that.\n\n"
    )


def _leak_values(spec):
    """Values of the manual that depend on whether leaks are loaded."""
    if spec.loads_beta:
        return {
            "LOADED": "thresholds, leaks",
            "NOT_LOADED": "and the fraction bits of the leaks, but no weight, bias, threshold or leak",
            "LEAKS": f" A leak is 0 to {spec.most_beta}, in units of 1/{spec.most_beta}; a larger one is refused.",
            "OR_A_LEAK": ", a leak",
            "SHIFT": ", a number that is loaded",
        }
    return {
        "LOADED": "thresholds",
        "NOT_LOADED": "and leak, but no weight, bias or threshold",
        "LEAKS": "",
        "OR_A_LEAK": "",
        "SHIFT": "; where beta is a power of 2, synthesis reduces this to wires",
    }


def _input_values(model, spec):
    """Values of the manual that depend on the coding of the input."""
    first, pixels = spec.layers[0], spec.layers[0].input_bits > 0
    in_order = ", the first in the lowest bits" * (first.in_lanes > 1)
    values = {
        "WORDS": first.in_words,
        "LOWEST": f"lowest {counted(first.word_bits, 'bit')}" if first.word_bits > 1 else "lowest bit",
        "INPUT_BITS": spec.input_bits,
        "CUT": _cut(first),
    }
    if pixels:
        return values | {
            "FRAMES": "one frame of pixels",
            "PIXELS": "; the inputs of layer 1 are the pixels, the same in every step",
            "CURRENT": " Layer 1 sums its weighted pixels once per image; in every step it adds this sum and its bias, "
            "which are saturated together.",
            "EACH": "",
            "WRONG": "",
            "INPUTS": f"{counted(first.in_lanes, 'pixel')} of {first.input_bits} bits, unsigned{in_order}",
            "SCALE": _scale(model.pixels),
        }
    return values | {
        "FRAMES": f"{counted(model.num_steps, 'frame')} of spikes, one per step",
        "PIXELS": "",
        "CURRENT": "",
        "EACH": " each",
        "WRONG": ", unless its first frame is in the layers already: it is if the last word of that frame came without "
        "`s_input_tlast`. Then words of zeros take the place of those that are missing, and the answer comes in its "
        "turn, with all bits of the beat of the class 1"
        if model.num_steps > 1
        else "",
        "INPUTS": f"{counted(first.in_lanes, 'spike')}{in_order}",
        "SCALE": "",
    }


def _cut(first):
    """Say how the inputs of a frame are cut into words."""
    width, channels, pixels = first.in_width, first.in_channels, first.in_pixels
    if first.flat:
        what, unit, rest = (
            "words follow one another, wherever a pixel or a row ends",
            "frame",
            channels % first.in_lanes,
        )
    elif first.in_lanes < channels:
        what = f"a pixel takes {counted(-(-channels // first.in_lanes), 'word')}"
        unit, rest = "pixel", channels % first.in_lanes
    else:
        words = counted(-(-width // pixels), "word")
        what, unit = f"a word holds {counted(pixels, 'pixel')} of one row, and a row takes {words}", "row"
        rest = width % pixels
    return what + f"; what is left of the last word of each {unit} must be 0" * (rest > 0)


def _cycle_values(answers, interval, latencies):
    """Values of the manual's section on cycles."""
    first = answers[0][-1]
    return {
        "CYCLES": table(
            ("image", "class in the answer", "cycles"),
            [(index, answer[-2], f"{answer[-1]:,}") for index, answer in enumerate(answers)],
        ),
        "STREAM": ""
        if len(answers) == 1
        else f"When the images of `images.txt` are sent without a pause, an answer ends every {interval:,.0f} cycles "
        "on average.",
        "RANGE": _range(*latencies) if latencies else "",
        "FIRST": f"{first:,}",
        "MICROSECONDS": f"{first / 100:,.1f}",
    }


def _scale(pixels):
    """The meaning of a quantised pixel."""
    if (pixels.low, pixels.step) == (0, 1):
        return "The pixels are those of the data set, unchanged."
    return f"An integer p stands for the pixel {pixels.low:g} + {pixels.step:g} * p of the data set."


def _range(latencies, dense):
    return (
        f"The first {counted(len(latencies), 'image')} of the test set take {latencies.min():,} to "
        f"{latencies.max():,} cycles, {latencies.mean():,.0f} on average. If every neuron spiked in every step, none "
        f"of them would take more than {dense:,} cycles."
    )


def wrapped(part: str) -> str:
    """Wrap a paragraph at 120 columns; leave headings, tables and diagrams unchanged."""
    if part.startswith(("#", "|", "    ")):
        return part
    end = "\n" if part.endswith("\n") else ""
    # Markdown takes a line that begins with an operator for an item of a list: keep operators at the ends of lines.
    words = re.sub(r" ([*+-]) ", "\N{NO-BREAK SPACE}\\1 ", " ".join(part.split()))
    text = fill(words, 120, break_long_words=False, break_on_hyphens=False)
    return text.replace("\N{NO-BREAK SPACE}", " ") + end


def _ports(ports):
    """(name, in or out, width) of each port."""
    inputs, outputs = ports
    both = {**inputs, **outputs}
    return [
        ("clk", "in", 1),
        *((port, "in" if port in inputs else "out", len(both[port]) or 1) for port in PORTS if port in both),
    ]
