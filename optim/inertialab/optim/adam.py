"""Adam, AdamW and AMSGrad: PyTorch's own, under the names of `inertialab.theory.notation`."""

from collections.abc import Iterable

import torch
from torch import Tensor

from inertialab.optim.settings import check_notation


def adam(
    params: Iterable[Tensor], *, eta: float | Tensor, beta: float = 0.9, beta2: float = 0.999, delta: float = 1e-8
) -> torch.optim.Optimizer:
    """Adam: averages of gradient and squared gradient, both corrected for their start at zero.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ.
        beta: β₁, dimensionless.
        beta2: β₂, dimensionless.
        delta: Added to the root of the corrected second moment, units L/θ.
    """
    check_notation("adam", eta=eta, beta=beta, beta2=beta2, delta=delta)
    return torch.optim.Adam(params, lr=eta, betas=(beta, beta2), eps=delta)


def adamw(
    params: Iterable[Tensor],
    *,
    eta: float | Tensor,
    beta: float = 0.9,
    beta2: float = 0.999,
    delta: float = 1e-8,
    decay: float = 0.01,
) -> torch.optim.Optimizer:
    """Adam whose parameters shrink by 1 - η·decay a step, beside the adaptive step.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ.
        beta: β₁, dimensionless.
        beta2: β₂, dimensionless.
        delta: Added to the root of the corrected second moment, units L/θ.
        decay: Coefficient of decoupled weight decay, units 1/η.
    """
    check_notation("adamw", eta=eta, beta=beta, beta2=beta2, delta=delta, decay=decay)
    return torch.optim.AdamW(params, lr=eta, betas=(beta, beta2), eps=delta, weight_decay=decay)


def amsgrad(
    params: Iterable[Tensor], *, eta: float | Tensor, beta: float = 0.9, beta2: float = 0.999, delta: float = 1e-8
) -> torch.optim.Optimizer:
    """Adam with the largest second moment so far in the place of the present one.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ.
        beta: β₁, dimensionless.
        beta2: β₂, dimensionless.
        delta: Added to the root of the corrected second moment, units L/θ.
    """
    check_notation("amsgrad", eta=eta, beta=beta, beta2=beta2, delta=delta)
    return torch.optim.Adam(params, lr=eta, betas=(beta, beta2), eps=delta, amsgrad=True)
