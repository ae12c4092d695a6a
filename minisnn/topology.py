"""Networks in the field's notation: ``"32C3-MP2-32C3-MP2-256-10"``.

    32C3   32 feature maps, kernel 3x3, stride 1          256   256 fully connected neurons
    MP2    maximum over windows of 2x2 spikes (also P2)    10   the last layer is the output

Every layer of weights ends in spiking neurons; a pool belongs to the convolution before it and is an OR
of its spikes. Frames that are no multiple of the window lose their last rows and columns, as everywhere
in the field; the neurons there could reach nothing and do not exist here (a 13x13 frame before MP2 has
12x12 neurons), in every column from the reference to the hardware.
"""

import re
from dataclasses import dataclass

from .errors import InputError


@dataclass(frozen=True)
class Layer:
    """One layer of weights, its neurons, and the pool after them.

    Attributes
    ----------
    name : str
        Number and notation, such as ``"1 32C3-MP2"``.
    kind : "conv2d" or "linear"
    in_shape : (H, W, C) or (N,)
        What it takes: a map of channels, or a flat row.
    out_shape : (H, W, C) or (N,)
        Its neurons, cropped to whole pooling windows.
    w_shape : (k, k, C_in, C_out) or (N_in, N_out)
    padding : int
        Pixels added on each side of the frame (0 for linear).
    pool : int
        Pooling window after firing; 1 for none.
    next_shape : (H, W, C) or (N,)
        What it hands on: the pooled spikes.

    Examples
    --------
    >>> layer = parse("32C4-MP2-10", (32, 32, 3))[0]
    >>> layer.out_shape, layer.next_shape  # a frame of 29x29, of which 28x28 are in whole windows
    ((28, 28, 32), (14, 14, 32))
    >>> layer.neurons, layer.fan_in  # 28*28*32 of 4*4*3 inputs each
    (25088, 48)
    """

    name: str
    kind: str
    in_shape: tuple
    out_shape: tuple
    w_shape: tuple
    padding: int
    pool: int
    next_shape: tuple

    @property
    def fan_in(self):
        """Inputs that reach one neuron."""
        size = 1
        for n in self.w_shape[:-1]:
            size *= n
        return size

    @property
    def neurons(self):
        """Number of neurons."""
        size = 1
        for n in self.out_shape:
            size *= n
        return size


def parse(topology, input_shape, padding=0):
    """Read a topology for an input shape.

    Parameters
    ----------
    topology : str
        Such as ``"32C3-MP2-32C3-MP2-256-10"``.
    input_shape : (H, W, C) or (N,)
        Shape of one input.
    padding : int, "same", or a sequence with one of these per convolution
        Pixels added on each side; ``"same"`` is (k - 1) / 2 for an odd k.

    Returns
    -------
    layers : tuple of Layer

    Raises
    ------
    InputError
        If a term cannot be read, or does not fit what comes before it.

    Examples
    --------
    >>> for layer in parse("32C3-MP2-32C3-MP2-256-10", (32, 32, 3)):
    ...     print(layer.name, layer.out_shape, layer.w_shape)
    1 32C3-MP2 (30, 30, 32) (3, 3, 3, 32)
    2 32C3-MP2 (12, 12, 32) (3, 3, 32, 32)
    3 256 (256,) (1152, 256)
    4 10 (10,) (256, 10)
    """
    terms = _terms(topology)
    shape = _input_shape(input_shape)
    paddings = _paddings(padding, sum(kind == "conv2d" for kind, *_ in terms))
    layers = []
    for index, (kind, size, kernel, pool, text) in enumerate(terms):
        name = f"{index + 1} {text}"
        if kind == "conv2d":
            layers.append(_conv2d(name, shape, size, kernel, paddings.pop(0), pool))
        else:
            fan_in = 1
            for n in shape:
                fan_in *= n
            layers.append(Layer(name, "linear", shape, (size,), (fan_in, size), 0, 1, (size,)))
        shape = layers[-1].next_shape
    return tuple(layers)


