"""The accelerator as VHDL in GHDL, or as Verilog in Verilator, beside the integers: whole test sets.

Each worker has a simulation of its own, which loads once and then takes the worker's images. Python compares the
records of one image while the simulation is at the next.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

import numpy as np

from minisnn.timing import cycles as timing

from .. import accelerator as top
from ..accelerator import design
from ..generate.words import image_words, load_words
from . import host
from .cosimulate import Found, build, compared, firing_order, reference

BATCH = 8  # images whose membranes are in memory at once, by worker


def cosimulate(network, inputs, num_steps, lanes, simulator, word_every=1, workers=1, wide=False):
    """Generate what was found, image by image, as each is done; one after the other enters an empty accelerator.

    Parameters
    ----------
    network, inputs, num_steps, lanes, word_every, wide
        As for :func:`minisnn_hw.verify.cosimulate.cosimulate`.
    simulator : "ghdl" or "verilator"
    workers : int
        Simulations at once.

    Yields
    ------
    image : int
    compared : minisnn_hw.verify.cosimulate.Compared

    Raises
    ------
    ValueError
        If the network, or the lanes, cannot be in hardware.
    ToolError
        If a tool is missing or fails; in GHDL, if a value is truncated.
    """
    count, spec = inputs.shape[1], build(network, lanes, num_steps, wide)
    workers = min(workers, count)
    words = spec.layers[0].in_words * inputs.shape[0]
    done, simulations = Queue(), []

    def work(simulation, share):
        try:
            found = simulation.images()
            for image, each in zip(share, _compare(found, inputs[:, share])):
                done.put((image, each))
            next(found, None)  # raises if the simulation fails at its end
            done.put(None)
        except Exception as error:
            done.put(error)

    def _compare(found, share):
        for start in range(0, share.shape[1], BATCH):
            some = share[:, start : start + BATCH]
            run, predicted = reference(network, some, num_steps, lanes, word_every, wide, threads=1)
            for image in range(some.shape[1]):
                records = next(found, np.empty((0, host.record_size(spec)), np.int32))
                yield compared(look(records, run, image, spec), run, predicted, image, network)

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        numbers = host.constants(spec, words, word_every, _limit(network, inputs, num_steps, lanes, word_every, wide))
        command = host.build(simulator, design(spec), top.ports(spec), numbers, folder)
        host.write_words(folder / "load.txt", load_words(network, spec, num_steps), spec.load_bits)
        with ThreadPoolExecutor(workers) as pool:
            try:
                for first in range(workers):
                    own, share = folder / f"worker{first}", range(first, count, workers)
                    own.mkdir()
                    host.write_words(
                        own / "images.txt",
                        (word for image in share for word in image_words(inputs, image, spec)),
                        spec.input_bits,
                    )
                    simulations.append(host.Simulation(command, own, host.record_size(spec)))
                    pool.submit(work, simulations[-1], share)
                ended = 0
                while ended < workers:
                    item = done.get()
                    if isinstance(item, Exception):
                        raise item
                    if item is None:
                        ended += 1
                    else:
                        yield item
            finally:  # done, or given up: Ctrl-C
                for simulation in simulations:
                    simulation.kill()


def _limit(network, inputs, num_steps, lanes, word_every, wide):
    """Cycles that no image takes: more than with every input set and every neuron firing."""
    full = np.full_like(inputs[:, :1], 1)
    run = network.forward(full, num_steps, keep="spikes")
    dense = timing.predict(timing.Stimulus.of(network, full, run, num_steps), lanes, "dense", word_every, wide=wide)
    return 2 * int(dense.latency[0]) + 1000


def look(records, run, image, spec):
    """What the records of an image say: its firings compared with the integers', and the rest as it is.

    Parameters
    ----------
    records : ndarray of int32, shape (n, size)
        As ``host.vhd`` tells.
    run : minisnn.fixed.network.IntegerRun
        With ``keep="membranes"``.
    image : int
        In `run`.
    spec : spec.AcceleratorSpec

    Returns
    -------
    found : minisnn_hw.verify.cosimulate.Found
        Its cycles count from the one in which the image's first word was taken.
    """
    what, layer, cycle, address = records[:, : host.HEAD].T
    values = records[:, host.HEAD :]
    found = Found(events=[], taken=[0])
    for index, (each, spk, mem) in enumerate(zip(spec.layers, run.spk, run.mem)):
        fired = (what == host.FIRED) & (layer == index)
        spikes, membranes = differing(address[fired], values[fired, : each.lanes], spk[:, image], mem[:, image], each)
        found.spikes, found.membranes = found.spikes + spikes, found.membranes + membranes
        found.compared += int(fired.sum())
        event = (what == host.EVENTS) & (layer == index)
        found.events.append([cycle[event & (address >> kind & 1 == 1)].tolist() for kind in range(4)])
    beat = what == host.BEAT
    beats = (values[beat, 0].astype(np.int64) & 0xFFFFFFFF | values[beat, 1].astype(np.int64) << 32).tolist()
    if len(beats) > 1:
        found.answers = [(beats[:-2], *beats[-2:])]
    found.ended = cycle[beat & (layer == 1)].tolist()
    return found


def differing(addresses, values, spk, mem, spec):
    """(spikes, membranes) of a layer that differ; firings that are missing, and those too many, count whole.

    Parameters
    ----------
    addresses : ndarray, shape (n,)
        As they came.
    values : ndarray of int32, shape (n, lanes)
        Twice the membrane, plus the spike.
    spk, mem : ndarrays, shape (T, ...)
        Of the integers.
    spec : LayerSpec
    """
    both = (mem * 2 + spk).reshape(len(mem), -1, spec.out_channels)
    unused = spec.groups * spec.lanes - spec.out_channels  # lanes without a neuron hold 0
    both = np.pad(both, ((0, 0), (0, 0), (0, unused))).reshape(len(mem), spec.depth, spec.lanes)
    order = firing_order(spec)
    wanted = both[:, order].reshape(-1, spec.lanes)
    least = min(len(wanted), len(values))
    bits = values[:least] ^ wanted[:least]
    bits[addresses[:least] != np.tile(order, len(mem))[:least]] = -1  # another neuron's
    lost = abs(len(wanted) - len(values)) * spec.lanes
    return int(np.count_nonzero(bits & 1)) + lost, int(np.count_nonzero(bits >> 1)) + lost
