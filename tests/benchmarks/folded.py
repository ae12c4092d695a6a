"""The same network in plain torch, all steps folded into the batch: eager, and by torch.compile.

Convolutions and products take the frames of all steps at once, the constant image is convolved once, and only the
neurons run step by step. Weights and maps are channels last, so that a map is flattened without a copy, and Adam is
fused. This is how one writes such a network for speed; snnTorch's neuron is its neuron.

What was tried for each, in one thread at T = 10 and batches of 32:

- Eager: neurons with all steps in memory and torch's pool after them took 1.4 times as long as neurons and pool
  together, step by step, in which a step's maps stay in the cache.
- torch.compile: one graph of the whole inference, and one of the whole training step. The pool of each step is joined
  with its neurons: a pool of all steps took 2.2 times as long in inference, and 1.2 times as long in training. Torch's
  own backward pass of the pool took 1.1 times as long as slices. Frozen weights change nothing, and compiled neurons
  between eager convolutions are slower. Steps are split off, not indexed: the backward pass of an index is a map of
  zeros for each step, which compiles for minutes.
"""

import torch
import torch.nn.functional as F

from .peers import tensors as _tensors
from .race import BETA, LR, SLOPE, THRESHOLD


def tensors(x, y):
    """Images, channels last in memory, and labels."""
    images, labels = _tensors(x, y)
    return images.contiguous(memory_format=_format(images)), labels


def folded(net, num_steps):
    """Eager torch, neurons and pool as one function with its backward pass by hand: (infer, step)."""
    params = _parameters(net)
    shapes = [layer.shape for layer in net.layers]

    def forward(x):
        return _forward(shapes, params, x, num_steps, Neurons.apply)

    return torch.no_grad()(forward), _step(params, lambda x, y: F.cross_entropy(forward(x), y))


def compiled(net, num_steps):
    """torch.compile on the loss, and on the inference alone; neurons by automatic differentiation: (infer, step)."""
    torch._dynamo.reset()  # graphs of other networks would count against the limit of recompilations
    params = _parameters(net)
    shapes = [layer.shape for layer in net.layers]

    def forward(params, x):
        return _forward(shapes, params, x, num_steps, plain_neurons)

    infer = torch.compile(forward, dynamic=False, fullgraph=True)
    loss = torch.compile(lambda params, x, y: F.cross_entropy(forward(params, x), y), dynamic=False, fullgraph=True)
    return torch.no_grad()(lambda x: infer(params, x)), _step(params, lambda x, y: loss(params, x, y))


def _format(tensor):
    return torch.channels_last if tensor.ndim == 4 else torch.contiguous_format


def _parameters(net):
    """Our weights as torch's, [w, b, w, b, ...]; rows of a flat map stay in our order, (y, x, channel)."""
    params = []
    for layer in net.layers:
        w = torch.tensor(layer.w)
        w = w.permute(3, 2, 0, 1) if layer.shape.kind == "conv2d" else w.T
        params += [w.contiguous(memory_format=_format(w)), torch.tensor(layer.b)]
    return [param.requires_grad_() for param in params]


def _forward(shapes, params, x, num_steps, neurons):
    """Spike counts (B, classes); `neurons` take currents (T*B, ...), or (B, ...) if constant, and return spikes."""
    size = len(x)
    for i, shape in enumerate(shapes):
        w, b = params[2 * i : 2 * i + 2]
        if shape.kind == "conv2d":
            cur = F.conv2d(x, w, b, padding=shape.padding)
        else:
            flat = x.permute(0, 2, 3, 1).reshape(len(x), -1) if x.ndim == 4 else x
            cur = F.linear(flat, w, b)
        x = neurons(cur, num_steps, shape.pool, i == 0)
    return x.view(num_steps, size, -1).sum(0)


