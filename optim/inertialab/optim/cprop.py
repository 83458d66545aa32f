"""CProp: any optimizer, its step scaled in each coordinate by how surely past gradients agree in sign.

With g the gradient, k the step, w = (1 - β)/(1 - βᵏ) and n = 1/w,

    S ← (1 - w)(S + w(g - ḡ)²),   ḡ ← ḡ + w(g - ḡ)          (bias-corrected mean and variance)
    F = cdf at 0 of a normal law of mean ḡ and standard deviation √(S/(n - 1 + ε)) + ε
    s = min(1, 2c|F - 1/2|),   θ ← θ + s · (step of the wrapped optimizer)

Mean and variance are carried themselves, not as averages of g and g² that cancel: at the first step S is exactly
zero and the scale exactly one, in float32 too. Source: preechakul2019cprop (wording not checked).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from inertialab.optim.base import (
    COUNTERS,
    Range,
    check_notation,
    check_parameters,
    check_settings,
    evaluated,
    moving,
    positive,
    real,
    restore,
    state_dtype,
)

Cdf = Literal["normal", "bft", "bfo", "logistic"]
RANGES: tuple[Range, ...] = (
    ("conformity_beta", real(0, 1, low_open=True, high_open=True), "in (0, 1)"),
    ("c", positive, "a finite number > 0"),
    ("conformity_eps", positive, "a finite number > 0"),
    ("cdf", ("normal", "bft", "bfo", "logistic").__contains__, "'normal', 'bft', 'bfo' or 'logistic'"),
)
"""Allowed settings."""


def sureness(z: Tensor, cdf: Cdf) -> Tensor:
    """2|F - 1/2| for a normal law whose mean lies z >= 0 standard deviations from zero.

    Args:
        z: Shape of the parameter, dimensionless.
        cdf: "normal" exact; "bft" and "bfo" the logistic approximations of third and first order of Bowling et
            al. (2009); "logistic" a logistic law of the same variance.

    Returns:
        Between 0 and 1, same shape.
    """
    if cdf == "normal":
        return torch.erf(z / math.sqrt(2))
    slope = {
        "bft": lambda: 0.07056 * z**3 + 1.5976 * z,
        "bfo": lambda: 1.702 * z,
        "logistic": lambda: math.pi / math.sqrt(3) * z,
    }[cdf]()
    return torch.tanh(slope / 2)


def conformity(g: Tensor, mean: Tensor, variance: Tensor, step: int, settings: dict[str, Any]) -> Tensor:
    """The scale of one tensor's step; changes mean and variance in place.

    Args:
        g: Gradient; not changed.
        mean: ḡ.
        variance: S.
        step: k >= 1.
        settings: Those of `CProp`.

    Returns:
        s, between 0 and 1, shape of the gradient.
    """
    beta, eps = settings["conformity_beta"], settings["conformity_eps"]
    w = (1 - beta) / (1 - beta**step)
    deviation = g - mean
    variance.addcmul_(deviation, deviation, value=w).mul_(1 - w)
    mean.add_(deviation, alpha=w)
    spread = (variance / (1 / w - 1 + eps)).sqrt_().add_(eps)
    return sureness(mean.abs() / spread, settings["cdf"]).mul_(settings["c"]).clamp_(max=1)


class CProp(Optimizer):
    """A wrapper that scales the step of another optimizer by the conformity of past gradients.

    The groups are those of the wrapped optimizer, with the four settings below added, so schedulers act on
    both. Weight decay and momentum of the wrapped optimizer are part of the step that is scaled.

    Args:
        optimizer: Any optimizer whose `step` needs no closure; it must not have been stepped by itself since.
        beta: Decay of mean and variance, in (0, 1), dimensionless; larger for longer training.
        c: Factor > 0 of the scale, dimensionless.
        eps: ε > 0.
        cdf: "bft" (default of the authors' code), "normal", "bfo" or "logistic".

    Raises:
        ValueError: If a setting is out of range; the sentence names it, its value and the range.
    """

    def __init__(self, optimizer: Optimizer, beta: float = 0.999, c: float = 1.0, eps: float = 1e-8, cdf: Cdf = "bft"):
        own = {"conformity_beta": beta, "c": c, "conformity_eps": eps, "cdf": cdf}
        self.wrapped = optimizer
        super().__init__([{**g, **own} for g in optimizer.param_groups], {**optimizer.defaults, **own})
        for group in optimizer.param_groups:
            for name, value in own.items():
                group.setdefault(name, value)
            check_settings("CProp", group, RANGES)
            check_parameters("CProp", group["params"])
        self.param_groups = optimizer.param_groups

    @torch.compiler.disable
    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step; returns what the closure returned, None without one."""
        loss = evaluated(closure)
        pieces = moving(self)
        before = [param.clone() for param, _, _ in pieces]
        self.wrapped.step()
        for (param, g, group), start in zip(pieces, before, strict=True):
            state, dtype = self.state[param], state_dtype(param)
            if not state:
                state["step"] = torch.zeros((), dtype=torch.float32)
                state["mean"] = torch.zeros_like(param, dtype=dtype, memory_format=torch.preserve_format)
                state["variance"] = torch.zeros_like(param, dtype=dtype, memory_format=torch.preserve_format)
            state["step"] += 1
            scale = conformity(g.to(dtype), state["mean"], state["variance"], int(state["step"]), group)
            param.copy_(start.to(dtype).lerp_(param.to(dtype), scale))
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Both states: that of the scale, and under `wrapped` that of the wrapped optimizer."""
        return {**super().state_dict(), "wrapped": self.wrapped.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take both states."""
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "wrapped"})
        restore(self, state_dict, COUNTERS)
        self.wrapped.load_state_dict(state_dict["wrapped"])
        self.param_groups = self.wrapped.param_groups

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "wrapped": self.wrapped}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.param_groups = self.wrapped.param_groups


def conform_sgd(
    params: Iterable[Tensor], *, eta: float | Tensor, beta: float = 0.999, c: float = 1.0, delta: float = 1e-8
) -> torch.optim.Optimizer:
    """SGD whose step is scaled by how surely past gradients agree in sign (normal law).

    Args:
        params: Tensors to update.
        eta: Learning rate, units θ²/L.
        beta: Decay of mean and variance, dimensionless.
        c: Factor of the scale, dimensionless.
        delta: ε.
    """
    check_notation("cprop-sgd", eta=eta)
    return CProp(torch.optim.SGD(params, lr=eta), beta, c, delta, "normal")
