"""The energy of the accelerator: a model with stated constants, not a measurement.

An image's energy is what its events cost, and the power that flows whether or not anything happens:

    E = sum_i n_i * e_i  +  P * interval / clock

n_i is counted exactly, from the same pixels and spikes as the cycles, and is almost always a number of bits: of words
read, of adders at work. e_i is derived from published tables (see CONSTANTS). It may well be wrong by a factor of two,
but for both of two designs alike: :func:`sensitivity` turns that into bounds of their ratio.

Memories and adders are counted by the bits that some neuron uses: lanes beyond the last output channel, and unused bits
of the last word of a pixel, are free. Not counted are the load, the sums of the answer, pins, and addresses.
"""

import json
from math import isfinite, prod
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import cycles, layout
from .additions import additions
from .layerwise import CHUNKS

# Horowitz, "Computing's energy problem", ISSCC 2014, as commonly cited: pJ at 45 nm and 0.9 V.
ADD_8, MULTIPLY_8, READ_64 = 0.03, 0.2, 10.0  # additions of 8 bits, 8 x 8 bits; 64 bits from a memory of 8 KB
# Kuon & Rose, "Measuring the gap between FPGAs and ASICs", IEEE TCAD 26(2), 2007: dynamic power, FPGA to ASIC.
LOGIC, HARD = 14.0, 7.1  # look-up tables alone (abstract); with hard memories and multipliers, as commonly cited
# Shang et al., "Dynamic power consumption in Virtex-II", FPGA 2002 (abstract): shares of dynamic power.
ROUTING, LOOK_UPS, CLOCK = 0.60, 0.16, 0.14
# Lattice FPGA-DS-02012, ECP5, LFE5U-85F, as commonly cited: typical standby current of the core, and its voltage.
STANDBY_A, CORE_V = 0.212, 1.1
AT_CORE_V = (CORE_V / 0.9) ** 2  # a node's energy is C * V**2; 40 nm and 45 nm are taken as alike

ADDED_BIT = ADD_8 / 8 * LOGIC * AT_CORE_V
CLOCKED_BIT = ADDED_BIT * CLOCK / (ROUTING + LOOK_UPS)
MEMORY_BIT = READ_64 / 64 * HARD * AT_CORE_V
MULTIPLIED_BIT = MULTIPLY_8 / 8**2 * HARD * AT_CORE_V
COUNTER_BITS = 32  # the cycle counter of ``hw/accelerator.py``

_ADD = "Horowitz 2014, 8-bit addition / 8, times Kuon & Rose 2007 for logic, at 1.1 V"
_MEMORY = "Horowitz 2014, 64 bits of an 8 KB memory / 64, times Kuon & Rose 2007 with hard blocks, at 1.1 V"
_MULTIPLY = "Horowitz 2014, 8 x 8 bit product / 64, times Kuon & Rose 2007 with hard blocks, at 1.1 V"
_CLOCK = "an added bit, times clock to logic and routing of Shang et al. 2002"

CONSTANTS = {  # name of an event: (energy of one, unit, source); and the static power
    "weight_read_bits": (MEMORY_BIT, "pJ", _MEMORY),
    "membrane_read_bits": (MEMORY_BIT, "pJ", _MEMORY),
    "membrane_write_bits": (MEMORY_BIT, "pJ", _MEMORY + "; a write taken as a read"),
    "buffer_read_bits": (MEMORY_BIT, "pJ", _MEMORY),
    "buffer_write_bits": (MEMORY_BIT, "pJ", _MEMORY + "; a write taken as a read"),
    "addition_bits": (ADDED_BIT, "pJ", _ADD),
    "compare_bits": (ADDED_BIT, "pJ", _ADD + "; a comparison is a subtraction"),
    "pixel_multiply_bits": (MULTIPLIED_BIT, "pJ", _MULTIPLY),
    "leak_multiply_bits": (MULTIPLIED_BIT, "pJ", _MULTIPLY),
    "scanner_bits": (ADDED_BIT, "pJ", _ADD + "; the lowest bit is found by a carry, as in word & (word - 1)"),
    "idle_bits": (CLOCKED_BIT, "pJ", _CLOCK),
    "cycles": (COUNTER_BITS * (ADDED_BIT + CLOCKED_BIT), "pJ", "the cycle counter: " + _ADD + ", and its clock"),
    "static": (STANDBY_A * CORE_V, "W", "Lattice FPGA-DS-02012, LFE5U-85F, core standby current * core voltage"),
}


