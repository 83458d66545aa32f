"""Small models and data that tests of many kinds share."""

import torch
from torch import nn

CE, MSE, embed = nn.functional.cross_entropy, nn.functional.mse_loss, nn.functional.embedding
X = torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
Y = torch.arange(12) % 3
OTHER = torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
SORTED = torch.argsort(Y, stable=True)


def seeded(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().double()


def net():
    return seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)))


class Given(nn.Module):
    """A network whose forward pass is given, beside layers of the names `net`, `other` and `table`."""

    def __init__(self, forward, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.called = forward

    def forward(self, *args, **kwargs):
        return self.called(self, *args, **kwargs)


def close(A, B, tolerance=1e-7):
    return float((A - B).abs().max()) <= tolerance * float(B.abs().max())


def parameters_of(problem):
    named = dict(problem.model.named_parameters())
    return [named[name] for name in problem.names]
