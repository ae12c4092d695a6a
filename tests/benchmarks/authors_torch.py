"""The authors' variant in plain torch, by automatic differentiation: network, loss, optimiser and schedule.

First weights and batches are handed in; nothing that minisnn computes is used otherwise. All steps are folded into the
batch for convolutions and products, the constant image is convolved once, and neurons run step by step.
"""

import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from minisnn.files import atomic_write

from .peers import copy_weights, module_of

DERIVATIVES = {
    "fast_sigmoid": lambda x, k: 1 / (1 + k * x.abs()) ** 2,
    "atan": lambda x, alpha: alpha / 2 / (1 + (math.pi / 2 * alpha * x) ** 2),
}


class Spike(torch.autograd.Function):
    """1 above the threshold; backward the derivative of a surrogate."""

    @staticmethod
    def forward(ctx, x, family, scale):
        ctx.save_for_backward(x)
        ctx.surrogate = family, scale
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        family, scale = ctx.surrogate
        return gradient * DERIVATIVES[family](ctx.saved_tensors[0], scale), None, None


class Twin(torch.nn.Module):
    """The network of a ``minisnn.Network`` with its weights: pools of currents, reset "subtract", which is detached."""

    def __init__(self, net: Any):
        super().__init__()
        if net.layers[0].shape.padding or any(layer.shape.pool > 1 for layer in net.layers):
            raise ValueError("the twin has neither a border nor pools of spikes")
        self.shapes = [layer.shape for layer in net.layers]
        self.constants = list(zip(net.betas, net.thresholds))
        self.family, self.scale, self.classes = net.surrogate.name, net.surrogate.scale, net.classes
        self.layers = torch.nn.ModuleList(module_of(torch.nn, shape) for shape in self.shapes)
        copy_weights(net, self.layers)

    def forward(self, images: torch.Tensor, num_steps: int) -> list[torch.Tensor]:
        """Return the spikes of each layer, (T, B, ...), for images (B, C, H, W)."""
        x, spikes = images[None], []
        for shape, layer, (beta, threshold) in zip(self.shapes, self.layers, self.constants):
            steps, size = x.shape[:2]
            frames = x.flatten(0, 1)
            cur = layer(frames.flatten(1) if shape.kind == "linear" else frames)
            if shape.cur_pool > 1:
                cur = F.max_pool2d(cur, shape.cur_pool)
            x = self.neurons(cur.unflatten(0, (steps, size)), num_steps, beta, threshold)
            spikes.append(x)
        return spikes

    def neurons(self, cur: torch.Tensor, num_steps: int, beta: float, threshold: float) -> torch.Tensor:
        """Return the spikes of neurons on currents (T, B, ...), or (1, B, ...) if they are constant."""
        mem = spk = torch.zeros_like(cur[0])
        spikes = []
        for cur_now in cur.unbind() if len(cur) > 1 else [cur[0]] * num_steps:
            mem = beta * mem - threshold * spk.detach() + cur_now
            spk = Spike.apply(mem - threshold, self.family, self.scale)
            spikes.append(spk)
        return torch.stack(spikes)

    def counts(self, spikes: torch.Tensor) -> torch.Tensor:
        """Return the spikes of each class, (B, classes), of the last layer's (T, B, N)."""
        return spikes.sum(dim=0).unflatten(1, (self.classes, -1)).sum(dim=2)


def mse_count(counts: torch.Tensor, labels: torch.Tensor, num_steps: int, neurons: int) -> torch.Tensor:
    """Return the squared distance to counts in which the right class always fires and others never do, over T."""
    target = F.one_hot(labels, counts.shape[1]) * float(num_steps * neurons // counts.shape[1])
    return F.mse_loss(counts, target) / num_steps


class Trainer:
    """A training of `epochs` epochs of `batches` batches: Adam, its rate falling from `lr` along a cosine."""

    def __init__(self, net: Any, num_steps: int, lr: float, epochs: int, batches: int):
        self.net, self.num_steps = Twin(net), num_steps
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimiser, epochs * batches)
        self.losses: list[float] = []  # of each epoch

    def step(self, inputs: np.ndarray, y: np.ndarray) -> float:
        """Train on inputs (1, B, H, W, C) and return the loss."""
        spikes = self.net(_images(inputs), self.num_steps)[-1]
        value = mse_count(self.net.counts(spikes), torch.tensor(y), self.num_steps, spikes.shape[2])
        self.optimiser.zero_grad()
        value.backward()
        self.optimiser.step()
        self.schedule.step()
        return float(value.detach())

    @torch.no_grad()
    def evaluate(self, batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[float, list[float]]:
        """Return accuracy and firing rates by layer, of batches of inputs and labels."""
        right, images, rates = 0, 0, np.zeros(len(self.net.shapes))
        for inputs, y in batches:
            spikes = self.net(_images(inputs), self.num_steps)
            right += int((self.net.counts(spikes[-1]).argmax(dim=1) == torch.tensor(y)).sum())
            rates += len(y) * np.array([float(of.mean(dtype=torch.float64)) for of in spikes])
            images += len(y)
        return right / images, (rates / images).tolist()

    def save(self, path: Path) -> None:
        """Write all that changes from epoch to epoch."""
        file = io.BytesIO()
        parts = {name: getattr(self, name).state_dict() for name in ("net", "optimiser", "schedule")}
        torch.save(parts | {"losses": self.losses}, file)
        atomic_write(path, file.getvalue())

    def load(self, path: Path) -> None:
        """Continue from a file of :meth:`save`."""
        stored = torch.load(path, weights_only=True)
        for name in ("net", "optimiser", "schedule"):
            getattr(self, name).load_state_dict(stored[name])
        self.losses = stored["losses"]


def _images(inputs):
    """Return constant inputs, (1, B, H, W, C), as torch's images."""
    return torch.tensor(inputs[0]).permute(0, 3, 1, 2).contiguous()
