"""The same network in snnTorch and in SpikingJelly, with our weights.

Each maker takes our network and T, and returns (forward, step) as ``race.ours``; images are torch tensors,
channels first. Both are written as their manuals do, and convolve the constant image at every step.
"""

import torch
import torch.nn as nn

from .race import BETA, LR, THRESHOLD

COMMAND = "pip install torch==2.13.0 snntorch spikingjelly"


def tensors(x, y):
    """Images and labels as torch takes them."""
    return torch.tensor(x).permute(0, 3, 1, 2).contiguous(), torch.tensor(y)


def snntorch(net, num_steps):
    """snnTorch: a loop over the steps, fast sigmoid of slope 25."""
    import snntorch as snn
    from snntorch import surrogate

    lif = [snn.Leaky(beta=BETA, threshold=THRESHOLD, spike_grad=surrogate.fast_sigmoid(slope=25)) for _ in range(4)]
    conv1, conv2, fc1, fc2 = modules = [
        nn.Conv2d(3, 32, 3),
        nn.Conv2d(32, 32, 3),
        nn.Linear(1152, 256),
        nn.Linear(256, 10),
    ]
    _copy_weights(net, modules)
    pool = nn.MaxPool2d(2)

    def forward(x):
        mem = [layer.init_leaky() for layer in lif]
        counts = 0
        for _ in range(num_steps):
            s, mem[0] = lif[0](conv1(x), mem[0])
            s, mem[1] = lif[1](conv2(pool(s)), mem[1])
            s, mem[2] = lif[2](fc1(pool(s).flatten(1)), mem[2])
            s, mem[3] = lif[3](fc2(s), mem[3])
            counts = counts + s
        return counts

    return forward, _step(nn.ModuleList(modules).parameters(), forward)


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

    modules = [
        layer.Conv2d(3, 32, 3, step_mode="m"),
        layer.Conv2d(32, 32, 3, step_mode="m"),
        layer.Linear(1152, 256, step_mode="m"),
        layer.Linear(256, 10, step_mode="m"),
    ]
    _copy_weights(net, modules)
    conv1, conv2, fc1, fc2 = modules
    model = nn.Sequential(
        conv1,
        lif(),
        layer.MaxPool2d(2, step_mode="m"),
        conv2,
        lif(),
        layer.MaxPool2d(2, step_mode="m"),
        layer.Flatten(step_mode="m"),
        fc1,
        lif(),
        fc2,
        lif(),
    )

    def forward(x):
        functional.reset_net(model)
        return model(x.unsqueeze(0).expand(num_steps, *x.shape).contiguous()).sum(0)

    return forward, _step(model.parameters(), forward)


def _copy_weights(net, modules):
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
