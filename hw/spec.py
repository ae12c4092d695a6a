"""The numbers that an accelerator is built from: plain integers, so that the blocks know nothing of the software."""

from dataclasses import dataclass
from typing import ClassVar

COUNTER_BITS = 32  # of cycles


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """Shape and widths of a layer.

    Attributes
    ----------
    lanes : int
        Neurons that are worked on at once.
    in_height, in_width, in_channels : int
        Frame of the inputs; a flat layer takes maps as a row of pixels, and any other frame as one pixel.
    in_lanes : int
        Inputs in a word of the input frame: the channels of whole pixels of a row, or a part of a pixel's.
    input_bits : int
        Width of a pixel; 0 for a layer that takes spikes.
    flat : bool
        A fully connected layer; otherwise a convolution.
    kernel, padding : int
        1 and 0 if flat.
    out_height, out_width, out_channels : int
        Frame of the neurons; 1, 1, N if flat.
    pool : int
        Window of the pool after the neurons, 1 for none.
    weight_bits : int
        Width of a weight.
    bias_bits : int
        Width of a bias.
    membrane_bits : int
        Width of a membrane.
    guard : int
        Fraction bits of the membrane.
    frac : int
        Fraction bits of the leak.
    beta : int or None
        The leak is beta / 2**frac; None if beta is loaded.
    reset : str
    towards_zero : bool
        The leak rounds towards zero; otherwise down.
    taps : int
        Taps of a convolution that are added at once: 1, a row of kernel, or all kernel**2.
    second_bank : bool
        Pixels of the next image are added into a second bank of currents while the present image fires.
    whole_windows : bool
        All positions of a pooling window fire at once. All taps must be added at once, and `pool` be at most `kernel`,
        so that no two of them are in one membrane bank.
    """

    lanes: int
    in_height: int
    in_width: int
    in_channels: int
    in_lanes: int
    input_bits: int
    flat: bool
    kernel: int
    padding: int
    out_height: int
    out_width: int
    out_channels: int
    pool: int
    weight_bits: int
    bias_bits: int
    membrane_bits: int
    guard: int
    beta: int | None
    frac: int
    reset: str
    towards_zero: bool
    taps: int = 1
    second_bank: bool = False
    whole_windows: bool = False

    WORDS: ClassVar = ("coding", "operation")  # what tells two layers apart in words, for the names of their entities

    @property
    def coding(self) -> str:
        """The end of a name that says what the layer takes."""
        return ("of_pixels_ahead" if self.second_bank else "of_pixels") if self.input_bits else "of_spikes"

    @property
    def operation(self) -> str:
        """The part of a name that says what the layer computes."""
        if self.flat:
            return "linear"
        words = f"convolution_{self.taps}_taps" if self.taps > 1 else "convolution"
        return f"{words}_{self.positions}_positions" if self.whole_windows else words

    @property
    def word_bits(self) -> int:
        """Width of a word of the input frame."""
        return self.in_lanes * max(self.input_bits, 1)

    @property
    def current_bits(self) -> int:
        """Width that holds every sum of weights times pixels, whatever the weights."""
        fan_in = self.inputs if self.flat else self.in_channels * self.kernel**2
        return self.weight_bits + self.input_bits + self.guard + fan_in.bit_length()

    @property
    def inputs(self) -> int:
        """Inputs of a frame."""
        return self.in_height * self.in_width * self.in_channels

    @property
    def in_pixels(self) -> int:
        """Pixels in a word of the input frame; 1 if it holds a part of one."""
        return max(self.in_lanes // self.in_channels, 1)

    @property
    def in_words(self) -> int:
        """Words of an input frame."""
        return self.in_height * -(-self.in_width // self.in_pixels) * -(-self.in_channels // self.in_lanes)

    @property
    def groups(self) -> int:
        """Groups of lanes that hold the neurons of a pixel."""
        return -(-self.out_channels // self.lanes)

    @property
    def window(self) -> int:
        """Neurons that fire at once along a side of a pooling window: one, or all."""
        return self.pool if self.whole_windows else 1

    @property
    def positions(self) -> int:
        """Positions of a pooling window that fire at once: one, or all."""
        return self.window**2

    @property
    def neurons(self) -> int:
        """Neurons that fire at once: one for each lane and position."""
        return self.lanes * self.positions

    @property
    def depth(self) -> int:
        """Neurons of one lane and position, which is as many as a firing pass has turns."""
        return self.out_height * self.out_width * self.groups // self.positions

    @property
    def out_words(self) -> int:
        """Words of an output frame, after the pool."""
        return self.out_height // self.pool * (self.out_width // self.pool) * self.groups

    @property
    def bank_columns(self) -> int:
        """Membrane banks along a row of neurons: one for each tap of a row that is added at once."""
        return min(self.taps, self.kernel)

    @property
    def bank_rows(self) -> int:
        """Membrane banks along a column of neurons."""
        return self.taps // self.bank_columns

    @property
    def bank_depth(self) -> int:
        """Neurons of one lane in one membrane bank."""
        return -(-self.out_height // self.bank_rows) * -(-self.out_width // self.bank_columns) * self.groups

    @property
    def weight_word_bits(self) -> int:
        """Width of a word of weights: one for each lane and tap that work at once."""
        return self.lanes * self.weight_bits * self.taps

    @property
    def weight_words(self) -> int:
        """Words of weights."""
        inputs = self.inputs if self.flat else self.in_channels * self.kernel**2 // self.taps
        return inputs * self.groups

    @property
    def nearest(self) -> int:
        """Cycles from an addition to the next to the same neuron, at least: a walker takes all groups in turn."""
        return self.groups

    @property
    def firing_delay(self) -> int:
        """Cycles from a neuron's turn in the firing pass to its spike."""
        return 4 + (2 if self.taps > 1 else 0) + (2 if self.input_bits else 0)


@dataclass(frozen=True, kw_only=True)
class AcceleratorSpec:
    """Numbers of a whole accelerator.

    Attributes
    ----------
    layers : tuple of LayerSpec
    classes : int
    max_steps : int
        The largest number of steps that can be loaded.
    load_bits : int
        Width of the load stream.
    membrane : bool
        The answer is the sum of the last layer's membranes; otherwise of its spikes.
    """

    layers: tuple
    classes: int
    max_steps: int
    load_bits: int
    membrane: bool

    @property
    def exits(self) -> bool:
        """True if an image may be answered before its last step: scores are spike counts of several classes."""
        return not self.membrane and self.classes > 1

    @property
    def most_gain(self) -> int:
        """The most spikes that a class can count; no margin need be larger."""
        return self.layers[-1].out_channels // self.classes * self.max_steps

    @property
    def margin_bits(self) -> int:
        """Width of a margin."""
        return self.most_gain.bit_length()

    @property
    def loads_beta(self) -> bool:
        """True if leaks are loaded."""
        return any(layer.beta is None for layer in self.layers)

    @property
    def most_beta(self) -> int:
        """The largest beta that can be loaded: a leak of 1, with the same fraction bits in all layers that load it."""
        return 1 << max(layer.frac for layer in self.layers if layer.beta is None) if self.loads_beta else 0

    @property
    def counter_bits(self) -> int:
        """Width of a count of cycles."""
        return COUNTER_BITS

    @property
    def step_bits(self) -> int:
        """Width of the number of steps."""
        return self.max_steps.bit_length()

    @property
    def score_bits(self) -> int:
        """Width of a neuron's sum over all steps, two's complement."""
        return (self.layers[-1].membrane_bits if self.membrane else 1) + self.step_bits

    @property
    def output_bits(self) -> int:
        """Width of the output stream: a class's score, or a count of cycles."""
        members = self.layers[-1].out_channels // self.classes
        return max(self.counter_bits, self.score_bits + members.bit_length())

    @property
    def input_bits(self) -> int:
        """Width of the input stream: whole bytes."""
        return -(-self.layers[0].word_bits // 8) * 8
