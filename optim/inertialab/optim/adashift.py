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

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from inertialab.optim import sharded
from inertialab.optim.base import tensors
from inertialab.optim.numerics import root, widest
from inertialab.optim.settings import ADAM_RANGES, Range
from inertialab.optim.tensorwise import Direction, Steps, TensorwiseOptimizer

Reduction = Literal["max", "mean", "none"]
RANGES: tuple[Range, ...] = (
    *ADAM_RANGES,
    ("shift", lambda n: isinstance(n, int) and n >= 1, "a whole number >= 1"),
    ("start", ("common", "own").__contains__, "'common' or 'own'"),
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
        start: Where the bias correction of v counts from. "common": step n + 1 of the tensor, as published; a
            coordinate whose first gradient comes later is divided by ε for n steps. "own": that first gradient of the
            coordinate (of the block), and nothing moves before v has seen it; memory is one copy more.
        maximize: Ascend instead of descend.
        foreach: False: one tensor after the other. Otherwise, without a reduction, small tensors together and large
            ones in blocks.
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
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        *,
        decoupled_weight_decay: bool = False,
        shift: int = 10,
        reduction: Reduction = "max",
        start: Literal["common", "own"] = "common",
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
            "shift": shift,
            "reduction": reduction,
            "start": start,
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
        if group["reduction"] != "none":
            sharded.refuse_cut("AdaShift", "a reduction over each", "reduction='none'", tensors(group["params"]))

    def wanted(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Names of the states of a parameter of this group, the window of gradients among them."""
        own = ("bias_correction",) if group["start"] == "own" else ()
        return (*super().wanted(group), *own, *(f"gradient_{i}" for i in range(group["shift"])))

    def surplus(self, group: dict[str, Any]) -> str:
        """The next gradient of a longer window."""
        return f"gradient_{group['shift']}"

    def converted(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """A state of this class, also one whose window is one tensor and whose reduced v is one number."""
        own = super().converted(state)
        if "window" in own:
            own |= {f"gradient_{i}": g for i, g in enumerate(own.pop("window"))}
            own["exp_avg_sq"] = own["exp_avg_sq"].expand_as(own["exp_avg"]).contiguous()
        return own

    def elementwise(self, group: dict[str, Any]) -> bool:
        """Whether coordinates do not see each other."""
        return group["reduction"] == "none"

    def direction(
        self, g: Tensor, states: Sequence[Tensor], step: Steps, group: dict[str, Any], domain: sharded.Domain = ()
    ) -> Direction:
        """Change the averages and the window, and tell where to go."""
        return adashift(g, states, step, group, domain)


def adashift(
    g: Tensor, states: Sequence[Tensor], step: Steps, settings: dict[str, Any], domain: sharded.Domain = ()
) -> Direction:
    """The update rule on one tensor; changes the states in place.

    Args:
        g: Gradient to descend; not changed.
        states: m; v, all alike where a reduction leaves one number; the weight of v if it has a start of its own; and
            the last n gradients as a ring, zeros where there was none yet.
        step: k >= 1; a tensor where the host does not know it.
        settings: Those of `AdaShift`.
        domain: Process groups over which the block is cut.

    Returns:
        The direction, which times -lr is the step, and whether there is one; None where the host knows of none.
    """
    (beta1, beta2), n = settings["betas"], settings["shift"]
    average, second, *own = states[: len(states) - n]
    oldest = _exchanged(states[len(states) - n :], g, step)
    weight = 1 / sum(beta1**i for i in range(n))
    average.sub_(oldest, alpha=weight * beta1 ** (n - 1)).mul_(beta1).add_(g, alpha=weight)
    if not isinstance(step, Tensor) and step <= n:
        return None
    full = (step > n).to(g) if isinstance(step, Tensor) else 1.0
    squares = oldest.square()
    if settings["reduction"] != "none":
        squares = sharded.reduced(squares, settings["reduction"], domain)
    second.add_((squares - second) * ((1 - beta2) * full))
    if own:
        seen = (own[0] > 0) | (squares > 0)
        own[0].add_((1 - own[0]) * seen * ((1 - beta2) * full))
        corrected = second / torch.where(own[0] > 0, own[0], 1)
        return average * (own[0] > 0) / (root(corrected) + settings["eps"]), full
    k = (step - n).clamp(min=1).to(widest(step.device)) if isinstance(step, Tensor) else step - n
    corrected = second / (1 - beta2**k)
    return average / (root(corrected) + settings["eps"]) * full, full


def _exchanged(window: Sequence[Tensor], g: Tensor, step: Steps) -> Tensor:
    """The oldest gradient, after this one has taken its place."""
    if not isinstance(step, Tensor):
        place = window[(step - 1) % len(window)]
        oldest = place.clone()
        place.copy_(g)
        return oldest
    index = (step - 1) % len(window)
    oldest = torch.zeros_like(g)
    for i, place in enumerate(window):
        oldest = torch.where(index == i, place, oldest)
        place.copy_(torch.where(index == i, g, place))
    return oldest


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
