"""The other side of an accelerator's streams in MyHDL: sends the load and the images, takes the answers."""

from collections.abc import Callable, Iterable

from minisnn.timing.cycles import EVENTS

from ..spec import AcceleratorSpec
from .comparison import Firing, FiringCheck, Observed


def always(cycle: int) -> bool:
    """Return True: a stream that never stalls."""
    return True


class Host:
    """Drives the streams of an accelerator, a cycle at a time, as `drive` of :func:`minisnn_hw.verify.simulate.run`.

    Parameters
    ----------
    spec : minisnn_hw.spec.AcceleratorSpec
    load : iterable of int
        Beats of the load; may be empty.
    images : list of list of int
        The words of each image.
    expected : list of list of (address, spikes, membranes), optional
        For each layer, the firings of all images; the probe is compared with them.
    word_every : int
        Least number of cycles from one word to the next.
    alone : bool
        Send an image only after the answer to the one before; else as soon as it is taken.
    linger : int
        Cycles to go on after the last answer: what is left of an image that ended early is dropped.
    offers, takes, loads : callable
        Given the cycle, return whether to offer a word, take a beat of the answer, or offer a beat of the load.
    """

    def __init__(
        self,
        spec: AcceleratorSpec,
        load: Iterable[int],
        images: list[list[int]],
        expected: list[list[Firing]] | None = None,
        word_every: int = 1,
        alone: bool = True,
        offers: Callable[[int], bool] = always,
        takes: Callable[[int], bool] = always,
        loads: Callable[[int], bool] = always,
        linger: int = 0,
    ):
        self.spec, self.load, self.word_every, self.alone = spec, list(load), word_every, alone
        self.offers, self.takes, self.loads = offers, takes, loads
        self.loaded = 0  # beats of the load that were taken
        self.next_word = 0  # the next word is not sent before this cycle
        self.restart(images, expected, linger)

    def restart(self, images: list[list[int]], expected: list[list[Firing]] | None = None, linger: int = 0) -> None:
        """Begin with other images in the same simulation: the load is not sent again."""
        self.images, self.linger = images, linger
        self.image, self.word = 0, 0  # sent next
        self.beats: list[int] = []  # of the answer that is coming in
        self.given: dict[str, int] = {}  # inputs of the cycle before
        self.observed = Observed(events=[[[] for _ in EVENTS] for _ in self.spec.layers])
        self.check = None if expected is None else FiringCheck(self.spec, expected, self.observed)

    def __call__(self, cycle: int, seen: dict[str, int]) -> dict[str, int]:
        """Return the inputs of `cycle`, given the outputs at the end of the cycle before."""
        if cycle < 2:
            self.given = {"rst": 1}
            return self.given
        if self.given:  # else another host drove the cycle before
            self._look(cycle - 1, seen)
        if self.loaded == len(self.load) and self._is_over(cycle):
            raise StopIteration
        given = {"m_output_tready": int(self.takes(cycle))}
        offered = self.given.get("s_load_tvalid") and not seen["s_load_tready"]  # an offer is never withdrawn
        if self.loaded < len(self.load) and (offered or self.loads(cycle)):
            given |= {
                "s_load_tvalid": 1,
                "s_load_tdata": self.load[self.loaded],
                "s_load_tlast": int(self.loaded == len(self.load) - 1),
            }
        offered = self.given.get("s_input_tvalid") and not seen["s_input_tready"]
        if self._may_send(cycle) and (offered or self.offers(cycle)):
            words = self.images[self.image]
            given |= {
                "s_input_tvalid": 1,
                "s_input_tdata": words[self.word],
                "s_input_tlast": int(self.word == len(words) - 1),
            }
        self.given = given
        return given

    def end(self) -> Observed:
        """Return what was observed; firings that never came count as differences."""
        if self.check is not None:
            self.check.end()
        return self.observed

    def _is_over(self, cycle):
        ended = self.observed.ended
        return len(ended) == len(self.images) and (not ended or cycle > ended[-1] + self.linger)

    def _may_send(self, cycle):
        if self.image == len(self.images) or cycle < self.next_word or self.loaded < len(self.load):
            return False
        return not self.alone or self.word > 0 or len(self.observed.ended) == self.image

    def _look(self, cycle, seen):
        """Note the transfers and the events of a cycle."""
        given, observed = self.given, self.observed
        if given.get("s_load_tvalid") and seen["s_load_tready"]:
            self.loaded += 1
        if given.get("s_input_tvalid") and seen["s_input_tready"]:
            self._word_taken(cycle)
        if seen["m_output_tvalid"] and given.get("m_output_tready"):
            self._beat_taken(cycle, seen)
        if "probe_fired" in seen:
            if observed.taken and seen["probe_events"]:
                self._note_events(cycle, seen["probe_events"])
            if seen["probe_fired"] and self.check is not None:
                self.check.look(seen)

    def _word_taken(self, cycle):
        if self.word == 0:
            self.observed.taken.append(cycle)
        self.next_word = cycle + self.word_every
        self.word += 1
        if self.word == len(self.images[self.image]):
            self.image, self.word = self.image + 1, 0

    def _beat_taken(self, cycle, seen):
        self.beats.append(seen["m_output_tdata"])
        if seen["m_output_tlast"]:
            sign = 1 << self.spec.output_bits - 1
            *scores, best, count = self.beats
            self.observed.ended.append(cycle)
            self.observed.answers.append(([(beat ^ sign) - sign for beat in scores], best, count))
            self.beats = []

    def _note_events(self, cycle, events):
        for layer_events in self.observed.events:
            for bit, cycles in enumerate(layer_events):
                if events >> bit & 1:
                    cycles.append(cycle)
            events >>= len(EVENTS)
