"""From a trained network to integers: the only place where a float becomes an integer. What it loses, it returns.

Each layer has a scale s of its own, for spikes are 0 and 1 and carry no scale to the next layer:

    w_int = round(w / s)                      s so that the squared error is least, weights clipped symmetrically
    theta_int = round(theta / s * 2^guard)    membrane, bias and threshold have `guard` more fraction bits
    beta_int = round(beta * 2^frac)           reduced, so that an exact power of two is a shift alone

A normalisation (x - mu) / sigma of pixels x = low + step*p folds into the first layer: w*step/sigma before
rounding, and the offset -sum(w_int) * (mu - low)/step, from the rounded weights, into the bias.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..model import Model
from . import lif
from .model import IntegerModel, Pixels, check
from .network import IntegerLayer, IntegerNetwork
from .rounding import input_factors, rounded, scale, whole_number, widths


@dataclass(frozen=True)
class LayerLoss:
    """What one layer lost, and what is proven of its membranes.

    Attributes
    ----------
    name : str
    weight_bits, membrane_bits : int
    worst_weight, rms_weight : float
        Largest and root-mean-square error of a weight, in units of the float weights (of the first layer: of those
        that stand before a pixel of deviation 1).
    beta, beta_got, threshold, threshold_got, worst_bias : float
        Asked, and what the integers stand for; the bias includes the folded normalisation.
    least, most : int
        Proven bounds of the membrane and of every partial sum, in its units, for any input.
    saturates : bool
        Whether the bounds exceed the width: then a sum may saturate.

    Examples
    --------
    Weights 3, -1 and 2 are integers of 3 bits as they stand; of 2 bits there are only -1, 0, 1 times a scale:

    >>> from minisnn import Network
    >>> from minisnn.encode import Encoder
    >>> net = Network("1", (3,), beta=0.75, backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[3.0], [-1.0], [2.0]]
    >>> model = Model(net, Encoder("rate", 4, max_value=1.0))
    >>> for bits in (3, 2):
    ...     integer, losses = quantize(model, bits, guard=0)
    ...     only, loss = integer.network.layers[0], losses.layers[0]
    ...     print(only.w.ravel(), round(only.scale, 2), round(loss.worst_weight, 2), loss.least, loss.most)
    [ 3 -1  2] 1.0 0.0 -4 13
    [1 0 1] 2.49 1.0 0 2
    """

    name: str
    weight_bits: int
    membrane_bits: int
    worst_weight: float
    rms_weight: float
    beta: float
    beta_got: float
    threshold: float
    threshold_got: float
    worst_bias: float
    least: int
    most: int
    saturates: bool


@dataclass(frozen=True)
class Losses:
    """What :func:`quantize` lost: by layer, and of a pixel.

    What that does to accuracy and firing rates, ``evaluate`` tells, of the model before and of the integers after.

    Attributes
    ----------
    layers : tuple of LayerLoss
    worst_pixel : float
        Largest error of a pixel within the range of the images, in its units; 0 if they are whole numbers already.

    Examples
    --------
    Pixels between 0 and 6 in 2 bits have the levels 0, 2, 4, 6, so the largest error is 1:

    >>> from minisnn import Network
    >>> from minisnn.encode import Encoder
    >>> net = Network("1", (3,), backend="numpy", rng=np.random.default_rng(0))
    >>> model = Model(net, Encoder("direct", 4, max_value=6.0))
    >>> quantize(model, input_bits=2, images=np.array([[0.0, 5.0, 6.0]]))[1].worst_pixel
    1.0
    """

    layers: tuple
    worst_pixel: float


def quantize(model, weight_bits=8, *, frac=8, guard=4, membrane_bits=None, rounding="floor", input_bits=8, images=None):
    """Quantise a trained network.

    Parameters
    ----------
    model : minisnn.model.Model
    weight_bits : int or sequence of int, default 8
        2 to 16: one for all layers, or one for each.
    frac : int, default 8
        Fraction bits of beta, 0 to 16.
    guard : int, default 4
        Fraction bits of membranes below the weights' unit, 0 to 16.
    membrane_bits : int, optional
        Width of all membranes; by default each layer's is proven never to saturate.
    rounding : "floor" or "zero"
        How the leak rounds.
    input_bits : int, default 8
        Of pixels that are not uint8.
    images : ndarray, optional
        Raw training images, to know type and range of pixels; needed for "direct" coding of data of your own.

    Returns
    -------
    integer_model : fixed.model.IntegerModel
    losses : Losses

    Raises
    ------
    InputError
        For widths that cannot be, or a network that has no integers.

    Examples
    --------
    >>> from minisnn import Network, evaluate, load_data, fit
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model = fit(net, data, epochs=3, num_steps=4)
    >>> integer, losses = quantize(model, 8, images=data.x_train)
    >>> before, after = (m.accuracy for m in (evaluate(model, data.x_test, data.y_test),
    ...                                       integer.evaluate(data.x_test, data.y_test)))
    >>> abs(before - after) < 0.02
    True
    """
    net, encoder = model.network, model.encoder
    bits = widths(weight_bits, len(net.layers))
    for name, value, most in (("frac", frac, 16), ("guard", guard, 16)):
        whole_number(name, value, 0, most)
    if rounding not in lif.ROUNDINGS:
        raise InputError(f"rounding must be floor or zero, got {rounding!r}")
    if membrane_bits is not None:
        whole_number("membrane_bits", membrane_bits, 2, 40)
    pixels = _pixels(model, images, input_bits)
    layers, losses = [], []
    for index in range(len(net.layers)):
        direct = index == 0 and encoder.kind == "direct"
        each, loss = _layer(
            net,
            index,
            bits[index],
            frac,
            guard,
            rounding,
            _folding(encoder, pixels, net.layers[0].shape.w_shape, direct),
        )
        most_input = (1 << pixels.bits) - 1 if direct else 1
        least, most = bounds(each, most_input, encoder.num_steps)
        needed = max(signed_bits(least), signed_bits(most))
        width = needed if membrane_bits is None else membrane_bits
        each = replace(each, membrane_bits=width)
        try:
            check(each, index)
        except ValueError as error:
            raise InputError(f"{error}; change the widths") from None
        layers.append(each)
        losses.append(
            LayerLoss(
                net.layers[index].name, bits[index], width, **loss, least=least, most=most, saturates=width < needed
            )
        )
    network = IntegerNetwork(
        layers=tuple(layers), classes=net.classes, input_bits=pixels.bits if encoder.kind == "direct" else 0
    )
    integer = IntegerModel(
        network,
        encoder,
        pixels,
        model.seed,
        model.dataset,
        {"settings": model.settings, "versions": model.versions, "detach_reset": net.detach_reset, **_surrogate(net)},
    )
    exact = encoder.kind != "direct" or _whole(images)
    return integer, Losses(tuple(losses), 0.0 if exact else pixels.step / 2)


def _surrogate(net):
    """What it was trained with; functions of one's own cannot be kept."""
    own = net.surrogate.functions or net.surrogate.table
    return {} if own else {"surrogate": str(net.surrogate)}


