"""The SVHN network in snnTorch and in SpikingJelly, with weights that are handed in, for a fair race.

Each maker takes our network and T, and returns (forward, step): `forward(x)` gives the spike counts of a batch,
`step(x, y)` makes one step of training (cross-entropy on counts, Adam). Images come channels last.
"""

import torch
import torch.nn as nn

BETA, THRESHOLD, LR = 0.25, 1.0, 1e-3


def _layers(net):
    """Our weights as torch modules: two convolutions, two linear layers."""
    modules = [nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 3), nn.Linear(1152, 256), nn.Linear(256, 10)]
    with torch.no_grad():
        for module, layer, w, b in zip(modules, net.layers, net.params[::2], net.params[1::2]):
            w = torch.tensor(w)
            if layer.kind == "conv2d":
                w = w.permute(3, 2, 0, 1)
            elif len(layer.in_shape) == 3:  # ours run (y, x, channel), torch's (channel, y, x)
                w = w.reshape(*layer.in_shape, -1).permute(2, 0, 1, 3).reshape(len(w), -1).T
            else:
                w = w.T
            module.weight.copy_(w)
            module.bias.copy_(torch.tensor(b))
    return modules


def _step(parameters, forward):
    optimiser = torch.optim.Adam(parameters, LR)

    def step(x, y):
        loss = nn.functional.cross_entropy(forward(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss.detach())
    return step


def snntorch(net, num_steps):
    """snnTorch: a loop over steps, fast sigmoid of slope 25."""
    import snntorch as snn
    from snntorch import surrogate
    conv1, conv2, fc1, fc2 = modules = _layers(net)
    lif = [snn.Leaky(beta=BETA, threshold=THRESHOLD, spike_grad=surrogate.fast_sigmoid(slope=25)) for _ in range(4)]
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
    return forward, _step([p for m in modules for p in m.parameters()], forward)


def spikingjelly(net, num_steps):
    """SpikingJelly: its multi-step mode, arctangent of alpha 2 (its default)."""
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    def lif():
        return neuron.LIFNode(tau=1 / (1 - BETA), decay_input=False, v_reset=None, v_threshold=THRESHOLD,
                              surrogate_function=surrogate.ATan(), detach_reset=True, step_mode="m")
    conv1, conv2, fc1, fc2 = (layer.SeqToANNContainer(module) for module in _layers(net))
    model = nn.Sequential(conv1, lif(), layer.MaxPool2d(2, step_mode="m"), conv2, lif(),
                          layer.MaxPool2d(2, step_mode="m"), layer.Flatten(step_mode="m"), fc1, lif(), fc2, lif())

    def forward(x):
        functional.reset_net(model)
        return model(x.unsqueeze(0).expand(num_steps, *x.shape).contiguous()).sum(0)
    return forward, _step(model.parameters(), forward)