class Neurons(torch.autograd.Function):
    """The neurons of a layer and the pool after them, all steps, each step while its maps are in the cache.

    Memory is saved as a kernel's author would: membranes take the place of the currents, which nothing else needs, and
    in the backward pass their gradients take the place of the membranes.
    """

    @staticmethod
    def forward(ctx, cur, num_steps, pool, constant):
        """Spikes after the pool, (T*B, ...)."""
        size = len(cur) if constant else len(cur) // num_steps
        mem = _empty(cur, (num_steps * size, *cur.shape[1:])) if constant else cur
        mems = mem.split(size)
        curs = [cur] * num_steps if constant else mems
        kept = (num_steps * size, *cur.shape[1:2], *(n // pool for n in cur.shape[2:]))
        out = _empty(cur, kept)
        outs = out.split(size)
        places = _empty(cur, kept, torch.int64).split(size) if pool > 1 else ()
        spk = torch.empty_like(mems[0])
        for t in range(num_steps):
            # U[t] = beta*U[t-1] + I[t] - theta*S[t-1];  S[t] = U[t] > theta
            if t:
                torch.add(curs[t], mems[t - 1], alpha=BETA, out=mems[t]).sub_(spk, alpha=THRESHOLD)
            elif constant:
                mems[t].copy_(cur)
            spk = torch.gt(mems[t], THRESHOLD, out=spk if pool > 1 else outs[t])
            if pool > 1:
                torch.ops.aten.max_pool2d_with_indices.out(spk, [pool, pool], out=outs[t], indices=places[t])
        ctx.mem, ctx.size, ctx.places, ctx.pool, ctx.constant = mem, size, places, pool, constant
        return out

    @staticmethod
    def backward(ctx, dout):
        """Gradient of the currents."""
        mems, douts = ctx.mem.split(ctx.size), dout.split(ctx.size)
        windows = [ctx.pool, ctx.pool], [ctx.pool, ctx.pool], [0, 0], [1, 1], False
        total = torch.zeros_like(mems[0]) if ctx.constant else ctx.mem
        for t in reversed(range(len(mems))):
            dspk = douts[t]
            if ctx.pool > 1:
                dspk = torch.ops.aten.max_pool2d_with_indices_backward(dspk, mems[t], *windows, ctx.places[t])
            # dU[t] = dS[t]*sg + beta*dU[t+1];  sg = 1/(1 + k|x|)^2 = k^-2 * (1/k + |x|)^-2
            dmem = mems[t].sub_(THRESHOLD).abs_().add_(1 / SLOPE).pow_(-2).mul_(dspk).mul_(SLOPE**-2)
            if t + 1 < len(mems):
                dmem.add_(mems[t + 1], alpha=BETA)
            if ctx.constant:
                total.add_(dmem)
        return total, None, None, None


def _empty(like, shape, dtype=None):
    """An array of `shape`, maps channels last."""
    return torch.empty(shape, dtype=dtype or like.dtype, memory_format=_format(like))


class Spike(torch.autograd.Function):
    """The step; its derivative is that of the fast sigmoid."""

    @staticmethod
    def forward(ctx, x):
        """1 where x is above 0."""
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, dspk):
        """Gradient of x."""
        (x,) = ctx.saved_tensors
        return dspk / (1 + SLOPE * x.abs()) ** 2


def plain_neurons(cur, num_steps, pool, constant):
    """Neurons as one writes them for automatic differentiation, and a pool at each step."""
    curs = [cur] * num_steps if constant else cur.split(len(cur) // num_steps)
    mem = curs[0]
    spks = [Spike.apply(mem - THRESHOLD)]
    for cur in curs[1:]:
        mem = BETA * mem + cur - THRESHOLD * spks[-1].detach()
        spks.append(Spike.apply(mem - THRESHOLD))
    return torch.cat([Pool.apply(spk, pool) for spk in spks] if pool > 1 else spks)


class Pool(torch.autograd.Function):
    """Maximum over windows of spikes; the gradient goes to a window's first spike, or else pixel, as torch's."""

    @staticmethod
    def forward(ctx, spk, window):
        """Spikes after the pool."""
        ctx.window = window
        ctx.save_for_backward(spk)
        return F.max_pool2d(spk, window)

    @staticmethod
    def backward(ctx, dout):
        """Gradient of the spikes before the pool, made of slices: a compiler makes vectors of them."""
        (spk,) = ctx.saved_tensors
        window, (height, width) = ctx.window, spk.shape[2:]
        kept = [n // window * window for n in (height, width)]
        rest, parts = dout, []
        for y in range(window):
            for x in range(window):
                part = spk[:, :, y : kept[0] : window, x : kept[1] : window]
                parts.append(rest * part)
                rest = rest * (1 - part)
        parts[0] = parts[0] + rest
        rows = [torch.stack(parts[i : i + window], -1).flatten(3) for i in range(0, len(parts), window)]
        dspk = torch.stack(rows, 3).flatten(2, 3)
        return F.pad(dspk, (0, width - kept[1], 0, height - kept[0])), None


def _step(params, loss):
    optimiser = torch.optim.Adam(params, LR, fused=True)

    def step(x, y):
        value = loss(x, y)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        return float(value.detach())

    return step
