"""The energy of the accelerator: a model with stated constants, not a measurement.

An image's energy is the energy of its events, and the power that flows whether or not anything happens:

    E = sum_i n_i * e_i  +  P * interval / clock

n_i is counted exactly, in ``events``, from the same pixels and spikes as the cycles. e_i is derived from published
tables (see CONSTANTS). It may well be wrong by a factor of two, but for both of two designs alike: :func:`sensitivity`
turns that into bounds of their ratio.
"""

import json
import sys
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError

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


LARGEST = sys.float_info.max


class Constant(NamedTuple):
    """Energy of one event, or a power, with its unit and source."""

    value: float
    unit: str
    source: str


_ADD = "Horowitz 2014, 8-bit addition / 8, times Kuon & Rose 2007 for logic, at 1.1 V"
_MEMORY = "Horowitz 2014, 64 bits of an 8 KB memory / 64, times Kuon & Rose 2007 with hard blocks, at 1.1 V"
_MULTIPLY = "Horowitz 2014, 8 x 8 bit product / 64, times Kuon & Rose 2007 with hard blocks, at 1.1 V"
_CLOCK = "an added bit, times clock to logic and routing of Shang et al. 2002"

CONSTANTS = {  # by name of an event, and the static power
    "weight_read_bits": Constant(MEMORY_BIT, "pJ", _MEMORY),
    "membrane_read_bits": Constant(MEMORY_BIT, "pJ", _MEMORY),
    "membrane_write_bits": Constant(MEMORY_BIT, "pJ", _MEMORY + "; a write taken as a read"),
    "buffer_read_bits": Constant(MEMORY_BIT, "pJ", _MEMORY),
    "buffer_write_bits": Constant(MEMORY_BIT, "pJ", _MEMORY + "; a write taken as a read"),
    "addition_bits": Constant(ADDED_BIT, "pJ", _ADD),
    "compare_bits": Constant(ADDED_BIT, "pJ", _ADD + "; a comparison is a subtraction"),
    "pixel_multiply_bits": Constant(MULTIPLIED_BIT, "pJ", _MULTIPLY),
    "leak_multiply_bits": Constant(MULTIPLIED_BIT, "pJ", _MULTIPLY),
    "scanner_bits": Constant(ADDED_BIT, "pJ", _ADD + "; the lowest bit is found by a carry, as in word & (word - 1)"),
    "idle_bits": Constant(CLOCKED_BIT, "pJ", _CLOCK),
    "cycles": Constant(
        COUNTER_BITS * (ADDED_BIT + CLOCKED_BIT), "pJ", "the cycle counter: " + _ADD + ", and its clock"
    ),
    "static": Constant(
        STANDBY_A * CORE_V, "W", "Lattice FPGA-DS-02012, LFE5U-85F, core standby current * core voltage"
    ),
}


