"""From a network in integers to the blocks that compute it."""

from minisnn.quantize import signed_bits

from .spec import LayerSpec


def specs(network, lanes, in_lanes=None):
    """The LayerSpec of each layer.

    Parameters
    ----------
    network : minisnn.fixed.network.IntegerNetwork
    lanes : sequence of int
        One number for each layer.
    in_lanes : int, optional
        Bits of a word of input spikes; by default the channels of a pixel.

    Returns
    -------
    specs : list of LayerSpec

    Raises
    ------
    ValueError
        That names the layer and the number that does not fit.
    """
    if len(lanes) != len(network.layers):
        raise ValueError(f"lanes must be one number for each of {len(network.layers)} layers, got {len(lanes)}")
    result = []
    in_lanes = network.input_shape[-1] if in_lanes is None else in_lanes
    for number, (each, count) in enumerate(zip(network.layers, lanes), 1):
        layer = each.layer
        flat = layer.kind == "linear"
        if not isinstance(count, int) or not 1 <= count <= layer.w_shape[-1]:
            raise ValueError(f"layer {number} has {layer.w_shape[-1]} output channels: its lanes must be 1 to as many, "
                             f"got {count!r}")
        if each.membrane_bits > 31:
            raise ValueError(f"layer {number} has membranes of {each.membrane_bits} bits; hardware takes up to 31")
        height, width, channels = layer.in_shape if len(layer.in_shape) == 3 else (1, 1, *layer.in_shape)
        if flat:
            height, width = 1, height * width
        out = layer.out_shape if not flat else (1, 1, *layer.out_shape)
        bias_bits = max(2, *(signed_bits(int(b)) for b in each.b))
        result.append(LayerSpec(count, height, width, channels, in_lanes, flat, 1 if flat else layer.w_shape[0],
                                layer.padding, *out, layer.pool, each.weight_bits, bias_bits, each.membrane_bits,
                                each.guard, each.beta, each.frac, each.reset, each.rounding == "zero"))
        in_lanes = count
    return result


def weight_words(each, spec):
    """The words of a layer's weight memory, as integers, in order of address."""
    w = each.w.reshape(-1, each.w.shape[-1]) if spec.flat else (
        each.w.transpose(2, 0, 1, 3).reshape(-1, each.w.shape[-1]))  # rows (c, ky, kx)
    return _words(w, spec.lanes, spec.groups, spec.weight_bits)


def bias_words(each, spec):
    """The words of a layer's bias memory."""
    return _words(each.b[None], spec.lanes, spec.groups, spec.bias_bits)


def frame_words(frame, spec):
    """The words of a frame of input spikes (H, W, C) or (N,)."""
    rows = frame.reshape(spec.in_height * spec.in_width, spec.in_channels)
    return _words(rows, spec.in_lanes, -(-spec.in_channels // spec.in_lanes), 1)


def _words(rows, lanes, groups, bits):
    """Rows of numbers, cut into groups of lanes, lane 0 in the lowest bits; lanes without a number hold 0."""
    words, mask = [], (1 << bits) - 1
    for row in rows.tolist():
        row = row + [0] * (groups * lanes - len(row))
        words += [sum((value & mask) << (i * bits) for i, value in enumerate(row[g * lanes:(g + 1) * lanes]))
                  for g in range(groups)]
    return words
