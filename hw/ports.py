"""Port bundles: the signals of one port as one object, a signal an attribute.

A block takes a bundle as one argument, and MyHDL converts its members under the argument's name: ``s_load.tdata``
becomes ``s_load_tdata`` in VHDL and Verilog, and so docstrings call it, which become the headers of HDL files.
Directions follow from use. A bundle must be an object with a ``__dict__``, such as these dataclasses; slots, named
tuples and lists of bundles would lose their signals silently. A slice of a slice, ``bus.data(8, 4)(2, 0)``, gets a
wrong range in VHDL: slice the whole signal.
"""

from dataclasses import dataclass
from typing import Any

from myhdl import Signal, intbv


def bit() -> Any:
    """A signal of one bit."""
    return Signal(bool(0))


def word(width: int) -> Any:
    """An unsigned signal of `width` bits."""
    return Signal(intbv(0)[width:])


def bits(count: int) -> int:
    """Width of an address of `count` words."""
    return max((count - 1).bit_length(), 1)


class Bundle:
    """Base of all bundles."""

    @classmethod
    def of(cls, prefix: str, signals: dict) -> Any:
        """Gather the bundle's signals from a dict, in which the names of all begin with `prefix` and an underscore."""
        return cls(
            **{name: signals[f"{prefix}_{name}"] for name in cls.__annotations__ if f"{prefix}_{name}" in signals}
        )

    def named(self, prefix: str, *names: str) -> dict:
        """Return the signals as a dict, as :meth:`of` takes them; only `names`, if there are any."""
        return {f"{prefix}_{name}": signal for name, signal in vars(self).items() if not names or name in names}


@dataclass(eq=False)
class Stream(Bundle):
    """A stream with AXI4-Stream's names: a beat is transferred in a cycle in which `tvalid` and `tready` are 1."""

    tdata: Any
    tvalid: Any  # from the sender
    tready: Any  # from the receiver
    tlast: Any  # the last beat of an image, a load or an answer

    @classmethod
    def new(cls, width: int) -> "Stream":
        """A stream of `width` data bits."""
        return cls(word(width), bit(), bit(), bit())


@dataclass(eq=False)
class FrameWriter(Bundle):
    """The writing side of a spike buffer."""

    free: Any  # from the buffer: a bank is free
    claim: Any  # 1 for one cycle while `free` is 1: a frame will be written
    last: Any  # with `claim`: the frame is its image's last
    write: Any  # write `data` at `address`
    address: Any
    data: Any
    done: Any  # 1 for one cycle, not before the last write: the frame is complete

    @classmethod
    def new(cls, words: int, width: int) -> "FrameWriter":
        """A port for frames of `words` words of `width` bits."""
        return cls(bit(), bit(), bit(), bit(), word(bits(words)), word(width), bit())


@dataclass(eq=False)
class FrameReader(Bundle):
    """The reading side of a spike buffer."""

    filled: Any  # from the buffer: there is a frame to read
    last: Any  # from the buffer, with `filled`: the frame is its image's last
    read: Any  # read the word at `address`
    address: Any
    data: Any  # from the buffer, a cycle after `read`
    give_back: Any  # 1 for one cycle, not before the last read: the bank may be written again

    @classmethod
    def new(cls, words: int, width: int) -> "FrameReader":
        """A port for frames of `words` words of `width` bits."""
        return cls(bit(), bit(), bit(), word(bits(words)), word(width), bit())


@dataclass(eq=False)
class Decided(Bundle):
    """An image that is answered before its last step, told to all that may still work on it."""

    early: Any  # the image is answered, and its last frame has not come out of the last layer
    image: Any  # its number, of as many bits as tell apart all images under way


@dataclass(eq=False)
class MarginChange(Bundle):
    """A change of the margin of early exit between two loads."""

    wanted: Any  # the margin is to become `value`; no image begins until it has
    value: Any
    taken: Any  # 1 for one cycle, in which no image is under way: it becomes `value`
    present: Any  # the margin of the images under way, from the load or from the last change

    @classmethod
    def new(cls, width: int) -> "MarginChange":
        """A port for margins of `width` bits."""
        return cls(bit(), word(width), bit(), word(width))


@dataclass(eq=False)
class Scan(Bundle):
    """Inputs from the scanner to the walker: one in each cycle in which `valid` and `ready` are 1."""

    valid: Any  # from the scanner: an input is offered
    ready: Any  # from the walker: it takes what is offered
    y: Any  # row and column of the input's pixel
    x: Any
    channel: Any  # or the address, in a flat frame
    index: Any  # the place in its word


@dataclass(eq=False)
class Walk(Bundle):
    """A walker's additions: in each cycle with `add` one word of weights, and one sum in each bank that is reached."""

    move: Any  # the second stage takes the input of the first
    load: Any  # the walk takes the input of the second stage
    busy: Any  # an input has been taken, and not all its additions are out
    add: Any
    weight_address: Any  # of a word with the weights of all taps that are added at once
    banks: Any  # a bit for each bank: its tap is inside the frame
    addresses: Any  # an address for each bank, the first bank's in the lowest bits; of the membranes of all lanes
    turn_x: Any = None  # by how many columns the taps are turned to reach their banks; None if there is one bank
    turn_y: Any = None  # by how many rows; None unless all taps are added at once
    half: Any = None  # of two banks of currents, the one that is added to; None if there is no second one


