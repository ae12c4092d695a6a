"""Use a trained network: the class of each image, accuracy and firing rates of many images."""

from collections.abc import Callable, Iterator

import numpy as np

from .. import check
from ..encode import Encoder
from ..model import Model
from ..network import Network
from ..result import Result, Run
from ..rng import stream


def evaluate(model: Model, x: np.ndarray, y: np.ndarray, batch_size: int = 256) -> Result:
    """Return the accuracy over all T steps, and the firing rates.

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
        With "rate" coding it is partly random; the random numbers follow from the model's seed (and `batch_size`).

    Raises
    ------
    InputError
        If images or labels do not fit the model.

    Examples
    --------
    Two pixels, and two neurons that begin each step at 0; the one of the bright pixel spikes at each of 4 steps. A dark
    image gives a tie, and the lowest class is the answer:

    >>> from minisnn import Encoder, Model, Network
    >>> net = Network("2", (2,), beta=0.0, reset="zero", backend="numpy", rng=np.random.default_rng(0))
    >>> net.layers[0].w[...] = [[2.0, 0.0], [0.0, 2.0]]
    >>> model = Model(net, Encoder("direct", 4, max_value=1.0))
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    >>> evaluate(model, x, np.array([1, 0, 1, 1]))  # 3 of 8 neurons spike
    Result(accuracy=0.75, firing_rates=(0.375,), images=4, num_steps=4)
    """
    check.kind("model", model, Model, "such as fit or load_model returns")
    x, y = check.images_for(model, x, y)
    return accuracy_and_rates(model.network, model.encoder, x, y, stream(model.seed, "encode"), batch_size)


def predict(model: Model, x: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Return the class of each image.

    Parameters
    ----------
    model : Model
    x : ndarray of shape (n, ...)
        Raw images, as in a Dataset.
    batch_size : int, default 256

    Returns
    -------
    classes : ndarray of int64, shape (n,)
        The lowest class of those that tie.

    Raises
    ------
    InputError
        If the images do not fit the model.

    Examples
    --------
    >>> from minisnn import Encoder, Model, Network
    >>> net = Network("2", (2,), beta=0.0, reset="zero", backend="numpy", rng=np.random.default_rng(0))
    >>> net.layers[0].w[...] = [[2.0, 0.0], [0.0, 2.0]]
    >>> model = Model(net, Encoder("direct", 4, max_value=1.0))
    >>> predict(model, np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])).tolist()
    [1, 0, 0]
    """
    check.kind("model", model, Model, "such as fit or load_model returns")
    x, _ = check.images_for(model, x)
    batches = _batches(model.network, model.encoder, x, stream(model.seed, "encode"), batch_size)
    return np.concatenate([model.network.scores(run).argmax(axis=1) for run, _ in batches])


def accuracy_and_rates(
    net: Network,
    encoder: Encoder,
    x: np.ndarray,
    y: np.ndarray,
    rng: np.random.Generator,
    batch_size: int = 256,
    watch: Callable[[Run], object] = lambda run: None,
) -> Result:
    """Evaluate a network without a Model, on unchecked images.

    `rng` is used by "rate" coding only; `watch` is called with the run of each batch.
    """
    right, rates = 0, np.zeros(len(net.layers))
    for run, part in _batches(net, encoder, x, rng, batch_size):
        watch(run)
        right += int((net.scores(run).argmax(axis=1) == y[part]).sum())
        rates += run.rates * run.spk.shape[1]
    return Result(right / len(x), tuple((rates / len(x)).tolist()), len(x), encoder.num_steps)


def _batches(net, encoder, x, rng, batch_size) -> Iterator[tuple[Run, slice]]:
    """Yield the run of each batch, and the slice of its images."""
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        yield net.forward(encoder.encode(x[part], rng, net.dtype), encoder.num_steps), part