def load_constants(path: str | Path) -> dict[str, float]:
    """Read custom constants from a JSON file ``{"name": value, ...}``; every other one keeps its default.

    Raise InputError if the file cannot be read, a name is unknown, or a value is not a number of at least 0.
    """
    try:
        given = json.loads(Path(path).read_bytes())
    except UnicodeDecodeError:
        raise InputError(f'{path} is not a text file; give a JSON file such as {{"static": 0.1}}') from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f'{path}: cannot be read as constants ({error}); give a JSON file such as {{"static": 0.1}}'
        ) from None
    if not isinstance(given, dict):
        raise InputError(f'{path}: constants must be a JSON object such as {{"static": 0.1}}')
    for name, value in given.items():
        if name not in CONSTANTS:
            raise InputError(f"{path}: no constant is named {name!r}; use one of {', '.join(CONSTANTS)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LARGEST:
            raise InputError(f"{path}: {name} must be a number of {CONSTANTS[name][1]}, 0 or more, got {_brief(value)}")
    return given


def _brief(value):
    """Return a value as text, shortened if it is long."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python prints
        return "a number of thousands of digits"
    return text if len(text) < 40 else f"{text[:36]}..."


def _values(constants):
    """All values; anything omitted has its default."""
    return {name: constant.value for name, constant in CONSTANTS.items()} | (constants or {})


def energy(events: dict[str, float], constants: dict[str, float] | None = None) -> dict[str, float]:
    """Return the dynamic energy of an image in joules, by event; raise InputError if an event has no constant."""
    values = _values(constants)
    for name in events:
        if name not in CONSTANTS or name == "static":
            raise InputError(f"no event is named {name!r}; use those that minisnn.timing.events.count returns")
    return {name: amount * values[name] * 1e-12 for name, amount in events.items()}


def _terms(events, interval, clock_mhz, constants=None):
    """Joules of each of CONSTANTS, (n,); raise InputError unless their sum is more than 0."""
    for name, value in (("interval", interval), ("clock_mhz", clock_mhz)):
        if not (value > 0 and isfinite(value)):
            raise InputError(f"{name} must be a number above 0, got {value!r}")
    joules = energy(events, constants) | {"static": _values(constants)["static"] * interval / (clock_mhz * 1e6)}
    terms = np.array([joules.get(name, 0.0) for name in CONSTANTS])
    if terms.sum() == 0:
        raise InputError("an image costs no energy with these constants: give one of them that is used a value above 0")
    return terms


def image_energy(
    events: dict[str, float], interval: float, clock_mhz: float, constants: dict[str, float] | None = None
) -> float:
    """Return the joules of an image when images follow one another: dynamic, and static power over the interval.

    `interval` is in cycles. Raise InputError if interval or clock is not above 0, or an image would cost nothing.
    """
    return float(_terms(events, interval, clock_mhz, constants).sum())


def fps_per_watt(
    events: dict[str, float], interval: float, clock_mhz: float, constants: dict[str, float] | None = None
) -> float:
    """Return images per second and watt, which is images per joule: 1 / :func:`image_energy`."""
    return 1 / image_energy(events, interval, clock_mhz, constants)


def shares(
    events: dict[str, float], interval: float, clock_mhz: float, constants: dict[str, float] | None = None
) -> dict[str, float]:
    """Return the shares of an image's energy that go to "memory" (what is read and written), "logic" and "static".

    Examples
    --------
    At a clock so fast that no static energy is left, and with as many joules read as added:

    >>> constants = {"weight_read_bits": 1.0, "addition_bits": 2.0}
    >>> found = shares({"weight_read_bits": 20, "addition_bits": 10}, 1, 1e12, constants)
    >>> {name: round(share, 3) for name, share in found.items()}
    {'memory': 0.5, 'logic': 0.5, 'static': 0.0}
    """
    terms = dict(zip(CONSTANTS, _terms(events, interval, clock_mhz, constants)))
    total, static = sum(terms.values()), terms.pop("static")
    memory = sum(joules for name, joules in terms.items() if name.endswith(("read_bits", "write_bits")))
    logic = sum(terms.values()) - memory
    return {name: float(part / total) for name, part in (("memory", memory), ("logic", logic), ("static", static))}


def sensitivity(
    ours: tuple[dict[str, float], float],
    theirs: tuple[dict[str, float], float],
    clock_mhz: float,
    constants: dict[str, float] | None = None,
) -> tuple[float, float, float]:
    """Return the ratio of two designs' images per joule, and its least and greatest value, (ratio, least, greatest).

    `ours` and `theirs` are (events, interval), as :func:`image_energy` takes them. For the bounds every constant may be
    off by a factor of up to 2, each independently, even those from one source; together they would move the ratio less.

    The ratio sum_i b_i x_i / sum_i a_i x_i (a: ours, b: theirs, 1/2 <= x_i <= 2) is monotonic in each x_i, with the
    sign of b_i / a_i - ratio. So at its greatest value, all x_i with b_i / a_i above it are 2 and the others 1/2: one
    of n + 1 ways to cut the sorted b_i / a_i in two. At its least, the other way round.
    """
    a, b = (_terms(*design, clock_mhz, constants) for design in (ours, theirs))
    order = np.argsort(np.arctan2(b, a))  # of b / a, which may be infinite
    a, b, n = a[order], b[order], len(a)
    greatest = np.where(np.arange(n) < np.arange(n + 1)[:, None], 0.5, 2.0)
    ways = np.concatenate([np.ones((1, n)), greatest, 1 / greatest])
    ratios = (ways * b).sum(axis=1) / (ways * a).sum(axis=1)
    return float(ratios[0]), float(ratios.min()), float(ratios.max())