def _layer(net, index, bits, frac, guard, rounding, folding):
    """(IntegerLayer of any width, what it lost) of one layer."""
    layer = net.layers[index]
    w, b = layer.w.astype(np.float64), layer.b.astype(np.float64)
    factor, offset = folding
    folded = w * factor
    s = scale(folded, bits)
    w_int = rounded(folded, s, bits)
    unit = s / 2**guard
    # The offset meets the rounded weights: the integers equal the float network that has these weights.
    shift = (s * w_int * (offset / factor)).reshape(-1, w.shape[-1]).sum(axis=0)
    b_int = np.rint((b + shift) / unit)
    threshold, beta = layer.threshold, layer.beta
    theta_int, beta_int = max(round(threshold / unit), 1), round(beta * 2**frac)
    while frac and beta_int % 2 == 0:
        beta_int, frac = beta_int // 2, frac - 1
    error = (s * w_int - folded) / factor
    each = IntegerLayer(
        layer=layer.shape,
        w=w_int.astype(np.int16),
        b=b_int.astype(np.int64),
        threshold=theta_int,
        beta=beta_int,
        frac=frac,
        guard=guard,
        weight_bits=bits,
        membrane_bits=40,
        reset=layer.reset,
        rounding=rounding,
        scale=s,
    )
    return each, {
        "worst_weight": float(np.abs(error).max()),
        "rms_weight": float(np.sqrt(np.square(error).mean())),
        "beta": beta,
        "beta_got": beta_int / 2**frac,
        "threshold": threshold,
        "threshold_got": theta_int * unit,
        "worst_bias": float(np.abs(b_int * unit - b - shift).max()),
    }


