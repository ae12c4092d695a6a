"""Waveforms of one image for GTKWave or Surfer: VCD from MyHDL, or FST from GHDL; memories are left out.

Times are in nanoseconds, a clock cycle is 10. Beside the waveform stands a save file for GTKWave, which shows the
streams and what each layer does; all other signals are in the waveform too, and have their block's name before theirs.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from myhdl import traceSignals

from .. import accelerator as top
from ..accelerator import design
from ..delivery.deliver import deliver
from ..generate.convert import name_blocks
from ..generate.tools import call, need
from ..generate.words import image_words, load_words
from . import simulate
from .cosimulate import Host, build, compared, expected_firings, reference

PERIOD = 10  # ns
# What is shown of the top, and of each layer, in this order.
TOP = (
    "clk",
    "rst",
    "s_input_tvalid",
    "s_input_tready",
    "s_input_tdata",
    "s_input_tlast",
    "m_output_tvalid",
    "m_output_tready",
    "m_output_tdata",
    "m_output_tlast",
)
LAYER = (
    "state",
    "filled",
    "scan",
    "valid",
    "ready",
    "index",
    "add",
    "weight_address",
    "add_address",
    "claim",
    "fire",
    "fire_address",
    "fired",
    "spikes",
    "word_valid",
    "word_address",
)


def in_myhdl(network, inputs, num_steps, lanes, path, wide=False, window=None):
    """Run one image in MyHDL, compare it, and write what every signal did.

    Parameters
    ----------
    network : minisnn.fixed.network.IntegerNetwork
    inputs : ndarray of unsigned integers, shape (1 or T, 1, ...)
    num_steps : int
    lanes : sequence of int
    path : str or Path
        ``.vcd`` to write; the save file, ``.gtkw``, goes beside it.
    wide : bool
    window : (int, int), optional
        First and last clock cycle, counted from the one in which the image's first word is taken; by default all.

    Returns
    -------
    compared : minisnn_hw.verify.cosimulate.Compared
    """
    spec, path = build(network, lanes, num_steps, wide), Path(path)
    run, predicted = reference(network, inputs, num_steps, lanes, 1, wide)
    host = Host(
        spec,
        load_words(network, spec, num_steps),
        [image_words(inputs, 0, spec)],
        [sum(layer, []) for layer in zip(expected_firings(run, 0, spec))],
    )
    make = design(spec)

    def traced(**signals):
        dut = make(**signals)
        name_blocks(dut)
        traceSignals(dut)
        return dut

    with TemporaryDirectory() as folder:
        before = {name: getattr(traceSignals, name) for name in ("name", "directory", "filename", "tracelists")}
        traceSignals.name, traceSignals.directory, traceSignals.filename = "accelerator", folder, "all"
        traceSignals.tracelists = False  # memories
        try:
            simulate.run(traced, *top.ports(spec), host, None, keep=False)
        finally:
            for name, value in before.items():
                setattr(traceSignals, name, value)
        found = host.end()
        start = found.taken[0]
        first, last = window or (0, int(predicted.latency[0]))
        # The edge that ends cycle c is at PERIOD * c + PERIOD / 2, as `simulate.run` drives it.
        names = cut(Path(folder) / "all.vcd", path, PERIOD * (start + first), PERIOD * (start + last + 1))
    path.with_suffix(".gtkw").write_text(save_file(path.name, names))
    return compared(found, run, predicted, 0, network)


def in_ghdl(model, image, spec, path, timeout=3600):
    """Run one image as VHDL in GHDL, by the bench of a delivery, which compares answer and cycles.

    Parameters
    ----------
    model : minisnn.fixed.model.IntegerModel
    image : ndarray
        Raw.
    spec : minisnn_hw.spec.AcceleratorSpec
    path : str or Path
        ``.fst`` to write, and ``.gtkw`` beside it.

    Raises
    ------
    ToolError
        If GHDL is missing, or the bench fails.
    """
    (ghdl,) = need("ghdl")
    path = Path(path).resolve()
    with TemporaryDirectory() as folder:
        folder = Path(folder)
        files = deliver(model, image[None], spec)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        sources = sorted(str(each) for each in folder.glob("pck_*.vhd"))
        call([ghdl, "-a", "--std=08", *sources, "accelerator.vhd", "accelerator_bench.vhd"], folder, timeout)
        call([ghdl, "-e", "--std=08", "accelerator_bench"], folder, timeout)
        run = [ghdl, "-r", "--std=08", "accelerator_bench", "--ieee-asserts=disable-at-0"]
        call([*run, "--stop-time=1ns", "--fst=none.fst", "--write-wave-opt=all.opt"], folder, timeout, may_warn=True)
        wanted = [line for line in (folder / "all.opt").read_text().splitlines() if "_words" not in line]
        (folder / "wanted.opt").write_text("\n".join(wanted) + "\n")
        call([*run, "--assert-level=warning", "--read-wave-opt=wanted.opt", f"--fst={path}"], folder, timeout)
    widths = {
        name: int(left) + 1
        for name, left in re.findall(
            r"(\w+) *: *(?:in |out |inout )? *(?:unsigned|signed|std_logic_vector)\((\d+) downto 0\)",
            files["accelerator.vhd"],
        )
    }
    names = [line[1:].replace("/", ".") for line in wanted if line.startswith("/")]
    sized = [(name, widths.get(name.rpartition(".")[2], 1)) for name in names if ".under_test." in name]
    path.with_suffix(".gtkw").write_text(save_file(path.name, sized))


def cut(source, target, first, last):
    """Copy the part of a VCD file from time `first` to `last`.

    Returns
    -------
    names : list of (str, int)
        Full name and width of each signal.
    """
    names, scopes, values = [], [], {}
    with open(source) as file, open(target, "w") as out:
        for line in file:
            words = line.split()
            if words[:1] == ["$date"]:  # the same run gives the same file
                out.write("$date today $end\n")
                next(file), next(file)
                continue
            out.write(line)
            if words[:2] == ["$scope", "module"]:
                scopes.append(words[2])
            elif words[:1] == ["$upscope"]:
                scopes.pop()
            elif words[:1] == ["$var"]:
                names.append((".".join([*scopes, words[4]]), 1 if words[1] == "string" else int(words[2])))
            elif words[:1] == ["$enddefinitions"]:
                break
        now, begun = 0, False
        for line in file:
            if line[0] == "#":
                now = int(line[1:])
                if now > first and not begun:
                    begun = True
                    out.write(f"#{first}\n$dumpvars\n" + "".join(values.values()) + "$end\n")
                if now > last:
                    break
                if begun:
                    out.write(line)
            elif line[0] != "$" and line.strip():
                if begun:
                    out.write(line)
                else:
                    values[line.split()[-1] if line[0] in "bsr" else line[1:].strip()] = line
    return names


def save_file(waveform, names):
    """A GTKWave save file, as text: the top's streams, then the signals of each layer.

    Parameters
    ----------
    waveform : str
        The file's name.
    names : list of (str, int)
        Full name and width of each signal; a layer's have its name before theirs, joined by a dot (MyHDL) or an
        underscore (VHDL).
    """
    widths = dict(names)

    def shown(prefix, wanted):
        for local in wanted:
            name = next((prefix + joint + local for joint in "._" if prefix + joint + local in widths), None)
            if name:
                width = widths[name]
                yield f"@{22 if width > 1 else 28}"
                yield f"{name}[{width - 1}:0]" if width > 1 else name

    top_name = next(name for name in widths if name.endswith(".clk")).removesuffix(".clk")
    zoom = "*-8.0" + " -1" * 27  # some 60 cycles in a window
    text = [f'[dumpfile] "{waveform}"', zoom, "@200", "-streams", *shown(top_name, TOP)]
    layers = {
        found[1]: int(found[2] or 0)
        for name in widths
        if (found := re.match(r"(.*[._]layer_?(\d*))[._](?:scan|state)$", name))
    }
    for layer in sorted(layers, key=layers.get):
        text += ["@200", f"-{re.split('[.]', layer)[-1]}", *shown(layer, LAYER)]
    return "\n".join([*text, ""])
