"""From spike to cycle: all that happened to one image, in floats, in integers, and in clock cycles.

A trace keeps what cannot be had again at once: membranes and spikes of all layers and steps, the frames that they took,
when each input was added, and the integers of the network. What a query tells (:meth:`Trace.why`, :meth:`Trace.at`,
:meth:`Trace.cost`) follows from these.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..fixed import lif
from ..fixed.model import IntegerModel, joined, parts
from ..fixed.quantize import dequantised
from ..lif import removal
from ..model import read, versions, write
from ..timing import cycles
from ..timing import loops as timing

KIND = "trace"
PHASES = ("idle", "adds", "waits", "fires")
TIMES = ("begins", "added", "fires", "ends")
BY_LAYER = ("frames", "mem", "spk", "mem_float", "spk_float")
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


@dataclass(frozen=True)
class Why:
    """How a membrane came to be. Integers are in units of `unit`.

    Attributes
    ----------
    kept : int
        What the step started from.
    additions : structured ndarray
        One for each input that is not 0, in the order in which they are added: its address, row, column and channel in
        the frame, its value (1, or a pixel), the tap (ky, kx) and weight that it meets, what that adds, the sum after
        it, and the clock cycle of the addition. A direct-coded first layer has added them once, at step 0.
    current : int
        All that was added in the step, bias included.
    bias, membrane, threshold, spike, kept_after : int
        After the last step nothing is kept: 0.
    fired, out : int
        Clock cycle of the neuron's turn in the firing pass, and that in which spike and membrane are known.
    unit : float
        What 1 stands for in the float network.
    membrane_float, current_float : float
        Of the float network.

    Examples
    --------
    Neuron 0 gets 0.5 at step 0; half of it is left when 0.75 come at step 1, and 1.0 is above 0.9:

    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = quantize(Model(net, Encoder("latency", 2)))
    >>> found = trace(model, np.array([255, 1], np.uint8), lanes=(1,))  # the bright pixel spikes first
    >>> why = found.why(layer=0, neuron=0, step=1)
    >>> why.kept, why.additions["adds"].tolist(), why.membrane, why.threshold, why.spike
    (680, [2032], 2712, 2438, 1)
    >>> round(why.membrane * why.unit, 3), round(why.membrane_float, 3)  # the same in units of the float network
    (1.001, 1.001)
    >>> why.additions["cycle"].tolist(), why.fired, why.out  # added in cycle 18; fires in 21, which is known in 25
    ([18], 21, 25)
    """

    kept: int
    additions: np.ndarray
    current: int
    bias: int
    membrane: int
    threshold: int
    spike: int
    kept_after: int
    fired: int
    out: int
    unit: float
    membrane_float: float
    current_float: float


@dataclass(frozen=True)
class Doing:
    """What a layer does in a clock cycle.

    Attributes
    ----------
    layer : int
        From 0.
    phase : str
        One of :data:`PHASES`, as the layer's state register: "adds" from the cycle after the scanner is started,
        "waits" for a free bank of the next layer, or for the step before to settle.
    step : int
        The step that it is at, or was; -1 before the first.
    handed : int
        Address of the input that the scanner hands over in this cycle; -1 for none.
    adding : int
        Address of the input that is added; -1 for none.
    tap : int
        ky * k + kx of that addition; -1 for all at once, or none.
    weight_word, sum_word : int
        Words of weights and membranes that are read for it; of all taps at once the first's. -1 for none.
    firing : int
        Word of membranes (row * width + column) * groups + group that fires; -1 for none.
    word_out : int
        Word of the next layer's frame that is written; -1 for none.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = quantize(Model(net, Encoder("latency", 2)))
    >>> found = trace(model, np.array([255, 1], np.uint8), lanes=(1,))  # the bright pixel spikes first
    >>> doing, = found.at(7)
    >>> doing.phase, doing.step, doing.adding, doing.weight_word, doing.sum_word  # input 0, to neuron 0
    ('adds', 0, 0, 0, 0)
    >>> doing, = found.at(8)
    >>> doing.adding, doing.weight_word, doing.sum_word  # input 0 to neuron 1: on one lane, a cycle later
    (0, 1, 1)
    >>> [found.at(cycle)[0].firing for cycle in (9, 10, 11, 12)]
    [-1, 0, 1, -1]
    """

    layer: int
    phase: str
    step: int
    handed: int = -1
    adding: int = -1
    tap: int = -1
    weight_word: int = -1
    sum_word: int = -1
    firing: int = -1
    word_out: int = -1


@dataclass(frozen=True)
class Cost:
    """What a step of a layer costs, in clock cycles.

    Attributes
    ----------
    begin, added, fires, end : int
        As of :class:`minisnn.timing.cycles.Cycles`.
    idle : int
        Waited for its frame, since the step before (or since cycle 0).
    adding : int
        With an addition,
    scanning : int
        and without one: words of zeros, and the pipeline's filling.
    waiting : int
        For a free bank, or the step before to settle.
    firing : int
    inputs, additions : int
        Inputs that were not 0; weights that they added.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = quantize(Model(net, Encoder("latency", 2)))
    >>> found = trace(model, np.array([255, 1], np.uint8), lanes=(1,))  # the bright pixel spikes first
    >>> cost = found.cost(layer=0, step=0)
    >>> cost.inputs, cost.additions, cost.adding  # one spike, for two neurons, on one lane
    (1, 2, 2)
    >>> cost.scanning, cost.waiting, cost.firing  # the rest of begin to added; a free bank was there; two neurons fire
    (6, 0, 2)
    >>> cost.added - cost.begin == cost.adding + cost.scanning
    True
    """

    begin: int
    added: int
    fires: int
    end: int
    idle: int
    adding: int
    scanning: int
    waiting: int
    firing: int
    inputs: int
    additions: int


class Trace:
    """One image in a network and its accelerator; made by :func:`trace`, or :func:`load`.

    Attributes
    ----------
    network : fixed.network.IntegerNetwork
    num_steps : int
    lanes : tuple of int
    wide : bool
    image : ndarray
        Raw.
    about : dict
        Index of the image, label, answer, what it was checked with, and more.
    frames : list of L ndarrays
        What each layer takes, (T or 1, H, W, C); a flat row is one pixel.
    mem, spk : list of L ndarrays, (T, ...)
        Integer membranes before reset, and spikes before the pool.
    mem_float : list of L ndarrays, (T, ...)
        Membranes of the float network, which has its own spikes in `spk_float`.
    times : ndarray of int64, shape (4, L, T)
        `begins`, `added`, `fires`, `ends` of :class:`minisnn.timing.cycles.Cycles`.
    latency : int

    Examples
    --------
    Two inputs and two neurons on one lane.
    Neuron 0 gets 0.5 at step 0; half of it is left when 0.75 come at step 1, and 1.0 is above 0.9:

    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = quantize(Model(net, Encoder("latency", 2)))
    >>> found = trace(model, np.array([255, 1], np.uint8), lanes=(1,))  # the bright pixel spikes first
    >>> found.spk[0][:, 0].tolist(), found.latency
    ([0, 1], 40)
    >>> found.why(layer=0, neuron=0, step=1).kept, found.at(10)[0].phase, found.cost(layer=0, step=0).firing
    (680, 'fires', 2)

    What these follow from:

    >>> found.groups(0), found.constant(0), found.delay(0)  # two neurons are two groups of a lane; spikes are no pixels
    (2, False, 4)
    >>> found.frame(0, step=1).tolist()
    [[[0, 1]]]
    >>> addresses, log = found.log(0, step=1)  # input 1 is handed over in cycle 15, and added from 18 on, twice
    >>> addresses.tolist(), log.tolist()
    ([1], [[15, 18, 2]])

    In a file:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found.save(f"{folder}/trace.npz")
    ...     load(f"{folder}/trace.npz").latency
    40
    """

    def __init__(
        self,
        network,
        num_steps,
        lanes,
        wide,
        image,
        frames,
        mem,
        spk,
        mem_float,
        spk_float,
        float_params,
        times,
        latency,
        about,
    ):
        self.network, self.num_steps, self.lanes, self.wide = network, num_steps, tuple(lanes), bool(wide)
        self.image, self.frames, self.mem, self.spk = image, frames, mem, spk
        self.mem_float, self.spk_float, self.float_params = mem_float, spk_float, float_params
        self.times, self.latency, self.about = times, latency, about
        self.in_lanes = (cycles.words_of_input(network), *lanes[:-1])
        self._wides = [count > 1 for count in cycles.taps(network, self.wide)]
        self._logs = {}

    # How the hardware is laid out

    def _layer(self, layer):
        if not 0 <= layer < len(self.network.layers):
            raise InputError(f"layer must be 0 to {len(self.network.layers) - 1}, got {layer}")
        return self.network.layers[layer].layer

    def _step(self, step):
        if not 0 <= step < self.num_steps:
            raise InputError(f"step must be 0 to {self.num_steps - 1}, got {step}")
        return step

    def groups(self, layer):
        """Groups of lanes that hold a pixel's neurons.

        Raises
        ------
        InputError
            If there is no such layer.
        """
        return -(-self._layer(layer).w_shape[-1] // self.lanes[layer])

    def constant(self, layer):
        """Whether the layer takes pixels, which are added once an image."""
        return layer == 0 and self.network.input_bits > 0

    def frame(self, layer, step):
        """What a layer takes at a step: ndarray of unsigned integers, shape (H, W, C)."""
        return self.frames[layer][0 if self.constant(layer) else step]

    def log(self, layer, step):
        """When each input of a step is added.

        Returns
        -------
        addresses : ndarray of int, shape (n,)
            Of the inputs that are not 0, in the frame's order.
        log : ndarray of int64, shape (n, 3)
            For each the clock cycle in which the scanner hands it over, that of its first addition, and the number of
            its additions, one a cycle.
        """
        step = 0 if self.constant(layer) else step
        if (layer, step) not in self._logs:
            frame = self.frame(layer, step)
            log = cycles.log_of_additions(
                frame, self._layer(layer), self.lanes[layer], self.in_lanes[layer], self._wides[layer]
            )
            log[:, :2] += self.times[0, layer, step]
            self._logs[layer, step] = np.flatnonzero(frame), log
        return self._logs[layer, step]

    def _place(self, layer, neuron):
        """(row, column, channel) of a neuron's index."""
        shape = self._layer(layer).out_shape
        shape = shape if len(shape) == 3 else (1, 1, *shape)
        if not 0 <= neuron < int(np.prod(shape)):
            raise InputError(f"neuron must be 0 to {int(np.prod(shape)) - 1}, got {neuron}")
        return tuple(int(at) for at in np.unravel_index(neuron, shape))

    def _turn(self, layer, row, column, group):
        """A neuron's turn in the firing pass, from 0: window by window, as ``hw/firing_pass.py``."""
        shape, pool = self._layer(layer).out_shape, self._layer(layer).pool
        across = shape[1] // pool if len(shape) == 3 else 1
        window = row // pool * across + column // pool
        return (window * self.groups(layer) + group) * pool**2 + row % pool * pool + column % pool

    def _fires_at(self, layer, turn):
        """(row, column, group) of a turn in the firing pass."""
        shape, pool, groups = self._layer(layer).out_shape, self._layer(layer).pool, self.groups(layer)
        across = shape[1] // pool if len(shape) == 3 else 1
        window, inside = divmod(turn, groups * pool**2)
        group, inside = divmod(inside, pool**2)
        row, column = divmod(window, across)
        return row * pool + inside // pool, column * pool + inside % pool, group

    def delay(self, layer):
        """Cycles from a neuron's turn in the firing pass until its spike is known."""
        return timing.READY - 1 + timing.LATER * (int(self._wides[layer]) + int(self.constant(layer)))

    # Queries

    def why(self, layer, neuron, step):
        """How a membrane came to be.

        Parameters
        ----------
        layer : int
            From 0.
        neuron : int
            Index in the layer's neurons, (row * width + column) * channels + channel.
        step : int
            From 0.

        Returns
        -------
        why : Why

        Raises
        ------
        InputError
            If there is no such neuron or step.
        """
        self._layer(layer)
        each = self.network.layers[layer]
        row, column, channel = self._place(layer, neuron)
        kept = self._kept(each, layer, neuron, step - 1) if self._step(step) else 0
        found = self._additions(each, layer, row, column, channel, step)
        constant, bias = self.constant(layer), int(each.b[channel])
        sums = np.empty(len(found), np.int64)
        total = 0 if constant else kept
        for i, adds in enumerate(found["adds"].tolist()):
            total = total + adds if constant else min(max(total + adds, each.low), each.high)
            sums[i] = total
        found["sum"] = sums
        current = min(max(total + bias, each.low), each.high) if constant else total - kept + bias
        membrane = min(max((kept + current) if constant else total + bias, each.low), each.high)
        stored = int(self.mem[layer][step].reshape(-1)[neuron])
        if membrane != stored:
            raise InputError(
                f"the trace says membrane {stored} of neuron {neuron}, layer {layer}, step {step}, but "
                f"its sum is {membrane}: it is damaged; make it again"
            )
        fired = int(self.times[2, layer, step]) + 1 + self._turn(layer, row, column, channel // self.lanes[layer])
        u_float, cur_float = self._floats(layer, neuron, step)
        return Why(
            kept,
            found,
            current,
            bias,
            membrane,
            each.threshold,
            int(self.spk[layer][step].reshape(-1)[neuron]),
            self._kept(each, layer, neuron, step),
            fired,
            fired + self.delay(layer),
            each.scale / 2**each.guard,
            u_float,
            cur_float,
        )

    def _kept(self, each, layer, neuron, step):
        """What a neuron keeps after a step: the integers' own firing, of its membrane; 0 after the last."""
        if step == self.num_steps - 1:
            return 0
        state = np.array([self.mem[layer][step].reshape(-1)[neuron]], np.int64)
        lif.fire(
            state,
            np.zeros(1, np.int64),
            each.threshold,
            each.beta,
            each.frac,
            lif.RESETS.index(each.reset),
            lif.ROUNDINGS.index(each.rounding),
            each.low,
            each.high,
            np.empty(1, np.uint8),
            np.empty(0, np.int64),
        )
        return int(state[0])

    def _additions(self, each, layer, row, column, channel, step):
        shape, frame = each.layer, self.frame(layer, step)
        addresses, log = self.log(layer, step)
        rows, columns, channels = np.unravel_index(addresses, frame.shape)
        group, groups = channel // self.lanes[layer], self.groups(layer)
        found = np.zeros(len(addresses), ADDITION)
        found["address"], found["row"], found["column"], found["channel"] = addresses, rows, columns, channels
        found["value"] = frame.reshape(-1)[addresses]
        if shape.kind == "linear":
            found["weight"], offset, chosen = each.w[addresses, channel], group, slice(None)
        else:
            kernel, padding = shape.w_shape[0], shape.padding
            found["ky"], found["kx"] = rows + padding - row, columns + padding - column
            chosen = (found["ky"] >= 0) & (found["ky"] < kernel) & (found["kx"] >= 0) & (found["kx"] < kernel)
            ky, kx = np.where(chosen, found["ky"], 0), np.where(chosen, found["kx"], 0)
            found["weight"] = each.w[ky, kx, channels, channel]
            offset = group if self._wides[layer] else self._tap_order(shape, rows, columns, ky, kx) * groups + group
        found["adds"] = (found["weight"] * found["value"]) << each.guard
        found["cycle"] = log[:, 1] + offset
        return found[chosen]

    def _tap_order(self, shape, rows, columns, ky, kx):
        """The place of a tap among those of its input that are in the frame."""
        kernel, padding, (height, width, _) = shape.w_shape[0], shape.padding, shape.out_shape
        first_ky = np.maximum(rows + padding - height + 1, 0)
        first_kx = np.maximum(columns + padding - width + 1, 0)
        in_row = np.minimum(kernel, columns + padding + 1) - first_kx
        return (ky - first_ky) * in_row + kx - first_kx

    def _floats(self, layer, neuron, step):
        """(membrane, current) of the float network; the current is what the step has added."""
        beta, threshold, reset = self.float_params[layer]
        u = self.mem_float[layer].reshape(self.num_steps, -1)[:, neuron].astype(float)
        s = self.spk_float[layer].reshape(self.num_steps, -1)[:, neuron].astype(float)
        r0, r1 = removal(reset, beta, threshold)
        kept = beta * u[step - 1] - s[step - 1] * (r0 + r1 * u[step - 1]) if step else 0.0
        return float(u[step]), float(u[step] - kept)

    def at(self, cycle):
        """What every layer does in a clock cycle.

        Parameters
        ----------
        cycle : int
            0 is the one in which the image's first word is taken.

        Returns
        -------
        doing : list of L Doing

        Raises
        ------
        InputError
            If the image has no such cycle.
        """
        if not 0 <= cycle < self.latency:
            raise InputError(f"cycle must be 0 to {self.latency - 1}, got {cycle}")
        return [self._doing(layer, cycle) for layer in range(len(self.network.layers))]

    def _doing(self, layer, cycle):
        begins, added, fires, ends = self.times[:, layer]
        if self.constant(layer):  # its current is there: from the end of a step it waits to fire again
            begins = np.concatenate([begins[:1], ends[:-1]])
            added = np.concatenate([added[:1], ends[:-1]])
        step = int(np.searchsorted(begins, cycle)) - 1  # the layer is at work in the cycle after it was started
        found = {"layer": layer, "step": step, "phase": "idle"}
        if step >= 0 and cycle < ends[step]:
            found["phase"] = "adds" if cycle <= added[step] else "waits" if cycle <= fires[step] else "fires"
        if step >= 0 and not (self.constant(layer) and step):
            found |= self._input_at(layer, step, cycle)
        if found["phase"] == "fires":
            row, column, group = self._fires_at(layer, cycle - int(fires[step]) - 1)
            width = self._layer(layer).out_shape[1] if len(self._layer(layer).out_shape) == 3 else 1
            found["firing"] = (row * width + column) * self.groups(layer) + group
        found["word_out"] = self._word_out(layer, cycle)
        return Doing(**found)

    def _input_at(self, layer, step, cycle):
        """The input that is handed over in a cycle, and the addition of it."""
        addresses, log = self.log(layer, step)
        found = {}
        at = int(np.searchsorted(log[:, 0], cycle))
        if at < len(log) and log[at, 0] == cycle:
            found["handed"] = int(addresses[at])
        walked = np.flatnonzero(log[:, 2] > 0)
        at = int(np.searchsorted(log[walked, 1], cycle, side="right")) - 1
        if at >= 0 and cycle < log[walked[at], 1] + log[walked[at], 2]:
            at = walked[at]
            found["adding"] = int(addresses[at])
            found |= self._words(layer, step, int(addresses[at]), cycle - int(log[at, 1]))
        return found

    def _words(self, layer, step, address, turn):
        """Tap and words of the addition number `turn` of an input."""
        shape, groups = self._layer(layer), self.groups(layer)
        if shape.kind == "linear":
            return {"weight_word": address * groups + turn, "sum_word": turn}
        row, column, channel = (int(at) for at in np.unravel_index(address, self.frame(layer, step).shape))
        kernel, padding, (height, width, _) = shape.w_shape[0], shape.padding, shape.out_shape
        ky, kx = max(row + padding - height + 1, 0), max(column + padding - width + 1, 0)
        if self._wides[layer]:
            return {
                "weight_word": channel * groups + turn,
                "sum_word": ((row + padding - ky) * width + column + padding - kx) * groups + turn,
            }
        tap, group = divmod(turn, groups)
        in_row = min(kernel, column + padding + 1) - kx
        ky, kx = ky + tap // in_row, kx + tap % in_row
        return {
            "tap": ky * kernel + kx,
            "weight_word": ((channel * kernel + ky) * kernel + kx) * groups + group,
            "sum_word": ((row + padding - ky) * width + column + padding - kx) * groups + group,
        }

    def _word_out(self, layer, cycle):
        """Word of the next frame that is written in a cycle; -1 for none."""
        pool = self._layer(layer).pool ** 2
        turn = cycle - self.delay(layer) - 2 - self.times[2, layer]  # of its window's last neuron, for each step
        depth = self.times[3, layer] - self.times[2, layer] - 1
        for each in turn[(turn >= 0) & (turn < depth)].tolist():
            if (each + 1) % pool == 0:
                return each // pool
        return -1

    def cost(self, layer, step):
        """What a step of a layer costs.

        Parameters
        ----------
        layer, step : int
            From 0.

        Returns
        -------
        cost : Cost

        Raises
        ------
        InputError
            If there is no such layer or step.
        """
        self._layer(layer)
        begin, added, fires, end = (int(at) for at in self.times[:, layer, self._step(step)])
        before = int(self.times[3, layer, step - 1]) if step else 0
        again = self.constant(layer) and step > 0  # its current is there
        _, log = self.log(layer, step)
        adds = 0 if again else int(log[:, 2].sum())
        weights = 0 if again else self._weights_added(layer, step) * self._layer(layer).w_shape[-1]
        return Cost(
            begin,
            added,
            fires,
            end,
            0 if again else begin - before,
            adds,
            added - begin - adds,
            fires - (before if again else added),
            end - fires - 1,
            0 if again else len(log),
            weights,
        )

    def _weights_added(self, layer, step):
        """Taps in the frame of all inputs of a step."""
        shape, frame = self._layer(layer), self.frame(layer, step)
        if shape.kind == "linear":
            return int(np.count_nonzero(frame))
        kernel, padding, (height, width, _) = shape.w_shape[0], shape.padding, shape.out_shape
        rows, columns, _ = np.nonzero(frame)
        inside = [
            np.clip(np.minimum(kernel, at + padding + 1) - np.maximum(at + padding - size + 1, 0), 0, None)
            for at, size in ((rows, height), (columns, width))
        ]
        return int((inside[0] * inside[1]).sum())

    # Files

    def save(self, path):
        """Write it to `path` (.npz), whole or not at all.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        InputError
            If it cannot be written there.
        """
        described, arrays = parts(self.network)
        about = {
            **described,
            "input_bits": self.network.input_bits,
            "lanes": list(self.lanes),
            "wide": self.wide,
            "num_steps": self.num_steps,
            "latency": self.latency,
            "float": [list(p) for p in self.float_params],
            "about": self.about,
            "versions": versions(),
        }
        arrays |= {"image": self.image, "times": self.times}
        arrays |= {f"{index + 1}.{name}": each for name in BY_LAYER for index, each in enumerate(getattr(self, name))}
        write(path, KIND, about, arrays, compressed=True)


def load(path):
    """Read a trace that :meth:`Trace.save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    trace : Trace

    Raises
    ------
    InputError
        If the file is missing, damaged, or of another kind or version.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = quantize(Model(net, Encoder("latency", 2)))
    >>> found = trace(model, np.array([255, 1], np.uint8), lanes=(1,))  # the bright pixel spikes first
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found.save(f"{folder}/trace.npz")
    ...     again = load(f"{folder}/trace.npz")
    >>> again.why(0, 0, 1).membrane == found.why(0, 0, 1).membrane  # every query is answered from the file alone
    True
    """
    about, arrays = read(path, KIND)
    try:
        network = joined(about, arrays, about["input_bits"])
        by_layer = [[arrays[f"{i + 1}.{name}"] for i in range(len(network.layers))] for name in BY_LAYER]
        return Trace(
            network,
            about["num_steps"],
            about["lanes"],
            about["wide"],
            arrays["image"],
            *by_layer,
            [tuple(each) for each in about["float"]],
            arrays["times"],
            about["latency"],
            about["about"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a whole trace ({error}); make it again") from error


def trace(model, image, lanes=None, wide=False, float_model=None, about=None):
    """Run one image, and keep what happened.

    Parameters
    ----------
    model : fixed.model.IntegerModel
    image : ndarray, of the network's input shape
        Raw.
    lanes : sequence of int, optional
        By default :func:`minisnn.timing.cycles.default_lanes`.
    wide : bool
        Convolutions add all taps at once.
    float_model : minisnn.model.Model, optional
        The one that was quantised; by default the float network that the integers stand for.
    about : dict, optional
        Plain values to remember, such as the label.

    Returns
    -------
    trace : Trace

    Raises
    ------
    InputError
        If image, lanes or float model do not fit.

    Examples
    --------
    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> from minisnn.fixed.quantize import quantize
    >>> net = Network("2", (2,), beta=0.5, threshold=0.9, rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.5, 0], [0.75, 0]]
    >>> model, _ = quantize(Model(net, Encoder("latency", 2)))
    >>> found = trace(model, np.array([255, 1], np.uint8), lanes=(1,))  # the bright pixel spikes first
    >>> found.mem[0][:, 0].tolist(), found.mem_float[0][:, 0].round(2).tolist()  # membranes of neuron 0, by step
    ([1360, 2712], [0.5, 1.0])
    >>> found.about["scores"], found.about["answer"]
    ([1, 0], 0)
    """
    if not isinstance(model, IntegerModel):
        raise InputError("trace takes the integers of minisnn.fixed.quantize, not a float model")
    network, steps = model.network, model.num_steps
    lanes = cycles.check_lanes(network, cycles.default_lanes(network) if lanes is None else lanes)
    floats = float_model or dequantised(model, "float64", "numpy")
    if floats.network.layers != tuple(each.layer for each in network.layers):
        raise InputError("the float model is of another topology than the integers; name the one that was quantised")
    inputs, run = next(model.run(np.asarray(image)[None], "membranes", threads=1))
    stimulus = cycles.Stimulus.of(network, inputs, run, steps)
    predicted = cycles.predict(stimulus, lanes, wide=wide)
    their = floats.network.forward(_float_input(floats, model, image, inputs), steps, record=True)
    mem = [
        each[:, 0].astype(np.int32 if layer.membrane_bits <= 32 else np.int64)
        for each, layer in zip(run.mem, network.layers)
    ]
    net = floats.network
    about = {
        "answer": int(run.scores[0].argmax()),
        "scores": run.scores[0].tolist(),
        "dataset": model.dataset,
        **(about or {}),
    }
    return Trace(
        network,
        steps,
        lanes,
        wide,
        np.asarray(image),
        [frames[:, 0] for frames in stimulus.frames],
        mem,
        [each[:, 0] for each in run.fires],
        [each.mem[:, 0].astype(np.float32) for each in their.layers],
        [each.spk[:, 0].astype(np.uint8) for each in their.layers],
        list(zip(net.betas, net.thresholds, net.resets)),
        np.stack([getattr(predicted, name)[0] for name in TIMES]),
        int(predicted.latency[0]),
        about,
    )


def _float_input(floats, model, image, inputs):
    """The image as the float network takes it: pixels encoded, or the very spikes that the integers take."""
    if model.encoder.kind == "direct":
        return floats.encoder.encode(np.asarray(image)[None], None, floats.network.dtype)
    return inputs.astype(floats.network.dtype)
