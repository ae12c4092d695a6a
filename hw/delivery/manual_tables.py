"""The tables of a delivery's manual: files, layers, the load, the answer, memories."""

from dataclasses import replace
from typing import Any

from ..generate.words import weight_words
from .benches import digits

MEMORIES = {
    "read_data": "frames of spikes (or pixels), two banks",
    "stored": "membranes of a lane",
    "sums": "scores of the last layer's neurons",
    "stamp": "first cycles of images under way",
}


def table(head: Any, rows: Any) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, row)) + " |\n" for row in lines)


def counted(number: int, thing: str) -> str:
    """Return a number with its noun: 1 pixel, 2 pixels."""
    return f"{number} {thing}{'s' if number != 1 else ''}"


def size(shape: Any) -> str:
    """Return a shape as 8x8x1."""
    return "x".join(map(str, shape))


def notation(layer: Any) -> str:
    """Return a layer in the notation of topologies."""
    return layer.layer.name.partition(" ")[2]


def topology(model: Any) -> str:
    """Return all layers in that notation."""
    return "-".join(notation(each) for each in model.network.layers)


def _sources(name, hdl):
    return (f"{name}.vhd", f"{name}_bench.vhd") if hdl == "vhdl" else (f"{name}.v", f"{name}_bench.sv")


def file_table(name: str, hdl: str, package: str) -> str:
    """Return the table of the delivered files."""
    design, bench = _sources(name, hdl)
    vhdl = hdl == "vhdl"
    return table(
        ("file", "what it is"),
        [
            (
                f"`{design}`",
                "the design: "
                + (
                    "VHDL-2008, one entity with std_logic and std_logic_vector ports"
                    if vhdl
                    else "Verilog-2001, one module"
                ),
            ),
            *([(f"`{package}`", "functions that it uses; compile it first")] if vhdl else []),
            (
                f"`{bench}`",
                "testbench: " + ("VHDL-2008, std.textio alone" if vhdl else "SystemVerilog, for $fatal alone"),
            ),
            ("`load.txt`", "the load: network and number of steps, a beat a line"),
            ("`images.txt`", "words of some images, a beat a line"),
            ("`expected.txt`", "their answers, a beat a line, from integer arithmetic and a model of the cycles"),
            ("`run.sh`", "simulates; exit status 0 if all is as expected"),
            ("`report.md`, `report.json`", "resources and clock, if `minisnn synth --out` wrote them here"),
            ("`SHA256SUMS`", "of the files: `sha256sum -c SHA256SUMS`"),
        ],
    )


