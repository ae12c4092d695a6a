"""From a trained network to integers: the only place where a float becomes an integer. It returns what is lost.

Spikes are 0 and 1 and carry no scale to the next layer, so each layer has a scale s of its own:

    w_int = round(w / s)                      s for the least squared error, weights clipped symmetrically
    theta_int = round(theta / s * 2^guard)    membrane, bias and threshold have `guard` more fraction bits
    beta_int = round(beta * 2^frac)           reduced, so that an exact power of two is only a shift

A normalisation (x - mu) / sigma of pixels x = low + step*p folds into the first layer: w*step/sigma before
rounding, and the offset -sum(w_int) * (mu - low)/step, from the rounded weights, into the bias.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..check import whole
from ..errors import InputError
from ..model import Model
from ..network import Network
from ..topology import normalised
from . import lif
from .bounds import bounds, signed_bits
from .model import MOST_MEMBRANE_BITS, IntegerModel, Pixels, check
from .network import IntegerLayer, IntegerNetwork
from .rounding import input_factors, rounded, scale, widths


@dataclass(frozen=True, kw_only=True)
class LayerLoss:
    """Errors of one layer's integers, and the proven bounds of its membranes.

    Attributes
    ----------
    name : str
    weight_bits, membrane_bits : int
    worst_weight, rms_weight : float
        Largest and root-mean-square error of a weight, in units of the float weights (in the first layer, of those
        that multiply normalised pixels).
    beta, beta_got, threshold, threshold_got : float
        Values asked for, and values that the integers stand for.
    worst_bias : float
        Largest error of a bias, including the folded normalisation.
    least, most : int
        Proven bounds of the membrane and of every partial sum, in its units, for any input.
    saturates : bool
        True if the bounds exceed the width: then a sum may saturate.
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


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Losses of :func:`quantize`, by layer and of a pixel; ``evaluate`` says what they do to accuracy.

    Attributes
    ----------
    layers : tuple of LayerLoss
    worst_pixel : float
        Largest error of a pixel within the range of the images, in its units; 0 if pixels are whole numbers already.
    """

    layers: tuple[LayerLoss, ...]
    worst_pixel: float


def quantize(
    model: Model,
    weight_bits: int | Sequence[int] = 8,
    *,
    frac: int = 8,
    guard: int = 4,
    membrane_bits: int | None = None,
    rounding: str = "floor",
    input_bits: int = 8,
    images: np.ndarray | None = None,
) -> tuple[IntegerModel, Losses]:
    """Quantise a trained network.

    Parameters
    ----------
    model : minisnn.model.Model
    weight_bits : int or sequence of int, default 8
        Width of a weight, 2 to 16: one for all layers, or one for each.
    frac : int, default 8
        Fraction bits of beta, 0 to 16.
    guard : int, default 4
        Fraction bits of membranes below the weights' unit, 0 to 16.
    membrane_bits : int, optional
        Width of all membranes; by default each layer's is proven never to saturate.
    rounding : "floor" or "zero"
        Rounding of the leak: down, or towards zero.
    input_bits : int, default 8
        Width of pixels that are not unsigned integers already, 1 to 16.
    images : ndarray, optional
        Raw training images, from which type and range of the pixels are read; "direct" coding needs them.

    Returns
    -------
    integer_model : fixed.model.IntegerModel
    losses : Losses

    Raises
    ------
    InputError
        If a width is out of range, or the network cannot be quantised.

    Examples
    --------
    >>> from minisnn import Network, evaluate, load_data, fit
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model = fit(net, data, epochs=3, num_steps=4)
    >>> integer, losses = quantize(model, 8, images=data.x_train)
    >>> before = evaluate(model, data.x_test, data.y_test).accuracy
    >>> after = integer.evaluate(data.x_test, data.y_test).accuracy
    >>> abs(before - after) < 0.02
    True
    """
    net, encoder = model.network, model.encoder
    bits = widths(weight_bits, len(net.layers))
    whole("frac", frac, 0, 16)
    whole("guard", guard, 0, 16)
    whole("input_bits", input_bits, 1, 16)
    if rounding not in lif.ROUNDINGS:
        raise InputError(f"rounding must be floor or zero, got {rounding!r}")
    if membrane_bits is not None:
        whole("membrane_bits", membrane_bits, 2, MOST_MEMBRANE_BITS)
    _check_border(net, encoder)
    pixels = _pixels(model, images, input_bits)
    layers, losses = [], []
    for index, layer in enumerate(net.layers):
        direct = index == 0 and encoder.kind == "direct"
        folding = _folding(encoder, pixels, layer.shape.w_shape, direct)
        integers, errors = _layer(layer, bits[index], frac, guard, rounding, folding)
        least, most = bounds(integers, (1 << pixels.bits) - 1 if direct else 1, encoder.num_steps)
        needed = max(signed_bits(least), signed_bits(most))
        integers = replace(integers, membrane_bits=needed if membrane_bits is None else membrane_bits)
        try:
            check(integers, index)
        except ValueError as error:
            raise InputError(f"{error}; change the widths") from None
        layers.append(integers)
        losses.append(
            LayerLoss(
                name=layer.name,
                weight_bits=bits[index],
                membrane_bits=integers.membrane_bits,
                **errors,
                least=least,
                most=most,
                saturates=integers.membrane_bits < needed,
            )
        )
    integer_model = IntegerModel(
        network=IntegerNetwork(
            layers=tuple(layers), classes=net.classes, input_bits=pixels.bits if encoder.kind == "direct" else 0
        ),
        encoder=encoder,
        pixels=pixels,
        seed=model.seed,
        dataset=model.dataset,
        source=_source(model),
    )
    exact = encoder.kind != "direct" or _whole(images)
    return integer_model, Losses(layers=tuple(losses), worst_pixel=0.0 if exact else pixels.step / 2)


def _check_border(net, encoder):
    """Raise InputError if the first layer pads with another value than the code of a pixel of value 0."""
    if net.layers[0].shape.padding and not np.allclose(net.pad_value, encoder.pad_value, rtol=1e-5, atol=1e-6):
        border, black = (", ".join(f"{value:g}" for value in values) for values in (net.pad_value, encoder.pad_value))
        raise InputError(
            f"the first layer pads its input with {border}, but the hardware pads with pixels of value 0, which are "
            f"{black} after the normalisation; train with that border, with a mean of 0, or without padding"
        )


def _source(model):
    """Settings and versions of the float model; a custom surrogate's functions cannot be stored."""
    surrogate = model.network.surrogate
    named = {} if surrogate.functions or surrogate.table else {"surrogate": str(surrogate)}
    return {
        "settings": model.settings,
        "versions": model.versions,
        "detach_reset": model.network.detach_reset,
        **named,
    }


