"""Leaving a critical point: what its claims are confronted with, at saddles and at minima, over time."""

from collections.abc import Mapping
from typing import Any

from inertialab.verification.court.check import BaseCheck, Check
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.exact import saddle as exact
from inertialab.verification.studies.particles import saddle as particles
from inertialab.verification.studies.study import Study


def thermal(beta: float, C: float) -> float:
    """Stationary mean square of a free EMA buffer, (1 - β)C/(1 + β)."""
    return (1 - beta) * C / (1 + beta)


TIMES = (1, 3, 10, 50, 200)
SGD = {
    "optimizer": "sgd",
    "points": [{"eta": 0.5, "h": 2 * x, "C": 0.7} for x in (-0.01, -0.02, -0.1, 0.1, 1.5)] + drawn("sgd-saddle"),
    "times": TIMES,
}
MOMENTUM = {
    "optimizer": "momentum-ema",
    "points": [
        {"eta": 0.5, "h": -0.2, "C": 0.7, "beta": 0.9, "v0sq": 0.0, "start": "rest"},
        {"eta": 0.5, "h": -0.2, "C": 0.7, "beta": 0.9, "v0sq": thermal(0.9, 0.7), "start": "thermal"},
        {"eta": 0.5, "h": -0.05, "C": 0.7, "beta": 0.8, "v0sq": 1.0, "start": "ballistic"},
        {"eta": 0.5, "h": 2.0, "C": 0.7, "beta": 0.9, "v0sq": 0.5, "start": "thermal"},
        {"eta": 0.5, "h": 3.0, "C": 0.7, "beta": 0.3, "v0sq": 0.0, "start": "rest"},
        *drawn("ema-saddle"),
    ],
    "times": TIMES,
}
MANY = 400_000
SGD_ITERATED = Study("sgd-iterated", exact.iterated, SGD)
EMA_ITERATED = Study("ema-iterated", exact.iterated, MOMENTUM)
SGD_SPREAD = Study("sgd-spread", particles.spread, {**SGD, "particles": MANY}, full={"particles": 4 * MANY})
EMA_SPREAD = Study("ema-spread", particles.spread, {**MOMENTUM, "particles": MANY}, full={"particles": 4 * MANY})

# Overdamped, critical, underdamped, free and unstable; from rest and with velocity.
DAMPED = [
    {"D": 0.3, "h": h, "gamma": 1.5, "M": 0.8, "v0sq": v}
    for h, v in ((0.2, 0.0), (0.45, 0.4), (5.0, 0.4), (0.0, 0.25), (-0.7, 0.0))
]
DAMPED += drawn("damped")
ENTRIES = [{"eta": 0.5, "h": h, "beta": 0.9, "m0": 0.3} for h in (-0.2, 0.0, 3.0)]
ENTRIES += drawn("entries")
GROWTHS = [{"eta": 0.5, "h": -q, "beta": beta} for q in (0.01, 0.4, 4.0) for beta in (0.3, 0.9, 0.99)]
GROWTHS += drawn("growths")
EXPONENTIAL = Study("damped-exponential", exact.exponentials, {"points": DAMPED, "times": [0.03, 1.0, 4.0]})
DRIFT = Study("drift-path", exact.drifts, {"times": [0.01, 0.5, 1.256431, 3.0, 20.0]})
GROWTH = Study("ema-growth", exact.growths, {"points": GROWTHS})
ENTRY = Study("ema-entry", exact.entries, {"points": ENTRIES, "times": [1, 3, 10, 50, 200]})
COLD = Study("cold-start", exact.cold_starts, {"betas": [0.0, 0.5, 0.9, 0.999], "times": [1, 10, 100]})


def _continuous_time_holds(point: Mapping[str, Any]) -> bool:
    x = point["eta"] * point["h"]
    return abs(x) <= 0.02 and x**2 * point["T"] <= 0.02 * (1 + 1e-9)


def _continuous_time_fails(point: Mapping[str, Any]) -> bool:
    return point["eta"] * point["h"] == -0.1 and point["T"] >= 10


OU = ("sgd.saddle-variance-ou", "simulation", SGD_SPREAD, "msd", 0.05)

CHECKS: tuple[BaseCheck, ...] = (
    Check("sgd.saddle-variance", "numerics", SGD_ITERATED, "msd", 1e-9),
    Check("sgd.saddle-variance", "simulation", SGD_SPREAD, "msd", 0.02),
    Check(*OU, where=_continuous_time_holds),
    # Map of failure: the error grows like exp((eta*h)^2 T).
    Check(*OU, where=_continuous_time_fails, expected=Verdict.REFUTED, instead="sgd.saddle-variance"),
    Check("momentum.saddle-msd", "numerics", EMA_ITERATED, "msd", 1e-9),
    Check("momentum.saddle-msd", "simulation", EMA_SPREAD, "msd", 0.02),
    Check("momentum.growth-slower", "numerics", GROWTH, "growth", 1e-9),
    Check("momentum.saddle-msd-continuous", "numerics", EXPONENTIAL, "msd", 1e-9),
    Check("momentum.drift-bound", "numerics", DRIFT, "ratio", 1e-9),
    Check("momentum.ballistic", "numerics", ENTRY, "displacement", 1e-9),
    Check("momentum.bias-correction", "numerics", COLD, "msd", 1e-9),
)
