"""The tables of the manual: files, layers, simulators, the load, the answer and the memories."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from minisnn.fixed.model import IntegerModel
from minisnn.fixed.network import IntegerLayer

from ..generate.memories import Place
from ..generate.words import weight_words
from ..load_format import beats, design_word, is_reserved, place, sections
from ..spec import AcceleratorSpec
from .benches import digits


def table(head: Sequence, rows: Iterable[Sequence]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, row)) + " |\n" for row in lines)


def counted(number: int, thing: str) -> str:
    """Return a number and a noun, such as "1 pixel" or "2 pixels"."""
    return f"{number} {thing}{'s' if number != 1 else ''}"


def size(shape: Sequence[int]) -> str:
    """Return a shape such as "8x8x1"."""
    return "x".join(map(str, shape))


def notation(layer: IntegerLayer) -> str:
    """Return one layer of the network in the notation of topologies."""
    return layer.layer.name.partition(" ")[2]


def topology(model: IntegerModel) -> str:
    """Return the topology of the network."""
    return "-".join(notation(layer) for layer in model.network.layers)


def _sources(name, hdl):
    return (f"{name}.vhd", f"{name}_bench.vhd") if hdl == "vhdl" else (f"{name}.v", f"{name}_bench.sv")


def file_table(name: str, hdl: str, package: str) -> str:
    """Return the table of the delivered files."""
    design, bench = _sources(name, hdl)
    vhdl = hdl == "vhdl"
    return table(
        ("file", "contents"),
        [
            (
                f"`{design}`",
                "the design: "
                + (
                    "VHDL (1993 or 2008), an entity with std_logic and std_logic_vector ports"
                    if vhdl
                    else "Verilog-2001"
                )
                + "; its first lines draw the instances in it",
            ),
            (
                f"`{name}.f`",
                "the names of all files of the design: one for each kind of block, which says at its head what the "
                f"block does. {'Compile them in this order' if vhdl else 'Any order does'}",
            ),
            *([(f"`{package}`", "functions that the design uses")] if vhdl else []),
            (
                f"`{bench}`",
                "the testbench: "
                + ("VHDL-2008; needs only std.textio" if vhdl else "SystemVerilog, only because it uses $fatal"),
            ),
            (
                f"`{name}.core`",
                "the design for FuseSoC: `fusesoc --cores-root . run --target=sim minisnn:snn:" + f"{name}`",
            ),
            ("`load.txt`", "the load: the network and the number of steps, one beat per line"),
            ("`images.txt`", "the words of some images, one beat per line"),
            (
                "`expected.txt`",
                "the answers to these images, one beat per line, computed by integer arithmetic and a cycle model",
            ),
            ("`labels.txt`", "the true classes of these images, if they are known, which the testbench prints"),
            ("`run.sh`", "script that simulates the design; its exit status is 0 if everything is as expected"),
            ("`run.py`", "the same in Python, for systems without a shell, such as Windows"),
            (
                "`report.md`, `report.json`",
                "resources and clock frequency, if `minisnn synth --out` has written them to this folder",
            ),
            ("`SHA256SUMS`", "checksums of the files; check them with `sha256sum -c SHA256SUMS`"),
        ],
    )


def layer_table(model: IntegerModel, spec: AcceleratorSpec) -> str:
    """Return the table of the layers and their widths; a report is checked against this text."""
    rows = []
    for number, (layer_spec, layer) in enumerate(zip(spec.layers, model.network.layers), 1):
        kind = (
            "fully connected"
            if layer_spec.flat
            else f"{layer_spec.kernel}x{layer_spec.kernel}, padding {layer_spec.padding}"
        )
        positions = f", {layer_spec.positions} positions fire" if layer_spec.whole_windows else ""
        rows.append(
            (
                number,
                notation(layer),
                kind,
                size(layer.layer.in_shape),
                size(layer.layer.out_shape),
                layer_spec.lanes,
                f"{layer_spec.taps}{positions}",
                layer_spec.weight_bits,
                layer_spec.guard,
                layer_spec.bias_bits,
                layer_spec.membrane_bits,
                _leak(layer_spec),
                layer_spec.reset,
            )
        )
    return table(
        (
            "layer",
            "notation",
            "kind",
            "in",
            "neurons",
            "lanes",
            "taps at once",
            "weight bits",
            "guard",
            "bias bits",
            "membrane bits",
            "beta, rounded",
            "reset",
        ),
        rows,
    )


def _leak(spec):
    """Return a layer's leak and its rounding, in words."""
    beta = "loaded" if spec.beta is None else spec.beta
    return f"{beta}/{1 << spec.frac} {'to 0' if spec.towards_zero else 'down'}"


