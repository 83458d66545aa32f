"""Tails at rest, two minima, sharpened losses, exits from ellipses: what their claims are confronted with."""

from typing import Any

import numpy as np

from inertialab.verification.court.check import BaseCheck, Check, Point, inside
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.docket.stationary import rotated
from inertialab.verification.studies.exact import ellipses as exact_ellipses
from inertialab.verification.studies.exact import selection as exact_selection
from inertialab.verification.studies.exact import sharpness as exact_sharpness
from inertialab.verification.studies.exact import tails as exact_tails
from inertialab.verification.studies.particles import ellipses, selection, sharpness, tails
from inertialab.verification.studies.study import Study
from inertialab.verification.studies.training import tails as real_tails


def _wine(**drawn: Any) -> dict[str, Any]:
    return {"data": "wine", "target": 0, **drawn}


def _cancer(**drawn: Any) -> dict[str, Any]:
    return {"data": "breast-cancer", "target": 0, **drawn}


TAILS_EXACT = Study("tail-index-exact", exact_tails.indices, {"points": drawn("tail-index-exact")})
TAILS = Study(
    "tail-index",
    tails.indices,
    {"points": drawn("tail-index"), "particles": 200_000, "steps": 300},
    full={"particles": 1_500_000},
)
REAL_TAILS = tuple(
    Study(
        f"{name}-tail",
        real_tails.indices,
        {"points": drawn(f"{name}-tail", make), "chains": chains, "steps": 300},
        full={"chains": 1_500_000},
    )
    for name, make, chains in (("wine", _wine, 120_000), ("cancer", _cancer, 400_000))
)


KINDS = {"white": lambda *_: 1.0, "curvature": lambda bend, _: bend, "apart": lambda _, own: own}
"""Noise of a minimum: the same everywhere, in proportion to its curvature, or of its own."""


def pair(kind: str, exponent: float, louder: float, adam: bool = False, **shape: float) -> dict[str, float]:
    """Two minima of depth one, and noise at which their exponents have this mean.

    Args:
        kind: Row of `KINDS`.
        exponent: Mean of the exponents of SGD, or of Adam with the second moment of the minimum.
        louder: Noise of the first minimum over that of the second, where it is of its own.
        adam: Whether they are Adam's.
        **shape: `H1`, `H2`, `Hb`, `w1`, `w2`, `s` and `eta`, and other settings.
    """
    noise = KINDS[kind]
    ends = noise(shape["H1"], louder**0.5), noise(shape["H2"], louder**-0.5), noise(shape["Hb"], 1.0)
    s = shape["s"]
    climbs = [2 / shape["eta"] * (s / c + (1 - s) / ends[2]) * (c**0.5 if adam else 1.0) for c in ends[:2]]
    scale = (sum(climbs) / 2 / exponent) ** (2 if adam else 1)
    return {**shape, "dL": 1.0, **dict(zip(("C1", "C2", "C_b"), (scale * c for c in ends), strict=True))}


def _pairs(table: str, *kinds: str, **more: Any) -> list[dict[str, float]]:
    """Points of a table, one after the other with these kinds of noise."""
    return [pair(kind, **point, **more) for kind, point in zip(kinds, drawn(table), strict=True)]


def _counted(optimizer: str, points: list[dict[str, float]], events: int) -> Study:
    config = {"points": points, "optimizer": optimizer, "events": events, "particles": 8192}
    return Study(f"minima-{optimizer}", selection.occupations, config, full={"events": 80_000})


MINIMA_EXACT = Study(
    "minima-chain",
    exact_selection.occupations,
    {"points": _pairs("minima-chain", "white", "curvature", "apart", "curvature", "apart")},
)
MINIMA_SGD = _counted("sgd", _pairs("minima-sgd", "apart"), 30_000)
MINIMA_EMA = _counted("momentum-ema", _pairs("minima-ema", "curvature"), 7000)
MINIMA_ADAI = _counted("adai", _pairs("minima-adai", "curvature"), 7000)
MINIMA_ADAM = _counted("adam", _pairs("minima-adam", "curvature", adam=True), 22_000)
FEW_DEGREES = 0.05
"""At exponents of 5 the next order of the temperature and of the learning rate is up to three percent."""
INERT = 0.1
"""Inertia that is not quite small comes on top of it."""


