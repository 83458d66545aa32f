"""AdaShift: Adam whose second moment comes from gradients that the step itself does not contain.

With n the shift, ĝ_k the minibatch gradient of step k and φ a reduction over the block (one tensor), from
step n + 1 on

    v ← β₂v + (1 - β₂) φ(ĝ_{k-n}²),   m = Σ_{i<n} β₁ⁱ ĝ_{k-i} / Σ_{i<n} β₁ⁱ
    θ ← θ - η m / (√(v/(1 - β₂^{k-n})) + ε)

During the first n steps gradients are only collected. m is kept by a recurrence that also runs then: a code
that starts it later subtracts gradients that it never added. Source: zhou2019adashift (wording not checked);
squares are taken before the reduction, as all codes do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from inertialab.optim.base import TensorwiseOptimizer
from inertialab.optim.settings import ADAM_RANGES, Range

Reduction = Literal["max", "mean", "none"]
RANGES: tuple[Range, ...] = (
    *ADAM_RANGES,
    ("shift", lambda n: isinstance(n, int) and n >= 1, "a whole number >= 1"),
    ("reduction", ("max", "mean", "none").__contains__, "'max', 'mean' or 'none'"),
)
"""Allowed settings."""


class AdaShift(TensorwiseOptimizer):
    """Adam with a second moment shifted in time.

    Args:
        params: Parameters or groups of them, real and dense; a tensor is a block.
        lr: Learning rate η >= 0, units θ.
        betas: (β₁, β₂), each in [0, 1), dimensionless.
        eps: ε >= 0, units L/θ.
        weight_decay: Coefficient of the L2 penalty, >= 0, units L/θ².
        decoupled_weight_decay: Shrink parameters by 1 - lr·weight_decay instead.
        shift: n >= 1, number of gradients kept; memory is n + 2 copies of the parameters.
        reduction: φ over a block: "max", "mean" (one adaptive rate a block) or "none" (one a coordinate).
        maximize: Ascend instead of descend.

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
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        *,
        decoupled_weight_decay: bool = False,
        shift: int = 10,
        reduction: Reduction = "max",
        maximize: bool = False,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "shift": shift,
            "reduction": reduction,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def wanted(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Names of the states of a parameter of this group, the window of gradients among them."""
        return (*super().wanted(group), *(f"gradient_{i}" for i in range(group["shift"])))

    def update(self, param: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one tensor."""
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            for name in self.wanted(group)[1:]:
                state[name] = torch.zeros_like(g, memory_format=torch.preserve_format)
        state["step"] += 1
        window = [state[name] for name in self.wanted(group)[3:]]
        direction = adashift(g, state["exp_avg"], state["exp_avg_sq"], window, int(state["step"]), group)
        if direction is not None:
            self.decay(param, group)
            param.sub_(direction.mul_(group["lr"]))


def adashift(
    g: Tensor, average: Tensor, second: Tensor, window: Sequence[Tensor], step: int, settings: dict[str, Any]
) -> Tensor | None:
    """The update rule on one tensor; changes the averages and the window in place.

    Args:
        g: Gradient to descend; not changed.
        average: m.
        second: v, of the shape of the gradient; all alike where a reduction leaves one number.
        window: The last n gradients as a ring, zeros where there was none yet.
        step: k >= 1.
        settings: Those of `AdaShift`.

    Returns:
        The direction, which times -lr is the step; None during the first n steps.
    """
    (beta1, beta2), n = settings["betas"], len(window)
    oldest = window[(step - 1) % n]
    weight = 1 / sum(beta1**i for i in range(n))
    average.sub_(oldest, alpha=weight * beta1 ** (n - 1)).mul_(beta1).add_(g, alpha=weight)
    if step > n:
        second.lerp_(_reduced(oldest.square(), settings["reduction"]), 1 - beta2)
    oldest.copy_(g)
    if step <= n:
        return None
    return average / (second / (1 - beta2 ** (step - n))).sqrt_().add_(settings["eps"])


def _reduced(squares: Tensor, reduction: Reduction) -> Tensor:
    """φ over the block; of a block without elements nothing."""
    if reduction == "none" or not squares.numel():
        return squares
    return squares.amax() if reduction == "max" else squares.mean()


def adashift_coordinatewise(
    params: Iterable[Tensor], *, eta: float | Tensor, beta: float = 0.9, beta2: float = 0.999, delta: float = 1e-10
) -> torch.optim.Optimizer:
    """Adam whose second moment comes from older gradients, one for each coordinate.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ.
        beta: β₁, dimensionless.
        beta2: β₂, dimensionless.
        delta: ε, units L/θ.
    """
    return AdaShift(params, lr=eta, betas=(beta, beta2), eps=delta, reduction="none")
