"""RAdam: Adam whose step is rectified for the variance of its adaptive factor.

With g the minibatch gradient, k the step and ρ_∞ = 2/(1 - β₂) - 1,

    m ← β₁m + (1 - β₁)g,   v ← β₂v + (1 - β₂)g²,   m̂ = m/(1 - β₁ᵏ)
    ρ > threshold:  θ ← θ - η r m̂ √(1 - β₂ᵏ)/(√v + ε),   r = √(Var(ρ_∞)/Var(ρ))
    otherwise:      θ ← θ - η m̂   (fallback "sgdm"), or nothing at all (fallback "none")

where ρ is the number of degrees of freedom of v after k steps, and Var(ρ) the variance of the adaptive factor
if gradients were Gaussian noise. ε is added before the bias correction, as all codes do. Convention of
momentum: EMA. Source: liu2020variance, Algorithm 2 (wording not checked).

Codes differ: the publication takes ρ > 4 and falls back to momentum, its authors' code ρ >= 5 and nothing,
`torch.optim.RAdam` ρ > 5 and momentum.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from inertialab.optim.numerics import root, widest
from inertialab.optim.rectification import (
    Freedom,
    Variance,
    degrees_of_freedom,
    factor_variance,
    rectification,
    rectification_on_device,
)
from inertialab.optim.settings import ADAM_RANGES, Range, real
from inertialab.optim.sharded import Domain
from inertialab.optim.tensorwise import Direction, Steps, TensorwiseOptimizer

RANGES: tuple[Range, ...] = (
    *ADAM_RANGES,
    ("threshold", real(0, float("inf")), "a number"),
    ("fallback", ("sgdm", "none").__contains__, "'sgdm' or 'none'"),
    ("freedom", ("centre-of-mass", "satterthwaite").__contains__, "'centre-of-mass' or 'satterthwaite'"),
    ("variance", ("first-order", "exact").__contains__, "'first-order' or 'exact'"),
)
"""Allowed settings."""
__all__ = ["RAdam", "degrees_of_freedom", "factor_variance", "radam", "rectification", "rectified_adam"]


class RAdam(TensorwiseOptimizer):
    """Rectified Adam with every switch in which the publication and the codes differ.

    Args:
        params: Parameters or groups of them, real and dense.
        lr: Learning rate η >= 0, units θ.
        betas: (β₁, β₂), each in [0, 1), dimensionless.
        eps: ε >= 0, units L/θ.
        weight_decay: Coefficient of the L2 penalty, >= 0, units L/θ².
        decoupled_weight_decay: Shrink parameters by 1 - lr·weight_decay instead, as the authors' code does, whose
            checkpoints switch it on.
        threshold: Degrees of freedom above which the step is adaptive: 4 in the publication, 5 in codes. At
            least 4 with the first-order variance, at least 2 with the exact one.
        fallback: What is done below it: "sgdm" momentum without adaptation, "none" nothing, decay included.
        freedom: "centre-of-mass" or "satterthwaite".
        variance: "first-order" or "exact".
        maximize: Ascend instead of descend.
        foreach: False: one tensor after the other. Otherwise small tensors together and large ones in blocks.
        capturable: True: nothing waits for the device, so that the step can be part of a CUDA graph.
        differentiable: True: autograd sees the step; parameters must not be leaves.
        stochastic_rounding: True: weights of bfloat16 are rounded up or down at random, so that steps below their
            precision are made in the mean.
        generator: Source of those numbers, no part of the state, not compiled; None: torch's own one of the device.

    Raises:
        ValueError: If a setting is out of range; the sentence names it, its value and the range.
    """

    ranges = RANGES
    states = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        decoupled_weight_decay: bool = False,
        threshold: float = 4.0,
        fallback: Literal["sgdm", "none"] = "sgdm",
        freedom: Freedom = "centre-of-mass",
        variance: Variance = "first-order",
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        stochastic_rounding: bool = False,
        generator: torch.Generator | None = None,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "threshold": threshold,
            "fallback": fallback,
            "freedom": freedom,
            "variance": variance,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "stochastic_rounding": stochastic_rounding,
        }
        super().__init__(params, defaults, generator)

    def check(self, group: dict[str, Any]) -> None:
        """Refuse a group."""
        super().check(group)
        least = 4 if group["variance"] == "first-order" else 2
        if group["threshold"] < least:
            given = f"with variance {group['variance']!r}, got {group['threshold']}"
            raise ValueError(f"RAdam: threshold must be >= {least} {given}.")

    def converted_group(self, group: dict[str, Any]) -> dict[str, Any]:
        """Settings of this class; the authors' code, told by its `buffer`, decouples the decay."""
        own = {k: v for k, v in group.items() if k != "buffer"}
        return {"decoupled_weight_decay": True, **own} if "buffer" in group else own

    def direction(
        self, g: Tensor, states: Sequence[Tensor], step: Steps, group: dict[str, Any], domain: Domain = ()
    ) -> Direction:
        """Change the averages, and tell where to go."""
        average, second = states
        return radam(g, average, second, step, group)


def radam(g: Tensor, average: Tensor, second: Tensor, step: Steps, settings: dict[str, Any]) -> Direction:
    """The update rule on one tensor; changes the averages in place.

    Args:
        g: Gradient to descend; not changed.
        average: m.
        second: v.
        step: k >= 1; a tensor where the host does not know it.
        settings: Those of `RAdam`.

    Returns:
        The direction, which times -lr is the step, and whether there is one; None where the host knows of none.
    """
    (beta1, beta2), waits = settings["betas"], settings["fallback"] == "none"
    average.lerp_(g, 1 - beta1)
    second.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    if isinstance(step, Tensor):
        k = step.to(widest(step.device))
        r, adaptive = rectification_on_device(k, settings)
        factor = (r * (1 - beta2**k).sqrt()).to(g)
        plain = 0.0 if waits else 1.0
        way = average / (1 - beta1**k).to(g) * torch.where(adaptive, factor / (root(second) + settings["eps"]), plain)
        return way, adaptive.to(g) if waits else 1.0
    r = rectification(beta2, step, settings["threshold"], settings["freedom"], settings["variance"])
    if r is None and waits:
        return None
    direction = average / (1 - beta1**step)
    if r is not None:
        direction = direction.mul_(r * math.sqrt(1 - beta2**step)).div_(root(second).add_(settings["eps"]))
    return direction, 1.0


def rectified_adam(
    params: Iterable[Tensor], *, eta: float | Tensor, beta: float = 0.9, beta2: float = 0.999, delta: float = 1e-8
) -> torch.optim.Optimizer:
    """Adam whose step is rectified for the variance of its adaptive factor, as published.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ.
        beta: β₁, dimensionless.
        beta2: β₂, dimensionless.
        delta: ε, units L/θ.
    """
    return RAdam(params, lr=eta, betas=(beta, beta2), eps=delta)
