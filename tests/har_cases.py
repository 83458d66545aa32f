"""Small models and data for penalties, strengths and training in two stages."""

import torch
from torch import nn

from inertialab.experiments.models import _initialised


def drawn(model, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        nn.init.normal_(p, std=0.4, generator=generator)
    return model.double()


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.inner, self.last = nn.Embedding(9, 3), nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, words):
        return self.last(torch.tanh(self.inner(self.table(words).mean(1))))


def line(x, y):
    """Least squares."""
    design = torch.stack([torch.ones_like(x), x], 1)
    weights = torch.linalg.lstsq(design, y[:, None]).solution[:, 0]
    return lambda at: weights[0] + weights[1] * at


def two_halves(n=160, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 1, generator=generator, dtype=torch.float64) * 2 - 1
    groups = (x[:, 0] > 0).long()
    noise = torch.tensor([0.05, 0.5], dtype=torch.float64)[groups]
    return x, torch.cos(3 * x[:, 0]) + noise * torch.randn(n, generator=generator, dtype=torch.float64), groups


def net(outputs=1):
    layers = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, outputs))
    return _initialised(layers, torch.Generator().manual_seed(0))
