"""Stationary laws beyond the quadratic with constant noise: what their claims are confronted with."""

from typing import Any

from inertialab.verification.court.check import BaseCheck, Check
from inertialab.verification.docket.points import drawn
from inertialab.verification.docket.stationary import matrices, rotated, uneven_point
from inertialab.verification.studies.exact import chain
from inertialab.verification.studies.particles import decoupled, turned, uneven
from inertialab.verification.studies.study import Study


def _rates(**drawn: Any) -> dict[str, Any]:
    return {**drawn, "rates": [0.8, 1.2, 1.6]}


def _turned(turn_H: float, apart: float, **drawn: float) -> dict[str, Any]:
    return matrices(turn_H=turn_H, turn_C=turn_H + apart, **drawn)


def _shifted(**drawn: Any) -> dict[str, Any]:
    """A third derivative of some share of the curvature over the width of the state, and a fourth that holds it."""
    return uneven_point(law="gaussian", **drawn)


SINGLE = {"samples": 40, "spread": 0.8, "size": 2.0, "noise": 1.0, "B": 1, "share": 0.35}
"""One sample a step: constant noise would give a variance a fifth too small."""
REGRESSIONS_EXACT = Study("regressions-exact", chain.finite_samples, {"points": drawn("regressions-exact")})
REGRESSIONS = Study(
    "regressions",
    uneven.regressions,
    {"points": [SINGLE, *drawn("regressions")], "particles": 40_000},
    full={"particles": 200_000},
)
EDGES = Study(
    "regression-edges",
    uneven.edges,
    {"points": drawn("regression-edges", _rates), "particles": 400_000},
    full={"particles": 2_000_000},
)
CURRENTS_EXACT = Study("currents-exact", chain.currents, {"points": drawn("matrices", matrices)})
CURRENTS = Study(
    "currents",
    uneven.currents,
    {"points": drawn("currents", _turned), "particles": 60_000},
    full={"particles": 300_000},
)
SHIFTED = drawn("mean-shift", _shifted)
SHIFTS_EXACT = Study("mean-shift-exact", chain.means, {"points": SHIFTED})
SHIFTS = Study("mean-shift", uneven.means, {"points": SHIFTED, "particles": 20_000}, full={"particles": 100_000})


def _turned_noise(
    h_low: float, h_high: float, c_low: float, c_high: float, turn_H: float, turn_C: float, **settings: Any
) -> dict[str, Any]:
    """Hessian and noise that fit neither each other nor the axes."""
    H, C = rotated(turn_H, (h_low, h_high)), rotated(turn_C, (c_low, c_high))
    return {**settings, "H": H, "C": C}


def _turned_adam(**drawn: Any) -> dict[str, Any]:
    return _turned_noise(**drawn, beta2=0.999, delta=0.0)


def _turned_adamw(first: float, second: float, **drawn: Any) -> dict[str, Any]:
    return {**_turned_adam(**drawn), "minimum": [first, second]}


def _turned_adai(**drawn: Any) -> dict[str, Any]:
    return _turned_noise(**drawn, beta2=0.999, eps=1e-3)


FEW = {"particles": 300}
ADAM_RESTING = Study(
    "adam-resting",
    turned.turned_spread,
    {"optimizer": "adam", "problems": drawn("adam-resting", _turned_adam), **FEW},
    full={"particles": 6_000},
)
ADAMW_RESTING = Study(
    "adamw-resting",
    decoupled.decayed,
    {"optimizer": "adamw", "problems": drawn("adamw-resting", _turned_adamw), **FEW},
    full={"particles": 6_000},
)
ADAI_RESTING = Study(
    "adai-resting",
    turned.turned_spread,
    {"optimizer": "adai", "problems": drawn("adai-resting", _turned_adai), **FEW},
    full={"particles": 6_000},
)
SLOW_MOMENTS = 0.05
"""The fluctuation of a second moment of beta2 = .999 changes variances by some tenths of a percent."""
NEXT = 0.04
"""What is left out is of the size of the squared change of the curvature over the state, 2% at the most."""

CHECKS: tuple[BaseCheck, ...] = (
    Check("sgd.stationary-variance-multiplicative", "numerics", REGRESSIONS_EXACT, "variance", 1e-9),
    Check("sgd.stationary-variance-multiplicative", "simulation", REGRESSIONS, "variance", 0.02),
    Check("sgd.mean-square-stability", "numerics", REGRESSIONS_EXACT, "edge", 1e-9),
    Check("sgd.mean-square-stability", "simulation", EDGES, "edge", 0.02),
    Check("sgd.probability-current", "numerics", CURRENTS_EXACT, "current", 1e-9),
    Check("sgd.probability-current", "simulation", CURRENTS, "current", 0.02),
    Check("sgd.mean-shift", "numerics", SHIFTS_EXACT, "mean", NEXT),
    Check("sgd.mean-shift", "simulation", SHIFTS, "mean", NEXT),
    Check("adamw.resting-place", "simulation", ADAMW_RESTING, "penalty", SLOW_MOMENTS),
    *(
        Check(claim, "simulation", study, "covariance", SLOW_MOMENTS, off_diagonal=off)
        for claim, study in (
            ("adam.stationary-covariance", ADAM_RESTING),
            ("adamw.stationary-covariance", ADAMW_RESTING),
            ("adai.stationary-covariance", ADAI_RESTING),
        )
        for off in (False, True)
    ),
)