def bounds(each, most_input, num_steps):
    """(least, most) of every sum and membrane of a layer, for any inputs from 0 to `most_input`.

    The interval of what is kept is followed from step to step until it no longer grows; with beta = 1 it may
    grow for ever, and `num_steps` steps are followed.

    Parameters
    ----------
    each : fixed.network.IntegerLayer
    most_input : int
        1 for spikes, 2**bits - 1 for pixels.
    num_steps : int
        T.

    Returns
    -------
    least, most : int
        In units of the membrane.

    Examples
    --------
    A neuron adds up to 3, or as little as -1, and keeps half, rounded down. Upwards 3, 3 + 1, 3 + 2, 3 + 2; downwards
    -1, -1 - 1, -1 - 1:

    >>> from minisnn.topology import parse
    >>> each = IntegerLayer(layer=parse("1", (2,))[0], w=np.array([[3], [-1]], np.int16), b=np.zeros(1, np.int64),
    ...                     threshold=9, beta=1, frac=1, guard=0, weight_bits=3, membrane_bits=8, reset="subtract",
    ...                     rounding="floor", scale=1.0)
    >>> bounds(each, 1, num_steps=4)
    (-2, 5)
    """
    w = each.w.reshape(-1, each.w.shape[-1]).astype(np.int64) << each.guard
    up, down = most_input * np.maximum(w, 0).sum(axis=0), most_input * np.minimum(w, 0).sum(axis=0)
    theta, rounding = each.threshold, lif.ROUNDINGS.index(each.rounding)

    def leak(u):
        return lif.leak(u, each.beta, each.frac, rounding)

    def kept(low, high):
        """Interval of the state kept after a membrane in [low, high]."""
        if each.reset == "none":
            return leak(low), leak(high)
        silent_high, firing_low = np.minimum(high, theta), np.maximum(low, theta + 1)
        after = {
            "subtract": lambda u: leak(u) - theta,
            "zero": lambda u: 0 * u,
            "subtract_then_leak": lambda u: leak(u - theta),
        }[each.reset]
        fires, silent = high > theta, low <= theta
        lows = np.minimum(np.where(silent, leak(low), after(firing_low)), np.where(fires, after(firing_low), leak(low)))
        highs = np.maximum(
            np.where(silent, leak(silent_high), after(high)), np.where(fires, after(high), leak(silent_high))
        )
        return lows, highs

    low, high = np.zeros_like(up), np.zeros_like(up)
    least, most = min(down.min(), 0), max(up.max(), 0)
    step = 0
    while each.beta < 1 << each.frac or step < num_steps:
        least, most = min(least, (low + down).min()), max(most, (high + up).max())
        u_low, u_high = low + down + each.b, high + up + each.b
        least, most = min(least, u_low.min()), max(most, u_high.max())
        after_low, after_high = kept(u_low, u_high)
        new_low, new_high = np.minimum(low, after_low), np.maximum(high, after_high)
        least, most = min(least, new_low.min()), max(most, new_high.max())
        step += 1
        if (new_low == low).all() and (new_high == high).all():
            break
        low, high = new_low, new_high
    return int(least), int(most)


