"""A rare large gradient that decides the mean: the stochastic problem on which Adam goes the wrong way.

The gradient is `rare` with a chance that makes its mean `mean`, and else -1, in every coordinate and step anew; it does
not depend on the place, so that whoever descends goes down for ever. One tensor holds many independent runs.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.optim import OPTIMIZERS

Tick = Callable[[int], None]
ADAPTIVE = ("adam", "adamw", "amsgrad", "radam", "adashift")
"""Their learning rate has the units of the parameters, and they take `beta` and `beta2`."""
SUMMED = ("momentum-torch", "heavy-ball")
"""Whose step is a sum of gradients, not an average, which its learning rate makes up for."""
ARMS = ("sgd", "momentum-ema", *SUMMED, *ADAPTIVE, "cprop-sgd", "adai")
OWN: dict[str, dict[str, float]] = {arm: {"beta": 0.9} for arm in ("momentum-ema", *SUMMED)}
"""Settings of the others that have no default."""
DECAYING = ("adamw",)
"""Whose step also shrinks the parameters."""
INSTANT = ("sgd", "cprop-sgd")
"""Whose step is along the gradient of that step alone."""


def moments(rare: float, mean: float) -> dict[str, float]:
    """Mean, variance, third cumulant and mean square of the gradient, by sums over its two values."""
    chance = (1 + mean) / (rare + 1)
    about = [(chance * (rare - mean) ** k + (1 - chance) * (-1 - mean) ** k) for k in (2, 3)]
    return {"mu": mean, "C": about[0], "third": about[1], "square": about[0] + mean**2, "chance": chance}


def times_of(steps: int, count: int = 60) -> list[int]:
    """Steps that are looked at, evenly spread."""
    return np.unique(np.linspace(steps / count, steps, count).round().astype(int)).tolist()


def optimizer_of(arm: str, theta: Tensor, settings: dict[str, Any]) -> torch.optim.Optimizer:
    """The optimizer of OPTIMIZERS; without an adaptive step, with a learning rate that makes steps of the same size."""
    (eta,) = settings["eta"]
    if arm in ADAPTIVE:
        return OPTIMIZERS[arm].make([theta], eta=eta, beta=settings["beta"], beta2=settings["beta2"])
    rate = eta / moments(settings["rare"], settings["mean"])["square"] ** 0.5
    own = OWN.get(arm, {})
    return OPTIMIZERS[arm].make([theta], eta=rate * (1 - own["beta"]) if arm in SUMMED else rate, **own)


def run(arm: str, settings: dict[str, Any], seed: int, tick: Tick) -> dict[str, Any]:
    """One optimizer; all see the same gradients.

    Args:
        arm: One of ARMS.
        settings: rare, mean, steps, runs, eta (a tuple of one), beta, beta2.
        seed: Of the gradients.
        tick: Called with the steps done since the last call.

    Returns:
        Mean place over η and its standard error at `times_of(steps)`; `drift`, by which it changes in a step of the
        last three quarters, and its error; where a step is along its own gradient alone, `loss`: what the step of a
        rare gradient lacks, for its size, beside that of a common one, and its error.

    Raises:
        FloatingPointError: If a place is not finite.
    """
    (eta,), steps, runs = settings["eta"], settings["steps"], settings["runs"]
    law = moments(settings["rare"], settings["mean"])
    generator = torch.Generator().manual_seed(seed)
    theta = torch.zeros(runs, dtype=torch.float64, requires_grad=True)
    optimizer, looks = optimizer_of(arm, theta, settings), set(times_of(steps))
    sums = torch.zeros(3, runs, dtype=torch.float64)  # way of rare gradients, their number, way of common ones
    alone = arm in ADAPTIVE and arm not in DECAYING and settings["beta"] == 0
    instant, found, done = arm in INSTANT or alone, [], 0
    settled, start = steps // 4, theta.detach().clone()
    for step in range(1, steps + 1):
        is_rare = torch.rand(runs, generator=generator) < law["chance"]
        theta.grad = torch.where(is_rare, settings["rare"], -1.0).double()
        before = theta.detach().clone() if instant and step > steps // 2 else None
        optimizer.step()
        if before is not None:
            _add(sums, before - theta.detach(), is_rare)
        if step == settled:
            start = theta.detach().clone()
        if step in looks:
            found.append(_looked(theta.detach() / eta))
            tick(step - done)
            done = step
    places, errors = zip(*found, strict=True)
    lacking = _loss(sums, steps - steps // 2, settings["rare"]) if instant else None
    drift = _looked((theta.detach() - start) / eta / (steps - settled))
    return {"place": places, "error": errors, "drift": drift, "loss": lacking}


def _looked(place: Tensor) -> tuple[float, float]:
    if not bool(torch.isfinite(place).all()):
        raise FloatingPointError("A run of the counterexample left the finite numbers; take a smaller --eta or --rare.")
    return float(place.mean()), float(place.std()) / len(place) ** 0.5


def _add(sums: Tensor, way: Tensor, is_rare: Tensor) -> None:
    """Add a step to the sums of every run."""
    of_rare = way * is_rare
    sums[0] += of_rare
    sums[1] += is_rare
    sums[2] += way - of_rare


def _loss(sums: Tensor, counted: int, rare: float) -> tuple[float, float] | None:
    """One minus the ratio of both steps for their sizes, and its error over the runs; None without a rare gradient."""
    way, number, common = sums
    if not float(number.sum()):
        return None
    per_rare, per_common = way.sum() / number.sum() / rare, common.sum() / (counted - number).sum() / -1
    ratio = per_rare / per_common
    terms = (way - per_rare * rare * number) / (number.mean() * rare * per_common)
    terms -= ratio * (-common - per_common * (counted - number)) / ((counted - number).mean() * per_common)
    return float(1 - ratio), float(terms.std()) / len(terms) ** 0.5


def work(settings: dict[str, Any]) -> int:
    """Steps to come."""
    return settings["steps"] * len(ARMS)


def compared(settings: dict[str, Any], seed: int, kept: MutableMapping[str, Any], tick: Tick) -> dict[str, Any]:
    """All optimizers; what goes into the record."""
    for arm in ARMS:
        if arm in kept:
            tick(settings["steps"])
        else:
            kept[arm] = run(arm, settings, seed, tick)
    law = moments(settings["rare"], settings["mean"])
    return {"times": times_of(settings["steps"]), "law": law, "arms": {arm: kept[arm] for arm in ARMS}}
