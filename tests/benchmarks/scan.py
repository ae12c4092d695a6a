"""The same network in JAX, for inference: jit, and a scan over the steps.

The constant image is convolved once, before the scan; maps are channels last, which is also the order of our weights.
What was tried, in one thread at T = 10 and batches of 32: the scan unrolled took 1.6 times as long, all steps folded
into the batch of the convolutions with a scan of the neurons alone 2.4 times; a pool by ``reduce_window`` is no faster
than the maximum of a reshaped map.
"""

import jax
import jax.numpy as jnp
from jax import lax

from .race import BETA, THRESHOLD


def tensors(x, y):
    """Images and labels as JAX takes them."""
    return jnp.array(x), jnp.array(y)


def scan(net, num_steps):
    """(infer, None): spike counts of a batch; training is not in the race."""
    shapes = [layer.shape for layer in net.layers]
    params = [(jnp.array(layer.w), jnp.array(layer.b)) for layer in net.layers]

    @jax.jit
    def counts(params, x):
        first = _weigh(shapes[0], params[0], x)

        def step(state, _):
            spk, after = None, []
            for i, shape in enumerate(shapes):
                cur = _weigh(shape, params[i], spk) if i else first
                # U[t] = beta*U[t-1] + I[t] - theta*S[t-1];  S[t] = U[t] > theta
                before, fired = state[i]
                mem = BETA * before + cur - THRESHOLD * fired
                fired = (mem > THRESHOLD).astype(mem.dtype)
                after.append((mem, fired))
                spk = _pool(fired, shape.pool)
            return after, spk

        rest = [jnp.zeros((len(x), *_neurons(shape)), x.dtype) for shape in shapes]
        return lax.scan(step, [(zeros, zeros) for zeros in rest], length=num_steps)[1].sum(0)

    return lambda x: counts(params, x).block_until_ready(), None


def _weigh(shape, param, x):
    w, b = param
    if shape.kind == "linear":
        return x.reshape(len(x), -1) @ w + b
    border = [(shape.padding, shape.padding)] * 2
    return lax.conv_general_dilated(x, w, (1, 1), border, dimension_numbers=("NHWC", "HWIO", "NHWC")) + b


def _neurons(shape):
    """The neurons of a layer, with those that the pool does not read."""
    if shape.kind == "linear":
        return shape.out_shape
    kernel, outputs = shape.w_shape[0], shape.w_shape[-1]
    return (*(n + 2 * shape.padding - kernel + 1 for n in shape.in_shape[:2]), outputs)


def _pool(spk, window):
    if window == 1:
        return spk
    size, rows, columns, maps = spk.shape
    rows, columns = rows // window, columns // window
    cropped = spk[:, : rows * window, : columns * window]
    return cropped.reshape(size, rows, window, columns, window, maps).max((2, 4))
