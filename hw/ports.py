"""Port bundles: the signals of one port as one object, a signal an attribute.

A block takes a bundle as one argument, and MyHDL converts its members under the argument's name: ``s_load.tdata``
becomes ``s_load_tdata`` in VHDL and Verilog. Directions follow from use. A bundle must be an object with a
``__dict__``, such as these dataclasses; slots, named tuples and lists of bundles would lose their signals silently.
"""

from dataclasses import dataclass, fields

from myhdl import Signal, intbv


def bit():
    """A signal of one bit."""
    return Signal(bool(0))


def word(width):
    """An unsigned signal of `width` bits."""
    return Signal(intbv(0)[width:])


def bits(count):
    """Width of an address of `count` words."""
    return max((count - 1).bit_length(), 1)


class Bundle:
    """What all bundles can do."""

    @classmethod
    def of(cls, prefix, signals):
        """Gather the bundle's signals from a dict, in which the names of all begin with `prefix` and an underscore."""
        return cls(**{field.name: signals[f"{prefix}_{field.name}"] for field in fields(cls)})

    def named(self, prefix, *names):
        """Return the signals as a dict, as :meth:`of` takes them; only `names`, if there are any."""
        return {f"{prefix}_{name}": signal for name, signal in vars(self).items() if not names or name in names}


@dataclass(eq=False)
class Stream(Bundle):
    """A stream with AXI4-Stream's names: a beat is transferred in a cycle in which `tvalid` and `tready` are 1."""

    tdata: object
    tvalid: object
    tready: object
    tlast: object  # the last beat of an image, a load or an answer

    @classmethod
    def new(cls, width):
        """A stream of `width` data bits."""
        return cls(word(width), bit(), bit(), bit())


@dataclass(eq=False)
class FrameWriter(Bundle):
    """The writing side of a spike buffer."""

    free: object  # from the buffer: a bank is free
    claim: object  # 1 for one cycle while `free` is 1: a frame will be written
    write: object
    address: object
    data: object
    done: object  # 1 for one cycle, not before the last write: the frame is complete

    @classmethod
    def new(cls, words, width):
        """A port for frames of `words` words of `width` bits."""
        return cls(bit(), bit(), bit(), word(bits(words)), word(width), bit())


@dataclass(eq=False)
class FrameReader(Bundle):
    """The reading side of a spike buffer."""

    filled: object  # from the buffer: there is a frame to read
    read: object
    address: object
    data: object  # from the buffer, a cycle after `read`
    give_back: object  # 1 for one cycle, not before the last read: the bank may be written again

    @classmethod
    def new(cls, words, width):
        """A port for frames of `words` words of `width` bits."""
        return cls(bit(), bit(), word(bits(words)), word(width), bit())


@dataclass(eq=False)
class Scan(Bundle):
    """Inputs from the scanner to the walker: one in each cycle in which `valid` and `ready` are 1."""

    valid: object
    ready: object
    y: object
    x: object
    base: object  # the input's channel, or its address in a flat frame, is base + index
    index: object


@dataclass(eq=False)
class Walk(Bundle):
    """A walker's additions, one word of weights and one word of membranes in each cycle with `add`."""

    move: object  # the second stage takes the input of the first
    load: object  # the walk takes the input of the second stage
    busy: object  # an input has been taken, and not all its additions are out
    add: object
    weight_address: object
    neuron_address: object


@dataclass(eq=False)
class WideWalk(Bundle):
    """A wide walker's additions: all taps of an input in one cycle, each in a membrane bank of its own."""

    move: object
    load: object
    busy: object
    add: object
    weight_address: object
    turn_y: object  # by how many rows and columns the taps are turned to reach their banks
    turn_x: object
    banks: object  # a bit for each bank: its tap is inside the frame
    addresses: object  # an address for each bank, the first bank's in the lowest bits


@dataclass(eq=False)
class Turn(Bundle):
    """One turn of the firing pass: the neurons of all lanes at one address."""

    fire: object
    address: object
    y: object
    x: object
    group: object
    first: object  # the first, and the last, word of a pooling window
    last: object


@dataclass(eq=False)
class Firing(Bundle):
    """The neurons of one turn after the threshold, and what the probe sees of a layer."""

    spikes: object  # before the pool, a bit a lane
    membranes: object  # before reset, lane 0 in the lowest bits
    address: object


@dataclass(eq=False)
class LayerLoad(Bundle):
    """Words of weights and biases for a layer."""

    weights: object  # write a word of weights
    biases: object  # write a word of biases
    address: object
    weight_data: object
    bias_data: object


@dataclass(eq=False)
class BiasReader(Bundle):
    """The reading port of a layer's biases, of latency 1."""

    read: object
    group: object
    data: object


@dataclass(eq=False)
class SumControl(Bundle):
    """What the adders of one bank of membranes must know of the additions under way; see ``accumulate``."""

    enable: object
    holds: object
    two_before: object
    three_before: object
    adds: object
    one_before: object
    write: object
    write_address: object

    @classmethod
    def new(cls, width):
        """Controls of a bank with addresses of `width` bits."""
        return cls(bit(), bit(), bit(), bit(), bit(), bit(), bit(), word(width))


@dataclass(eq=False)
class MemoryPort(Bundle):
    """Addresses of a memory with one read and one write port."""

    read: object
    read_address: object
    write: object
    write_address: object


@dataclass(eq=False)
class LoadWriter(Bundle):
    """Words from the loader: a word of a section in each cycle with `write`."""

    write: object
    section: object
    address: object
    data: object  # the word ends with the highest bit


@dataclass(eq=False)
class Probe(Bundle):
    """Firings and events of all layers, the first layer in the lowest bits; see ``layer``."""

    events: object
    fired: object
    address: object
    spikes: object
    before: object  # membranes before reset