@dataclass(eq=False)
class Turn(Bundle):
    """One turn of the firing pass: the neurons of all lanes at one address."""

    fire: Any
    address: Any
    y: Any  # row and column of their pixel, or pooling window if all of it fires, and their group of lanes
    x: Any
    group: Any
    first: Any  # the first, and the last, word of a pooling window
    last: Any
    half: Any = None  # of two banks of currents, the one that fires; None if there is no second one


@dataclass(eq=False)
class Firing(Bundle):
    """The neurons of one turn after the threshold, as the pool and the probe see them: position by position."""

    spikes: Any  # before the pool, a bit a lane
    membranes: Any  # before reset, the first in the lowest bits
    address: Any  # where they are


@dataclass(eq=False)
class LayerLoad(Bundle):
    """Words of weights and biases for a layer."""

    weights: Any  # write a word of weights
    biases: Any  # write a word of biases
    address: Any  # of either
    weight_data: Any
    bias_data: Any


@dataclass(eq=False)
class GroupReader(Bundle):
    """The reading port of a memory with a word for each group of lanes, of latency 1."""

    read: Any
    group: Any
    data: Any


@dataclass(eq=False)
class SumControl(Bundle):
    """Control of the adders of one bank of membranes; cycles are those of an addition in ``accumulate``."""

    enable: Any  # cycle 0: read the sum
    holds: Any  # cycle 1: hold it
    adds: Any  # cycle 2: add
    write: Any  # cycle 3, or any other: write
    write_address: Any
    one_before: Any  # cycle 2: the addition in the cycle before was to the same sum
    two_before: Any  # cycle 1: the addition two cycles before was to the same sum
    three_before: Any  # cycle 1: the addition three cycles before was to the same sum
    nearest: int = 1  # cycles from an addition to the next to the same sum, at least; no signal

    @classmethod
    def new(cls, width: int, nearest: int) -> "SumControl":
        """Controls with addresses of `width` bits, of sums that are each added to every `nearest` cycles at most."""
        return cls(bit(), bit(), bit(), bit(), word(width), bit(), bit(), bit(), nearest)


@dataclass(eq=False)
class SumReader(Bundle):
    """Control of the sums that are read, and written, while other sums are added to, in the other bank of two."""

    read: Any  # cycle 0: read the sum
    read_address: Any
    holds: Any  # cycle 1: hold it
    write_address: Any  # of any sum
    two_before: Any  # cycle 1: there was an addition to this sum two cycles before
    three_before: Any  # cycle 1: there was an addition to this sum three cycles before
    nearest: int = 1  # as in ``SumControl``

    @classmethod
    def new(cls, read: Any, read_address: Any, write_address: Any, nearest: int) -> "SumReader":
        """Controls with these signals, of sums that are each added to every `nearest` cycles at most."""
        return cls(read, read_address, bit(), write_address, bit(), bit(), nearest)


@dataclass(eq=False)
class LaneTiming(Bundle):
    """When lanes do what; ``lanes`` has the cycles, which depend on taps and on the kind of input."""

    reads: Any  # of an addition: hold the weights
    fires: Any  # bit i: a firing is in its cycle i in ``lif``
    clear: Any  # of a firing: keep 0
    multiplies: Any = None  # of an addition of pixels: multiply
    adds: Any = None  # of a firing with pixels: add current and bias, and hold the kept state
    chooses: Any = None  # of a firing with several banks: take the sum of its bank

    @classmethod
    def new(cls, banks: int, pixels: bool, cycles: int) -> "LaneTiming":
        """The timing of lanes with so many banks, of pixels or spikes; a firing has so many cycles in ``lif``."""
        timing = cls(bit(), word(cycles), bit())
        if pixels:
            timing.multiplies, timing.adds = bit(), bit()
        if banks > 1:
            timing.chooses = bit()
        return timing


@dataclass(eq=False)
class MemoryPort(Bundle):
    """Addresses of a memory with one read and one write port."""

    read: Any
    read_address: Any
    write: Any
    write_address: Any


@dataclass(eq=False)
class LoadWriter(Bundle):
    """Words from the loader: a word of a section in each cycle with `write`."""

    write: Any
    section: Any  # number of the section
    address: Any  # number of the word in its section
    data: Any  # the word ends with the highest bit


@dataclass(eq=False)
class Probe(Bundle):
    """Firings and events of all layers, the first layer in the lowest bits; see ``layer``."""

    events: Any  # four bits a layer
    fired: Any  # a bit a layer: neurons fire
    address: Any  # where they are
    spikes: Any  # before the pool, a bit a lane
    before: Any  # membranes before reset