def _sharp(**drawn: Any) -> dict[str, Any]:
    return {**drawn, "scan": "sharpness", "kind": "even"}


SHARPNESS_EXACT = Study(
    "sharpness-chain",
    exact_sharpness.powers,
    {"points": drawn("sharpness-chain"), "factors": [1.0, 1.25, 1.5, 1.75, 2.0]},
)
SHARPNESS = Study(
    "sharpness-counted",
    sharpness.powers,
    {
        "points": drawn("sharpness-counted", _sharp),
        "factors": [1.0, 1.5, 2.3, 3.5],
        "events": [12_000, 30_000, 80_000, 80_000],
    },
    full={"events": [60_000, 150_000, 400_000, 400_000]},
)


def _turned(h_low: float, h_high: float, c_low: float, c_high: float, turn_H: float, apart: float, **rest: Any) -> Any:
    """Hessian and noise of these eigenvalues, the one turned against the other."""
    return {**rest, "H": rotated(turn_H, (h_low, h_high)), "C": rotated(turn_H + apart, (c_low, c_high))}


ELLIPSES_EXACT = Study("ellipse-chain", exact_ellipses.exits, {"points": drawn("ellipse-chain", _turned)})
ELLIPSES = Study(
    "ellipse-counted",
    ellipses.exits,
    {"points": drawn("ellipse-counted", _turned), "particles": 20_000, "steps": 1600},
    full={"steps": 15_000},
)

INTERVALS = Study(
    "interval-chain",
    exact_ellipses.exits,
    {"points": drawn("interval-chain", lambda h, C, **rest: {**rest, "H": [[h]], "C": [[C]]})},
)


def _far(point: Point) -> bool:
    """Whether the diffusion is off by a tenth and more of the power at the edge of the variance, 2."""
    return point["h"] ** 2 > 0.2 * point["c2"]


def _told(point: Point) -> bool:
    """Whether the published prefactor differs by a fifth."""
    return abs(np.log(point["H1"] * point["C1"] / (point["H2"] * point["C2"]))) > 0.4


ELLIPSOID = "sgd.quasi-potential-ellipsoid"
TAIL, DIFFUSION = "sgd.tail-index", "sgd.tail-index-diffusion"
CHECKS: tuple[BaseCheck, ...] = (
    Check(TAIL, "numerics", TAILS_EXACT, "index", 0.003),
    Check(TAIL, "simulation", TAILS, "index", 0.02),
    *(Check(TAIL, "real", study, "index", 0.03) for study in REAL_TAILS),
    Check(DIFFUSION, "numerics", TAILS_EXACT, "index", 0.03, _far, Verdict.REFUTED, instead=TAIL),
    Check(DIFFUSION, "simulation", TAILS, "index", 0.03, _far, Verdict.REFUTED, instead=TAIL),
    Check("minima.occupation", "numerics", MINIMA_EXACT, "occupation", 0.03),
    Check("minima.occupation", "simulation", MINIMA_SGD, "occupation", FEW_DEGREES),
    *(Check("minima.occupation", "simulation", study, "occupation", INERT) for study in (MINIMA_EMA, MINIMA_ADAI)),
    Check("minima.occupation-adam", "simulation", MINIMA_ADAM, "occupation", 0.055),
    Check(
        "minima.selection",
        "numerics",
        MINIMA_EXACT,
        "occupation",
        0.03,
        _told,
        Verdict.REFUTED,
        instead="minima.occupation",
    ),
    Check(
        "minima.selection",
        "simulation",
        MINIMA_SGD,
        "occupation",
        FEW_DEGREES,
        _told,
        Verdict.REFUTED,
        instead="minima.occupation",
    ),
    Check("sharpness.exponent", "numerics", SHARPNESS_EXACT, "power", 0.03),
    Check("sharpness.exponent", "simulation", SHARPNESS, "power", 0.06),
    Check("sgd.quasi-potential-plane", "numerics", ELLIPSES_EXACT, "time", 0.04),
    Check("sgd.quasi-potential-plane", "simulation", ELLIPSES, "time", 0.06),
    Check(ELLIPSOID, "numerics", ELLIPSES_EXACT, "time", 0.06, where=inside(ELLIPSOID)),
    Check(ELLIPSOID, "numerics", INTERVALS, "time", 0.06),
)