def _terms(topology):
    """[(kind, size, kernel, pool, text)] of the notation, each pool joined to its convolution."""
    if not isinstance(topology, str) or not topology.strip():
        raise InputError(f"topology must be text such as '32C3-MP2-256-10', got {topology!r}")
    terms = []
    for term in topology.replace(" ", "").split("-"):
        if conv := re.fullmatch(r"(\d+)[Cc](\d+)", term):
            if terms and terms[-1][0] == "linear":
                raise InputError(
                    f"topology {topology!r}: convolution {term} cannot follow a fully connected "
                    "layer; put all convolutions first"
                )
            size, kernel = int(conv[1]), int(conv[2])
            if size < 1 or kernel < 1:
                raise InputError(f"topology {topology!r}: {term} needs at least one map and a kernel of 1")
            terms.append(("conv2d", size, kernel, 1, f"{size}C{kernel}"))
        elif pool := re.fullmatch(r"[Mm]?[Pp](\d+)", term):
            if not terms or terms[-1][0] != "conv2d" or terms[-1][3] != 1:
                raise InputError(
                    f"topology {topology!r}: {term} must follow a convolution directly (pools are of "
                    "spikes; two in a row are one with the product of their windows)"
                )
            if int(pool[1]) < 2:
                raise InputError(f"topology {topology!r}: the window of {term} must be at least 2")
            kind, size, kernel, _, text = terms[-1]
            terms[-1] = (kind, size, kernel, int(pool[1]), f"{text}-MP{int(pool[1])}")
        elif re.fullmatch(r"\d+", term) and int(term) > 0:
            terms.append(("linear", int(term), 1, 1, str(int(term))))
        else:
            raise InputError(
                f"topology {topology!r}: cannot read {term!r}; write 32C3 (convolution), MP2 (max pool) "
                "or 256 (fully connected), joined by '-'"
            )
    if terms[-1][0] != "linear":
        raise InputError(f"topology {topology!r} must end in a fully connected output layer, for example '-10'")
    return terms


def normalised(layers):
    """The notation of `layers`, as in ``"32C3-MP2-10"``.

    Parameters
    ----------
    layers : sequence of Layer

    Examples
    --------
    >>> normalised(parse("32c3 - p2 - 010", (8, 8, 1)))
    '32C3-MP2-10'
    """
    return "-".join(layer.name.split(" ", 1)[1] for layer in layers)


def _input_shape(input_shape):
    try:
        shape = tuple(int(n) for n in input_shape)
    except (TypeError, ValueError):
        shape = ()
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise InputError(f"the input shape must be (height, width, channels) or (features,), got {input_shape!r}")
    return shape


def _paddings(padding, convolutions):
    each = [padding] * convolutions if isinstance(padding, (int, str)) else list(padding)
    if len(each) != convolutions:
        raise InputError(
            f"padding has {len(each)} values for {convolutions} convolutions: give one for all, or one for each"
        )
    for value in each:
        if value != "same" and not (isinstance(value, int) and value >= 0):
            raise InputError(f"padding must be 0, 1, 2, ... or 'same', got {value!r}")
    return each


def _conv2d(name, shape, size, kernel, padding, pool):
    if len(shape) != 3:
        raise InputError(
            f"layer {name}: a convolution needs maps (height, width, channels) as input, got a flat row of {shape[0]}"
        )
    if padding == "same":
        if kernel % 2 == 0:
            raise InputError(f"layer {name}: padding 'same' needs an odd kernel, got {kernel}; give a number")
        padding = (kernel - 1) // 2
    height, width, channels = shape
    frame = [n + 2 * padding - kernel + 1 for n in (height, width)]
    if min(frame) < 1:
        raise InputError(
            f"layer {name}: a kernel of {kernel} does not fit the {height}x{width} frame with padding {padding}"
        )
    windows = [n // pool for n in frame]
    if min(windows) < 1:
        raise InputError(f"layer {name}: a pooling window of {pool} does not fit the {frame[0]}x{frame[1]} frame")
    out_shape = (windows[0] * pool, windows[1] * pool, size)
    return Layer(
        name,
        "conv2d",
        shape,
        out_shape,
        (kernel, kernel, channels, size),
        padding,
        pool,
        (windows[0], windows[1], size),
    )
