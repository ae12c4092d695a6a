"""From a network in integers to the numbers that its accelerator is built from."""

from collections.abc import Sequence

import numpy as np

from minisnn.fixed.bounds import HARDWARE_BITS, flag_for_hardware, signed_bits
from minisnn.fixed.network import IntegerNetwork
from minisnn.timing.layout import (
    check_lanes,
    check_positions,
    check_second_bank,
    check_taps,
    frame_shape,
    inputs_of_words,
)

from ..spec import AcceleratorSpec, LayerSpec
from .words import loaded_beta


def specify(
    network: IntegerNetwork,
    lanes: Sequence[int],
    in_lanes: int | None = None,
    max_steps: int = 255,
    load_bits: int = 32,
    taps: Sequence[int] | None = None,
    load_beta: int | None = None,
    second_bank: bool = False,
    positions: Sequence[int] | None = None,
) -> AcceleratorSpec:
    """Return the numbers of an accelerator for a network.

    Parameters
    ----------
    network : minisnn.fixed.network.IntegerNetwork
    lanes : sequence of int
        Lanes of each layer.
    in_lanes : int, optional
        Inputs in a word of the input stream: some channels of a pixel, or all of as many pixels of a row; by default as
        ``minisnn.timing.layout.inputs_of_words`` says.
    max_steps, load_bits : int
        The largest number of steps that can be loaded, and the width of the load stream.
    taps : sequence of int, optional
        Taps of an input that each layer adds at once: 1, or of a convolution also k or k * k, with a kernel of k; by
        default 1.
    load_beta : int, optional
        Load the leaks, with so many fraction bits, 0 to 16: a register in each layer and a multiplier in each lane, so
        that networks of other leaks fit the design. By default each is built in; then a power of two is only a shift.
    second_bank : bool
        A second bank of currents in the first layer, which must take pixels: the next image's are added while the
        present image fires.
    positions : sequence of int, optional
        Positions that each layer fires in a cycle: 1, or with all taps at once those of a pooling window; by default 1.

    Returns
    -------
    spec : AcceleratorSpec

    Raises
    ------
    ValueError
        If hardware cannot implement a layer; the message names the layer and the number that does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import minisnn as ms
    >>> net = ms.Network("8-4", (16,), rng=np.random.default_rng(0))
    >>> integer, _ = ms.quantize(ms.Model(net, ms.Encoder("rate", 5)))
    >>> specify(integer.network, (4, 2)).layers[1].groups  # 4 neurons on 2 lanes
    2
    """
    lanes = check_lanes(network, lanes)
    frames = [frame_shape(network, index) for index in range(len(lanes))]
    _, width, channels = frames[0]
    words = inputs_of_words(network, lanes, in_lanes)
    check_second_bank(network, second_bank)
    for name, value, least, most in (
        ("in_lanes", words[0], 1, width * channels),
        ("max_steps", max_steps, 1, 65535),
        ("load_bits", load_bits, 8, 65536),
        ("load_beta", 0 if load_beta is None else load_beta, 0, 16),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
            raise ValueError(f"{name} must be a whole number from {least} to {most}, got {value!r}")
    if words[0] > channels and words[0] % channels:
        raise ValueError(f"in_lanes must be whole pixels of {channels} channels, or fewer, got {in_lanes}")
    max_steps, load_bits = int(max_steps), int(load_bits)
    result, pixel_bits = [], network.input_bits
    taps = check_taps(network, taps)
    numbers = zip(network.layers, frames, words, lanes, taps, check_positions(network, taps, positions))
    for number, (integer, frame, in_lanes, count, tap_count, at_once) in enumerate(numbers, 1):
        layer = integer.layer
        flat = layer.kind == "linear"
        if integer.membrane_bits > HARDWARE_BITS:
            raise ValueError(
                f"layer {number} has membranes of {integer.membrane_bits} bits and hardware takes up to "
                f"{HARDWARE_BITS}; make it anew with `minisnn quantize MODEL {flag_for_hardware(network)}`"
            )
        if integer.threshold > integer.high:
            raise ValueError(
                f"layer {number} has the threshold {integer.threshold}, beyond its membranes of "
                f"{integer.membrane_bits} bits: it would never spike; quantize with more membrane bits"
            )
        if load_beta is not None:
            loaded_beta(integer, load_beta, number)  # raises ValueError unless it fits
        out_height, out_width, out_channels = (1, 1, *layer.out_shape) if flat else layer.out_shape
        result.append(
            LayerSpec(
                lanes=count,
                in_height=frame[0],
                in_width=frame[1],
                in_channels=frame[2],
                in_lanes=int(in_lanes),
                input_bits=pixel_bits,
                flat=flat,
                kernel=1 if flat else layer.w_shape[0],
                padding=layer.padding,
                out_height=out_height,
                out_width=out_width,
                out_channels=out_channels,
                pool=layer.pool,
                weight_bits=integer.weight_bits,
                # At least as wide as the membranes: other biases may be loaded later.
                bias_bits=max(integer.membrane_bits, *(signed_bits(int(b)) for b in integer.b)),
                membrane_bits=integer.membrane_bits,
                guard=integer.guard,
                beta=integer.beta if load_beta is None else None,
                frac=integer.frac if load_beta is None else load_beta,
                reset=integer.reset,
                towards_zero=integer.rounding == "zero",
                taps=tap_count,
                second_bank=second_bank and number == 1,
                whole_windows=at_once > 1,
            )
        )
        pixel_bits = 0
    return AcceleratorSpec(
        layers=tuple(result),
        classes=network.classes,
        max_steps=max_steps,
        load_bits=load_bits,
        membrane=network.readout == "membrane",
    )
