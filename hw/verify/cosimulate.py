"""Cosimulation in MyHDL: images through the accelerator, compared with the integers and the cycle model."""

from collections.abc import Callable, Sequence

import numpy as np

from minisnn.fixed.network import IntegerNetwork, IntegerRun
from minisnn.timing import cycles as timing

from .. import accelerator as top
from ..generate.specify import specify
from ..generate.words import image_words, load_words
from ..load_format import sections
from ..spec import AcceleratorSpec
from . import simulate
from .comparison import Compared, compare, expected_firings
from .host import Host


def build(
    network: IntegerNetwork,
    lanes: Sequence[int],
    num_steps: int,
    taps: Sequence[int] | None = None,
    load_beta: int | None = None,
    second_bank: bool = False,
    positions: Sequence[int] | None = None,
) -> AcceleratorSpec:
    """Return the spec of an accelerator for cosimulation: like ``specify``, with each word loaded in one beat.

    Parameters
    ----------
    network : minisnn.fixed.network.IntegerNetwork
    lanes : sequence of int
        Lanes of each layer.
    num_steps : int
        Steps of an image.
    taps : sequence of int, optional
        Taps of an input that each layer adds at once; see ``specify``.
    load_beta : int, optional
        Load the leaks, with so many fraction bits; by default they are built in.
    second_bank : bool
        A second bank of currents of pixels; see ``specify``.
    positions : sequence of int, optional
        Positions that each layer fires in a cycle; see ``specify``.

    Returns
    -------
    spec : minisnn_hw.spec.AcceleratorSpec

    Raises
    ------
    ValueError
        If hardware cannot implement the network, or a layer cannot have as many lanes.

    Examples
    --------
    >>> import minisnn
    >>> net = minisnn.Network("8-4", (16,), rng=np.random.default_rng(0))
    >>> integer, _ = minisnn.quantize(minisnn.Model(net, minisnn.Encoder("rate", 5)))
    >>> spec = build(integer.network, (4, 2), num_steps=5)
    >>> from minisnn_hw import load_format
    >>> set(load_format.beats(spec))  # of a word of each section of the load
    {1}
    """
    widest = max(section.bits for section in sections(specify(network, lanes, taps=taps)))
    return specify(
        network,
        lanes,
        max_steps=max(num_steps, 2),
        load_bits=min(max(32, widest), 65536),
        taps=taps,
        load_beta=load_beta,
        second_bank=second_bank,
        positions=positions,
    )


def reference(
    network: IntegerNetwork,
    inputs: np.ndarray,
    num_steps: int,
    lanes: Sequence[int],
    word_every: int = 1,
    taps: Sequence[int] | None = None,
    threads: int | None = None,
    margin: float | None = None,
    positions: Sequence[int] | None = None,
) -> tuple[IntegerRun, timing.Cycles]:
    """Run the integers, with membranes, and the cycle model: what the accelerator is compared with."""
    run = network.forward(inputs, num_steps, keep="membranes", threads=threads)
    stimulus = timing.Stimulus.of(network, inputs, run, num_steps, margin)
    return run, timing.predict(stimulus, lanes, word_every=word_every, taps=taps, positions=positions)


def silence_limit(
    network: IntegerNetwork,
    inputs: np.ndarray,
    num_steps: int,
    lanes: Sequence[int],
    word_every: int = 1,
    taps: Sequence[int] | None = None,
) -> int:
    """Return a number of cycles that no image takes: more than with every input set and every neuron spiking.

    An accelerator that takes no beat of the load and sends no answer for so long has stopped. With early exit the
    scores are looked at after every step.
    """
    full = np.full_like(inputs[:, :1], 1)
    run = network.forward(full, num_steps, keep="spikes")
    stimulus = timing.Stimulus.of(network, full, run, num_steps)
    dense = timing.predict(stimulus, lanes, "dense", word_every, taps=taps)
    return 2 * int(dense.latency[0]) + num_steps * (timing.answer_cycles(network, lanes) + 1) + 1000


def dropping_limit(spec: AcceleratorSpec, frames: int, word_every: int = 1) -> int:
    """Return a number of cycles after an answer with early exit from which on nothing is left of the image.

    The words of its `frames` are taken one by one, and each layer ends its firing pass and has one more.
    """
    return spec.layers[0].in_words * frames * word_every + sum(2 * layer.depth + 50 for layer in spec.layers)


