"""SGD and the three conventions of momentum, all run by `torch.optim.SGD`.

PyTorch's own class is the baseline everybody uses; these constructors only fix its conventions. The
update equations are those of `inertialab.theory.dynamics`.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from inertialab.optim.settings import check_notation


def sgd(params: Iterable[Tensor], *, eta: float | Tensor) -> torch.optim.Optimizer:
    """Plain SGD: θ' = θ - η g.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ²/L.
    """
    check_notation("sgd", eta=eta)
    return torch.optim.SGD(params, lr=eta)


def momentum_torch(params: Iterable[Tensor], *, eta: float | Tensor, beta: float) -> torch.optim.Optimizer:
    """Momentum in PyTorch's convention: b' = βb + g, θ' = θ - η b'.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ²/L; the effective rate is η/(1 - β).
        beta: Momentum, dimensionless, in [0, 1).
    """
    check_notation("momentum-torch", eta=eta, beta=beta)
    return torch.optim.SGD(params, lr=eta, momentum=beta)


class _EMA(torch.optim.SGD):
    """SGD whose buffers start as zeros and whose dampening is its momentum, also where either comes later."""

    def _init_group(self, group: dict[str, Any], *lists: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        group["dampening"] = group["momentum"]
        for p in group["params"]:
            if p.grad is not None and self.state[p].get("momentum_buffer") is None:
                self.state[p]["momentum_buffer"] = torch.zeros_like(p.grad, memory_format=torch.preserve_format)
        return super()._init_group(group, *lists)


def momentum_ema(params: Iterable[Tensor], *, eta: float | Tensor, beta: float) -> torch.optim.Optimizer:
    """Momentum as an exponential moving average: m' = βm + (1 - β) g, θ' = θ - η m'.

    `torch.optim.SGD` with `dampening=beta` fills an absent buffer with the undamped first gradient, so its
    first step is 1/(1 - β) times too long. Buffers are therefore put in place as zeros.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ²/L.
        beta: Momentum, dimensionless, in [0, 1).
    """
    check_notation("momentum-ema", eta=eta, beta=beta)
    return _EMA(params, lr=eta, momentum=beta, dampening=beta)


def heavy_ball(params: Iterable[Tensor], *, eta: float | Tensor, beta: float) -> torch.optim.Optimizer:
    """Polyak's heavy ball: θ' = θ + β(θ - θ₋) - η g; the trajectory of PyTorch's convention.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ²/L.
        beta: Momentum, dimensionless, in [0, 1).
    """
    check_notation("heavy-ball", eta=eta, beta=beta)
    return momentum_torch(params, eta=eta, beta=beta)


def set_momentum_buffer(optimizer: torch.optim.Optimizer, value: Tensor) -> None:
    """Start from a given momentum buffer, in the optimizer's own convention.

    Args:
        optimizer: One of the momentum optimizers of this file.
        value: Buffer, units L/θ; broadcasts to the shape of every parameter.
    """
    for group in optimizer.param_groups:
        for p in group["params"]:
            buffer = torch.empty_like(p, requires_grad=False)
            optimizer.state[p]["momentum_buffer"] = buffer.copy_(value.detach())
