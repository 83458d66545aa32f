"""Adai: parameter-wise adaptive inertia.

Momentum has a coefficient of its own for every coordinate, large where second moments are small. With
ĝ the minibatch gradient and k the step,

    v  ← β₂v + (1 - β₂)ĝ²,   v̂ = v/(1 - β₂ᵏ),   v̄ = mean of v̂ over all coordinates of all groups
    α  = clamp(β₀ v̂/v̄, ε, 1)                     (1 - β₁ of the coordinate)
    q  ← q + α(1 - q),   m ← m + α(ĝ - m),   θ ← θ - η m/q

q = 1 - ∏β₁ is the bias correction. It and α are carried as they are, not as differences from 1, so float32
keeps them to rounding; ε bounds the inertia and is no floor of a denominator. Convention of momentum: EMA.
Source: xie2022adaptive; defaults of the authors' code.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from inertialab.optim.base import CheckedOptimizer, Moving, Range, evaluated, moving, nonnegative, positive, real
from inertialab.optim.blocks import BLOCK, blocks, filled


@dataclass(frozen=True)
class Batch:
    """Stretches of parameters that are updated together: at most about `BLOCK` elements, one group, one age.

    Attributes:
        params: θ.
        grads: Stored gradients, never changed.
        average: m.
        second: v.
        corrected: q.
        settings: Those of the group.
        steps: k, the same for all.
    """

    params: list[Tensor]
    grads: list[Tensor]
    average: list[Tensor]
    second: list[Tensor]
    corrected: list[Tensor]
    settings: dict[str, Any]
    steps: int

    def gradients(self) -> list[Tensor]:
        """The gradients that are descended, in the precision of the state."""
        g, decay = self.grads, self.settings["weight_decay"]
        if g[0].dtype != self.second[0].dtype:
            g = [x.to(self.second[0].dtype) for x in g]
        if self.settings["maximize"]:
            g = torch._foreach_neg(g)
        if decay and not self.settings["decoupled_weight_decay"]:
            g = [x.add(p.to(x.dtype), alpha=decay) for x, p in zip(g, self.params, strict=True)]
        return list(g)

    def unbiased(self) -> float:
        """1 - β₂ᵏ."""
        return 1 - self.settings["betas"][1] ** self.steps


def accumulate(batch: Batch) -> None:
    """First pass: v ← β₂v + (1 - β₂)ĝ²."""
    beta2, g = batch.settings["betas"][1], batch.gradients()
    torch._foreach_mul_(batch.second, beta2)
    torch._foreach_addcmul_(batch.second, g, g, value=1 - beta2)


def mean_second_moment(batches: list[Batch]) -> float:
    """v̄, one number over all coordinates that have a gradient.

    Summed in the precision of the state within a block and in float64 over blocks. Coordinates whose second
    moment overflowed are left out: they must not stop all others.

    Args:
        batches: All of them, after `accumulate`.
    """
    sums = [torch.stack([x.sum() for x in b.second]).double().sum() / b.unbiased() for b in batches]
    total = float(torch.stack(sums).sum())
    count = sum(x.numel() for b in batches for x in b.second)
    if math.isfinite(total):
        return total / count
    finite = [(x[x.isfinite()].double() / b.unbiased()) for b in batches for x in b.second]
    return sum(float(x.sum()) for x in finite) / max(1, sum(x.numel() for x in finite))


def move(batch: Batch, mean: float, scratch: dict[torch.dtype, Tensor]) -> None:
    """Second pass: inertia, momentum and parameters, from the second moments and their mean.

    Args:
        batch: Updated in place.
        mean: v̄.
        scratch: Memory for α, kept from block to block: a fresh megabyte each time would cost more than the rule.
    """
    s, g = batch.settings, batch.gradients()
    beta0, eps, d = s["betas"][0], s["eps"], s["dampening"]
    alpha = _inertia(batch, mean, beta0, d, scratch)
    torch._foreach_clamp_min_(alpha, eps)
    torch._foreach_clamp_max_(alpha, 1.0)
    torch._foreach_addcmul_(batch.corrected, batch.corrected, alpha, value=-1)
    torch._foreach_add_(batch.corrected, alpha)
    if d == 1:
        torch._foreach_lerp_(batch.average, g, alpha)
    else:
        torch._foreach_addcmul_(batch.average, batch.average, alpha, value=-1)
        torch._foreach_addcmul_(batch.average, g, torch._foreach_pow(alpha, d))
    lr = float(s["lr"])
    if s["weight_decay"] and s["decoupled_weight_decay"]:
        torch._foreach_mul_(batch.params, 1 - lr * s["weight_decay"])
    rate = lr * beta0 ** (1 - d)
    if batch.params[0].dtype == batch.average[0].dtype:
        torch._foreach_addcdiv_(batch.params, batch.average, batch.corrected, value=-rate)
    else:
        for p, m, q in zip(batch.params, batch.average, batch.corrected, strict=True):
            p.sub_(m / q * rate)


def _inertia(
    batch: Batch, mean: float, beta0: float, dampening: float, scratch: dict[torch.dtype, Tensor]
) -> list[Tensor]:
    """β₀ (v̂/v̄)^{1/(3-2d)}, before clamping."""
    # Without any gradient so far all second moments are zero; then nothing moves, whatever the inertia.
    inverse = 1 / (mean * batch.unbiased()) if mean > 0 else 0.0
    first = batch.second[0]
    if dampening == 1 and len(batch.second) == 1 and first.numel() <= BLOCK and first.device.type == "cpu":
        if first.dtype not in scratch:
            scratch[first.dtype] = torch.empty(BLOCK, dtype=first.dtype)
        room = scratch[first.dtype][: first.numel()].view(first.shape)
        return [torch.mul(first, beta0 * inverse, out=room)]
    if dampening == 1:
        return list(torch._foreach_mul(batch.second, beta0 * inverse))
    ratio = torch._foreach_mul(batch.second, inverse)
    torch._foreach_pow_(ratio, 1 / (3 - 2 * dampening))
    torch._foreach_mul_(ratio, beta0)
    return list(ratio)


STATE = ("exp_avg", "exp_avg_sq", "bias_correction")
"""State beside the number of steps: m, v and q."""

RANGES: tuple[Range, ...] = (
    ("lr", nonnegative, "a finite number >= 0"),
    ("betas", lambda b: positive(b[0]), "(beta0 > 0, beta2)"),
    ("betas", lambda b: real(0, 1, high_open=True)(b[1]), "(beta0, beta2 in [0, 1))"),
    ("eps", real(0, 1, low_open=True), "in (0, 1]"),
    ("weight_decay", nonnegative, "a finite number >= 0"),
    ("dampening", real(0, 1), "in [0, 1]"),
)
"""Allowed settings."""


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

    Raises:
        ValueError: If a setting is out of range; the sentence names it, its value and the range.

    The mean of second moments joins all groups: groups may differ in every setting and still share it. State
    is float32 for parameters of lower precision. A coordinate whose gradient overflows becomes infinite
    itself and leaves all others as they were. Source: xie2022adaptive, Algorithm Adai; defaults of the
    authors' code (wording not checked).

    Small tensors are updated together, large ones in blocks, so that temporaries stay small whatever the model.

    >>> weight = torch.ones(2, requires_grad=True)
    >>> optimizer = Adai([weight], lr=0.1)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()
    >>> weight
    tensor([0.8000, 0.8000], requires_grad=True)
    """

    ranges = RANGES

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
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "dampening": dampening,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take a state; unlike torch's own, it keeps float32 state of parameters of lower precision."""
        super().load_state_dict(state_dict)
        old = [i for group in state_dict["param_groups"] for i in group["params"]]
        new = [p for group in self.param_groups for p in group["params"]]
        for index, param in zip(old, new, strict=True):
            for name in STATE if index in state_dict["state"] else ():
                value = state_dict["state"][index][name]
                self.state[param][name] = value.to(param.device, torch.promote_types(param.dtype, torch.float32))

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step.

        Args:
            closure: Evaluates the model again and returns the loss.

        Returns:
            What the closure returned, None without one.
        """
        loss = evaluated(closure)
        batches = list(self._batches(moving(self)))
        for batch in batches:
            accumulate(batch)
        if batches:
            mean, scratch = mean_second_moment(batches), {}
            for batch in batches:
                move(batch, mean, scratch)
        return loss

    def _batches(self, pieces: list[Moving]) -> Iterator[Batch]:
        """What is to be updated, in batches of tensors of one group, age, precision and device."""
        gathered: dict[tuple[Any, ...], list[tuple[Tensor, ...]]] = {}
        settings: dict[int, dict[str, Any]] = {}
        for param, grad, group in pieces:
            state = self._state(param)
            state["step"] += 1
            settings[id(group)] = group
            key = (int(state["step"]), id(group), param.dtype, grad.dtype, param.device)
            own = [param.detach(), grad.detach(), *(state[name] for name in STATE)]
            gathered.setdefault(key, []).extend(blocks(own))
        for (steps, group, *_), cut in gathered.items():
            for part in filled(cut):
                yield Batch(*map(list, zip(*part, strict=True)), settings=settings[group], steps=steps)  # pyright: ignore

    def _state(self, param: Tensor) -> dict[str, Tensor]:
        state = self.state[param]
        if not state:
            dtype = torch.promote_types(param.dtype, torch.float32)
            state["step"] = torch.zeros((), dtype=torch.float32)
            for name in STATE:
                state[name] = torch.zeros_like(param, dtype=dtype, memory_format=torch.preserve_format)
        return state


class AdaiW(Adai):
    """Adai with decoupled weight decay. Arguments: those of `Adai`."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor,
        betas: tuple[float, float] = (0.1, 0.99),
        eps: float = 1e-3,
        weight_decay: float = 0.0,
        *,
        dampening: float = 1.0,
        maximize: bool = False,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            decoupled_weight_decay=True,
            dampening=dampening,
            maximize=maximize,
        )


def adai(
    params: Iterable[Tensor], *, eta: float, beta0: float = 0.1, beta2: float = 0.99, eps: float = 1e-3
) -> torch.optim.Optimizer:
    """Adai under the names of `inertialab.theory.notation`.

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ²/L.
        beta0: Mean of α before clamping, dimensionless.
        beta2: Decay of the second moment, dimensionless.
        eps: Inertia bound, dimensionless.
    """
    return Adai(params, lr=eta, betas=(beta0, beta2), eps=eps)
