"""The accelerator beside the integers: what it fires, keeps and answers, and in which cycle.

A :class:`Host` drives the streams and compares on the way; :func:`cosimulate` runs images in MyHDL.
"""

from dataclasses import dataclass, field

import numpy as np

from minisnn.timing import cycles as timing

from .. import accelerator as top
from ..generate.specify import specify
from ..generate.words import cut, image_words, load_words
from ..ports import bits
from . import simulate


@dataclass
class Found:
    """What was compared, and what differed.

    Attributes
    ----------
    spikes, membranes : int
        Neurons whose spike, or membrane before reset, is another than the integers' in some step, or is missing.
    answers : list of (scores, class, cycles)
        By image.
    events : list of L lists of 4 lists of int
        Cycles of each of ``layer``'s events.
    taken : list of int
        Cycle in which the first word of each image was taken.
    ended : list of int
        Cycle in which the last beat of each answer was.
    compared : int
        Firings of all lanes that were looked at.
    """

    spikes: int = 0
    membranes: int = 0
    answers: list = field(default_factory=list)
    events: list = field(default_factory=list)
    taken: list = field(default_factory=list)
    ended: list = field(default_factory=list)
    compared: int = 0


def always(cycle):
    """A stream that never stalls."""
    return True


class Host:
    """Drives the streams of an accelerator, a cycle at a time; for :func:`minisnn_hw.verify.simulate.run`.

    Parameters
    ----------
    spec : spec.AcceleratorSpec
    load : list of int
        Beats of the load stream; ``words.load_words``. May be empty.
    images : list of list of int
        The words of each image.
    expected : list of L lists of (address, spikes, membranes), optional
        ``expected_firings`` of all images, to compare with.
    word_every : int
        Cycles from one word to the next, at least.
    alone : bool
        Send an image when the answer to the one before is there; else as soon as it is taken.
    offers, takes, loads : callable
        Of the cycle: whether a word is offered, an answer taken, a beat of the load offered.
    """

    def __init__(
        self, spec, load, images, expected=None, word_every=1, alone=True, offers=always, takes=always, loads=always
    ):
        self.spec, self.load, self.images, self.expected = spec, list(load), images, expected
        self.word_every, self.alone, self.offers, self.takes, self.loads = word_every, alone, offers, takes, loads
        self.found = Found(events=[[[], [], [], []] for _ in spec.layers])
        self.given = {}
        self.image, self.word, self.next_word = 0, 0, 0  # what is sent next, and not before which cycle
        self.loaded = 0
        self.beats = []
        self.at = [0] * len(spec.layers)

    def __call__(self, cycle, seen):
        """The inputs of `cycle`, given the outputs of the one before."""
        if cycle < 2:
            self.given = {"rst": 1}
            return self.given
        if self.given:  # else the cycle before was not ours
            self._look(cycle - 1, seen)
        if len(self.found.ended) == len(self.images) and self.loaded == len(self.load):
            raise StopIteration
        given = {"m_output_tready": bool(self.takes(cycle))}
        offered = self.given.get("s_load_tvalid") and not seen["s_load_tready"]  # what is offered is not taken back
        if self.loaded < len(self.load) and (offered or self.loads(cycle)):
            given |= {
                "s_load_tvalid": 1,
                "s_load_tdata": self.load[self.loaded],
                "s_load_tlast": self.loaded == len(self.load) - 1,
            }
        offered = self.given.get("s_input_tvalid") and not seen["s_input_tready"]
        if self._may_send(cycle) and (offered or self.offers(cycle)):
            words = self.images[self.image]
            given |= {
                "s_input_tvalid": 1,
                "s_input_tdata": words[self.word],
                "s_input_tlast": self.word == len(words) - 1,
            }
        self.given = given
        return given

    def _may_send(self, cycle):
        if self.image == len(self.images) or cycle < self.next_word or self.loaded < len(self.load):
            return False
        return not self.alone or self.word > 0 or len(self.found.ended) == self.image

    def _look(self, cycle, seen):
        """What happened in a cycle."""
        given, found = self.given, self.found
        if given.get("s_load_tvalid") and seen["s_load_tready"]:
            self.loaded += 1
        if given.get("s_input_tvalid") and seen["s_input_tready"]:
            if self.word == 0:
                found.taken.append(cycle)
            self.next_word = cycle + self.word_every
            self.word += 1
            if self.word == len(self.images[self.image]):
                self.image, self.word = self.image + 1, 0
        if seen["m_output_tvalid"] and given.get("m_output_tready"):
            self.beats.append(seen["m_output_tdata"])
            if seen["m_output_tlast"]:
                found.ended.append(cycle)
                sign = 1 << self.spec.output_bits - 1
                *scores, best, count = self.beats
                found.answers.append(([(beat ^ sign) - sign for beat in scores], best, count))
                self.beats = []
        if "probe_fired" in seen:
            if found.taken and seen["probe_events"]:
                self._events(cycle, seen["probe_events"])
            if seen["probe_fired"] and self.expected is not None:
                self._fired(seen)

    def _events(self, cycle, events):
        for layer in self.found.events:
            for kind in range(4):
                if events >> kind & 1:
                    layer[kind].append(cycle)
            events >>= 4

    def _fired(self, seen):
        fired, addresses, spikes, befores = (seen[f"probe_{name}"] for name in ("fired", "address", "spikes", "before"))
        for index, each in enumerate(self.spec.layers):
            address_bits, before_bits = bits(each.depth), each.lanes * each.membrane_bits
            if fired >> index & 1:
                self._compare(
                    index,
                    each,
                    addresses & (1 << address_bits) - 1,
                    spikes & (1 << each.lanes) - 1,
                    befores & (1 << before_bits) - 1,
                )
            addresses, spikes, befores = addresses >> address_bits, spikes >> each.lanes, befores >> before_bits

    def _compare(self, index, each, address, spikes, before):
        if self.at[index] == len(self.expected[index]):
            self.found.spikes += each.lanes
            return
        to_address, to_spikes, to_before = self.expected[index][self.at[index]]
        self.at[index] += 1
        self.found.compared += 1
        if (address, spikes, before) != (to_address, to_spikes, to_before):
            if address != to_address:
                spikes, before = ~to_spikes, ~to_before
            mask = (1 << each.membrane_bits) - 1
            self.found.spikes += ((spikes ^ to_spikes) & (1 << each.lanes) - 1).bit_count()
            self.found.membranes += sum(
                ((before ^ to_before) >> lane * each.membrane_bits) & mask != 0 for lane in range(each.lanes)
            )

    def end(self):
        """What was found; firings that did not come count as differences."""
        if self.expected is not None:
            for index, each in enumerate(self.spec.layers):
                missing = (len(self.expected[index]) - self.at[index]) * each.lanes
                self.found.spikes, self.found.membranes = self.found.spikes + missing, self.found.membranes + missing
        return self.found


