"""From a network in integers to the numbers that its accelerator is built from."""

from minisnn.fixed.quantize import signed_bits
from minisnn.timing.cycles import check_lanes, taps, words_of_input

from ..spec import AcceleratorSpec, LayerSpec


def specify(network, lanes, in_lanes=None, max_steps=255, load_bits=32, wide=False):
    """The numbers of an accelerator for a network.

    Parameters
    ----------
    network : minisnn.fixed.network.IntegerNetwork
    lanes : sequence of int
        One number for each layer.
    in_lanes : int, optional
        Inputs in a word of the input stream; by default ``minisnn.timing.cycles.words_of_input``.
    max_steps, load_bits : int
    wide : bool, or sequence of bool
        Add all taps of a convolution at once, one for all layers or one for each; see ``minisnn.timing.cycles.taps``.

    Returns
    -------
    spec : AcceleratorSpec

    Raises
    ------
    ValueError
        That names the layer and the number that does not fit.
    """
    lanes = check_lanes(network, lanes)
    in_lanes = words_of_input(network) if in_lanes is None else in_lanes
    for name, value, least, most in (
        ("in_lanes", in_lanes, 1, network.input_shape[-1]),
        ("max_steps", max_steps, 1, 65535),
        ("load_bits", load_bits, 8, 65536),
    ):
        if not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{name} must be a whole number from {least} to {most}, got {value!r}")
    result, pixel_bits = [], network.input_bits
    for number, (each, count, tap_count) in enumerate(zip(network.layers, lanes, taps(network, wide)), 1):
        layer = each.layer
        flat = layer.kind == "linear"
        if each.membrane_bits > 31:
            raise ValueError(
                f"layer {number} has membranes of {each.membrane_bits} bits and hardware takes up to 31; "
                "quantize with fewer weight, guard or membrane bits"
            )
        if each.threshold > each.high:
            raise ValueError(
                f"layer {number} has the threshold {each.threshold}, beyond its membranes of "
                f"{each.membrane_bits} bits: it would never fire; quantize with more membrane bits"
            )
        height, width, channels = layer.in_shape if len(layer.in_shape) == 3 else (1, 1, *layer.in_shape)
        if flat:
            height, width = 1, height * width
        out = layer.out_shape if not flat else (1, 1, *layer.out_shape)
        # Not just as wide as these biases: others may be loaded.
        bias_bits = max(each.membrane_bits, *(signed_bits(int(b)) for b in each.b))
        result.append(
            LayerSpec(
                count,
                height,
                width,
                channels,
                in_lanes,
                pixel_bits,
                flat,
                1 if flat else layer.w_shape[0],
                layer.padding,
                *out,
                layer.pool,
                each.weight_bits,
                bias_bits,
                each.membrane_bits,
                each.guard,
                each.beta,
                each.frac,
                each.reset,
                each.rounding == "zero",
                tap_count,
            )
        )
        in_lanes, pixel_bits = count, 0
    return AcceleratorSpec(tuple(result), network.classes, max_steps, load_bits, network.readout == "membrane")