def cosimulate(
    network: IntegerNetwork,
    inputs: np.ndarray,
    num_steps: int,
    lanes: Sequence[int],
    word_every: int = 1,
    taps: Sequence[int] | None = None,
    progress: Callable[[], None] = lambda: None,
    load_beta: int | None = None,
    margin: float | None = None,
    second_bank: bool = False,
    positions: Sequence[int] | None = None,
) -> list[Compared]:
    """Run images through the accelerator in MyHDL, one after the other, and compare them with the integers.

    Every spike and membrane of every layer and step is compared, every beat of the answers, and the cycle of every
    event with the cycle model's. MyHDL simulates about 1,000 cycles a second;
    :func:`minisnn_hw.verify.cosimulate_hdl.cosimulate` does the same in GHDL or Verilator.

    Parameters
    ----------
    network : minisnn.fixed.network.IntegerNetwork
    inputs : ndarray of unsigned integers, shape (1 or T, B, ...)
        Pixels of B images, or their spikes at each step; see :meth:`minisnn.fixed.model.IntegerModel.inputs`.
    num_steps : int
        Steps of an image, T.
    lanes : sequence of int
        Lanes of each layer.
    word_every : int
        Least number of cycles from one word of the input stream to the next.
    taps : sequence of int, optional
        Taps of an input that each layer adds at once; see ``specify``.
    progress : callable
        Called without arguments after each image.
    load_beta : int, optional
        Load the leaks, with so many fraction bits; by default they are built in.
    margin : int or LOSSLESS, optional
        Margin of early exit, see :mod:`minisnn.fixed.early_exit`; by default every image takes all steps.
    second_bank : bool
        A second bank of currents of pixels; see ``specify``. Each image is alone here, so it changes no cycle.
    positions : sequence of int, optional
        Positions that each layer fires in a cycle; see ``specify``.

    Returns
    -------
    compared : list of minisnn_hw.verify.comparison.Compared
        One for each image; its `same` is true if nothing differs.

    Raises
    ------
    ValueError
        If hardware cannot implement the network, or a layer cannot have as many lanes.

    Examples
    --------
    >>> import minisnn
    >>> net = minisnn.Network("2", (3,), rng=np.random.default_rng(0))
    >>> integer, _ = minisnn.quantize(minisnn.Model(net, minisnn.Encoder("rate", 2)))
    >>> spikes = np.array([[[1, 1, 0]], [[0, 1, 1]]], np.uint8)  # two steps of one image
    >>> (compared,) = cosimulate(integer.network, spikes, 2, lanes=(1,))
    >>> compared.same, compared.cycles_predicted == compared.cycles_counted
    (True, True)
    """
    spec = build(network, lanes, num_steps, taps, load_beta, second_bank, positions)
    numbers = num_steps, lanes, word_every, taps, None, margin, positions
    run, predicted = reference(network, inputs, *numbers)
    result: list[Compared] = []
    host = Host(spec, load_words(network, spec, num_steps, margin), [], word_every=word_every)
    limit = silence_limit(network, inputs, num_steps, lanes, word_every, taps)
    images, begun = inputs.shape[1], 0
    done, last_cycle = (0, 0), 0  # beats of the load and images that are done, and the cycle in which this changed

    def begin_image():
        nonlocal begun
        starts, decided = predicted.firing_starts[begun], predicted.decided[begun]
        firings = expected_firings(run, begun, spec, starts, decided)
        linger = int(predicted.over[begun] - predicted.latency[begun] + 1)
        host.restart([image_words(inputs, begun, spec)], firings, linger)
        begun += 1

    def compare_image():
        result.append(compare(host.end(), run, predicted, len(result), spec))
        progress()

    def drive(cycle, seen):
        # All images go through one simulation, so that the weights are loaded once.
        nonlocal done, last_cycle
        if done != (host.loaded, len(result)):
            done, last_cycle = (host.loaded, len(result)), cycle
        if cycle - last_cycle > limit:
            raise StopIteration
        try:
            return host(cycle, seen)
        except StopIteration:
            if begun > 0:
                compare_image()
            if begun == images:
                raise
            begin_image()
            return host(cycle, seen)

    simulate.run(top.design(spec), *top.ports(spec), drive, None, keep=False)
    while len(result) < images:  # the accelerator has stopped: everything of these images is missing
        if begun == len(result):
            begin_image()
        compare_image()
    return result
