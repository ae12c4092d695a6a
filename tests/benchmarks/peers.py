"""The same network in snnTorch and in SpikingJelly, with our weights, as their manuals write it.

Each maker takes our network and T, and returns (infer, step): spike counts of a batch, and one step of training;
images are torch tensors, channels first. Both convolve the constant image at every step.
"""

import torch
import torch.nn as nn

from .race import BETA, LR, SLOPE, THRESHOLD


def tensors(x, y):
    """Images and labels as torch takes them."""
    images = torch.tensor(x)
    return images.permute(0, 3, 1, 2).contiguous() if images.ndim == 4 else images, torch.tensor(y)


def snntorch(net, num_steps):
    """snnTorch: a loop over the steps, fast sigmoid of slope 25."""
    import snntorch as snn
    from snntorch import surrogate

    shapes = [layer.shape for layer in net.layers]
    lif = [snn.Leaky(beta=BETA, threshold=THRESHOLD, spike_grad=surrogate.fast_sigmoid(slope=SLOPE)) for _ in shapes]
    modules = [module_of(nn, shape) for shape in shapes]
    pools = [nn.MaxPool2d(shape.pool) if shape.pool > 1 else nn.Identity() for shape in shapes]
    copy_weights(net, modules)

    def forward(x):
        mem = [neuron.init_leaky() for neuron in lif]
        counts = 0
        for _ in range(num_steps):
            s = x
            for i, module in enumerate(modules):
                s = s.flatten(1) if isinstance(module, nn.Linear) else s
                s, mem[i] = lif[i](module(s), mem[i])
                s = pools[i](s)
            counts = counts + s
        return counts

    return torch.no_grad()(forward), _step(nn.ModuleList(modules).parameters(), forward)


def spikingjelly(net, num_steps):
    """SpikingJelly: its multi-step mode, its default arctangent of alpha 2, detached reset."""
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    def lif():
        return neuron.LIFNode(
            tau=1 / (1 - BETA),
            decay_input=False,
            v_reset=None,
            v_threshold=THRESHOLD,
            surrogate_function=surrogate.ATan(),
            detach_reset=True,
            step_mode="m",
        )

    modules, model = [], nn.Sequential()
    for shape in [ours.shape for ours in net.layers]:
        modules.append(module_of(layer, shape, step_mode="m"))
        if shape.kind == "linear" and len(shape.in_shape) == 3:
            model.append(layer.Flatten(step_mode="m"))
        model.append(modules[-1]).append(lif())
        if shape.pool > 1:
            model.append(layer.MaxPool2d(shape.pool, step_mode="m"))
    copy_weights(net, modules)

    def forward(x):
        functional.reset_net(model)
        return model(x.unsqueeze(0).expand(num_steps, *x.shape).contiguous()).sum(0)

    return torch.no_grad()(forward), _step(model.parameters(), forward)


def module_of(library, shape, **options):
    """Return the layer of weights of a shape, from a library that names its layers as torch does."""
    if shape.kind == "linear":
        return library.Linear(*shape.w_shape, **options)
    kernel, _, inputs, outputs = shape.w_shape
    return library.Conv2d(inputs, outputs, kernel, padding=shape.padding, **options)


def copy_weights(net, modules):
    """Our weights into theirs: the same numbers, transposed."""
    for module, layer in zip(modules, net.layers):
        shape, w = layer.shape, torch.tensor(layer.w)
        if shape.kind == "conv2d":
            w = w.permute(3, 2, 0, 1)
        elif len(shape.in_shape) == 3:  # ours run (y, x, channel), theirs (channel, y, x)
            w = w.reshape(*shape.in_shape, -1).permute(2, 0, 1, 3).reshape(len(w), -1).T
        else:
            w = w.T
        with torch.no_grad():
            module.weight.copy_(w)
            module.bias.copy_(torch.tensor(layer.b))


def _step(parameters, forward):
    optimiser = torch.optim.Adam(parameters, LR)

    def step(x, y):
        value = nn.functional.cross_entropy(forward(x), y)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        return float(value.detach())

    return step