def _layer(layer, bits, frac, guard, rounding, folding):
    """Return a layer's integers, with the widest membranes, and their errors by the names of LayerLoss."""
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
    integers = IntegerLayer(
        layer=layer.shape,
        w=w_int.astype(np.int16),
        b=b_int.astype(np.int64),
        threshold=theta_int,
        beta=beta_int,
        frac=frac,
        guard=guard,
        weight_bits=bits,
        membrane_bits=MOST_MEMBRANE_BITS,
        reset=layer.reset,
        rounding=rounding,
        scale=s,
    )
    return integers, {
        "worst_weight": float(np.abs(error).max()),
        "rms_weight": float(np.sqrt(np.square(error).mean())),
        "beta": beta,
        "beta_got": beta_int / 2**frac,
        "threshold": threshold,
        "threshold_got": theta_int * unit,
        "worst_bias": float(np.abs(b_int * unit - b - shift).max()),
    }


def dequantised(integer_model: IntegerModel, dtype: str = "float64", backend: str = "numpy") -> Model:
    """Return the float model whose weights, biases, thresholds and leaks are those that the integers stand for.

    It computes what the integers compute, except for the leak's rounding and for sums that saturate.
    """
    layers, encoder = integer_model.network.layers, integer_model.encoder
    source = integer_model.source
    learned = {name: source[name] for name in ("surrogate", "detach_reset") if name in source}
    net = Network(
        normalised([integers.layer for integers in layers]),
        integer_model.network.input_shape,
        classes=integer_model.network.classes,
        beta=[integers.beta / 2**integers.frac for integers in layers],
        threshold=[integers.threshold * integers.scale / 2**integers.guard for integers in layers],
        reset=layers[0].reset,
        readout=integer_model.network.readout,
        pad_value=encoder.pad_value,
        dtype=dtype,
        backend=backend,
        **learned,
        padding=[integers.layer.padding for integers in layers if integers.layer.kind == "conv2d"],
        rng=np.random.default_rng(0),
    )
    for index, (layer, integers) in enumerate(zip(net.layers, layers)):
        direct = index == 0 and encoder.kind == "direct"
        factor, offset = _folding(encoder, integer_model.pixels, integers.w.shape, direct)
        w = integers.scale * integers.w.astype(np.float64)
        shift = (w * (offset / factor)).reshape(-1, w.shape[-1]).sum(axis=0)
        layer.w[...] = w / factor
        layer.b[...] = integers.b * (integers.scale / 2**integers.guard) - shift
    return Model(net, encoder, integer_model.seed, integer_model.dataset)


def _folding(encoder, pixels, w_shape, direct):
    return input_factors(encoder, w_shape, pixels.low, pixels.step) if direct else (1.0, 0.0)


def _pixels(model, images, input_bits):
    """Return the pixels of a model; raise InputError if they cannot become integers."""
    encoder = model.encoder
    if encoder.kind == "counts":
        raise InputError(
            "the hardware's inputs are 0 and 1, and this model was trained on counts of events; train it with the "
            "encoding events, in which a step has an event at a pixel or none"
        )
    if encoder.kind != "direct":
        return Pixels(0.0, 1.0, 1)
    if images is None:
        raise InputError(
            "quantize needs images=..., raw training images such as data.x_train, to know the type and "
            "range of the pixels"
        )
    if _whole(images):
        bits = int(encoder.max_value).bit_length()
        if bits > 16:
            raise InputError(
                f"pixels up to {encoder.max_value:g} need {bits} bits, and at most 16 fit; scale the images"
            )
        return Pixels(0.0, 1.0, bits)
    low, high = min(float(np.min(images)), 0.0), float(np.max(images))
    if low < 0 and model.network.layers[0].shape.padding:
        raise InputError(
            f"pixels go down to {low:g} and the first layer is padded with 0, which would not be a "
            "silent pixel; shift the images to 0 and above, or train without padding"
        )
    return Pixels(low, ((high - low) or 1.0) / ((1 << input_bits) - 1), input_bits)


def _whole(images):
    """Return True if pixels are unsigned integers already."""
    return np.issubdtype(np.asarray(images).dtype, np.unsignedinteger)
