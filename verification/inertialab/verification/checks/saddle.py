"""Leaving a critical point: exact numerics and simulation, at saddles and at minima, over time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import simulate
from inertialab.experiments.exact import moments_after, recursion
from inertialab.verification.check import Check
from inertialab.verification.interval import Estimate
from inertialab.verification.measure import mean_square
from inertialab.verification.study import Findings, Measurement, Study
from inertialab.verification.verdict import Verdict

Tick = Callable[[], None]
Points = Sequence[Mapping[str, Any]]
TIMES = (1, 3, 10, 50, 200)
NOT_SETTINGS = ("h", "C", "v0sq", "start")


def iterated(
    optimizer: str,
    points: Points,
    times: Sequence[int],
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean squared displacement by iterating the second moments one step at a time."""
    found = []
    for point in points:
        A, kick = recursion(optimizer, h=point["h"], **_settings(point))
        start = np.zeros_like(A)
        start[-1, -1] = point.get("v0sq", 0.0)
        for T in times:
            moments = moments_after(A, point["C"] * kick @ kick.T, start, T)
            found.append(Measurement("msd", {**point, "T": T}, Estimate(float(moments[0, 0]))))
    return Findings(tuple(found))


def spread(
    optimizer: str,
    points: Points,
    times: Sequence[int],
    particles: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean squared displacement of particles under the real optimizer, started at the critical point.

    A point's `start` says how its initial buffers have mean square v0sq: "thermal" draws them from a
    Gaussian, "ballistic" gives all of them the same value.
    """
    found = []
    for point in points:
        speed = float(np.sqrt(point.get("v0sq", 0.0)))
        ballistic = point.get("start") == "ballistic"
        positions = simulate(
            optimizer,
            _settings(point),
            hessian=point["h"],
            noise_covariance=point["C"],
            particles=particles,
            times=times,
            rng=rng,
            device=device,
            buffer_std=0.0 if ballistic else speed,
            buffer_mean=speed if ballistic else 0.0,
            tick=tick,
        )
        for T, at in zip(times, positions, strict=True):
            found.append(Measurement("msd", {**point, "T": T}, mean_square(at[:, 0])))
    return Findings(tuple(found))


def _settings(point: Mapping[str, Any]) -> dict[str, float]:
    return {k: x for k, x in point.items() if k not in NOT_SETTINGS}


def thermal(beta: float, C: float) -> float:
    """Stationary mean square of a free EMA buffer, (1 - β)C/(1 + β)."""
    return (1 - beta) * C / (1 + beta)


SGD_POINTS = [{"eta": 0.5, "h": 2 * x, "C": 0.7} for x in (-0.01, -0.02, -0.1, 0.1, 1.5)]
MOMENTUM_POINTS = [
    {"eta": 0.5, "h": -0.2, "C": 0.7, "beta": 0.9, "v0sq": 0.0, "start": "rest"},
    {"eta": 0.5, "h": -0.2, "C": 0.7, "beta": 0.9, "v0sq": thermal(0.9, 0.7), "start": "thermal"},
    {"eta": 0.5, "h": -0.05, "C": 0.7, "beta": 0.8, "v0sq": 1.0, "start": "ballistic"},
    {"eta": 0.5, "h": 2.0, "C": 0.7, "beta": 0.9, "v0sq": 0.5, "start": "thermal"},
    {"eta": 0.5, "h": 3.0, "C": 0.7, "beta": 0.3, "v0sq": 0.0, "start": "rest"},
]
MANY = 400_000


def _continuous_time_holds(point: Mapping[str, Any]) -> bool:
    x = point["eta"] * point["h"]
    return abs(x) <= 0.02 and x**2 * point["T"] <= 0.02 * (1 + 1e-9)


def _continuous_time_fails(point: Mapping[str, Any]) -> bool:
    return point["eta"] * point["h"] == -0.1 and point["T"] >= 10


STUDIES = (
    Study("sgd-iterated", iterated, {"optimizer": "sgd", "points": SGD_POINTS, "times": TIMES}),
    Study("ema-iterated", iterated, {"optimizer": "momentum-ema", "points": MOMENTUM_POINTS, "times": TIMES}),
    Study(
        "sgd-spread",
        spread,
        {"optimizer": "sgd", "points": SGD_POINTS, "times": TIMES, "particles": MANY},
        full={"particles": 4 * MANY},
    ),
    Study(
        "ema-spread",
        spread,
        {"optimizer": "momentum-ema", "points": MOMENTUM_POINTS, "times": TIMES, "particles": MANY},
        full={"particles": 4 * MANY},
    ),
)

CHECKS = (
    Check("sgd.saddle-variance", "numerics", "sgd-iterated", "msd", 1e-9),
    Check("sgd.saddle-variance", "simulation", "sgd-spread", "msd", 0.02),
    Check("momentum.saddle-msd", "numerics", "ema-iterated", "msd", 1e-9),
    Check("momentum.saddle-msd", "simulation", "ema-spread", "msd", 0.02),
    Check("sgd.saddle-variance-ou", "simulation", "sgd-spread", "msd", 0.05, where=_continuous_time_holds),
    # Map of failure: the error grows like exp((eta*h)^2 T).
    Check(
        "sgd.saddle-variance-ou",
        "simulation",
        "sgd-spread",
        "msd",
        0.05,
        where=_continuous_time_fails,
        expected=Verdict.REFUTED,
    ),
)