RESETS = {
    "subtract": "leak(U) - threshold",
    "subtract_then_leak": "leak(U - threshold)",
    "zero": "0",
    "none": "(its neurons never spike)",
}


def reset_table(spec: AcceleratorSpec) -> str:
    """Return the table of the values with which a neuron that spiked begins its next step."""
    used = dict.fromkeys(layer.reset for layer in spec.layers)
    return table(("reset", "the next step begins with"), [(reset, RESETS[reset]) for reset in used])


def kinds(spec: AcceleratorSpec) -> str:
    """Return sentences that say how convolutions, pools and fully connected layers compute."""
    sentences = [
        "Under `in` and `neurons`, a shape is height x width x channels, and a plain number counts the spikes of the "
        "layer before or the neurons of a fully connected layer."
    ]
    if not all(layer.flat for layer in spec.layers):
        sentences.append(
            "In a convolution, neuron (y, x) of channel `out` adds w[row, column, in, out] * input (y + row - "
            "padding, x + column - padding) of channel `in`, for all rows, columns and channels `in`; inputs outside "
            "the frame are 0."
        )
    if any(layer.pool > 1 for layer in spec.layers):
        sentences.append(
            "MPk is a pool: each window of k x k neurons of a channel gives one spike if any of its neurons spikes; "
            "neurons outside whole windows are not computed."
        )
    if any(layer.whole_windows for layer in spec.layers):
        sentences.append(
            "Where several positions fire, all neurons of a pooling window do so at once, for each of the `lanes` "
            "channels."
        )
    if spec.layers[0].second_bank:
        sentences.append(
            "Layer 1 has a second bank of currents: it adds the pixels of the next image in one bank while the present "
            "image fires from the other one."
        )
    if any(layer.flat for layer in spec.layers):
        sentences.append(
            "A fully connected layer has weights w[input, neuron]; its inputs are numbered row by row, column by "
            "column, and channel by channel."
        )
    return " ".join(sentences)


def order(spec: AcceleratorSpec) -> str:
    """Return sentences that say in which word of its section a weight is stored."""
    sentences = []
    if any(not layer.flat and layer.taps == 1 for layer in spec.layers):
        sentences.append(
            " For a convolution with a kernel of k x k, w[row, column, in, out] is in word ((in * k + row) * k + "
            "column) * G + out div lanes."
        )
    if any(1 < layer.taps == layer.kernel for layer in spec.layers):
        sentences.append(
            " For a convolution that adds a row of k taps at once, a word has k sets of lanes, with the first set in "
            "the lowest bits: w[row, column, in, out] is in set -column mod k of word (in * k + row) * G + "
            "out div lanes."
        )
    if any(layer.taps > layer.kernel for layer in spec.layers):
        sentences.append(
            " For a convolution that adds all k x k taps at once, a word has k * k sets of lanes, with the first set "
            "in the lowest bits: w[row, column, in, out] is in set (-row mod k) * k + (-column mod k) of word "
            "in * G + out div lanes."
        )
    if any(layer.flat for layer in spec.layers):
        sentences.append(" For a fully connected layer, w[input, neuron] is in word input * G + neuron div lanes.")
    return "".join(sentences)


