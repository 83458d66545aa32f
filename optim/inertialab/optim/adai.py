"""Adai: parameter-wise adaptive inertia.

Momentum has a coefficient of its own for every coordinate, large where second moments are small. With
ĝ the minibatch gradient and k the step,

    v  ← β₂v + (1 - β₂)ĝ²,   v̂ = v/(1 - β₂ᵏ),   v̄ = mean of v̂ over all coordinates of all groups
    α  = clamp(β₀ v̂/v̄, ε, 1)                     (1 - β₁ of the coordinate)
    q  ← q + α(1 - q),   m ← m + α(ĝ - m),   θ ← θ - η m/q

q = 1 - ∏β₁ is the bias correction. It and α are carried as they are, not as differences from 1, so float32
keeps them to rounding; ε bounds the inertia and is no floor of a denominator. Convention of momentum: EMA.
Source: xie2022adaptive; defaults of the authors' code.

Here are the rule and the optimizer; `inertialab.optim.adai_step` carries the rule out on all parameters.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from inertialab.optim import adai_step, sharded
from inertialab.optim.base import CheckedOptimizer, evaluated, moving, tensors
from inertialab.optim.settings import Range, fraction, nonnegative, pair, positive, real

RANGES: tuple[Range, ...] = (
    ("lr", nonnegative, "a finite number >= 0"),
    ("betas", lambda b: isinstance(b, tuple) and len(b) == 2, "two numbers (beta0, beta2)"),
    ("betas", pair(positive, lambda _: True), "(beta0 > 0, beta2)"),
    ("betas", pair(positive, fraction), "(beta0, beta2 in [0, 1))"),
    ("eps", real(0, 1, low_open=True), "in (0, 1]"),
    ("weight_decay", nonnegative, "a finite number >= 0"),
    ("dampening", real(0, 1), "in [0, 1]"),
)
"""Allowed settings."""
CYCLED = (
    "A scheduler cycles a momentum through Adai's betas[0], which is beta0, a mean of 1 - beta1: 0.95 there is a "
    "momentum of about 0.05. Give cycle_momentum=False to OneCycleLR or CyclicLR, and set betas again."
)


class Adai(CheckedOptimizer):
    r"""Adaptive inertia: momentum whose coefficient follows the second moment of each coordinate.

    **Learning rate.** That of SGD without momentum; ten times that of SGD with PyTorch momentum 0.9.

    Args:
        params: Parameters or groups of them, real and dense.
        lr: Learning rate η >= 0, units θ²/L; a number or a scalar tensor.
        betas: (β₀, β₂), dimensionless: the mean of α before clamping, > 0, and the decay of the second
            moment, in [0, 1).
        eps: Inertia bound ε in (0, 1], dimensionless: no coordinate's β₁ exceeds 1 - ε.
        weight_decay: Coefficient of the L2 penalty, >= 0, units L/θ².
        decoupled_weight_decay: Shrink parameters by 1 - lr·weight_decay instead (AdaiW), before the step.
        dampening: d in [0, 1]; below 1 is AdaiV2: α = clamp(β₀ (v̂/v̄)^{1/(3-2d)}, ε, 1), the gradient
            enters with weight αᵈ and the step is scaled by β₀^{1-d}.
        maximize: Ascend instead of descend.
        foreach: False: one tensor after the other. True: torch's operations, small tensors together and large ones
            in blocks that stay in cache; temporaries stay small whatever the model. On an accelerator one kernel for
            many tensors, with temporaries of a gigabyte at most.
        fused: None (default): large models of float32 or float64 on a CPU by native loops (numba, compiled in a
            second at the first step), everything else as with `foreach=True`. True: the same whatever the size,
            and what native loops do not cover (accelerators, lower precision, dampening < 1) by `torch.compile`,
            after a first step of some seconds. False: no compiler. A machine without one is told once.
        capturable: True: nothing waits for the device, so that the step can be part of a CUDA graph.
        differentiable: True: autograd sees the step; parameters must not be leaves.
        stochastic_rounding: True: weights of bfloat16 are rounded up or down at random, so that steps below their
            precision are made in the mean.
        generator: Source of those numbers, no part of the state, not compiled; None: torch's own one of the device.
        mean_group: Processes over which parameters are distributed as plain tensors. `DTensor` parameters
            (FSDP2) and `ZeroRedundancyOptimizer` need none.

    Raises:
        ValueError: If a setting is out of range; the sentence names it, its value and the range.

    The mean of second moments joins all groups: groups may differ in every setting and still share it. State
    is float32 for parameters of lower precision. A coordinate whose gradient overflows becomes infinite
    itself and leaves all others as they were. Checkpoints of the authors' code can be loaded. Source:
    xie2022adaptive, Algorithm Adai; defaults of the authors' code (wording not checked).

    >>> weight = torch.ones(2, requires_grad=True)
    >>> optimizer = Adai([weight], lr=0.1)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()
    >>> weight
    tensor([0.8000, 0.8000], requires_grad=True)
    """

    ranges = RANGES
    _told = False
    states: ClassVar[tuple[str, ...]] = adai_step.STATE

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor,
        betas: tuple[float, float] = (0.1, 0.99),
        eps: float = 1e-3,
        weight_decay: float = 0.0,
        *,
        decoupled_weight_decay: bool = False,
        dampening: float = 1.0,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        stochastic_rounding: bool = False,
        generator: torch.Generator | None = None,
        mean_group: Any = None,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "dampening": dampening,
            "maximize": maximize,
            "foreach": foreach,
            "fused": fused,
            "capturable": capturable,
            "differentiable": differentiable,
            "stochastic_rounding": stochastic_rounding,
        }
        self.mean_group = sharded.zero_group() if mean_group is None else mean_group
        super().__init__(params, defaults, generator)

    def check(self, group: dict[str, Any]) -> None:
        """Refuse a group."""
        super().check(group)
        if group["fused"] and (group["foreach"] is not None or group["differentiable"]):
            other = "foreach" if group["foreach"] is not None else "differentiable"
            raise ValueError(f"Adai: fused=True and {other}={group[other]} exclude each other; leave one out.")
        if group["differentiable"] != self.defaults["differentiable"]:
            raise ValueError("Adai: differentiable must be the same in all groups; give it to the optimizer.")
        if self.mean_group is None:
            adai_step.refuse_cut(tensors(group["params"]))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "mean_group": self.mean_group}

    def __deepcopy__(self, memo: dict[int, Any]) -> Adai:
        memo[id(self.mean_group)] = self.mean_group  # the copy works in the same processes
        memo[id(self)] = twin = type(self).__new__(type(self))
        twin.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.mean_group is not None:
            raise TypeError("Adai: a process group cannot be pickled; save state_dict() instead.")
        return super().__reduce_ex__(protocol)

    def converted(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """A state of this class or of the authors' code, whose `beta1_prod` is 1 - `bias_correction`."""
        own = super().converted(state)
        if "beta1_prod" in own:
            own["bias_correction"] = 1 - own.pop("beta1_prod")
        own.pop("exp_avg_sq_sum", None)  # saved by earlier versions
        return own

    def converted_group(self, group: dict[str, Any]) -> dict[str, Any]:
        """Settings of this class; the authors' code and other collections have another name for decoupled decay."""
        own = dict(group)
        for name in ("decoupled", "weight_decouple"):
            if name in own:
                own["decoupled_weight_decay"] = bool(own.pop(name))
        return own

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step.

        Args:
            closure: Evaluates the model again and returns the loss.

        Returns:
            What the closure returned, None without one.
        """
        loss = evaluated(closure)
        if any("base_momentum" in group for group in self.param_groups) and not self._told:
            self._told = True
            warnings.warn(CYCLED, RuntimeWarning, stacklevel=3)
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            adai_step.step(moving(self), self.state, self.mean_group)
        return loss


class AdaiW(Adai):
    """Adai with decoupled weight decay. Arguments: those of `Adai`."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor,
        betas: tuple[float, float] = (0.1, 0.99),
        eps: float = 1e-3,
        weight_decay: float = 0.0,
        **settings: Any,
    ):
        super().__init__(params, lr, betas, eps, weight_decay, decoupled_weight_decay=True, **settings)

    def check(self, group: dict[str, Any]) -> None:
        """Refuse a group."""
        if not group["decoupled_weight_decay"]:
            raise ValueError("AdaiW: decoupled_weight_decay must be True, got False; use Adai for an L2 penalty.")
        super().check(group)

    def converted_group(self, group: dict[str, Any]) -> dict[str, Any]:
        """Settings of this class, whose decay stays decoupled, also with a state of Adai."""
        return {**super().converted_group(group), "decoupled_weight_decay": True}


class AdaiV2(Adai):
    """Adai with a dampening and decoupled weight decay, as the authors' code names it. Arguments: as for `Adai`."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor,
        betas: tuple[float, float] = (0.1, 0.99),
        eps: float = 1e-3,
        weight_decay: float = 0.0,
        *,
        dampening: float = 1.0,
        decoupled_weight_decay: bool = True,
        **settings: Any,
    ):
        own = {"dampening": dampening, "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, lr, betas, eps, weight_decay, **own, **settings)


def adai(
    params: Iterable[Tensor], *, eta: float | Tensor, beta0: float = 0.1, beta2: float = 0.99, eps: float = 1e-3
) -> torch.optim.Optimizer:
    """Adaptive inertia: momentum with a coefficient of its own for each coordinate.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ²/L.
        beta0: Mean of α before clamping, dimensionless.
        beta2: Decay of the second moment, dimensionless.
        eps: Inertia bound, dimensionless.
    """
    return Adai(params, lr=eta, betas=(beta0, beta2), eps=eps)
