"""Regime maps by exact numerics: the factors of Adam and RAdam, and regularisation by the derivative."""

from __future__ import annotations

from typing import Any

from inertialab.verification.docket.grids import Axis, Map, likewise, over, spaced
from inertialab.verification.studies.regularisation import strengths
from inertialab.verification.studies.related import factors

FORGETTING = Axis("1 - β₂", (0.002, 0.006, 0.018, 0.05, 0.15, 0.4))
STEPS = Axis("T", (3.0, 6.0, 12.0, 30.0, 80.0, 200.0, 500.0))
LATER = Axis(STEPS.name, (6.0, 9.0, 15.0, 30.0, 80.0, 200.0))


def _average(T: float, slow: float) -> dict[str, float]:
    return {"beta2": 1 - slow, "T": round(T)}


def _examples(narrow: float, periods: int) -> float:
    """How many make the kernel so narrow, all sizes being one."""
    shape = strengths.shape(1.0, periods)
    return (shape["wave"] / narrow) ** 5 / (16 * shape["f2"] ** 2)


def _alone(narrow: float, r: float) -> dict[str, Any]:
    """One region, as in the docket: as many examples as make the widest kernel of both strengths so narrow."""
    size = {"H": 1.0, "V": 1.0, "q": 1.0, "amplitude": 1.0}
    return {**size, "r": r, "n": _examples(narrow / max(1.0, r**0.5), 1)}


def _groups(narrow: float, R: float) -> dict[str, Any]:
    """Two groups of labels that differ in their variance alone."""
    size = {"H": 1.0, "V": 1.0, "q": 1.0, "amplitude": 1.0, "R_H": 1.0, "R_q": 1.0, "R_V": 1 / R}
    return {**size, "n": _examples(narrow, 2)}


NARROW = spaced("width of the kernel times the wave number", 0.005, 0.6, 5)
AVERAGES = over(
    "radam-averages",
    ["radam.average-variance"],
    "numerics",
    factors.averages,
    "variance",
    _average,
    STEPS,
    FORGETTING,
    "no momentum, gradients of Gaussian noise",
)
RECTIFIED = over(
    "radam-rectified",
    ["radam.rectified-variance", "radam.rectification"],
    "numerics",
    factors.rectified,
    "ratio",
    _average,
    LATER,
    Axis(FORGETTING.name, (0.01, 0.018, 0.04, 0.08)),
    "no momentum, gradients of Gaussian noise",
)
ALONE = over(
    "har-alone",
    ["har.mistuning"],
    "numerics",
    strengths.optima,
    "mistuned",
    _alone,
    NARROW,
    Axis("r, strength over the optimal one", (0.1, 0.3, 1.5, 3.0, 10.0)),
    "one region, a cosine",
)
GROUPS = over(
    "har-groups",
    ["har.two-regions"],
    "numerics",
    strengths.regions,
    "ratio",
    _groups,
    NARROW,
    Axis("R, ratio of variances", (3.0, 10.0, 30.0, 100.0)),
    "two regions side by side, labels of the first noisier by R, a cosine that is level where they meet",
)
MAPS: tuple[Map, ...] = (
    AVERAGES,
    likewise(AVERAGES, "freedom", "radam.centre-of-mass"),
    RECTIFIED,
    over(
        "radam-warmup",
        ["radam.warmup"],
        "numerics",
        factors.warmups,
        "rectification",
        lambda x, y: {"beta2": 1 - x / y, "T": round(y)},
        spaced("T (1 - β₂)", 0.02, 2.0, 6),
        Axis("T", (10.0, 20.0, 50.0, 100.0, 300.0, 1000.0)),
        "no momentum",
    ),
    over(
        "radam-updates",
        ["radam.mean-update"],
        "numerics",
        factors.updates,
        "size",
        lambda x, y: {"beta": 0.9, **_average(x, y)},
        Axis(STEPS.name, (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)),
        FORGETTING,
        "β = 0.9, gradients of Gaussian noise",
    ),
    ALONE,
    GROUPS,
    likewise(GROUPS, "both", "har.both-groups"),
    likewise(GROUPS, "own", "har.clean-group"),
)
