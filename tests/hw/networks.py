"""Random networks in integers, small enough for gates, and runs of them in the accelerator."""

import numpy as np

from minisnn.fixed.early_exit import NEVER
from minisnn.fixed.network import IntegerLayer, IntegerNetwork
from minisnn.timing import cycles
from minisnn.timing.cycles import EVENTS
from minisnn.topology import parse
from minisnn_hw.accelerator import design, ports
from minisnn_hw.generate.specify import specify
from minisnn_hw.generate.words import image_words, load_words
from minisnn_hw.verify import simulate
from minisnn_hw.verify.comparison import expected_firings, once_an_image
from minisnn_hw.verify.host import Host, always

LONG = 60_000  # cycles; a simulation that needs more hangs


def random_network(
    topology,
    shape,
    rng,
    padding=0,
    input_bits=0,
    reset="subtract",
    readout="spikes",
    bits=4,
    frac=3,
    beta=5,
    guard=2,
    threshold=30,
    membrane_bits=10,
    rounding="floor",
    classes=None,
):
    """Return an IntegerNetwork with random weights; the first layer's threshold fits the size of its pixels."""
    shapes = parse(topology, shape, padding)
    most = 2 ** (bits - 1) - 1
    layers = []
    for index, layer in enumerate(shapes):
        wider = input_bits if index == 0 else 0
        last = index == len(shapes) - 1
        layers.append(
            IntegerLayer(
                layer=layer,
                w=rng.integers(-most, most + 1, layer.w_shape).astype(np.int16),
                b=rng.integers(-10, 30, layer.w_shape[-1]),
                threshold=threshold << max(wider - 1, 0),
                beta=beta,
                frac=frac,
                guard=guard,
                weight_bits=bits,
                membrane_bits=membrane_bits + wider,
                reset="none" if last and readout == "membrane" else reset,
                rounding=rounding,
                scale=1.0,
            )
        )
    return IntegerNetwork(layers=tuple(layers), classes=classes or shapes[-1].neurons, input_bits=input_bits)


def random_inputs(network, num_steps, images, rng, density=0.6):
    """Return pixels (1, images, ...) or spikes (T, images, ...); the share `density` of them is not 0."""
    steps = 1 if network.input_bits else num_steps
    shape = (steps, images, *network.input_shape)
    x = rng.integers(1, 2 ** max(network.input_bits, 1), shape)
    return (x * (rng.random(shape) < density)).astype(np.uint8)


def always_spiking(topology, shape, input_bits=0, reset="zero", beta=0):
    """Return a network whose neurons all spike at every step, whatever comes in.

    Weights are 0 of 4 bits, membranes have 8 bits, the bias is 5, the threshold 1, the leak beta / 8.
    """
    layers = tuple(
        IntegerLayer(
            layer=layer,
            w=np.zeros(layer.w_shape, np.int16),
            b=np.full(layer.w_shape[-1], 5),
            threshold=1,
            beta=beta,
            frac=3,
            guard=0,
            weight_bits=4,
            membrane_bits=8,
            reset=reset,
            rounding="floor",
            scale=1.0,
        )
        for layer in parse(topology, shape)
    )
    return IntegerNetwork(layers=layers, classes=layers[-1].layer.neurons, input_bits=input_bits)


def stimulus(network, inputs, num_steps):
    """Return the spikes that the network's layers take, for the cycle model."""
    inputs = np.asarray(inputs, np.uint8)
    return cycles.Stimulus.of(network, inputs, network.forward(inputs, num_steps, keep="spikes"), num_steps)


class Whole:
    """A network in the accelerator, from the load to the answers.

    Parameters
    ----------
    network : IntegerNetwork
    lanes : sequence of int
    inputs, num_steps
        Arguments of ``network.forward``.
    probed : bool
    **options
        Options of ``specify``.
    """

    def __init__(self, network, lanes, inputs, num_steps, probed=True, margin=None, word_every=1, **options):
        self.network, self.lanes, self.inputs, self.num_steps = network, lanes, inputs, num_steps
        self.spec = specify(network, lanes, **{"max_steps": 15} | options)
        self.taps, self.second_bank = options.get("taps"), options.get("second_bank", False)
        self.positions = options.get("positions")
        self.make, self.probed = design(self.spec), probed
        self.run = network.forward(inputs, num_steps, keep="membranes")
        self.load = load_words(network, self.spec, num_steps, margin)
        self.images = [image_words(inputs, image, self.spec) for image in range(inputs.shape[1])]
        self.margin = margin
        times = self.times(word_every, alone=False)
        self.expected = [[] for _ in network.layers]
        for image in range(inputs.shape[1]):
            starts, decided = times["firing_starts"][image], times["decided"][image]
            for layer, firings in zip(self.expected, expected_firings(self.run, image, self.spec, starts, decided)):
                layer += firings

    def stimulus(self):
        """Return the inputs of all layers."""
        return cycles.Stimulus.of(self.network, self.inputs, self.run, self.num_steps, self.margin)

    def times(self, word_every=1, alone=True):
        """Return the predicted cycles of all events."""
        in_lanes = self.spec.layers[0].in_lanes
        arguments = self.stimulus(), self.lanes, word_every, in_lanes, alone, self.taps
        return cycles.timetable(*arguments, second_bank=self.second_bank, positions=self.positions)

    def host(self, **options):
        """Return a Host that drives the network."""
        return Host(self.spec, self.load, self.images, self.expected, **options)

    def simulate(self, drive):
        """Run in MyHDL and return (given, seen)."""
        return simulate.run(self.make, *ports(self.spec, self.probed), drive, LONG)

    def same_in_ghdl(self, given, seen):
        """Check that VHDL does the same in every cycle."""
        simulate.same_in_ghdl(self.make, *ports(self.spec, self.probed), given, seen)

    def check_values(self, host):
        """Check every spike, membrane and answer against the integers."""
        observed = host.end()
        assert (observed.spikes, observed.membranes) == (0, 0)
        assert observed.compared == sum(map(len, self.expected)) > 0
        scores = self.run.scores if self.margin is None else self.stimulus().stops.scores
        assert [answer[0] for answer in observed.answers] == scores.tolist()
        assert [answer[1] for answer in observed.answers] == scores.argmax(axis=1).tolist()

    def check_cycles(self, host, word_every=1):
        """Check that every event comes in the predicted cycle."""
        times = self.times(word_every, host.alone)
        observed = host.observed
        start = np.array(observed.taken) if host.alone else np.repeat(observed.taken[0], len(observed.taken))
        assert (np.array(observed.taken) - start == times["first"]).all()
        assert (np.array(observed.ended) - start == times["last"]).all()
        assert [answer[2] for answer in observed.answers] == (times["last"] - times["first"] + 1).tolist()
        for index, events in enumerate(observed.events):
            for seen, name in zip(events, EVENTS):
                wanted = np.where(times[name][:, index] == NEVER, NEVER, times[name][:, index] + start[:, None])
                if index == 0 and once_an_image(name, self.spec.layers[0]):
                    wanted = wanted[:, :1]
                assert seen == wanted[wanted != NEVER].tolist(), (index, name)


def stalling(rng, share):
    """Return a stream that is ready in a random `share` of the cycles."""
    return always if share == 1 else lambda cycle: rng.random() < share
