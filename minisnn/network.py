"""A spiking network: built from its notation, forward over time, backward through time."""

from collections.abc import Callable, Sequence
from importlib import import_module
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from . import backend as backends
from . import check, lif, maxpool
from . import init as first_weights
from . import surrogate as surrogates
from .errors import InputError
from .layer import Params, layers_table
from .loss import class_sums
from .result import LayerRun, Run
from .terminal import by_x, item
from .topology import normalised, parse

BACKENDS = ("numba", "numpy")
INITS = ("spiking", "pytorch")


class Network:
    """A feed-forward spiking network.

    Parameters
    ----------
    topology : str
        Such as ``"32C3-MP2-32C3-MP2-256-10"``; see :mod:`minisnn.topology`.
    input_shape : (H, W, C) or (N,)
    classes : int, optional
        Number of classes; the last layer's neurons are split into equal, contiguous groups
        (population coding). By default one neuron each.
    beta, threshold : float or sequence of float
        Leak, in [0, 1], and threshold, above 0: one for all layers, or one for each.
    reset : str, default "subtract"
        One of ``lif.RESETS`` except "none".
    readout : "spikes" or "membrane"
        "membrane": the last layer has reset "none" and never spikes; the class with the largest membrane,
        summed over the steps, wins.
    detach_reset : bool, default True
        No gradient through the reset.
    surrogate : Surrogate or str, default "fast_sigmoid:5"
    padding : int, "same", or one of these per convolution
    pad_value : float or sequence of C floats, default 0
        Border of the first layer: the code of a pixel of value 0.
    dtype : "float32" or "float64"
    backend : "numba" or "numpy"
        The kernels, or the reference. They compute the same.
    threads : int, optional
        Threads of the kernels; all processors by default. The result does not depend on it.
    mean_square : float, default 1
        Mean square of an input, for the first weights: 1 for normalised images, their rate for spikes.
    init : "spiking" or "pytorch"
        First weights that leave no layer silent at the first step, or those of PyTorch; see :mod:`minisnn.init`.
    rng : numpy.random.Generator
        Draws the first weights.

    Raises
    ------
    InputError
        If a value does not fit; the message names it.

    Examples
    --------
    >>> net = Network("4C3-MP2-10", (8, 8, 1), backend="numpy", rng=np.random.default_rng(0))
    >>> run = net.forward(np.ones((1, 2, 8, 8, 1), np.float32), num_steps=5)
    >>> run.spk.shape, net.scores(run).shape
    ((5, 2, 10), (2, 10))
    >>> run
    Run(T = 5, 2 images, 10 output neurons, firing rates 0.0, 0.0 %, layers kept)
    >>> run.layers[0]
    LayerRun(inputs (1, 2, 8, 8, 1), spk (5, 2, 6, 6, 4), mem (5, 2, 6, 6, 4), out (5, 2, 3, 3, 4))

    Beta, threshold and reset belong to a layer, the border to an input channel; with a membrane readout the last layer
    has no reset:

    >>> net = Network("4C3-MP2-10", (8, 8, 1), beta=(0.5, 0.9), readout="membrane", padding=1, pad_value=-0.5,
    ...               rng=np.random.default_rng(0))
    >>> net.betas, net.thresholds, net.resets, net.pad_value
    ((0.5, 0.9), (1.0, 1.0), ('subtract', 'none'), (-0.5,))
    >>> dict(zip(net.param_names, [p.shape for p in net.params]))
    {'1.w': (3, 3, 1, 4), '1.b': (4,), '2.w': (64, 10), '2.b': (10,)}

    >>> net
    Network(4C3-MP2-10 on 8x8x1, 10 classes, float32, 690 parameters, numba)

    The config makes the same network, with other weights:

    >>> twin = Network(**net.config(), rng=np.random.default_rng(1))
    >>> twin.config() == net.config(), bool((twin.params[0] == net.params[0]).all())
    (True, False)
    """

    def __init__(
        self,
        topology: str,
        input_shape: Sequence[int],
        *,
        classes: int | None = None,
        beta: float | Sequence[float] = 0.5,
        threshold: float | Sequence[float] = 1.0,
        reset: str = "subtract",
        readout: str = "spikes",
        detach_reset: bool = True,
        surrogate: surrogates.Surrogate | str = "fast_sigmoid:5",
        padding: int | str | Sequence[int | str] = 0,
        pad_value: float | Sequence[float] = 0.0,
        dtype: DTypeLike = "float32",
        backend: str = "numba",
        threads: int | None = None,
        mean_square: float = 1.0,
        init: str = "spiking",
        rng: np.random.Generator,
    ) -> None:
        check.generator(rng)
        shapes = parse(topology, input_shape, padding)
        self.topology = normalised(shapes)
        self.input_shape = shapes[0].in_shape
        self.padding = tuple(shape.padding for shape in shapes if shape.kind == "conv2d")
        self.classes = _classes(classes, shapes[-1].neurons)
        self.reset = check.choice("reset", reset, [r for r in lif.RESETS if r != "none"])
        self.readout = check.choice("readout", readout, ["spikes", "membrane"])
        self.detach_reset = bool(detach_reset)
        self.surrogate = surrogates.parse(surrogate)
        self.dtype = np.dtype(check.choice("dtype", np.dtype(dtype).name, ["float32", "float64"]))
        self.backend = check.choice("backend", backend, BACKENDS)
        self.threads = None if threads is None else check.whole("threads", threads)
        betas = _betas(beta, shapes)
        thresholds = _thresholds(threshold, shapes)
        resets = [self.reset] * (len(shapes) - 1) + ["none" if readout == "membrane" else self.reset]
        if check.choice("init", init, INITS) == "pytorch":
            weights = first_weights.pytorch(shapes, rng, self.dtype)
        else:
            weights = first_weights.parameters(shapes, thresholds, rng, self.dtype, mean_square=mean_square)
        self.layers = tuple(
            # The kind is the name of the row's file.
            import_module(f".{shape.kind}", __package__).Layer(
                shape, w, b, beta=beta, threshold=threshold, reset=reset, pooling=maxpool
            )
            for shape, w, b, beta, threshold, reset in zip(
                shapes, weights[::2], weights[1::2], betas, thresholds, resets
            )
        )
        self.pad_value = pad_value
        self.kept: np.ndarray | None = None  # memory of the kernels for all weights as they read them

    def __repr__(self):
        return f"Network({self._summary()}, {self.backend})"

    def __str__(self):
        return self.described(str(self.surrogate))

    def described(self, surrogate: str) -> str:
        """Return what ``print`` shows, with words on the surrogate that training used."""
        reset = f"reset {'not ' * self.detach_reset}differentiated"
        return f"{self._summary()}\n\n{layers_table(self.layers)}\n\n{item('surrogate', f'{surrogate}, {reset}')}"

    def _summary(self):
        parameters = sum(param.size for param in self.params)
        return (
            f"{self.topology} on {by_x(self.input_shape)}, {self.classes} classes, {self.dtype}, "
            f"{parameters:,} parameters"
        )

    @property
    def params(self) -> Params:
        """Weights and biases of all layers, [w, b, w, b, ...]; assigning to it reaches the layers."""
        return Params(self.layers)

    @params.setter
    def params(self, values: Sequence[np.ndarray]) -> None:
        params = self.params
        for index, value in enumerate(values):
            params[index] = value

    @property
    def pad_value(self) -> tuple[float, ...]:
        """Border of the first layer, one value per input channel."""
        return self._pad_value

    @pad_value.setter
    def pad_value(self, value: float | Sequence[float]) -> None:
        channels = self.input_shape[-1] if len(self.input_shape) == 3 else 1
        try:
            self._pad_value = self.layers[0].pad_value = tuple(
                np.broadcast_to(np.asarray(value, float), (channels,)).tolist()
            )
        except (TypeError, ValueError):
            raise InputError(
                f"pad_value must be a number, or one for each of the {channels} input channels, got {value!r}"
            ) from None

    @property
    def betas(self) -> tuple[float, ...]:
        """The leak of each layer; assigning to it reaches the layers."""
        return tuple(layer.beta for layer in self.layers)

    @betas.setter
    def betas(self, values: Sequence[float]) -> None:
        for layer, beta in zip(self.layers, _betas(values, self.layers)):
            layer.beta = beta

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The threshold of each layer; assigning to it reaches the layers."""
        return tuple(layer.threshold for layer in self.layers)

    @thresholds.setter
    def thresholds(self, values: Sequence[float]) -> None:
        for layer, threshold in zip(self.layers, _thresholds(values, self.layers)):
            layer.threshold = threshold

    @property
    def resets(self) -> tuple[str, ...]:
        """The reset of each layer; "none" for the last one of a membrane readout."""
        return tuple(layer.reset for layer in self.layers)

    @property
    def param_names(self) -> list[str]:
        """["1.w", "1.b", "2.w", ...], in the order of `params`."""
        return [f"{i + 1}.{kind}" for i in range(len(self.layers)) for kind in "wb"]

    def config(self) -> dict:
        """Return the arguments that make the network, except its first weights, as plain values."""
        if self.surrogate.functions or self.surrogate.table:
            raise InputError(
                f"surrogate {self.surrogate.name} is a function of your own and cannot be stored; "
                f"a model file takes {', '.join(surrogates.FAMILIES)}"
            )
        return {
            "topology": self.topology,
            "input_shape": list(self.input_shape),
            "classes": self.classes,
            "beta": list(self.betas),
            "threshold": list(self.thresholds),
            "reset": self.reset,
            "readout": self.readout,
            "detach_reset": self.detach_reset,
            "surrogate": str(self.surrogate),
            "padding": list(self.padding),
            "pad_value": list(self.pad_value),
            "dtype": self.dtype.name,
            "backend": self.backend,
            "threads": self.threads,
        }

    def forward(self, inputs: np.ndarray, num_steps: int, record: bool = False, smooth: bool = False) -> Run:
        """Run the network over time.

        Parameters
        ----------
        inputs : ndarray of shape (1, B, ...) or (T, B, ...)
            A constant input for all steps (direct coding), or one for each step (spikes 0/1).
        num_steps : int
            T.
        record : bool, default False
            Keep every layer's spikes and membranes in ``run.layers``, as the reference always does.
        smooth : bool, default False
            Replace the step by the surrogate's curve, which makes :meth:`backward` the exact gradient and so
            lets finite differences check it. ``backend="numpy"`` only, with ``detach_reset=False``.

        Returns
        -------
        run : Run

        Raises
        ------
        InputError
            If the inputs are not finite numbers, or do not fit the network or the number of steps.
        """
        inputs = self.checked(inputs, num_steps)
        if self.backend == "numba":
            if smooth:
                raise InputError('smooth=True runs on backend="numpy" only')
            if any(layer.pooling is not maxpool for layer in self.layers):
                raise InputError('the kernels pool by maximum only; use backend="numpy" for another pool')
        if self._has_kernels():
            from .kernels import network as kernels

            spk, mem, rates, layers, tape = kernels.forward(self, inputs, num_steps, record)
            kept = [LayerRun(*arrays) for arrays in layers] if record else None
            return Run(spk, mem, rates, kept, num_steps, tape)
        return reference_forward(self, inputs, num_steps, self.surrogate.curve if smooth else None)

    def backward(
        self,
        run: Run,
        dspk: np.ndarray | None,
        dmem: np.ndarray | None = None,
        drates: Sequence[float] | None = None,
        dcounts: Sequence[np.ndarray | None] | None = None,
        learn: Sequence[str] = (),
        retain: bool = True,
    ) -> list[np.ndarray]:
        """Backpropagate through time.

        Parameters
        ----------
        run : Run
            As returned by :meth:`forward`.
        dspk, dmem : ndarray of shape (T, B, N), or None
            Gradient of the loss with respect to the last layer's spikes and membranes.
        drates : sequence of L floats, optional
            Gradient of the loss with respect to each layer's firing rate.
        dcounts : sequence of L ndarrays or None, optional
            Gradient of the loss with respect to each layer's :meth:`counts`; None for a layer without one.
        learn : sequence of str, default ()
            "beta", "threshold", or both: constants of the layers whose gradients are wanted too.
        retain : bool, default True
            Keep the run for another backward pass. With False the kernels write gradients over what it remembers,
            which takes less memory.

        Returns
        -------
        grads : list of ndarray
            In the order and of the shapes of `params`; after them, for each name in `learn`, the gradient of this
            constant by layer, of shape (L,) and float64.

        Raises
        ------
        InputError
            If the run is not this network's or was not retained, or a gradient has another shape than what the run
            returned.

        Examples
        --------
        One neuron at its threshold, where this surrogate is 1: the gradient of its weight is the input.

        >>> net = Network("1", (1,), backend="numpy", rng=np.random.default_rng(0))
        >>> net.params[0][...] = 0.5
        >>> run = net.forward(np.full((1, 1, 1), 2.0), num_steps=1)
        >>> dw, db = net.backward(run, np.ones((1, 1, 1)))
        >>> run.mem.item(), dw.item(), db.item()
        (1.0, 2.0, 1.0)

        A higher threshold means fewer spikes:

        >>> *_, dthreshold = net.backward(run, np.ones((1, 1, 1)), learn=["threshold"])
        >>> dthreshold.tolist()
        [-1.0]

        With the surrogate's curve in place of the step, the gradient is exact, as differences show:

        >>> net = Network("3-2", (2,), backend="numpy", dtype="float64", detach_reset=False,
        ...               rng=np.random.default_rng(0))
        >>> def spikes(change):  # of class 0, with one weight changed
        ...     net.params[0][0, 0] += change
        ...     run = net.forward(np.array([[[1.0, -2.0]]]), num_steps=5, smooth=True)
        ...     net.params[0][0, 0] -= change
        ...     return run, run.spk[:, :, 0].sum()
        >>> run, _ = spikes(0.0)
        >>> dspk = np.zeros_like(run.spk)
        >>> dspk[:, :, 0] = 1
        >>> by_differences = (spikes(1e-6)[1] - spikes(-1e-6)[1]) / 2e-6
        >>> round(float(net.backward(run, dspk)[0][0, 0]), 6), round(float(by_differences), 6)
        (0.018039, 0.018039)
        """
        self._check_run(run)
        for name in learn:
            check.choice("learn", name, lif.LEARNABLE)
        dspk = np.zeros_like(run.spk) if dspk is None else check.gradient("dspk", dspk, run.spk)
        dmem = None if dmem is None else check.gradient("dmem", dmem, run.mem)
        by_layer = np.zeros(len(self.layers))
        if drates is not None:
            by_layer = check.gradient("drates", drates, by_layer)
        dcounts = self._checked_dcounts(dcounts, run.spk.shape[1])
        # rate = mean of the layer's spikes: each spike has the same share in it
        spikes = [layer.shape.neurons * run.spk.shape[1] * run.num_steps for layer in self.layers]
        shares = [self.dtype.type(d / n) for d, n in zip(by_layer, spikes)]
        constants = np.zeros((len(lif.LEARNABLE), len(self.layers))) if learn else None
        if self._has_kernels():
            from .kernels import network as kernels

            grads = kernels.backward(self, run.tape, dspk, dmem, shares, dcounts, constants, retain)
        else:
            grads = reference_backward(self, run, dspk, dmem, shares, dcounts=dcounts, constants=constants)
        return grads if constants is None else [*grads, *(constants[lif.LEARNABLE.index(name)] for name in learn)]

    def counts(self, run: Run) -> list[np.ndarray]:
        """Return the spikes that each layer hands on, after its pool, summed over the steps.

        Parameters
        ----------
        run : Run
            As returned by :meth:`forward`.

        Returns
        -------
        counts : list of L ndarrays of shape (B, ...)

        Raises
        ------
        InputError
            If the run is not this network's.

        Examples
        --------
        >>> net = Network("2C3-MP2-3", (6, 6, 1), backend="numpy", rng=np.random.default_rng(0))
        >>> counts = net.counts(net.forward(np.ones((1, 5, 6, 6, 1), np.float32), num_steps=4))
        >>> [count.shape for count in counts]
        [(5, 2, 2, 2), (5, 3)]
        """
        self._check_run(run)
        if self._has_kernels():
            from .kernels import network as kernels

            return kernels.counts(run.tape)
        return [layer.out.sum(axis=0) for layer in run.layers]

    def scores(self, run: Run) -> np.ndarray:
        """Return the score of each class: spikes counted, or membranes summed over steps (readout).

        The class with the highest score is the answer; the lowest index wins a tie.

        Parameters
        ----------
        run : Run

        Returns
        -------
        scores : ndarray of shape (B, classes)

        Examples
        --------
        >>> net = Network("4", (1,), classes=2, backend="numpy", rng=np.random.default_rng(0))
        >>> spk = np.array([[[1, 1, 0, 1]], [[1, 0, 0, 1]]])  # two steps of four neurons, two of them for each class
        >>> net.scores(Run(spk, None, None, [], 2)).tolist()
        [[3, 2]]
        """
        total = (run.mem if self.readout == "membrane" else run.spk).sum(axis=0)
        return class_sums(total, self.classes)

    @property
    def neurons_per_class(self) -> int:
        """Neurons of the last layer that share a class."""
        return self.layers[-1].shape.neurons // self.classes

    def totals(self, run: Run) -> np.ndarray:
        """Return the spikes of each class, counted up to each step, of shape (T, B, classes); see ``early_exit``.

        Examples
        --------
        >>> net = Network("4", (1,), classes=2, backend="numpy", rng=np.random.default_rng(0))
        >>> spk = np.array([[[1, 1, 0, 1]], [[1, 0, 0, 1]]])  # two steps of four neurons, two of them for each class
        >>> net.totals(Run(spk, None, None, [], 2)).tolist()
        [[[2, 1]], [[3, 2]]]
        """
        return class_sums(run.spk.astype(np.int64), self.classes).cumsum(axis=0)

    def checked(self, inputs: np.ndarray, num_steps: int) -> np.ndarray:
        """Return the inputs in the network's dtype (spikes stay uint8); raise InputError if they do not fit it."""
        inputs = check.finite("inputs", inputs)
        check.whole("num_steps", num_steps)
        if inputs.shape[2:] != self.input_shape or inputs.shape[0] not in (1, num_steps) or inputs.size == 0:
            raise InputError(
                f"inputs must have shape (1 or {num_steps} steps, batch, "
                f"{', '.join(map(str, self.input_shape))}), got {inputs.shape}"
            )
        if inputs.dtype == np.uint8 and inputs.max() <= 1:
            return inputs  # spikes
        return inputs.astype(self.dtype, copy=False)

    def _has_kernels(self):
        """Return whether the kernels run this network: where Numba cannot be imported, the reference does."""
        return self.backend == "numba" and backends.has_numba()

    def _checked_dcounts(self, dcounts, batch):
        """Return the gradients of all counts, with None for those without; raise InputError for another shape."""
        if dcounts is None:
            return [None] * len(self.layers)
        if len(dcounts) != len(self.layers):
            raise InputError(f"dcounts must be one array or None for each of {len(self.layers)} layers")
        return [
            None if d is None else check.gradient("dcounts", d, np.empty((batch, *layer.shape.next_shape), self.dtype))
            for layer, d in zip(self.layers, dcounts)
        ]

    def _check_run(self, run):
        """Raise InputError unless `run` is what this network's forward returned for a backward pass."""
        kernels = self._has_kernels()
        if kernels and run.tape == []:
            raise InputError(
                "this run was not retained by the backward pass that took it: call forward again, or backward with "
                "retain=True"
            )
        layers = ((run.tape[0] if run.tape else None) if kernels else run.kept) or []
        sizes = [(prod(done.inputs.shape[2:]), done.out.shape[2:]) for done in layers]
        if sizes != [(prod(layer.shape.in_shape), layer.shape.next_shape) for layer in self.layers]:
            raise InputError("backward takes the run that the forward pass of this network, on this backend, returned")


