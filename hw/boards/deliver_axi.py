"""The folder with the accelerator behind AXI: design, testbench, a network and images, FuseSoC's core, a manual."""

import json
from collections.abc import Callable
from typing import Any

from ..delivery.benches import scripts
from ..delivery.deliver import SUMS, sums_of
from ..delivery.fusesoc import core
from ..generate.convert import converted
from ..generate.hierarchy.elaborate import unelaborated
from ..load_format import design_word
from ..ports import bit
from ..spec import AcceleratorSpec
from . import axi_accelerator
from .axi_benches import PAUSES, beats_of, bench
from .registers import ADDRESSES, CLEAR, FLUSH, STATUS
from .streamed import answer_bytes, whole_bytes


def deliver_axi(
    spec: AcceleratorSpec,
    stream_bits: int,
    about: dict[str, Any],
    name: str = "accelerator",
    hdl: str = "verilog",
    done: Callable[[], None] = lambda: None,
) -> dict[str, str]:
    """Return all files of the folder, by name; `about` is what :func:`minisnn_hw.boards.deliver.vectors` returns.

    `done` is called without arguments whenever a kind of block is converted.

    Raises
    ------
    ValueError
        If the streams cannot have so many bits, or the design cannot have this name.

    Examples
    --------
    >>> files = deliver_axi(spec, 64, about)  # doctest: +SKIP
    >>> files["accelerator.f"].splitlines()[-1]  # doctest: +SKIP
    'accelerator.v'
    """
    check_axi(stream_bits)
    inputs, outputs = axi_accelerator.ports(stream_bits)
    block = unelaborated(axi_accelerator.design(spec), clk=bit(), **inputs, **outputs)
    design = converted(block, name, hdl, std_logic=True, done=done)
    sent = [bytes.fromhex(image) for image in about["images"]]
    size = answer_bytes(spec)
    # The cycles of an answer depend on the streams' width, so their word, here 0, is not compared.
    answers = [b"".join(w.to_bytes(size, "little", signed=True) for w in (*words, 0)) for words in about["answers"]]
    vectors = {
        "load.txt": beats_of([bytes.fromhex(about["load"])], stream_bits),
        "images.txt": beats_of(sent, stream_bits),
        "expected.txt": beats_of(answers, stream_bits, size),
    }
    bench_file = f"{name}_bench{'.vhd' if hdl == 'vhdl' else '.sv'}"
    lines = sum(text.count("\n") for text in vectors.values())
    files = {
        **design.files,
        **vectors,
        bench_file: bench(hdl, name, spec, stream_bits, len(sent), lines),
        **scripts(hdl, name, PAUSES),
        f"{name}.core": core(name, hdl, design.sources, bench_file, list(vectors)),
        "vectors.json": json.dumps(about) + "\n",
        "README.md": _manual(spec, stream_bits, name),
    }
    return files | {SUMS: sums_of(files)}


def check_axi(stream_bits: int | None, probed: bool = False) -> None:
    """Raise ValueError if the design behind AXI cannot have such streams, or a probe."""
    if stream_bits is not None and stream_bits not in axi_accelerator.STREAM_BITS:
        widths = ", ".join(map(str, axi_accelerator.STREAM_BITS))
        raise ValueError(f"axi must be one of {widths}, the bits of its streams, got {stream_bits}")
    if stream_bits is not None and probed:
        raise ValueError("probe cannot be had together with --axi; leave one of them out")


def _margin(spec):
    """Return what the manual says of the register for the margin of early exit."""
    if not spec.exits:
        return "The exit margin is always 0: this design's answers are not spike counts of several classes."
    return f"""\
The exit margin is the lead in spikes that ends an image before its last step: 1 to {spec.most_gain}, or 0 for all
steps; {spec.most_gain} is lossless. A load brings its own, and a write to the register changes it until the next load.
A read gives the margin of the images under way. The new one waits until they are answered, and images that come
meanwhile wait for it; until then `margin waits` is 1. A larger number is answered with SLVERR."""


def _manual(spec, stream_bits, name):
    registers = "\n".join(f"| 0x{address:02X} | {what} |" for what, address in ADDRESSES.items())
    status = "\n".join(f"| {at} | {what} |" for at, what in enumerate(STATUS))
    return f"""\
# {name}: a spiking neural network behind AXI

`{name}.f` lists the sources in order, the top last: Verilog-2001, or VHDL of 1993. Clock `aclk`, reset `aresetn`, which
is active at 0. All readys are registers.

| port | what passes |
| --- | --- |
| `s_axis_load` | a load, one packet: words of {whole_bytes(spec.load_bits)} bytes |
| `s_axis_input` | an image, one packet: words of {whole_bytes(spec.input_bits)} bytes |
| `m_axis_output` | an answer, one packet: words of {answer_bytes(spec)} bytes, two's complement: a score for each of \
{spec.classes} classes, the class, and the clock cycles |
| `s_axi` | registers of 32 bits |

The streams have {stream_bits} bits. Words follow one another without gaps, the lowest byte first. `tkeep` is 1 for all
bytes but those after the end in a packet's last beat. A packet that ends within a word, or has a hole, is refused, as
is one that is too short or too long. `python run.py`, or `sh run.sh`, simulates `{name}_bench` in GHDL or Icarus
Verilog, with pauses and without: it compares every answer and reads registers, and ends with PASS. `vectors.json` has a
load, images and their answers as bytes in hexadecimal.

| address | register |
| --- | --- |
{registers}

The design is {design_word(spec):08X}. Bit {FLUSH} of control flushes: images under way are dropped, an answer that is
being sent is completed, and what is loaded is kept. Bit {CLEAR} clears the errors that were. An access to any other
address is answered with SLVERR.

{_margin(spec)}

| bit of status | |
| --- | --- |
{status}
"""