def layer_table(model: Any, spec: Any) -> str:
    """Return the table of the layers and their widths."""
    rows = []
    for number, (each, layer) in enumerate(zip(spec.layers, model.network.layers), 1):
        kind = "fully connected" if each.flat else f"{each.kernel}x{each.kernel}, padding {each.padding}"
        rows.append(
            (
                number,
                notation(layer),
                kind,
                size(layer.layer.in_shape),
                size(layer.layer.out_shape),
                each.lanes,
                each.taps,
                each.weight_bits,
                each.guard,
                each.bias_bits,
                each.membrane_bits,
                f"{each.beta}/{1 << each.frac} {'to 0' if each.towards_zero else 'down'}",
                each.reset,
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


RESETS = {
    "subtract": "leak(U) - threshold",
    "subtract_then_leak": "leak(U - threshold)",
    "zero": "0",
    "none": "(it never fires)",
}


def reset_table(spec: Any) -> str:
    """Return the table of resets: the state after a spike."""
    used = dict.fromkeys(each.reset for each in spec.layers)
    return table(("reset", "next step begins with"), [(reset, RESETS[reset]) for reset in used])


def kinds(spec: Any) -> str:
    """Describe the additions of the layers, and the pool, in sentences."""
    said = []
    if not all(each.flat for each in spec.layers):
        said.append(
            "Neuron (y, x) of channel `out` of a convolution adds w[row, column, in, out] * input (y + row - "
            "padding, x + column - padding) of channel `in`; outside the frame the input is 0."
        )
    if any(each.pool > 1 for each in spec.layers):
        said.append(
            "MPk makes one spike of each window of k x k neurons of a channel, if any of them fires; neurons "
            "outside whole windows are not computed."
        )
    if any(each.flat for each in spec.layers):
        said.append(
            "A fully connected layer has weights w[input, neuron]; its inputs are counted row by row, column "
            "by column, channel by channel."
        )
    return " ".join(said)


def order(spec: Any) -> str:
    """Describe the place of a weight in the load, in sentences."""
    said = []
    if any(not each.flat and each.taps == 1 for each in spec.layers):
        said.append(
            " w[row, column, in, out] of a convolution with a kernel of k x k is in word ((in * k + row) * k + "
            "column) * G + out div lanes."
        )
    if any(each.taps > 1 for each in spec.layers):
        said.append(
            " Where all k x k taps of a convolution are added at once, a word has k * k sets of lanes, the "
            "first in the lowest bits: w[row, column, in, out] is in set (-row mod k) * k + (-column mod k) of "
            "word in * G + out div lanes."
        )
    if any(each.flat for each in spec.layers):
        said.append(" w[input, neuron] of a fully connected layer is in word input * G + neuron div lanes.")
    return "".join(said)


def simulators(name: str, hdl: str, package: str) -> dict:
    """Return the commands of the simulators, those that were tried, the vectors' paths, and the bench."""
    design, bench = _sources(name, hdl)
    top = f"{name}_bench"
    if hdl == "vhdl":
        files, tried, given = f"{package} {design} {bench}", "GHDL 2.0", "generics"
        commands = {
            "GHDL": "./run.sh",
            "GHDL, your own testbench": f"ghdl -a --std=08 {package} {design} my_bench.vhd && "
            "ghdl -e --std=08 my_bench && ghdl -r --std=08 my_bench",
            "nvc": f"nvc --std=2008 -a {files} -e {top} -r {top}",
            "ModelSim, Questa": f'vlib work && vcom -2008 {files} && vsim -c {top} -do "run -all; quit"',
            "Vivado": f"xvhdl --2008 {files} && xelab {top} && xsim work.{top} -R",
        }
        other = ("Verilator", "takes no VHDL: write another folder with `--hdl verilog`")
    else:
        files, tried, given = f"{design} {bench}", "Icarus Verilog 11 and Verilator 5.006", "parameters"
        commands = {
            "Icarus Verilog": "./run.sh",
            "Icarus Verilog, your own testbench": f"iverilog -g2012 -o my_bench.vvp -s my_bench {design} "
            "my_bench.sv && vvp -n my_bench.vvp",
            "Verilator 5": f"verilator --binary -Wno-fatal --top-module {top} {files} && obj_dir/V{top}",
            "ModelSim, Questa": f'vlib work && vlog -sv {files} && vsim -c {top} -do "run -all; quit"',
            "Vivado": f"xvlog -sv {files} && xelab {top} && xsim work.{top} -R",
        }
        other = ("GHDL, nvc", "take no Verilog: write another folder with `--hdl vhdl`")
    return {
        "TOOLS": table(("tool", "command"), [*((tool, f"`{line}`") for tool, line in commands.items()), other]),
        "TRIED": tried,
        "GIVEN": given,
        "BENCH": bench,
    }


def loads(model: Any, spec: Any, load: list) -> dict:
    """Return the sections of the load, the places of some weights, and one of them worked out."""
    names = [
        "number of steps",
        *(
            f"{what} of layer {number}"
            for number in range(1, len(spec.layers) + 1)
            for what in ("weights", "biases", "threshold")
        ),
    ]
    sections, starts, at = [], [], 0
    for number, (what, (words, width), beats) in enumerate(zip(names, spec.sections, spec.beats, strict=True)):
        sections.append((number, what, words, width, beats, at, at + words * beats - 1))
        starts.append(at)
        at += words * beats
    rows, last_of_layer = [], []
    for number, (each, layer_spec) in enumerate(zip(model.network.layers, spec.layers), 1):
        section = 3 * number - 2
        for index in _examples(each.w.shape, layer_spec.lanes):
            for word, low in _places(each, layer_spec, index):
                beat = starts[section] + word * spec.beats[section] + low // spec.load_bits
                rows.append(
                    (
                        number,
                        f"w[{','.join(map(str, index))}]",
                        int(each.w[index]),
                        section,
                        word,
                        low,
                        beat,
                        low % spec.load_bits,
                    )
                )
        last_of_layer.append(rows[-1])
    number, weight, value, section, word, low, beat, bit = last_of_layer[0]
    width, start, beats = spec.layers[0].weight_bits, starts[section], spec.beats[section]
    worked = (
        f"For example, {weight} = {value} of layer {number} is, as {width} bits of two's complement, "
        f"{value & (1 << width) - 1:#x}. It stands in word {word} of section {section}, from its bit {low}. That "
        f"word begins with beat {start} + {word} * {beats} = {start + word * beats}, and bit {low} is bit {bit} "
        f"of beat {beat}: line {beat + 1} of `load.txt`, `{load[beat]:0{digits(spec.load_bits)}X}`."
    )
    return {
        "WORKED": worked,
        "SECTIONS": table(
            ("section", "what", "words", "bits of a word", "beats of a word", "first beat", "last beat"), sections
        ),
        "WEIGHTS": table(
            ("layer", "weight", "value", "section", "word", "from its bit", "in beat", "from its bit"), rows
        ),
    }


def _places(each, layer_spec, index):
    """Return [(word, lowest bit)] of a weight: the places of a 1 if all other weights are 0."""
    w = each.w * 0
    w[index] = 1
    words = weight_words(replace(each, w=w), layer_spec)
    return [(at, (word & -word).bit_length() - 1) for at, word in enumerate(words) if word]


def _examples(shape, lanes):
    """Return indices of weights that show the order: the first, its neighbours, the next group, a middle one."""
    zero, axes = (0,) * len(shape), range(len(shape))
    near = [tuple(int(at == axis) for at in axes) for axis in axes if shape[axis] > 1]
    group = [(*zero[1:], lanes)] if lanes < shape[-1] else []
    middle = tuple(n // 2 for n in shape)
    return [*(index for index in dict.fromkeys([zero, *near, *group]) if index != middle), middle]


def answer_table(spec: Any) -> str:
    """Return the table of the beats of an answer."""
    members = spec.layers[-1].out_channels // spec.classes
    neurons = "its neuron" if members == 1 else f"its {members} neurons, which follow one another,"
    sums = f"membranes of {neurons} summed" if spec.membrane else f"spikes of {neurons} counted"
    return table(
        ("beat", "what"),
        [
            (
                f"0 to {spec.classes - 1}",
                f"the score of each class: {sums} over all steps; two's complement of {spec.output_bits} bits",
            ),
            (spec.classes, "the class of the highest score; of equals the lowest"),
            (
                spec.classes + 1,
                "cycles, from the one in which the image's first word was taken to the one in which this "
                "beat is offered, both included; with `m_output_tlast`",
            ),
        ],
    )


def memory_table(memories: list, spec: Any) -> str:
    """Return the table of memories; equal ones share a row."""
    groups: dict[tuple, list[str]] = {}
    for path, what, words, width in memories:
        parts = path.split("_")
        number = int(parts[1]) if parts[0] == "layer" and parts[1].isdecimal() else 1
        if "accumulate" in parts and spec.layers[number - 1].input_bits:
            what = "currents of a lane"  # constant, of pixels
        like = "_".join(
            "*" if part.isdecimal() and parts[at - 1] not in ("layer", "buffer") else part
            for at, part in enumerate(parts)
        )
        groups.setdefault((like, what, words, width), []).append(path)
    rows = [
        (
            f"`{like if len(same) > 1 else same[0]}_words`",
            MEMORIES.get(what, what),
            len(same),
            words,
            width,
            f"{len(same) * words * width:,}",
        )
        for (like, what, words, width), same in groups.items()
    ]
    return table(("signal in the design", "what it holds", "number", "words", "bits of a word", "bits in all"), rows)
