"""Cosimulation of whole test sets: the accelerator as VHDL in GHDL, or as Verilog in Verilator.

Each worker has a simulation of its own, which loads once and then takes the worker's images. Python compares the
records of one image while the simulation runs the next.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

import numpy as np

from minisnn.fixed.network import IntegerNetwork

from .. import accelerator as top
from ..accelerator import design
from ..generate.words import image_words, load_words
from ..spec import AcceleratorSpec
from . import hdl_host
from .comparison import Compared, compare
from .cosimulate import build, dropping_limit, reference, silence_limit
from .records import observe, record_size

BATCH = 8  # images of a worker whose membranes are in memory at once


@dataclass(frozen=True)
class Case:
    """A network with its images, and the accelerator that runs them."""

    network: IntegerNetwork
    inputs: np.ndarray
    num_steps: int
    lanes: Sequence[int]
    word_every: int
    taps: Sequence[int] | None
    margin: float | None
    spec: AcceleratorSpec

    def build(self, simulator: str, folder: Path, traced: bool = False) -> list[str]:
        """Build the accelerator with its HDL host and write its load; return the command that runs it.

        If `traced`, Verilator writes ``all.vcd``, from the first word of the first image on.
        """
        words = self.spec.layers[0].in_words * self.inputs.shape[0]
        limit = silence_limit(self.network, self.inputs, self.num_steps, self.lanes, self.word_every, self.taps)
        rest = 0 if self.margin is None else dropping_limit(self.spec, self.inputs.shape[0], self.word_every)
        numbers = hdl_host.constants(self.spec, words, self.word_every, limit + rest, rest)
        command = hdl_host.build(simulator, design(self.spec), top.ports(self.spec), numbers, folder, traced)
        load = load_words(self.network, self.spec, self.num_steps, self.margin)
        hdl_host.write_words(folder / "load.txt", load, self.spec.load_bits)
        return command

    def simulation(self, command: list[str], folder: Path, images: Sequence[int]) -> hdl_host.Simulation:
        """Start the simulation of some images in a new folder."""
        folder.mkdir()
        words = (word for image in images for word in image_words(self.inputs, image, self.spec))
        hdl_host.write_words(folder / "images.txt", words, self.spec.input_bits)
        return hdl_host.Simulation(command, folder, record_size(self.spec))

    def compared(self, records: Iterator[np.ndarray], images: Sequence[int]) -> Iterator[Compared]:
        """Compare the records of some images with the integers."""
        nothing = np.empty((0, record_size(self.spec)), np.int32)  # the simulation ended early
        inputs = self.inputs[:, images]
        for start in range(0, inputs.shape[1], BATCH):
            batch = inputs[:, start : start + BATCH]
            positions = [layer.positions for layer in self.spec.layers]
            numbers = self.num_steps, self.lanes, self.word_every, self.taps, 1, self.margin, positions
            run, predicted = reference(self.network, batch, *numbers)
            for image in range(batch.shape[1]):
                observed = observe(next(records, nothing), run, predicted, image, self.spec)
                yield compare(observed, run, predicted, image, self.spec)


def cosimulate(
    network: IntegerNetwork,
    inputs: np.ndarray,
    num_steps: int,
    lanes: Sequence[int],
    simulator: str,
    word_every: int = 1,
    workers: int = 1,
    taps: Sequence[int] | None = None,
    load_beta: int | None = None,
    begun: Callable[[], object] = lambda: None,
    margin: float | None = None,
    second_bank: bool = False,
    positions: Sequence[int] | None = None,
) -> Iterator[tuple[int, Compared]]:
    """Yield (image, comparison) as each image is done; each enters an empty accelerator.

    Parameters
    ----------
    network, inputs, num_steps, lanes, word_every, taps, load_beta, margin, second_bank, positions
        As for :func:`minisnn_hw.verify.cosimulate.cosimulate`.
    simulator : "ghdl" or "verilator"
    workers : int
        Number of simulations that run at the same time.
    begun : function, optional
        Called when the accelerator is built, and the simulations begin.

    Raises
    ------
    ValueError
        If hardware cannot implement the network, or a layer cannot have as many lanes.
    ToolError
        If a tool is missing or fails; in GHDL also if a value is truncated.
    """
    spec = build(network, lanes, num_steps, taps, load_beta, second_bank, positions)
    case = Case(network, inputs, num_steps, lanes, word_every, taps, margin, spec)
    workers = min(workers, inputs.shape[1])
    done: Queue = Queue()
    simulations: list[hdl_host.Simulation] = []

    def work(simulation, images):
        try:
            records = simulation.images()
            for item in zip(images, case.compared(records, images)):
                done.put(item)
                if not simulation.wanted:  # the caller has given up
                    break
            next(records, None)  # raises ToolError if the simulation failed at its end
            done.put(None)
        except Exception as error:
            done.put(error)

    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(workers) as pool:
        folder = Path(name)
        command = case.build(simulator, folder)
        begun()
        try:
            for first in range(workers):
                images = range(first, inputs.shape[1], workers)
                simulations.append(case.simulation(command, folder / f"worker{first}", images))
                pool.submit(work, simulations[-1], images)
            ended = 0
            while ended < workers:
                item = done.get()
                if isinstance(item, Exception):
                    raise item
                if item is None:
                    ended += 1
                else:
                    yield item
        finally:  # all is done, or the caller has given up, as after Ctrl-C
            for simulation in simulations:
                simulation.kill()