def simulators(name: str, hdl: str) -> dict[str, str]:
    """Return the manual's values on simulators: TOOLS (a table of commands), TRIED, GIVEN and BENCH."""
    design, bench = _sources(name, hdl)
    top = f"{name}_bench"
    if hdl == "vhdl":
        design = f"$(cat {name}.f)"
        files, tried, given = f"{design} {bench}", "GHDL 2.0", "generics"
        commands = {
            "GHDL": "./run.sh",
            "GHDL, on any system": "python run.py",
            "GHDL, a testbench of your own": f"ghdl -a --std=08 {design} my_bench.vhd && "
            "ghdl -e --std=08 my_bench && ghdl -r --std=08 my_bench",
            "nvc": f"nvc --std=2008 -a {files} -e {top} -r {top}",
            "ModelSim, Questa": f'vlib work && vcom -2008 {files} && vsim -c {top} -do "run -all; quit"',
            "Vivado": f"xvhdl --2008 {files} && xelab {top} && xsim work.{top} -R",
        }
        other = ("Verilator", "does not read VHDL; write a second folder with `minisnn vhdl --hdl verilog`")
    else:
        design = f"$(cat {name}.f)"
        files, tried, given = f"{design} {bench}", "Icarus Verilog 11 and Verilator 5.006", "parameters"
        commands = {
            "Icarus Verilog": "./run.sh",
            "Icarus Verilog, on any system": "python run.py",
            "Icarus Verilog, a testbench of your own": f"iverilog -g2012 -o my_bench.vvp -s my_bench {design} "
            "my_bench.sv && vvp -n my_bench.vvp",
            "Verilator 5": f"verilator --binary -Wno-fatal --top-module {top} {files} && obj_dir/V{top}",
            "ModelSim, Questa": f'vlib work && vlog -sv {files} && vsim -c {top} -do "run -all; quit"',
            "Vivado": f"xvlog -sv {files} && xelab {top} && xsim work.{top} -R",
        }
        other = ("GHDL, nvc", "do not read Verilog; write a second folder with `minisnn vhdl --hdl vhdl`")
    return {
        "TOOLS": table(("tool", "command"), [*((tool, f"`{line}`") for tool, line in commands.items()), other]),
        "TRIED": tried,
        "GIVEN": given,
        "BENCH": bench,
    }


def loads(model: IntegerModel, spec: AcceleratorSpec, load: Sequence[int]) -> dict[str, str]:
    """Return the manual's values on the load: SECTIONS and WEIGHTS (tables), and WORKED, an example in words."""
    table_of_sections, starts = _sections(spec)
    rows, last_of_layer = [], []
    for number, (layer, layer_spec) in enumerate(zip(model.network.layers, spec.layers), 1):
        section = place(spec, "weights", number)
        for index in _examples(layer.w.shape, layer_spec.lanes):
            name, value = f"w[{','.join(map(str, index))}]", int(layer.w[index])
            for word, low in _places(layer, layer_spec, index):
                beat = starts[section] + word * beats(spec)[section] + low // spec.load_bits
                rows.append((number, name, value, section, word, low, beat, low % spec.load_bits))
        last_of_layer.append(rows[-1])
    number, weight, value, section, word, low, beat, bit = last_of_layer[0]
    width, start, beats_of_word = spec.layers[0].weight_bits, starts[section], beats(spec)[section]
    worked = (
        f"For example, {weight} of layer {number} is {value}, which is {value & (1 << width) - 1:#x} in {width} bits "
        f"of two's complement. It is stored in word {word} of section {section}; its lowest bit is bit {low} of that "
        f"word. The word begins with beat {start} + {word} * {beats_of_word} = {start + word * beats_of_word}, and its "
        f"bit {low} is bit {bit} of beat {beat}. Beat {beat} is line {beat + 1} of `load.txt`, where `tdata` is "
        f"`{load[beat]:0{digits(spec.load_bits)}X}`."
    )
    return {
        "WORKED": worked,
        "SECTIONS": table(
            ("section", "contents", "words", "bits per word", "beats per word", "first beat", "last beat"),
            table_of_sections,
        ),
        "WEIGHTS": table(
            ("layer", "weight", "value", "section", "word", "lowest bit in the word", "beat", "lowest bit in the beat"),
            rows,
        ),
    }


