"""Leaving a critical point: what its claims are confronted with, at saddles and at minima, over time."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inertialab.theory.statement import Layer
from inertialab.verification.court.check import BaseCheck, Check, inside
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.exact import saddle as exact
from inertialab.verification.studies.flow import saddle as flow
from inertialab.verification.studies.particles import adaptive, entering, leaving
from inertialab.verification.studies.particles import saddle as particles
from inertialab.verification.studies.study import Study


def thermal(beta: float, C: float) -> float:
    """Stationary mean square of a free EMA buffer, (1 - β)C/(1 + β)."""
    return (1 - beta) * C / (1 + beta)


TIMES = (1, 3, 10, 50)
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

OU_POINTS = [{"eta": 0.5, "h": 2 * x, "C": 0.7} for x in (-0.03, 0.03, 0.3)]
OU_SPREAD = Study(
    "sgd-spread-small",
    leaving.sgd_spread,
    {
        "points": OU_POINTS + drawn("ou-saddle") + drawn("ou-saddle-far"),
        "times": [1, 4, 20, 100, 400],
        "particles": MANY,
    },
    full={"particles": 4 * MANY},
)

# Overdamped, critical, underdamped, free and unstable; from rest and with velocity.
DAMPED = [
    {"D": 0.3, "h": h, "gamma": 1.5, "M": 0.8, "v0sq": v}
    for h, v in ((0.2, 0.0), (0.45, 0.4), (5.0, 0.4), (0.0, 0.25), (-0.7, 0.0))
]


def _damped(D: float, gamma: float, M: float, stiffness: float, heat: float = 1.0) -> dict[str, float]:
    """A damped particle by its stiffness h/(γ²M) and its mean squared velocity over the thermal one, D/(γM²)."""
    return {"D": D, "gamma": gamma, "M": M, "h": stiffness * gamma**2 * M, "v0sq": heat * D / (gamma * M**2)}


def _entry(eta: float, beta: float, C: float, h: float, entry: float) -> dict[str, float]:
    """A noisy saddle that is entered with a buffer of so many standard deviations of a gradient."""
    return {"eta": eta, "beta": beta, "C": C, "h": h, "m0": entry * C**0.5}


ENTRIES = [{"eta": 0.5, "h": h, "beta": 0.9, "m0": 0.3} for h in (-0.2, 0.0, 3.0)]
ENTRIES += drawn("entries")
GROWTHS = [{"eta": 0.5, "h": -q, "beta": beta} for q in (0.01, 0.4, 4.0) for beta in (0.0, 0.3, 0.9, 0.99)]
GROWTHS += drawn("growths")
COLD_POINTS = [{"beta": beta} for beta in (0.0, 0.5, 0.9, 0.999)]
EXPONENTIAL = Study(
    "damped-exponential", flow.exponentials, {"points": DAMPED + drawn("damped"), "times": [0.03, 1.0, 4.0]}
)
DRIFT = Study("drift-path", flow.drifts, {"times": [0.01, 0.5, 1.256431, 3.0, 20.0]})
GROWTH = Study("ema-growth", exact.growths, {"points": GROWTHS})
ENTRY = Study("ema-entry", exact.entries, {"points": ENTRIES, "times": [1, 3, 10, 50, 200]})
COLD = Study("cold-start", exact.cold_starts, {"points": COLD_POINTS + drawn("cold-starts"), "times": [1, 10, 100]})
DAMPED_SPREAD = Study(
    "damped-spread",
    leaving.damped,
    {"points": DAMPED + drawn("damped-particles", _damped), "memories": [1.0, 4.0], "particles": MANY},
    full={"particles": 4 * MANY},
)
THERMAL_SPREAD = Study(
    "thermal-spread",
    leaving.damped,
    {"points": drawn("thermal-particles", _damped), "memories": [0.5, 2.0, 6.0], "particles": MANY},
    full={"particles": 4 * MANY},
)
GROWN = Study("ema-grown", entering.growths, {"points": GROWTHS, "particles": 4000}, full={"particles": 100_000})
ENTERED = Study(
    "ema-entered",
    entering.entries,
    {"points": drawn("noisy-entries", _entry), "times": [1, 5, 30], "particles": MANY},
    full={"particles": 4 * MANY},
)
COLD_SPREAD = Study(
    "cold-spread",
    entering.cold_starts,
    {
        "points": [{"optimizer": o, "beta": 0.9} for o in ("adam", "adai")] + drawn("cold-starts"),
        "times": [1, 10, 40],
        "particles": MANY,
    },
    full={"particles": 4 * MANY},
)

# Many particles of an adaptive optimizer, whose laws are asymptotic; Adai's default settings, and Adam's nearly.
SOME = {"particles": 100_000}
MORE = {"particles": 400_000}
ADAM = {"eta": 1e-6, "beta": 0.9, "beta2": 0.998, "hold": 800}
ADAI = {"eta": 0.1, "beta0": 0.1, "beta2": 0.99, "eps": 1e-3, "hold": 1200}
PAIRS = [{**p, "turn": 0.0} for p in drawn("adam-pairs")] + drawn("adam-turned")
ADAM_SPREAD = Study(
    "adam-spread", adaptive.adam_spread, {**ADAM, **SOME, "points": PAIRS, "times": [20, 100, 510, 1000]}, full=MORE
)
ADAI_SPREAD = Study(
    "adai-spread",
    adaptive.adai_spread,
    {**ADAI, **SOME, "points": drawn("adai-coordinates"), "times": [1, 10, 100]},
    full=MORE,
)
PROPORTIONAL = [{"h": -p["h"], "C": p["h"] / 2, "B": 2.0} for p in drawn("adai-proportional")]
ADAI_PROPORTIONAL = Study(
    "adai-spread-proportional",
    adaptive.adai_spread,
    {**ADAI, **SOME, "points": PROPORTIONAL, "times": [1, 5, 20]},
    full=MORE,
)
# Slower second moments than by default, for coordinates whose own memory is longer than those.
SLOW = {"beta2": 0.998, "hold": 1200}
ADAI_SPEED = Study(
    "adai-speed",
    adaptive.adai_speed,
    {**ADAI, **SLOW, **SOME, "points": drawn("adai-free"), "times": [1, 5, 20]},
    full=MORE,
)


def _turned(angle: float, eigenvalues: tuple[float, float]) -> list[list[float]]:
    c, s = np.cos(angle), np.sin(angle)
    R = np.array([[c, -s], [s, c]])
    return (R @ np.diag(eigenvalues) @ R.T).tolist()


def _saddle(
    turn_H: float, turn_C: float, down: float, up: float, quiet: float, noisy: float, eta: float
) -> dict[str, Any]:
    """A saddle in the plane; curvatures are drawn in units of 1/eta."""
    return {"eta": eta, "H": _turned(turn_H, (-down / eta, up / eta)), "C": _turned(turn_C, (quiet, noisy))}


def _adam_saddle(**drawn: float) -> dict[str, Any]:
    """The same for Adam at its common learning rate."""
    return {k: x for k, x in _saddle(**drawn, eta=0.001).items() if k != "eta"}


SADDLES = [
    {"eta": 0.5, "H": _turned(0.6, (-0.1, 2.0)), "C": _turned(-0.5, (0.2, 2.0))},
    {"eta": 0.1, "H": _turned(1.2, (-0.5, 0.5)), "C": _turned(0.3, (1.5, 0.1))},  # curvatures that add up to zero
    *drawn("saddle-matrices", _saddle),
]
MATRIX_TIMES = [1, 5, 40]
MATRIX_ITERATED = Study("sgd-iterated-matrix", exact.iterated_matrix, {"problems": SADDLES, "times": MATRIX_TIMES})
MATRIX_SPREAD = Study(
    "sgd-spread-matrix",
    leaving.sgd_covariance,
    {"problems": SADDLES, "times": MATRIX_TIMES, "particles": MANY},
    full={"particles": 4 * MANY},
)
ADAM_MATRIX = Study(
    "adam-spread-matrix",
    adaptive.adam_covariance,
    {**ADAM, **SOME, "eta": 0.001, "problems": drawn("adam-matrices", _adam_saddle), "times": [1, 10, 100]},
    full=MORE,
)


def _turned_in_space(angles: tuple[float, float, float], eigenvalues: tuple[float, ...]) -> list[list[float]]:
    """A symmetric matrix by its eigenvalues and three angles of its eigenvectors."""
    R = np.eye(3)
    for angle, (i, j) in zip(angles, ((0, 1), (1, 2), (0, 1)), strict=True):
        turn = np.eye(3)
        turn[[i, i, j, j], [i, j, i, j]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        R = turn @ R
    S = R @ np.diag(eigenvalues) @ R.T
    return ((S + S.T) / 2).tolist()


def _adai_saddle(down: float, up: float, quiet: float, noisy: float, **turns: float) -> dict[str, Any]:
    """A saddle in space for Adai at its learning rate, one direction down and two up."""
    angles = [turns[f"turn_{i}"] for i in range(6)]
    H = _turned_in_space((angles[0], angles[1], angles[2]), (-down, up, up / 3))
    return {"H": H, "C": _turned_in_space((angles[3], angles[4], angles[5]), (quiet, 1.0, noisy))}


ADAI_MATRIX = Study(
    "adai-spread-matrix",
    adaptive.adai_covariance,
    {**ADAI, **SLOW, **SOME, "problems": drawn("adai-matrices", _adai_saddle), "times": [1, 10, 100]},
    full=MORE,
)


def _continuous_time_fails(point: Mapping[str, Any]) -> bool:
    """Far outside the regime: at a saddle by the growth of the error, at a minimum by the step."""
    x = point["eta"] * point["h"]
    return x >= 0.2 or (x < -0.05 and x**2 * point["T"] >= 0.1)


def _rotated(point: Mapping[str, Any]) -> bool:
    """Turned against the axes, and so late that the transient does not matter."""
    return point["turn"] != 0 and inside("adam.saddle-msd")({**point, "turn": 0.0})


OU = ("sgd.saddle-variance-ou", "simulation")
ASYMPTOTIC = 0.06
"""Averages of the second moment over 100 gradients, Adai's, scatter by a tenth, which enters squared: one to three
percent. Adam's average over 500, and its published transient is 3% too large at the earliest."""


