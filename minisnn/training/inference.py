"""Asking a trained network: the class of an image, accuracy and firing rates of many."""

import numpy as np

from ..errors import InputError
from ..result import Result
from ..rng import stream


def evaluate(model, x, y, batch_size=256):
    """Accuracy over all T steps, and firing rates.

    Parameters
    ----------
    model : Model
    x : ndarray of shape (n, ...)
        Raw images, as in a Dataset.
    y : ndarray of int, shape (n,)
        Their classes.
    batch_size : int, default 256

    Returns
    -------
    result : Result
        With "rate" coding it has a share of chance, which comes from the model's seed (and `batch_size`).

    Raises
    ------
    InputError
        If images or labels do not fit the model.

    Examples
    --------
    Two pixels, and two neurons that begin each step at 0; the bright pixel's fires at each of 4 steps. A dark image
    ties, and the lowest class is the answer:

    >>> from minisnn import Model, Network
    >>> from minisnn.encode import Encoder
    >>> net = Network("2", (2,), beta=0.0, reset="zero", backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[0][...] = [[2.0, 0.0], [0.0, 2.0]]
    >>> model = Model(net, Encoder("direct", 4, max_value=1.0))
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    >>> predict(model, x).tolist()
    [1, 0, 1, 0]
    >>> evaluate(model, x, np.array([1, 0, 1, 1]))  # 3 of 8 neurons fire
    Result(accuracy=0.75, firing_rates=(0.375,), images=4, num_steps=4)
    """
    net = model.network
    x, y = _checked_images(model, x), np.asarray(y)
    if y.shape != (len(x),) or not np.issubdtype(y.dtype, np.integer):
        raise InputError(
            f"labels must be whole numbers, one for each of {len(x)} images, got {y.dtype} of shape {y.shape}"
        )
    if y.min() < 0 or y.max() >= net.classes:
        raise InputError(
            f"labels must be 0 to {net.classes - 1}, the classes of the network, got {y.min()} to {y.max()}"
        )
    return accuracy_and_rates(net, model.encoder, x, y, stream(model.seed, "encode"), batch_size)


def predict(model, x, batch_size=256):
    """The class of each image.

    Parameters
    ----------
    model, x, batch_size
        As of :func:`evaluate`.

    Returns
    -------
    answers : ndarray of int64, shape (n,)
        The lowest class of those that tie.

    Raises
    ------
    InputError
        If the images do not fit the model.

    Examples
    --------
    >>> from minisnn import Network, fit, load_data
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> model = fit(net, data, epochs=3, num_steps=4)
    >>> answers = predict(model, data.x_test)
    >>> float((answers == data.y_test).mean()) == evaluate(model, data.x_test, data.y_test).accuracy
    True
    """
    x, rng = _checked_images(model, x), stream(model.seed, "encode")
    answers = [
        model.network.scores(run).argmax(axis=1)
        for run, _ in _batches(model.network, model.encoder, x, rng, batch_size)
    ]
    return np.concatenate(answers)


def accuracy_and_rates(net, encoder, x, y, rng, batch_size=256):
    """:func:`evaluate` for a network that is no Model yet.

    Parameters
    ----------
    net : Network
    encoder : Encoder
    x, y, batch_size
        As of :func:`evaluate`; they are not checked.
    rng : numpy.random.Generator
        For "rate" coding.

    Returns
    -------
    result : Result

    Examples
    --------
    A neuron of threshold 1 and leak 1/2 on a pixel of 0.625: U is 0.625, 0.9375, 1.09375 (a spike), 0.171875.

    >>> from minisnn import Network
    >>> from minisnn.encode import Encoder
    >>> net = Network("1", (1,), beta=0.5, backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[0][...] = 1.0
    >>> accuracy_and_rates(net, Encoder("direct", 4, 1.0), np.array([[0.625]]), np.array([0]), None).firing_rates
    (0.25,)
    """
    right, rates = 0, np.zeros(len(net.layers))
    for run, part in _batches(net, encoder, x, rng, batch_size):
        right += int((net.scores(run).argmax(axis=1) == y[part]).sum())
        rates += run.rates * run.spk.shape[1]
    return Result(right / len(x), tuple((rates / len(x)).tolist()), len(x), encoder.num_steps)


def _batches(net, encoder, x, rng, batch_size):
    """(run, slice of the images) of one batch after the other."""
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        yield net.forward(encoder.encode(x[part], rng, net.dtype), encoder.num_steps), part


def _checked_images(model, x):
    x, shape, scale = np.asarray(x), model.network.input_shape, model.encoder.max_value
    if x.ndim == 0 or x.shape[1:] != shape or len(x) == 0:
        raise InputError(f"images must have shape (n, {', '.join(map(str, shape))}) to fit the network, got {x.shape}")
    # One image may be dark; ten that all are have another scale.
    if x.max() > 4 * scale or (len(x) >= 10 and x.max() < scale / 4):
        raise InputError(
            f"the images' pixels go up to {x.max():g}, those that the model was trained on up to "
            f"{scale:g}; bring them to the same scale"
        )
    return x