def _sections(spec):
    """Rows of the table of sections, and the first beat of each section."""
    rows, starts, at = [], [], 0
    for number, (section, beats_of_word) in enumerate(zip(sections(spec), beats(spec), strict=True)):
        starts.append(at)
        at += section.words * beats_of_word
        rows.append((number, _meaning(section, spec), section.words, section.bits, beats_of_word, starts[-1], at - 1))
    return rows, starts


def _meaning(section, spec):
    """Return the contents of a section, in words."""
    if is_reserved(section, spec):
        what = f"0, reserved for the {section.content}"
    else:
        what = {
            "design": f"`{design_word(spec):08X}`, the word of this design",
            "steps": "number of steps",
            "exit margin": f"margin of early exit, 1 to {spec.most_gain}, or 0 for all steps",
            "checksum": "checksum of all beats before it",
            "beta": f"leak, in units of 1/{spec.most_beta}",
        }.get(section.content, section.content)
    return f"{what} of layer {section.layer}" if section.layer else what


def _places(layer, layer_spec, index):
    """[(word, lowest bit)] at which a weight is stored: where a 1 appears if all other weights are 0."""
    w = layer.w * 0
    w[index] = 1
    words = weight_words(replace(layer, w=w), layer_spec)
    return [(at, (word & -word).bit_length() - 1) for at, word in enumerate(words) if word]


def _examples(shape, lanes):
    """Indices of weights that show the order: the first, its neighbour along each axis, the next group, a middle."""
    zero, axes = (0,) * len(shape), range(len(shape))
    near = [tuple(int(at == axis) for at in axes) for axis in axes if shape[axis] > 1]
    group = [(*zero[1:], lanes)] if lanes < shape[-1] else []
    middle = tuple(n // 2 for n in shape)
    return [*(index for index in dict.fromkeys([zero, *near, *group]) if index != middle), middle]


def answer_table(spec: AcceleratorSpec) -> str:
    """Return the table of the beats of an answer."""
    members = spec.layers[-1].out_channels // spec.classes
    neurons = "its neuron" if members == 1 else f"its {members} consecutive neurons"
    score = f"sum of the membranes of {neurons}" if spec.membrane else f"number of spikes of {neurons}"
    return table(
        ("beat", "contents"),
        [
            (
                f"0 to {spec.classes - 1}",
                f"score of each class: {score} over all steps, in two's complement of {spec.output_bits} bits",
            ),
            (
                spec.classes,
                "class with the highest score; the lowest such class if several are equal"
                + ("" if spec.layers[0].input_bits else "; all bits are 1 if the image was wrong"),
            ),
            (
                spec.classes + 1,
                "number of cycles from the one in which the first word of the image is taken to the first one in which "
                "this beat is valid, both included; `m_output_tlast` is 1",
            ),
        ],
    )


def memory_table(memories: Iterable[Place], spec: AcceleratorSpec) -> str:
    """Return the table of the memories, with those of one loop in one row."""
    groups: dict[tuple, list[Place]] = {}
    for memory in memories:
        like = re.sub(r"([(\[])\d+([)\]])", r"\1*\2", memory.path)
        groups.setdefault((like, _contents(memory, spec), memory.words, memory.width), []).append(memory)
    rows = [
        (f"`{like}.words`", contents, len(same), words, width, f"{len(same) * words * width:,}")
        for (like, contents, words, width), same in groups.items()
    ]
    return table(("signal in the design", "contents", "number", "words", "bits per word", "bits in total"), rows)


def _contents(memory: Place, spec: AcceleratorSpec) -> str:
    """Return what a memory holds, in words."""
    if memory.contents == "buffer":
        pixels = memory.layer == 1 and spec.layers[0].input_bits
        return f"two banks, each with one frame of {'pixels' if pixels else 'spikes'}"
    layer = spec.layers[memory.layer - 1]
    if memory.contents == "sums":
        bank = " in one of its banks" if layer.taps > 1 else ""
        image = ", of every second image" if layer.second_bank else ""
        return ("currents" if layer.input_bits else "membranes") + " of one lane" + bank + image
    return {
        "scores": "scores of the neurons of the last layer",
        "stamps": "first cycle of each image under way",
        "membranes": "membranes of one lane" + " at one position of its windows" * layer.whole_windows,
    }.get(memory.contents, memory.contents)