def firing_order(spec):
    """Addresses of a layer's firing pass, window by window and group by group: ndarray of int64, shape (depth,)."""
    shape = (spec.out_height // spec.pool, spec.pool, spec.out_width // spec.pool, spec.pool, spec.groups)
    return np.arange(spec.depth).reshape(shape).transpose(0, 2, 4, 1, 3).ravel()


def expected_firings(run, image, spec):
    """What the probe must show of an image: for each layer the (address, spikes, membranes) of all its firings.

    Parameters
    ----------
    run : minisnn.fixed.network.IntegerRun
        With ``keep="membranes"``.
    image : int
    spec : spec.AcceleratorSpec
    """
    result = []
    for each, spk, mem in zip(spec.layers, run.spk, run.mem):
        order, words = firing_order(each).tolist(), []
        for t in range(len(spk)):
            spikes, before = (
                cut(x[t, image].reshape(-1, each.out_channels), each.lanes, each.groups, bits)
                for x, bits in ((spk, 1), (mem, each.membrane_bits))
            )
            words += [(address, spikes[address], before[address]) for address in order]
        result.append(words)
    return result


@dataclass(frozen=True)
class Compared:
    """An image in gates beside the integers.

    Attributes
    ----------
    prediction : int
        The accelerator's answer.
    spikes, membranes : int
        Neurons and steps that differ.
    answers : int
        Beats of the answer (scores and class) that differ.
    cycles_predicted, cycles_counted : int
        Latency by the model, and by the accelerator's own counter.
    cycles : int
        Begins, ends of additions, firings and ends of all layers and steps, and the latency, that come in another
        cycle than predicted.
    """

    prediction: int
    spikes: int
    membranes: int
    answers: int
    cycles_predicted: int
    cycles_counted: int
    cycles: int

    @property
    def same(self):
        """Nothing differs."""
        return not (self.spikes or self.membranes or self.answers or self.cycles)


def build(network, lanes, num_steps, wide=False):
    """The AcceleratorSpec of a co-simulation: a beat of the load is a word, since loading is not what is looked at."""
    widest = max(width for _, width in specify(network, lanes, wide=wide).sections)
    return specify(network, lanes, max_steps=max(num_steps, 2), load_bits=min(max(32, widest), 65536), wide=wide)


def reference(network, inputs, num_steps, lanes, word_every=1, wide=False, threads=None):
    """(run, predicted): what it is held against, an IntegerRun with membranes and ``minisnn.timing.cycles.Cycles``."""
    run = network.forward(inputs, num_steps, keep="membranes", threads=threads)
    stimulus = timing.Stimulus.of(network, inputs, run, num_steps)
    return run, timing.predict(stimulus, lanes, word_every=word_every, wide=wide)


def cosimulate(network, inputs, num_steps, lanes, word_every=1, wide=False, progress=lambda: None):
    """Run images through the accelerator in MyHDL, one after the other, and compare with the integers.

    Parameters
    ----------
    network : minisnn.fixed.network.IntegerNetwork
    inputs : ndarray of unsigned integers, shape (1 or T, B, ...)
    num_steps : int
    lanes : sequence of int
    word_every : int
        Cycles from one word of the input stream to the next, at least.
    wide : bool, or sequence of bool
        As for :func:`minisnn_hw.generate.specify.specify`.
    progress : callable
        Called after each image.

    Returns
    -------
    compared : list of Compared

    Raises
    ------
    ValueError
        If the network, or the lanes, cannot be in hardware.
    """
    spec = build(network, lanes, num_steps, wide)
    run, predicted = reference(network, inputs, num_steps, lanes, word_every, wide)
    result = []
    host = Host(spec, load_words(network, spec, num_steps), [], word_every=word_every)
    images = iter(range(inputs.shape[1]))

    def drive(cycle, seen):
        # One image after the other through one simulation, so that the weights are loaded once.
        try:
            return host(cycle, seen)
        except StopIteration:
            if host.images:
                result.append(compared(host.end(), run, predicted, len(result), network))
                progress()
            image = next(images)
            _next_image(host, image_words(inputs, image, spec), expected_firings(run, image, spec))
            return host(cycle, seen)

    simulate.run(top.design(spec), *top.ports(spec), drive, None, keep=False)
    return result


def _next_image(host, words, expected):
    host.images, host.expected, host.image, host.word = [words], expected, 0, 0
    host.found = Found(events=[[[], [], [], []] for _ in host.spec.layers])
    host.at = [0] * len(host.spec.layers)
    host.given = {}


def compared(found, run, predicted, image, network):
    """An image's Compared.

    Parameters
    ----------
    found : Found
        Of this image alone.
    run, predicted
        Of :func:`reference`, for some images,
    image : int
        of which this is the one.
    network : minisnn.fixed.network.IntegerNetwork
    """
    scores, best, count = found.answers[0] if found.answers else ([], -1, 0)
    expected, latency = run.scores[image].tolist(), int(predicted.latency[image])
    wrong = int(count != latency) + _differences(
        [end - start + 1 for start, end in zip(found.taken, found.ended)], [count]
    )
    for index, events in enumerate(found.events):
        for kind, name in enumerate(("begins", "added", "firing_starts", "ends")):
            wanted = getattr(predicted, name)[image, index].tolist()
            if kind == 1 and index == 0 and network.input_bits:
                wanted = wanted[:1]  # pixels are added once
            wrong += _differences([cycle - found.taken[0] for cycle in events[kind]], wanted)
    answers = _differences(scores, expected) + int(best != int(np.argmax(expected)))
    return Compared(best, found.spikes, found.membranes, answers, latency, count, wrong)


def _differences(seen, wanted):
    return sum(a != b for a, b in zip(seen, wanted)) + abs(len(seen) - len(wanted))
