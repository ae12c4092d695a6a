"""A layer of a network, whatever its kind: its shape, its weights, its neurons, its pool.

A kind of layer is a file in every column, and the kind has the file's name: ``linear.Layer`` and ``conv2d.Layer``
extend this class by the way from inputs to currents, and back.
"""

from collections.abc import Iterable, MutableSequence, Sequence
from typing import Any

import numpy as np

from .errors import InputError
from .terminal import by_x, table
from .topology import LayerShape


class Layer:
    """Shape, weights, neurons and pool of a layer; a kind adds ``forward`` and ``backward``.

    Attributes
    ----------
    shape : LayerShape
    w, b : ndarray
        Weights, of shape ``shape.w_shape``, and biases, one per output channel.
    beta, threshold : float
    reset : str
        One of ``lif.RESETS``.
    pad_value : float or tuple of float
        Border of the frame of a convolution.
    pooling : module or object
        ``forward(spk, k)`` and ``backward(dpooled, spk, k)`` of the pool, of spikes or of currents; the reference runs
        any, the kernels only ``maxpool``.
    """

    def __init__(
        self,
        shape: LayerShape,
        w: np.ndarray,
        b: np.ndarray,
        *,
        beta: float,
        threshold: float,
        reset: str,
        pooling: Any,
        pad_value: float | tuple[float, ...] = 0.0,
    ):
        self.shape, self.w, self.b = shape, w, b
        self.beta, self.threshold, self.reset = beta, threshold, reset
        self.pooling, self.pad_value = pooling, pad_value

    def __repr__(self):
        return f"Layer({self.name}, {self.shape.neurons:,} neurons, {self.w.size + self.b.size:,} parameters)"

    @property
    def name(self) -> str:
        """Number and notation, such as ``"1 32C3-MP2"``."""
        return self.shape.name

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Return what another layer hands on, (T, B, ...), in the shape that this one takes."""
        return x.reshape(*x.shape[:2], *self.shape.in_shape)

    def forward(self, x: np.ndarray, column: Any = None, **engine: Any) -> np.ndarray:
        """Return the currents of `x`, by the reference or by the same file of another `column` (a module)."""
        raise NotImplementedError

    def pooled(self, cur: np.ndarray) -> np.ndarray:
        """Return the currents that the neurons take, after the pool of currents."""
        return self.pooling.forward(cur, self.shape.cur_pool) if self.shape.cur_pool > 1 else cur

    def pooled_backward(self, dpooled: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Undo :meth:`pooled` on the currents of `x`, which are computed again: no run keeps them."""
        if self.shape.cur_pool == 1:
            return dpooled
        return self.pooling.backward(dpooled, self.forward(x), self.shape.cur_pool)

    def backward(
        self, dcur: np.ndarray, x: np.ndarray, need_dx: bool = True, column: Any = None, **engine: Any
    ) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """Return (dx, dw, db); dx is None unless it is needed."""
        raise NotImplementedError


def layers_table(layers: Iterable[Layer]) -> str:
    """Return a table of layers and the constants of their neurons."""
    rows = [
        (
            layer.name,
            by_x(layer.shape.in_shape),
            by_x(layer.shape.out_shape),
            f"{layer.shape.neurons:,}",
            f"{layer.w.size + layer.b.size:,}",
            f"{layer.beta:g}",
            f"{layer.threshold:g}",
            layer.reset,
        )
        for layer in layers
    ]
    return table(rows, ("layer", "input", "output", "neurons", "parameters", "beta", "threshold", "reset"))


class Params(MutableSequence):
    """Weights and biases of layers as one list, [w, b, w, b, ...]; its length is fixed."""

    def __init__(self, layers: Sequence[Any]):
        self._layers = layers

    def __repr__(self):
        names = (f"{number}.{kind}" for number in range(1, len(self._layers) + 1) for kind in "wb")
        return f"Params({', '.join(f'{name} {param.shape}' for name, param in zip(names, self))})"

    def __len__(self) -> int:
        return 2 * len(self._layers)

    def __getitem__(self, index: Any) -> Any:
        return [array for layer in self._layers for array in (layer.w, layer.b)][index]

    def __setitem__(self, index: Any, value: Any) -> None:
        layer, kind = divmod(range(len(self))[index], 2)
        before = self[index]
        if np.shape(value) != before.shape:
            raise InputError(f"a parameter of shape {before.shape} cannot become one of shape {np.shape(value)}")
        setattr(self._layers[layer], "wb"[kind], np.ascontiguousarray(value, before.dtype))

    def __delitem__(self, index: Any) -> None:
        raise TypeError("the parameters of a network cannot be deleted")

    def insert(self, index: int, value: Any) -> None:
        """Raise TypeError: the number of parameters is fixed."""
        raise TypeError("the parameters of a network cannot be added to")