def reference_forward(net: Network, inputs: np.ndarray, num_steps: int, step: Callable | None = None) -> Run:
    """Run the reference, layer by layer, whatever the network's backend; `step` may replace the step function."""
    x = inputs.astype(net.dtype, copy=False)
    layers = []
    for layer in net.layers:
        x = layer.inputs(x)
        cur = layer.pooled(layer.forward(x))
        spk, mem = lif.forward(cur, num_steps, layer.beta, layer.threshold, layer.reset, step)
        pool = layer.shape.pool
        out = layer.pooling.forward(spk, pool) if pool > 1 else spk
        layers.append(LayerRun(x, spk, mem, out))
        x = out
    rates = np.array([layer.spk.mean(dtype=np.float64) for layer in layers])
    return Run(layers[-1].spk, layers[-1].mem, rates, layers, num_steps)


def reference_backward(
    net: Network,
    run: Run,
    dspk: np.ndarray,
    dmem: np.ndarray | None,
    shares: Sequence[float],
    watch: Callable[[int, np.ndarray], None] = lambda index, dspk: None,
    dcounts: Sequence[np.ndarray | None] | None = None,
    constants: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Undo :func:`reference_forward`, last layer first, and return the gradients in the order of ``net.params``.

    `shares` is the gradient that every spike of a layer gets from the layer's firing rate, `dcounts` what it gets from
    the layer's counts; `watch` is called with what arrives at each layer's spikes. `constants`, of shape (2, L), takes
    the gradients of leak and threshold by layer.
    """
    grads: list[np.ndarray] = []
    dout = dspk
    for index in reversed(range(len(net.layers))):
        layer, done = net.layers[index], run.layers[index]
        # x = layer.inputs(out of the layer before)
        dout = dout.reshape(done.out.shape)
        # counts = sum over t of out
        if dcounts is not None and dcounts[index] is not None:
            dout = dout + dcounts[index]
        # out = pooling.forward(spk, pool)
        pool = layer.shape.pool
        dspk = layer.pooling.backward(dout, done.spk, pool) if pool > 1 else dout
        dspk = dspk + shares[index]
        watch(index, dspk)
        # spk, mem = lif.forward(cur, ...)
        neuron = (done.spk, done.mem, net.surrogate, layer.beta, layer.threshold, layer.reset, net.detach_reset)
        constant = len(done.inputs) == 1
        if constants is None:
            dcur = lif.backward(dspk, dmem, *neuron, constant)
        else:
            dcur = lif.backward(dspk, dmem, *neuron)
            constants[:, index] = lif.backward_constants(dcur, dspk, *neuron)
            dcur = dcur[::-1].sum(axis=0, keepdims=True) if constant else dcur  # the order in which lif.backward adds
        dmem = None  # only the last layer's membranes are read
        # cur = layer.pooled(layer.forward(x))
        dcur = layer.pooled_backward(dcur, done.inputs)
        dout, dw, db = layer.backward(dcur, done.inputs, need_dx=index > 0)
        grads = [dw, db, *grads]
    return grads


def _classes(classes, neurons):
    classes = neurons if classes is None else classes
    if not isinstance(classes, (int, np.integer)) or classes < 1 or neurons % classes:
        raise InputError(
            f"classes must divide the {neurons} neurons of the last layer into equal groups, got {classes!r}"
        )
    return int(classes)


def _betas(value, layers):
    return _per_layer("beta", value, layers, lambda v: 0 <= v <= 1, "between 0 and 1")


def _thresholds(value, layers):
    return _per_layer("threshold", value, layers, lambda v: v > 0, "above 0")


def _per_layer(name, value, layers, valid, words):
    values = value if np.ndim(value) else [value] * len(layers)
    if not all(isinstance(v, (int, float, np.integer, np.floating)) for v in values):
        raise InputError(f"{name} must be a number, or one for each layer, got {value!r}")
    values = [float(v) for v in values]
    if len(values) != len(layers):
        raise InputError(f"{name} has {len(values)} values for {len(layers)} layers: give one for all, or one for each")
    for v in values:
        if not (np.isfinite(v) and valid(v)):
            raise InputError(f"{name} must be {words}, got {v:g}")
    return tuple(values)