def _matrix(claim: str, layer: Layer, study: Study, margin: float) -> tuple[BaseCheck, BaseCheck]:
    row = (claim, layer, study, "covariance", margin)
    return Check(*row), Check(*row, off_diagonal=True)


CHECKS: tuple[BaseCheck, ...] = (
    Check("sgd.saddle-variance", "numerics", SGD_ITERATED, "msd", 1e-9),
    Check("sgd.saddle-variance", "simulation", SGD_SPREAD, "msd", 0.02),
    *(Check(*OU, study, "msd", 0.05, where=inside(OU[0])) for study in (SGD_SPREAD, OU_SPREAD)),
    # Map of failure: the error grows like exp((eta*h)^2 T).
    *(
        Check(
            *OU,
            study,
            "msd",
            0.05,
            where=_continuous_time_fails,
            expected=Verdict.REFUTED,
            instead="sgd.saddle-variance",
        )
        for study in (SGD_SPREAD, OU_SPREAD)
    ),
    *_matrix("sgd.saddle-covariance", "numerics", MATRIX_ITERATED, 1e-9),
    *_matrix("sgd.saddle-covariance", "simulation", MATRIX_SPREAD, 0.02),
    Check("momentum.saddle-msd", "numerics", EMA_ITERATED, "msd", 1e-9),
    Check("momentum.saddle-msd", "simulation", EMA_SPREAD, "msd", 0.02),
    Check("momentum.growth-slower", "numerics", GROWTH, "growth", 1e-9),
    # Growth is near 1; what is left of a deviation's start, a part in 1e8, and of noise, a part in 1e6, is less.
    Check("momentum.growth-slower", "simulation", GROWN, "growth", 1e-5),
    Check("momentum.saddle-msd-continuous", "numerics", EXPONENTIAL, "msd", 1e-9),
    Check("momentum.saddle-msd-continuous", "simulation", DAMPED_SPREAD, "msd", 0.02),
    Check(
        "momentum.saddle-msd-drift",
        "simulation",
        THERMAL_SPREAD,
        "msd",
        0.02,
        expected=Verdict.REFUTED,
        instead="momentum.saddle-msd-continuous",
    ),
    Check("momentum.drift-bound", "numerics", DRIFT, "ratio", 1e-9),
    Check("momentum.ballistic", "numerics", ENTRY, "displacement", 1e-9),
    Check("momentum.ballistic", "simulation", ENTERED, "displacement", 0.02),
    Check("momentum.bias-correction", "numerics", COLD, "msd", 1e-9),
    Check("momentum.bias-correction", "simulation", COLD_SPREAD, "msd", 0.02),
    Check("adam.saddle-msd", "simulation", ADAM_SPREAD, "msd", ASYMPTOTIC, where=inside("adam.saddle-msd")),
    Check(
        "adam.saddle-msd",
        "simulation",
        ADAM_SPREAD,
        "msd",
        ASYMPTOTIC,
        where=_rotated,
        expected=Verdict.REFUTED,
        instead="adam.rotation",
    ),
    Check("adam.rotation", "simulation", ADAM_SPREAD, "msd", ASYMPTOTIC),
    *_matrix("adam.saddle-covariance", "simulation", ADAM_MATRIX, ASYMPTOTIC),
    Check("adai.saddle-msd", "simulation", ADAI_SPREAD, "msd", ASYMPTOTIC),
    Check(
        "adai.saddle-msd-attributed",
        "simulation",
        ADAI_PROPORTIONAL,
        "msd",
        ASYMPTOTIC,
        expected=Verdict.REFUTED,
        instead="adai.saddle-msd",
    ),
    *_matrix("adai.saddle-covariance", "simulation", ADAI_MATRIX, ASYMPTOTIC),
    Check("adai.saddle-speed", "simulation", ADAI_SPEED, "speed", ASYMPTOTIC),
    Check(
        "adai.faster-than-sgd",
        "simulation",
        ADAI_SPEED,
        "speed",
        ASYMPTOTIC,
        expected=Verdict.REFUTED,
        instead="adai.saddle-speed",
    ),
)