def dequantised(integer, dtype="float64", backend="numpy"):
    """The float model whose weights, biases, thresholds and leaks are what the integers stand for.

    It computes the same as the integers but for the leak's rounding and what saturates.

    Parameters
    ----------
    integer : fixed.model.IntegerModel
    dtype, backend : str

    Returns
    -------
    model : minisnn.model.Model

    Examples
    --------
    With 4 bits the largest weight, 0.71, is 7 times the scale, so -0.32 becomes -3/7 of it:

    >>> from minisnn import Network
    >>> from minisnn.encode import Encoder
    >>> net = Network("1", (2,), beta=0.5, backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[0.71], [-0.32]]
    >>> integer, _ = quantize(Model(net, Encoder("latency", 4, max_value=1.0)), 4)
    >>> dequantised(integer).network.params[0].round(4).ravel().tolist()
    [0.71, -0.3043]
    """
    from ..network import Network
    from ..topology import normalised

    layers, encoder = integer.network.layers, integer.encoder
    learned = {name: integer.source[name] for name in ("surrogate", "detach_reset") if name in integer.source}
    net = Network(
        normalised([each.layer for each in layers]),
        integer.network.input_shape,
        classes=integer.network.classes,
        beta=[each.beta / 2**each.frac for each in layers],
        threshold=[each.threshold * each.scale / 2**each.guard for each in layers],
        reset=layers[0].reset,
        readout=integer.network.readout,
        pad_value=encoder.pad_value,
        dtype=dtype,
        backend=backend,
        **learned,
        padding=[each.layer.padding for each in layers if each.layer.kind == "conv2d"],
        rng=np.random.default_rng(0),
    )
    for index, each in enumerate(layers):
        direct = index == 0 and encoder.kind == "direct"
        factor, offset = _folding(encoder, integer.pixels, each.w.shape, direct)
        w = each.scale * each.w.astype(np.float64)
        shift = (w * (offset / factor)).reshape(-1, w.shape[-1]).sum(axis=0)
        net.layers[index].w[...] = w / factor
        net.layers[index].b[...] = each.b * (each.scale / 2**each.guard) - shift
    return Model(net, encoder, integer.seed, integer.dataset)


def _folding(encoder, pixels, w_shape, direct):
    return input_factors(encoder, w_shape, pixels.low, pixels.step) if direct else (1.0, 0.0)


def _pixels(model, images, input_bits):
    """How the pixels of a model become integers."""
    encoder = model.encoder
    if encoder.kind != "direct":
        return Pixels(0.0, 1.0, 1)
    if images is None:
        raise InputError(
            "quantize needs images=..., raw training images such as data.x_train, to know the type and "
            "range of the pixels"
        )
    if _whole(images):
        return Pixels(0.0, 1.0, int(encoder.max_value).bit_length())
    whole_number("input_bits", input_bits, 1, 16)
    low, high = min(float(np.min(images)), 0.0), float(np.max(images))
    if low < 0 and model.network.layers[0].shape.padding:
        raise InputError(
            f"pixels go down to {low:g} and the first layer is padded with 0, which would be no silent "
            "pixel; shift the images to 0 and above, or train without padding"
        )
    return Pixels(low, ((high - low) or 1.0) / ((1 << input_bits) - 1), input_bits)


def _whole(images):
    """Whether pixels are unsigned integers already."""
    return np.issubdtype(np.asarray(images).dtype, np.unsignedinteger)


def signed_bits(value):
    """Bits of two's complement that hold `value`.

    Examples
    --------
    >>> [signed_bits(value) for value in (127, 128, -128, -129, 0)]
    [8, 9, 8, 9, 1]
    """
    return (value if value >= 0 else ~value).bit_length() + 1
