"""Why a membrane has its value: the state that was kept, each addition, the bias, and what the spike takes away."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..fixed.network import IntegerLayer
from ..lif import removal
from ..timing.layout import firing_turn, tap_turn
from .record import Record

ADDITION = np.dtype(
    [
        ("address", "i8"),
        ("row", "i8"),
        ("column", "i8"),
        ("channel", "i8"),
        ("value", "i8"),
        ("ky", "i8"),
        ("kx", "i8"),
        ("weight", "i8"),
        ("adds", "i8"),
        ("sum", "i8"),
        ("cycle", "i8"),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Why:
    """Explanation of one membrane; integers are in units of `unit`.

    Attributes
    ----------
    kept : int
        State at the start of the step.
    additions : structured ndarray
        One row for each input, in the order in which they are added: the input's address, row, column and channel in
        the frame, its value (1, or a pixel), the tap (ky, kx) and weight that it meets, the amount that it adds, the
        sum after it, and the clock cycle of the addition. A layer that takes pixels has added them at step 0.
    current : int
        Sum of all additions of the step, and the bias.
    bias, membrane, threshold, spike : int
    kept_after : int
        State after the step; 0 after the last.
    turn_cycle, known_cycle : int
        Clock cycle of the neuron's turn in the firing pass, and the one in which its spike and membrane are known.
    unit : float
        The float network's value of an integer 1.
    membrane_float, current_float : float
        Membrane and current of the float network.
    """

    kept: int
    additions: np.ndarray
    current: int
    bias: int
    membrane: int
    threshold: int
    spike: int
    kept_after: int
    turn_cycle: int
    known_cycle: int
    unit: float
    membrane_float: float
    current_float: float


def why(record: Record, layer: int, neuron: int, step: int) -> Why:
    """Explain a membrane; raise InputError if it does not exist, or if its sum differs from the stored value."""
    shape, constant = record.shape(layer), record.constant(layer)
    if not record.fired[layer, record.checked_step(step)]:
        raise InputError(
            f"step {step} of layer {shape.name} was dropped: the image was answered after step {record.steps_taken - 1}"
        )
    integers = record.network.layers[layer]
    place = record.place(layer, neuron)
    channel = place[2]
    membranes = record.mem[layer].reshape(record.num_steps, -1)[:, neuron]
    kept = _kept_after(record, integers, membranes, step - 1) if step else 0
    bias = int(integers.b[channel])
    additions = _additions(record, layer, place, step)
    total = _add_up(additions, 0 if constant else kept, integers, saturate=not constant)
    if constant:
        current = _saturated(total + bias, integers)
        membrane = _saturated(kept + current, integers)
    else:
        current = total + bias - kept
        membrane = _saturated(total + bias, integers)
    if membrane != int(membranes[step]):
        raise InputError(
            f"the trace has membrane {membranes[step]} for neuron {neuron} of layer {shape.name}, step {step}, but its "
            f"sum is {membrane}: the trace is damaged; make it again"
        )
    turn_cycle = _turn_cycle(record, layer, place, step)
    membrane_float, current_float = _floats(record, layer, neuron, step)
    return Why(
        kept=kept,
        additions=additions,
        current=current,
        bias=bias,
        membrane=membrane,
        threshold=integers.threshold,
        spike=int(record.spk[layer][step].reshape(-1)[neuron]),
        kept_after=_kept_after(record, integers, membranes, step),
        turn_cycle=turn_cycle,
        known_cycle=turn_cycle + record.delay(layer),
        unit=integers.scale / 2**integers.guard,
        membrane_float=membrane_float,
        current_float=current_float,
    )


def kept(integers: IntegerLayer, membranes: np.ndarray) -> np.ndarray:
    """Return the states that neurons keep after leak and reset; membranes have shape (n,)."""
    state = membranes.astype(np.int64)
    integers.fire(state, np.zeros(1, np.int64), np.empty(len(state), np.uint8), np.empty(0, np.int64))
    return state


def kept_float(membranes: np.ndarray, spikes: np.ndarray, params: tuple) -> np.ndarray:
    """Return the states that neurons of the float network keep; `params` are its (beta, threshold, reset)."""
    beta, threshold, reset = params
    r0, r1 = removal(reset, beta, threshold)
    return beta * membranes - spikes * (r0 + r1 * membranes)


def _kept_after(record, integers, membranes, step):
    """State that a neuron keeps after a step; 0 after the last."""
    return 0 if step == record.num_steps - 1 else int(kept(integers, membranes[step : step + 1])[0])


def _saturated(value, integers):
    return min(max(value, integers.low), integers.high)


def _add_up(additions, total, integers, saturate):
    """Fill in the running sums and return the last; a constant current saturates only once, with its bias."""
    for addition in additions:
        total += int(addition["adds"])
        if saturate:
            total = _saturated(total, integers)
        addition["sum"] = total
    return total


def _additions(record, layer, place, step):
    """Additions to one neuron at a step, an array of ADDITION; their sums are still 0."""
    shape, frame, integers = record.shape(layer), record.frame(layer, step), record.network.layers[layer]
    row, column, channel = place
    group, groups = channel // record.lanes[layer], record.groups(layer)
    addresses, log = record.log(layer, step)
    rows, columns, channels = np.unravel_index(addresses, frame.shape)
    additions = np.zeros(len(addresses), ADDITION)
    additions["address"], additions["value"] = addresses, frame.reshape(-1)[addresses]
    additions["row"], additions["column"], additions["channel"] = rows, columns, channels
    if shape.kind == "linear":
        reaches = np.ones(len(addresses), bool)
        additions["weight"], turn = integers.w[addresses, channel], group
    else:
        kernel = shape.w_shape[0]
        additions["ky"], additions["kx"] = rows + shape.padding - row, columns + shape.padding - column
        reaches = (additions["ky"] >= 0) & (additions["ky"] < kernel)
        reaches &= (additions["kx"] >= 0) & (additions["kx"] < kernel)
        ky, kx = np.where(reaches, additions["ky"], 0), np.where(reaches, additions["kx"], 0)
        additions["weight"] = integers.w[ky, kx, channels, channel]
        turn = tap_turn(shape, record.taps[layer], rows, columns, ky, kx) * groups + group
    additions["adds"] = (additions["weight"] * additions["value"]) << integers.guard
    additions["cycle"] = log[:, 1] + turn
    return additions[reaches]


def _turn_cycle(record, layer, place, step):
    """Clock cycle of a neuron's turn in the firing pass."""
    row, column, channel = place
    turn = firing_turn(record.shape(layer), record.groups(layer), row, column, channel // record.lanes[layer])
    return int(record.firing_starts[layer, step]) + 1 + turn


def _floats(record, layer, neuron, step):
    """(membrane, current) of the float network; the current is what the step adds to the kept state."""
    mem = record.mem_float[layer].reshape(record.num_steps, -1)[:, neuron].astype(float)
    spk = record.spk_float[layer].reshape(record.num_steps, -1)[:, neuron].astype(float)
    before = kept_float(mem[step - 1], spk[step - 1], record.float_params[layer]) if step else 0.0
    return float(mem[step]), float(mem[step] - before)
