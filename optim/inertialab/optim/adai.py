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

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT

from inertialab.optim.base import check_parameters, check_settings, dense, nonnegative, positive, real

BLOCK = 1 << 18
"""Elements handled at a time, so that temporaries stay in cache and memory does not grow with the model."""


@dataclass(frozen=True)
class Piece:
    """A stretch of one parameter with everything its update needs; all tensors of one shape."""

    param: Tensor
    grad: Tensor
    average: Tensor
    second: Tensor
    corrected: Tensor
    settings: dict[str, Any]
    steps: int

    def gradient(self) -> Tensor:
        """The gradient that is descended, in the precision of the state; never the stored one itself changed."""
        g = self.grad.to(self.second.dtype)
        if self.settings["maximize"]:
            g = -g
        if self.settings["weight_decay"] and not self.settings["decoupled_weight_decay"]:
            g = g.add(self.param.to(g.dtype), alpha=self.settings["weight_decay"])
        return g

    def unbiased(self) -> float:
        """1 - β₂ᵏ."""
        return 1 - self.settings["betas"][1] ** self.steps


def accumulate(pieces: Iterable[Piece]) -> None:
    """First pass: v ← β₂v + (1 - β₂)ĝ²."""
    for piece in pieces:
        beta2, g = piece.settings["betas"][1], piece.gradient()
        piece.second.mul_(beta2).addcmul_(g, g, value=1 - beta2)


def mean_second_moment(pieces: list[Piece]) -> Tensor:
    """v̄, one number over all coordinates that have a gradient, summed in float64.

    Coordinates whose second moment overflowed are left out: they must not stop all others.

    Args:
        pieces: All of them, after `accumulate`.

    Returns:
        Scalar, float64.
    """
    device = pieces[0].second.device
    total = sum((p.second.sum(dtype=torch.float64) / p.unbiased() for p in pieces), torch.zeros((), device=device))
    count = sum(p.second.numel() for p in pieces)
    if torch.isfinite(total):
        return total / count
    finite = [torch.where(p.second.isfinite(), p.second, 0).sum(dtype=torch.float64) / p.unbiased() for p in pieces]
    return torch.stack(finite).sum() / sum(int(p.second.isfinite().sum()) for p in pieces)


def move(pieces: Iterable[Piece], mean: Tensor) -> None:
    """Second pass: inertia, momentum and parameter, from the second moments and their mean."""
    # Without any gradient so far all second moments are zero; then nothing moves, whatever the inertia.
    inverse = torch.where(mean > 0, 1 / mean, torch.zeros_like(mean))
    for piece in pieces:
        s, g = piece.settings, piece.gradient()
        alpha = piece.second * (inverse / piece.unbiased()).to(piece.second.dtype)
        if s["dampening"] != 1:
            alpha.pow_(1 / (3 - 2 * s["dampening"]))
        alpha.mul_(s["betas"][0]).clamp_(s["eps"], 1)
        piece.corrected.lerp_(torch.ones_like(alpha), alpha)
        if s["dampening"] == 1:
            piece.average.lerp_(g, alpha)
        else:
            piece.average.addcmul_(piece.average, alpha, value=-1).addcmul_(g, alpha.pow(s["dampening"]))
        if s["weight_decay"] and s["decoupled_weight_decay"]:
            piece.param.mul_(1 - s["lr"] * s["weight_decay"])
        rate = s["lr"] * s["betas"][0] ** (1 - s["dampening"])
        piece.param.sub_(alpha.copy_(piece.average).div_(piece.corrected).mul_(rate))


def _blocks(tensors: list[Tensor]) -> list[list[Tensor]]:
    """Each tensor in the same blocks; whole where one is not contiguous, so that elements stay matched."""
    if all(t.is_contiguous() for t in tensors):
        return [list(t.view(-1).split(BLOCK)) for t in tensors]
    return [[t] for t in tensors]


STATE = ("exp_avg", "exp_avg_sq", "bias_correction")
"""State beside the number of steps: m, v and q."""

RANGES = (
    ("lr", nonnegative, "a finite number >= 0"),
    ("betas", lambda b: positive(b[0]), "(beta0 > 0, beta2)"),
    ("betas", lambda b: real(0, 1, high_open=True)(b[1]), "(beta0, beta2 in [0, 1))"),
    ("eps", real(0, 1, low_open=True), "in (0, 1]"),
    ("weight_decay", nonnegative, "a finite number >= 0"),
    ("dampening", real(0, 1), "in [0, 1]"),
)
"""Allowed settings."""


class Adai(Optimizer):
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

    >>> weight = torch.ones(2, requires_grad=True)
    >>> optimizer = Adai([weight], lr=0.1)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()
    >>> weight
    tensor([0.8000, 0.8000], requires_grad=True)
    """

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

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, after checking its settings and parameters."""
        check_settings("Adai", {**self.defaults, **param_group}, RANGES)
        super().add_param_group(param_group)
        check_parameters("Adai", self.param_groups[-1]["params"])

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
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        pieces = [piece for group in self.param_groups for piece in self._pieces(group)]
        if pieces:
            accumulate(pieces)
            move(pieces, mean_second_moment(pieces))
        return loss

    def _pieces(self, group: dict[str, Any]) -> Iterator[Piece]:
        for param in group["params"]:
            if param.grad is None:
                continue
            grad = dense("Adai", param.grad)
            state = self._state(param)
            state["step"] += 1
            steps = int(state["step"])
            tensors = [param, grad, state["exp_avg"], state["exp_avg_sq"], state["bias_correction"]]
            for parts in zip(*_blocks([t.detach() for t in tensors]), strict=True):
                yield Piece(*parts, settings=group, steps=steps)

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
