"""Many small networks at once, each with inputs of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class Ensemble(nn.Module):
    """Networks of tanh units, none of which knows of the others; an example belongs to one of them.

    All start from the same weights if `alike` is their number.

    Args:
        count: Number of networks.
        widths: Inputs, hidden units of each layer, outputs.
        generator: Of the initial weights: Gaussian of variance 1/fan-in, biases uniform between -1 and 1.
        alike: How many networks in a row share their initial weights.
        device: Where.
    """

    def __init__(
        self,
        count: int,
        widths: Sequence[int],
        generator: torch.Generator,
        *,
        alike: int = 1,
        device: torch.device | None = None,
    ):
        super().__init__()
        self.count = count
        weights, biases = [], []
        for a, b in pairwise(widths):
            drawn = torch.randn(count // alike, a, b, generator=generator, device=device) * a**-0.5
            shift = torch.rand(count // alike, 1, b, generator=generator, device=device) * 2 - 1
            weights.append(nn.Parameter(drawn.repeat_interleave(alike, 0)))
            biases.append(nn.Parameter(shift.repeat_interleave(alike, 0)))
        self.weights, self.biases = nn.ParameterList(weights), nn.ParameterList(biases)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (count·n, outputs), of inputs, shape (count·n, inputs), the first network's first."""
        h = x.reshape(self.count, -1, x.shape[-1])
        pairs = list(zip(self.weights, self.biases, strict=True))
        for W, b in pairs[:-1]:
            h = torch.tanh(torch.baddbmm(b, h, W))
        W, b = pairs[-1]
        return torch.baddbmm(b, h, W).flatten(0, 1)
