"""Stationary laws beyond the quadratic with constant noise: what their claims are confronted with."""

from typing import Any

import numpy as np

from inertialab.verification.court.check import BaseCheck, Check, OrderCheck
from inertialab.verification.docket.points import drawn
from inertialab.verification.docket.stationary import matrices, uneven_point
from inertialab.verification.studies.exact import chain
from inertialab.verification.studies.particles import uneven
from inertialab.verification.studies.study import Study


def _rates(**drawn: Any) -> dict[str, Any]:
    return {**drawn, "rates": [0.8, 1.2, 1.6]}


def _turned(turn_H: float, apart: float, **drawn: float) -> dict[str, Any]:
    return matrices(turn_H=turn_H, turn_C=turn_H + apart, **drawn)


def _shifted(**drawn: Any) -> dict[str, Any]:
    """A third derivative of some share of the curvature over the width of the state, and a fourth that holds it."""
    return uneven_point(law="gaussian", **drawn)


def _decaying(eta: float, decay: float, dimension: int, pull: float) -> dict[str, Any]:
    return {"eta": eta, "lam": decay / eta, "dimension": dimension, "pull": pull}


def _epochs(*shares: float) -> list[dict[str, Any]]:
    """Epochs of minibatches of unlike slopes and curvatures, the shares are the learning rate times n times h."""
    rng = np.random.default_rng(1)
    kinds = [(rng.uniform(-0.5, 2, n).round(3).tolist(), rng.uniform(0.3, 2, n).round(3).tolist()) for n in (3, 5, 6)]
    return [{"slopes": a, "bends": b, "share": share} for share in shares for a, b in kinds]


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
ORDERINGS = Study("orderings", chain.orderings, {"points": _epochs(0.01, 0.02, 0.05, 0.09)})
ORDERINGS_SMALL = Study("orderings-small", chain.orderings, {"points": _epochs(0.003, 0.01, 0.03)[::3]})
ONE_EPOCH = Study(
    "one-epoch",
    uneven.shuffled,
    {"points": _epochs(0.03, 0.09), "particles": 400_000},
    full={"particles": 2_000_000},
)
SPHERES = Study(
    "scale-invariant",
    uneven.scale_invariant,
    {"points": drawn("scale-invariant", _decaying), "particles": 500},
    full={"particles": 3_000},
)
NEXT = 0.04
"""What is left out is of the size of the squared change of the curvature over the state, 2% at the most."""
EPOCH = 0.05
"""The third order of an epoch is a third of eta*n*h, 3% at the most, where the curvatures are alike."""
TURN = 0.02
"""Corrections are of the order of eta*lambda, 1% at the most."""

CHECKS: tuple[BaseCheck, ...] = (
    Check("sgd.stationary-variance-multiplicative", "numerics", REGRESSIONS_EXACT, "variance", 1e-9),
    Check("sgd.stationary-variance-multiplicative", "simulation", REGRESSIONS, "variance", 0.02),
    Check("sgd.mean-square-stability", "numerics", REGRESSIONS_EXACT, "edge", 1e-9),
    Check("sgd.mean-square-stability", "simulation", EDGES, "edge", 0.02),
    Check("sgd.probability-current", "numerics", CURRENTS_EXACT, "current", 1e-9),
    Check("sgd.probability-current", "simulation", CURRENTS, "current", 0.02),
    Check("sgd.mean-shift", "numerics", SHIFTS_EXACT, "mean", NEXT),
    Check("sgd.mean-shift", "simulation", SHIFTS, "mean", NEXT),
    Check("sgd.shuffled-modified-loss", "numerics", ORDERINGS, "shift", EPOCH),
    OrderCheck("sgd.shuffled-modified-loss", "numerics", ORDERINGS_SMALL, "shift", 0.1),
    Check("sgd.shuffled-modified-loss", "simulation", ONE_EPOCH, "shift", EPOCH),
    Check("scale-invariance.equilibrium", "simulation", SPHERES, "norm", TURN),
    Check("scale-invariance.angle", "simulation", SPHERES, "angle", TURN),
)
