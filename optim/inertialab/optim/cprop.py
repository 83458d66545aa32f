"""CProp: any optimizer, its step scaled in each coordinate by how surely past gradients agree in sign.

With g the gradient, k the step, w = (1 - β)/(1 - βᵏ) and n = 1/w,

    S ← (1 - w)(S + w(g - ḡ)²),   ḡ ← ḡ + w(g - ḡ)          (bias-corrected mean and variance)
    F = cdf at 0 of a normal law of mean ḡ and standard deviation √(S/(n - 1 + ε)) + ε
    s = min(1, 2c|F - 1/2|),   θ ← θ + s · (step of the wrapped optimizer)

Mean and variance are carried themselves, not as averages of g and g² that cancel: at the first step S is exactly
zero and the scale exactly one, in float32 too. Source: preechakul2019cprop (wording not checked).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from inertialab.optim import loading
from inertialab.optim.base import CheckedOptimizer, evaluated, moving, real_rows, state_dtype
from inertialab.optim.settings import Range, check_notation, check_settings, positive, real, taken

Cdf = Literal["normal", "bft", "bfo", "logistic"]
RANGES: tuple[Range, ...] = (
    ("conformity_beta", real(0, 1, low_open=True, high_open=True), "in (0, 1)"),
    ("c", positive, "a finite number > 0"),
    ("conformity_eps", positive, "a finite number > 0"),
    ("cdf", ("normal", "bft", "bfo", "logistic").__contains__, "'normal', 'bft', 'bfo' or 'logistic'"),
)
"""Allowed settings."""
STATES = MEAN, VARIANCE, GATHERED = "conformity_mean", "conformity_variance", "conformity_weight"
"""ḡ, S and 1 - βᵏ; the last for each coordinate, so that one may be reset or come later."""


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


def conformity(g: Tensor, mean: Tensor, variance: Tensor, w: float | Tensor, settings: dict[str, Any]) -> Tensor:
    """The scale of one tensor's step; changes mean and variance in place.

    Args:
        g: Gradient; not changed.
        mean: ḡ.
        variance: S.
        w: Weight of this gradient, (1 - β)/(1 - βᵏ) at step k, one number or one for each coordinate.
        settings: Those of `CProp`.

    Returns:
        s, between 0 and 1, shape of the gradient.
    """
    eps = settings["conformity_eps"]
    deviation = g - mean
    variance.add_(deviation * deviation * w).mul_(1 - w)
    mean.add_(deviation * w)
    spread = (variance / (1 / w - 1 + eps)).sqrt_().add_(eps)
    return sureness(mean.abs() / spread, settings["cdf"]).mul_(settings["c"]).clamp_(max=1)


class CProp(Optimizer):
    """A wrapper that scales the step of another optimizer by the conformity of past gradients.

    Groups and states are those of the wrapped optimizer, with the four settings below and three states added, so
    schedulers, checkpoints and hooks act on both. Weight decay and momentum of the wrapped optimizer are part of the
    step that is scaled. A checkpoint of the bare optimizer may be loaded; the conformity then starts anew.

    Args:
        optimizer: Any optimizer whose `step` needs no closure. A group may have settings of its own under the names
            `conformity_beta`, `c`, `conformity_eps` and `cdf`.
        beta: Decay of mean and variance, in (0, 1), dimensionless; larger for longer training.
        c: Factor > 0 of the scale, dimensionless.
        eps: ε > 0.
        cdf: "bft" (default of the authors' code), "normal", "bfo" or "logistic".

    Raises:
        ValueError: If a setting is out of range; the sentence names it, its value and the range.
        TypeError: If a step of the optimizer needs a closure.
    """

    wrapped: Optimizer

    def __init__(self, optimizer: Optimizer, beta: float = 0.999, c: float = 1.0, eps: float = 1e-8, cdf: Cdf = "bft"):
        closure = inspect.signature(type(optimizer).step).parameters.get("closure")
        if closure is not None and closure.default is closure.empty:
            name = type(optimizer).__name__
            raise TypeError(f"CProp: a step of {name} needs a closure, and has no direction to scale; wrap another.")
        own = {"conformity_beta": beta, "c": c, "conformity_eps": eps, "cdf": cdf}
        own = {name: taken(value) for name, value in own.items()}
        # What an earlier wrapper has filled in is no setting of the group's own.
        earlier = getattr(optimizer, "_conformity", {})
        groups = optimizer.param_groups
        filled = [{k: v for k, v in own.items() if k not in g or g[k] == earlier.get(k)} for g in groups]
        for group, new in zip(groups, filled, strict=True):
            self._check({**group, **new})
        for group, new in zip(groups, filled, strict=True):
            group.update(new)
        setattr(optimizer, "_conformity", own)  # noqa: B010
        super().__setstate__({"wrapped": optimizer, "defaults": {**optimizer.defaults, **own}})

    @property
    def param_groups(self) -> Any:
        """The groups of the wrapped optimizer."""
        return self.wrapped.param_groups

    @param_groups.setter
    def param_groups(self, groups: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self.wrapped.param_groups = groups

    @property
    def state(self) -> Any:
        """The states of the wrapped optimizer, and beside them those of the scale."""
        return self.wrapped.state

    @state.setter
    def state(self, states: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self.wrapped.state = states

    def _check(self, group: dict[str, Any]) -> None:
        check_settings("CProp", group, RANGES)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group to the wrapped optimizer, after checking its settings; a refused one leaves nothing behind."""
        own = {name: taken(param_group.get(name, self.defaults[name])) for name, _, _ in RANGES}
        self._check(own)
        self.wrapped.add_param_group({**param_group, **own})

    @torch._disable_dynamo
    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step; returns what the closure returned, None without one."""
        loss = evaluated(closure)
        pieces = moving(self)
        before = [param.clone() for param, _, _ in pieces]
        self._step_of_wrapped()
        for (param, g, group), start in zip(pieces, before, strict=True):
            state, dtype, beta = self.state[param], state_dtype(param), group["conformity_beta"]
            if MEAN not in state:
                for name in STATES:
                    state[name] = torch.zeros_like(param, dtype=dtype, memory_format=torch.preserve_format)
            row = (param, g, start, *(state[name] for name in STATES))
            new, g, old, mean, variance, gathered = real_rows(*row)
            gathered.add_((1 - gathered) * (1 - beta))
            scale = conformity(g.to(mean.dtype), mean, variance, (1 - beta) / gathered, group)
            new.copy_(old.to(mean.dtype).lerp_(new.to(mean.dtype), scale))
        return loss

    def _step_of_wrapped(self) -> None:
        """Its step with its own hooks; those of all optimizers are called for the step of this one."""
        wrapped, step = self.wrapped, type(self.wrapped).step
        for hook in wrapped._optimizer_step_pre_hooks.values():
            hook(wrapped, (wrapped,), {})
        (getattr(step, "__wrapped__", step) if getattr(step, "hooked", False) else step)(wrapped)
        for hook in wrapped._optimizer_step_post_hooks.values():
            hook(wrapped, (wrapped,), {})
        setattr(wrapped, "_opt_called", True)  # noqa: B010  # what schedulers of the wrapped one look at

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take a state of both, or that of the wrapped optimizer alone.

        Raises:
            ValueError: If a state is of another shape; nothing has been touched then.
        """
        loading.load(self, state_dict, super().load_state_dict, self._checked, self._restore)

    def _checked(self, given: dict[str, Any]) -> dict[str, Any]:
        given = _merged(given) if "wrapped" in given else given
        groups = [{**{name: self.defaults[name] for name, _, _ in RANGES}, **g} for g in given["param_groups"]]
        final = {**given, "param_groups": groups}
        for group in groups:
            check_settings("CProp", group, RANGES)
        for index, name, param, _ in loading.matched(self, given) or ():
            state = given["state"].get(index) or {}
            if any(own in state for own in STATES):
                loading.check_state("CProp", name, param, state, STATES)
        return self.wrapped._checked(final) if isinstance(self.wrapped, CheckedOptimizer) else final

    def _restore(self, final: dict[str, Any]) -> None:
        bare = {i: {k: v for k, v in s.items() if k not in STATES} for i, s in final["state"].items()}
        self.wrapped.load_state_dict({**final, "state": bare})
        for index, _, param, _ in loading.matched(self, final) or ():
            for name in STATES:
                if name in (final["state"].get(index) or {}):
                    value = final["state"][index][name]
                    self.state[param][name] = loading.copied(value, state_dtype(param), param.device)

    def __getstate__(self) -> dict[str, Any]:
        return {"wrapped": self.wrapped, "defaults": self.defaults}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Groups and states come with the wrapped optimizer.
        super().__setstate__({k: v for k, v in state.items() if k not in ("state", "param_groups")})


def _merged(given: dict[str, Any]) -> dict[str, Any]:
    """One state of the two that earlier versions saved, that of the wrapped optimizer under `wrapped`."""
    beta = {i: group["conformity_beta"] for group in given["param_groups"] for i in group["params"]}
    states = dict(given["wrapped"]["state"])
    for i, own in given["state"].items():
        gathered = torch.full_like(own["mean"], 1 - beta[i] ** int(own["step"]))
        states[i] = {**states.get(i, {}), MEAN: own["mean"], VARIANCE: own["variance"], GATHERED: gathered}
    return {**{k: v for k, v in given.items() if k != "wrapped"}, "state": states}


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
