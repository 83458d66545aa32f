"""What the first steps and the last do at a saddle, by particles: ballistic entry, cold start, growth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import simulate
from inertialab.experiments.exact import recursion
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.measure.moments import mean_square
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, settings_of

GROWN = float(np.exp(10.0))
"""Growth of a deviation after which nothing is left of how it began."""


def growths(points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Growth of EMA momentum in a step: slope of positions on those of the step before, once deviations have grown.

    The noise of the last step is independent of where a particle was, so that the error is that of a regression.
    """
    found = []
    for point in points:
        end = _grown(point)
        before, after = simulate(
            "momentum-ema",
            settings_of(point),
            hessian=point["h"],
            noise_covariance=1.0,
            particles=particles,
            times=(end - 1, end),
            rng=rng,
            device=device,
            tick=tick,
        )[..., 0]
        slope = float(after @ before / (before @ before))
        error = np.sqrt(np.sum((after - slope * before) ** 2) / (particles - 1) / (before @ before))
        found.append(Measurement("growth", point, Estimate(slope, float(error), particles)))
    return Findings(tuple(found))


def _grown(point: Mapping[str, Any]) -> int:
    """Steps in which a deviation grows by `GROWN` without noise, at least 3."""
    A, _ = recursion("momentum-ema", h=point["h"], **settings_of(point))
    state, steps = np.array([1.0, 0.0]), 0
    while abs(state[0]) < GROWN:
        state, steps = A @ state, steps + 1
    return max(steps, 3)


def growth_scatter(
    seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any
) -> Findings:
    """Scatter of measured growths over their claimed errors."""
    return scatter(growths, seeds, rng=rng, device=device, tick=tick, **config)


def entries(
    points: Points,
    times: Sequence[int],
    particles: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean displacement of noisy particles under EMA momentum that enter a critical point with one buffer."""
    found = []
    for point in points:
        positions = simulate(
            "momentum-ema",
            settings_of(point),
            hessian=point["h"],
            noise_covariance=point["C"],
            particles=particles,
            times=times,
            rng=rng,
            device=device,
            buffer_mean=point["m0"],
            tick=tick,
        )
        for T, at in zip(times, positions, strict=True):
            found.append(Measurement("displacement", {**point, "T": T}, Estimate.mean(at[:, 0])))
    return Findings(tuple(found))


BIG = 1e6
COLD = {
    "adam": lambda beta: {"eta": BIG, "beta": beta, "beta2": 0.999, "delta": BIG},
    "adai": lambda beta: {"eta": 1.0, "beta0": 1e-12, "beta2": 0.99, "eps": 1 - beta},
}
"""Settings at which an adaptive optimizer is bias-corrected momentum: Adam with δ far above the root of the second
moment, to a millionth, and Adai with an `eps` above anything that its second moments ask for."""


def cold_starts(
    points: Points,
    times: Sequence[int],
    particles: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Free spread from a cold start under momentum with bias correction, in units of that of one step of SGD."""
    found = []
    for point in points:
        positions = simulate(
            point["optimizer"],
            COLD[point["optimizer"]](point["beta"]),
            hessian=0.0,
            noise_covariance=1.0,
            particles=particles,
            times=times,
            rng=rng,
            device=device,
            tick=tick,
        )
        for T, at in zip(times, positions, strict=True):
            found.append(Measurement("msd", {**point, "T": T}, mean_square(at[:, 0])))
    return Findings(tuple(found))
