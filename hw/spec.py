"""The numbers that a layer, and the accelerator, is built from: plain integers, so that the blocks know nothing of the
software.
"""

from dataclasses import dataclass

COUNTER_BITS = 32  # of cycles


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """A layer's shape and widths.

    Attributes
    ----------
    lanes : int
        Neurons worked on at once.
    in_height, in_width, in_channels : int
        Frame of the inputs; a flat row is one pixel of as many channels.
    in_lanes : int
        Inputs in a word of the input frame.
    input_bits : int
        Of a pixel of a layer that takes pixels; 0 for spikes.
    flat : bool
        A fully connected layer; else a convolution.
    kernel, padding : int
        1 and 0 if flat.
    out_height, out_width, out_channels : int
        Frame of the neurons; 1, 1, N if flat.
    pool : int
        Window of the pool after firing, 1 for none.
    weight_bits, bias_bits, membrane_bits : int
    guard, beta, frac : int
    reset : str
    towards_zero : bool
    taps : int
        Of a convolution, added at once: 1, or all kernel**2.
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
    beta: int
    frac: int
    reset: str
    towards_zero: bool
    taps: int = 1

    @property
    def word_bits(self):
        """Width of a word of the input frame."""
        return self.in_lanes * max(self.input_bits, 1)

    @property
    def current_bits(self):
        """Width that no sum of weights times pixels leaves, whatever the weights."""
        fan_in = self.inputs if self.flat else self.in_channels * self.kernel**2
        return self.weight_bits + self.input_bits + self.guard + fan_in.bit_length()

    @property
    def inputs(self):
        """Inputs of a frame."""
        return self.in_height * self.in_width * self.in_channels

    @property
    def in_words(self):
        """Words of an input frame."""
        return self.in_height * self.in_width * -(-self.in_channels // self.in_lanes)

    @property
    def groups(self):
        """Groups of lanes that hold the neurons of a pixel."""
        return -(-self.out_channels // self.lanes)

    @property
    def depth(self):
        """Neurons of a lane."""
        return self.out_height * self.out_width * self.groups

    @property
    def out_words(self):
        """Words of an output frame, after the pool."""
        return self.out_height // self.pool * (self.out_width // self.pool) * self.groups

    @property
    def bank_depth(self):
        """Neurons of a lane in one of ``taps`` banks."""
        side = self.kernel if self.taps > 1 else 1
        return -(-self.out_height // side) * -(-self.out_width // side) * self.groups

    @property
    def weight_word_bits(self):
        """Width of a word of weights: one for each lane and tap that are worked on at once."""
        return self.lanes * self.weight_bits * self.taps

    @property
    def weight_words(self):
        """Words of weights."""
        inputs = self.inputs if self.flat else self.in_channels * self.kernel**2 // self.taps
        return inputs * self.groups

    @property
    def firing_delay(self):
        """Cycles from a neuron's turn in the firing pass to its spike."""
        return 4 + (2 if self.taps > 1 else 0) + (2 if self.input_bits else 0)


@dataclass(frozen=True, kw_only=True)
class AcceleratorSpec:
    """The numbers that an accelerator is built from.

    Attributes
    ----------
    layers : tuple of LayerSpec
    classes : int
    max_steps : int
        The largest number of steps that can be loaded.
    load_bits : int
        Width of the load stream.
    membrane : bool
        The answer is the sum of the last layer's membranes; else of its spikes.
    """

    layers: tuple
    classes: int
    max_steps: int
    load_bits: int
    membrane: bool

    @property
    def counter_bits(self):
        """Width of a count of cycles."""
        return COUNTER_BITS

    @property
    def step_bits(self):
        """Width of the number of steps."""
        return self.max_steps.bit_length()

    @property
    def score_bits(self):
        """Width of a neuron's sum over all steps, two's complement."""
        return (self.layers[-1].membrane_bits if self.membrane else 1) + self.step_bits

    @property
    def output_bits(self):
        """Width of the output stream: a class's score, or a count of cycles."""
        members = self.layers[-1].out_channels // self.classes
        return max(self.counter_bits, self.score_bits + members.bit_length())

    @property
    def input_bits(self):
        """Width of the input stream: whole bytes."""
        return -(-self.layers[0].word_bits // 8) * 8

    @property
    def sections(self):
        """((words, bits of a word), ...) of the load: steps; then weights, biases, threshold of each layer."""
        result = [(1, self.step_bits)]
        for spec in self.layers:
            result += [
                (spec.weight_words, spec.weight_word_bits),
                (spec.groups, spec.lanes * spec.bias_bits),
                (1, spec.membrane_bits - 1),
            ]
        return tuple(result)

    @property
    def beats(self):
        """Beats of a word of each section."""
        return tuple(-(-width // self.load_bits) for _, width in self.sections)
