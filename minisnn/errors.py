"""Errors: a user's mistake, and a training that diverges."""


class InputError(ValueError):
    """A file, field or value that cannot be used.

    The message is one sentence that names what is wrong and the remedy. The command line prints it
    without a traceback and exits with status 2; in the library it is an ordinary ``ValueError``.

    Examples
    --------
    >>> from minisnn import Surrogate
    >>> try:
    ...     Surrogate("relu", 1.0)
    ... except ValueError as error:
    ...     print(error)
    unknown surrogate 'relu': choose one of fast_sigmoid, atan, sigmoid, triangular
    """


class TrainingError(RuntimeError):
    """A training that cannot continue because a number is not finite. The message names epoch, batch and layer.

    Examples
    --------
    >>> import numpy as np
    >>> from minisnn import Network, fit, load_data
    >>> data = load_data("digits")
    >>> net = Network("64-10", data.input_shape, backend="numpy", rng=np.random.default_rng(0))
    >>> net.params[2][0, 0] = np.inf
    >>> try:
    ...     fit(net, data, epochs=1, num_steps=2)
    ... except TrainingError as error:
    ...     print(str(error).split(";")[0])
    epoch 1, batch 1: the weights of layer 2 10 are not finite
    """