def count(stimulus, lanes=None, schedule="pipelined", wide=False, in_lanes=None):
    """Events of an image, mean.

    Parameters
    ----------
    stimulus, lanes, schedule, wide, in_lanes
        As for ``cycles.predict``. "dense" adds its zeros in full. "layerwise" adds the same spikes as ours,
        one tap at a time, and fires as many neurons; a convolution reads its frame again for each group of lanes.

    Returns
    -------
    events : dict of float
        ``weight_read_bits``: weights of additions, of a wide layer all taps, in the frame or not; biases of firings.
        ``membrane_read_bits, membrane_write_bits``: the sum of each addition; membranes (of pixels also currents,
        written as 0 once an image) of firings.
        ``buffer_read_bits, buffer_write_bits``: frames of the layers' inputs, scanned once, written once.
        ``addition_bits``: width of the sum of each addition; bias of firings (of pixels bias, and current).
        ``compare_bits``: threshold, and its subtraction (reset "subtract", "subtract_then_leak"), of firings.
        ``pixel_multiply_bits``: weight times pixel; ``leak_multiply_bits``: membrane times beta, unless it is a shift
        or 0; both in products of single bits.
        ``scanner_bits``: width of the word in cycles in which a spike is found, or none. Of "layerwise": a quarter of a
        channel (linear: of the input) in cycles of the formula's 2*S + 2*4 + 3 (2), and a bit in each of its IC.
        ``idle_bits``: width of all adders of a layer in cycles in which it neither adds nor fires.
        ``cycles``: from answer to answer, images following one another.

    Raises
    ------
    InputError
        For lanes or a schedule that cannot be.

    Examples
    --------
    Two inputs, two neurons on one lane: 4 weights of 8 bits are added, and 2 neurons fire at 2 steps.

    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), beta=0.5, rng=np.random.default_rng(0))
    >>> network = quantize(Model(net, Encoder("rate", 2)))[0].network
    >>> frame = np.array([[[1, 1]], [[0, 0]]], np.uint8)  # step 0: both inputs spike; step 1: none
    >>> stimulus = cycles.Stimulus.of_frames(network, [frame], 2)
    >>> events = count(stimulus, lanes=(1,))
    >>> width = network.layers[0].membrane_bits
    >>> events["weight_read_bits"] == 4 * 8 + 4 * width  # biases are as wide as membranes
    True
    >>> events["buffer_read_bits"], events["scanner_bits"], events["cycles"]  # 2 frames; 2 spikes, a word of zeros
    (4.0, 6.0, 39.0)
    """
    network, steps = stimulus.network, stimulus.num_steps
    interval = cycles.predict(stimulus, lanes, schedule, in_lanes=in_lanes, wide=wide).interval
    lanes = np.array(layout.default_lanes(network) if lanes is None else lanes)
    words = [layout.words_of_input(network) if in_lanes is None else in_lanes, *lanes[:-1]]  # inputs in each
    taps = np.array(layout.taps(network, False if schedule == "layerwise" else wide))

    def of(number):
        return np.array([number(each) for each in network.layers], float)

    # Of each layer, (L,): shapes, and widths as in ``hw/spec.py``
    maps, neurons = of(lambda each: each.layer.w_shape[-1]), of(lambda each: each.layer.neurons)
    w, v = of(lambda each: each.weight_bits), of(lambda each: each.membrane_bits)
    bias = np.maximum(v, of(lambda each: 1 + max((int(b) if b >= 0 else ~int(b)).bit_length() for b in each.b)))
    pixel = np.array([network.input_bits] + [0] * (len(lanes) - 1))  # bits
    current = w + pixel + of(lambda each: each.guard + each.layer.fan_in.bit_length())
    sums = np.where(pixel, current, v)
    size, channels = np.array([(prod(frames.shape[2:]), frames.shape[-1]) for frames in stimulus.frames]).T
    compares = of(lambda each: (each.reset != "none") + each.reset.startswith("subtract"))
    factor = of(lambda each: each.beta.bit_length() if each.beta & (each.beta - 1) else 0)

    # and what happens in it: cycles with an addition, weights added, neurons fired, frames, the scanner's words
    adding, inputs, empty = _additions(stimulus, lanes, words, taps, schedule)
    added = adding if (taps == 1).all() else _additions(stimulus, lanes, words, np.ones_like(taps), schedule)[0]
    groups = -(-maps // lanes)
    added = added / groups * maps
    fired = neurons * steps
    writes = reads = np.where(pixel, size * pixel, size * steps)
    found = (inputs + empty) * words * np.maximum(pixel, 1)
    if schedule == "layerwise":
        conv, chunks = of(lambda each: each.layer.kind == "conv2d") > 0, CHUNKS
        looks = np.where(
            conv, groups * (2 * inputs + steps * channels * (2 * chunks + 3)), 2 * inputs + steps * (2 * chunks + 2)
        )
        chunk = -(-size // np.where(conv, channels * chunks, chunks))
        found = np.where(pixel, found, looks * chunk + np.where(conv, 0, steps * size))
        reads = reads * np.where(conv & (pixel == 0), groups, 1)
    # A stream's interval leaves out the first image, so a heavy one may seem to be busy for longer: then never idle.
    idle = np.maximum(interval - adding - layout.depths(network, lanes) * steps, 0)
    events = {
        "weight_read_bits": adding / groups * maps * taps * w + fired * bias,
        "membrane_read_bits": added * sums + fired * np.where(pixel, current + v, v),
        "membrane_write_bits": added * sums + fired * v + neurons * np.where(pixel, current, 0),
        "buffer_read_bits": reads,
        "buffer_write_bits": writes,
        "addition_bits": added * sums + fired * np.where(pixel, np.maximum(current, bias) + v, bias),
        "compare_bits": fired * compares * v,
        "pixel_multiply_bits": added * w * pixel,
        "leak_multiply_bits": fired * v * factor,
        "scanner_bits": found,
        "idle_bits": idle * lanes * taps * sums,
    }
    return {name: float(np.sum(each)) for name, each in events.items()} | {"cycles": float(interval)}


def _additions(stimulus, lanes, words, taps, schedule):
    """Cycles with an addition, inputs and words of zeros of an image, mean, (3, L)."""
    network, times = stimulus.network, np.ones(len(lanes))
    if schedule == "dense":  # one step stands for all
        times = np.where(np.arange(len(lanes)) + (network.input_bits == 0), stimulus.num_steps, 1)
        stimulus = stimulus.one_dense_step()
    parts = [
        np.array(additions(stimulus, index, *each)[1:]).sum(axis=2).mean(axis=1)
        for index, each in enumerate(zip(lanes.tolist(), map(int, words), (taps > 1).tolist()))
    ]
    return np.array(parts).T * times


def load_constants(path):
    """A user's own constants, from a JSON file ``{"name": value, ...}``; what it does not name keeps its default.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    constants : dict of float
        In the units of CONSTANTS.

    Raises
    ------
    InputError
        If the file cannot be read, or a name is unknown, or a value is no number of at least 0.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "board.json"
    ...     _ = path.write_text('{"static": 0.1}')
    ...     constants = load_constants(path)
    >>> constants["static"], constants["addition_bits"] == ADDED_BIT  # what is not named keeps its default
    (0.1, True)
    """
    try:
        given = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise InputError(
            f'{path}: cannot be read as constants ({error}); give a JSON file such as {{"static": 0.1}}'
        ) from None
    if not isinstance(given, dict):
        raise InputError(f'{path}: constants must be a JSON object such as {{"static": 0.1}}')
    for name, value in given.items():
        if name not in CONSTANTS:
            raise InputError(f"{path}: no constant is named {name!r}; use one of {', '.join(CONSTANTS)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value or not isfinite(value):
            raise InputError(f"{path}: {name} must be a number of {CONSTANTS[name][1]}, 0 or more, got {value!r}")
    return _values(given)


def _values(constants):
    """All values, those that are not given by default."""
    return {name: value for name, (value, *_) in CONSTANTS.items()} | (constants or {})


def energy(events, constants=None):
    """Dynamic energy of an image, by event.

    Parameters
    ----------
    events : dict of float
        Of :func:`count`.
    constants : dict, optional
        As of :func:`load_constants`.

    Returns
    -------
    joules : dict of float

    Raises
    ------
    InputError
        If an event has no constant.

    Examples
    --------
    >>> energy({"addition_bits": 1e6}, {"addition_bits": 0.08})["addition_bits"]  # a million of 0.08 pJ
    8e-08
    """
    values = _values(constants)
    for name in events:
        if name not in CONSTANTS or name == "static":
            raise InputError(f"no event is named {name!r}; use those of count")
    return {name: amount * values[name] * 1e-12 for name, amount in events.items()}


def _terms(events, interval, clock_mhz, constants=None):
    """Joules of each of CONSTANTS, an ndarray; their sum is more than 0."""
    for name, value in (("interval", interval), ("clock_mhz", clock_mhz)):
        if not (value > 0 and isfinite(value)):
            raise InputError(f"{name} must be a number above 0, got {value!r}")
    joules = energy(events, constants) | {"static": _values(constants)["static"] * interval / (clock_mhz * 1e6)}
    terms = np.array([joules.get(name, 0.0) for name in CONSTANTS])
    if terms.sum() == 0:
        raise InputError("an image costs no energy with these constants: give one of them that is used a value above 0")
    return terms


def image_energy(events, interval, clock_mhz, constants=None):
    """Joules of an image when images follow one another: dynamic, and static power over the interval.

    Parameters
    ----------
    events : dict of float
        Of :func:`count`.
    interval : float
        Cycles between two answers.
    clock_mhz : float
    constants : dict, optional
        As of :func:`load_constants`.

    Returns
    -------
    joules : float

    Raises
    ------
    InputError
        If the interval or clock is not above 0, or an image would cost nothing.

    Examples
    --------
    0.2 W over 1000 cycles of 10 ns are 2 uJ; a million additions of a bit at 0.08 pJ are 0.08 uJ:

    >>> joules = image_energy({"addition_bits": 1e6}, 1000, 100, {"static": 0.2, "addition_bits": 0.08})
    >>> round(1e6 * joules, 6)
    2.08
    """
    return float(_terms(events, interval, clock_mhz, constants).sum())


def fps_per_watt(events, interval, clock_mhz, constants=None):
    """Images a second and watt, which is images a joule: 1 / :func:`image_energy`.

    Parameters
    ----------
    events, interval, clock_mhz, constants
        As of :func:`image_energy`.

    Returns
    -------
    fps_per_watt : float

    Raises
    ------
    InputError
        As of :func:`image_energy`.

    Examples
    --------
    100,000 images a second at 0.2 W, and nothing else:

    >>> round(fps_per_watt({}, 1000, 100, {"static": 0.2}))
    500000
    """
    return 1 / image_energy(events, interval, clock_mhz, constants)


def sensitivity(ours, theirs, clock_mhz, constants=None):
    """How far the ratio of two designs' images a joule could be from the model's, if every constant is off by up to 2.

    Each is varied for itself, even those from one source; together they would move the ratio less.

    The ratio sum_i b_i x_i / sum_i a_i x_i (a: ours, b: theirs, 1/2 <= x_i <= 2) is monotonic in each x_i, with the
    sign of b_i / a_i - ratio. So at its greatest value, all x_i with b_i / a_i above it are 2 and the others 1/2: one
    of n + 1 ways to cut the sorted b_i / a_i in two. At its least, the other way round.

    Parameters
    ----------
    ours, theirs : (dict, float)
        Events, and cycles between two answers, as of :func:`image_energy`.
    clock_mhz : float
        Of both.
    constants : dict, optional
        The middle.

    Returns
    -------
    ratio, low, high : float
        Ours over theirs: by the model, and its least and greatest value, exactly.

    Raises
    ------
    InputError
        As of :func:`image_energy`.

    Examples
    --------
    Twice the additions in the same time. If only static power counted, the designs would be alike; if only additions
    did, one would be twice as good. By these constants ours has 1 uJ of each, and is 3 uJ / 2 uJ better:

    >>> constants = {"static": 0.1, "addition_bits": 1.0}
    >>> ours, theirs = ({"addition_bits": 1e6}, 1000), ({"addition_bits": 2e6}, 1000)
    >>> [round(each, 3) for each in sensitivity(ours, theirs, 100, constants)]
    [1.5, 1.2, 1.8]
    """
    a, b = (_terms(*each, clock_mhz, constants) for each in (ours, theirs))
    order = np.argsort(np.arctan2(b, a))  # of b / a, which may be infinite
    a, b, n = a[order], b[order], len(a)
    greatest = np.where(np.arange(n) < np.arange(n + 1)[:, None], 0.5, 2.0)
    ways = np.concatenate([np.ones((1, n)), greatest, 1 / greatest])
    ratios = (ways * b).sum(axis=1) / (ways * a).sum(axis=1)
    return float(ratios[0]), float(ratios.min()), float(ratios.max())
