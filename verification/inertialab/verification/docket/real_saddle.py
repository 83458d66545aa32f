"""Leaving saddles of networks on data: what its claims are confronted with in real training."""

from collections.abc import Callable
from typing import Any

from inertialab.verification.court.check import BaseCheck, Check, Point, inside
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.exact import symmetric as exact
from inertialab.verification.studies.study import Study
from inertialab.verification.studies.training import adaptive_saddles, saddles, symmetric

MANY = 60_000
HEART, DIGITS = "cardiotocography", "digits"
NETWORKS = {"cardiotocography-1": (HEART, 1), "cardiotocography-2": (HEART, 2), "digits-2": (DIGITS, 2)}
"""Kept saddles: data, and number of negative curvatures."""


def _sgd(growth: float, **own: Any) -> dict[str, Any]:
    return {"optimizer": "sgd", **own, "growths": [growth / 4, growth]}


def _momenta(growth: float, reach: float, **own: Any) -> list[dict[str, Any]]:
    given = {"optimizer": "momentum-ema", **own, "growths": [growth / 4, growth]}
    return [given | {"start": "rest"}, given | {"start": "thermal"}, given | {"start": "ballistic", "reach": reach}]


def _left(id: str, points: list[dict[str, Any]], chains: int = MANY) -> Study:
    """Chains that leave a kept saddle, by which the id begins."""
    saddle, _, kind = id.rpartition("-")
    data, directions = NETWORKS[saddle]
    config = {"saddle": saddle, "directions": directions, "points": points, "chains": chains}
    measure = adaptive_saddles.spreads if kind == "adaptive" else saddles.spreads
    return Study(id, measure, config, full={"chains": 4 * chains}, data=data)


MOMENTA = [p for drawn_point in drawn("real-saddle-momentum") for p in _momenta(**drawn_point)]
# Between memory and growth there is room for continuous time at long memories alone.
SLOW = [p for p in _momenta(0.4, 3.0, steepness=0.03, B=32, beta=0.9) if p["start"] == "thermal"]
SGD = (
    _left("cardiotocography-1-sgd", [_sgd(**p) for p in drawn("real-saddle-sgd")[1:]], chains=40_000),
    _left("cardiotocography-2-sgd", [_sgd(**p) for p in drawn("real-saddle-sgd")]),
    _left("digits-2-sgd", [_sgd(**p) for p in drawn("real-saddle-digits")], chains=26_000),
)
MOMENTUM = (
    _left("cardiotocography-1-ema", [MOMENTA[0], MOMENTA[2]], chains=40_000),
    _left("cardiotocography-2-ema", [*MOMENTA[3:], *SLOW], chains=34_000),
)
SLOWER = [p for drawn_point in drawn("real-saddle-slow") for p in _momenta(reach=3.0, **drawn_point)]
LONG = _left("cardiotocography-1-slow", [p for p in SLOWER if p["start"] == "thermal"], chains=24_000)

# Adaptive methods, long after the start of slow second moments.
AVERAGING = {"beta2": 0.9995, "eps": 0.1}


def _adai(table: str) -> list[dict[str, Any]]:
    points = ((p.pop("growth"), p) for p in drawn(table))
    return [{"optimizer": "adai", **AVERAGING, **p, "growths": [growth / 4, growth]} for growth, p in points]


def _adam(*tables: str) -> list[dict[str, Any]]:
    points = ((p.pop("growth"), p) for table in tables for p in drawn(table))
    return [{"optimizer": "adam", "beta2": 0.9995, "delta": 0.0, **p, "growths": [growth]} for growth, p in points]


ADAI, ADAM = _adai("real-saddle-adai"), _adam("real-saddle-adam", "real-saddle-adam-late")
SHORT = [*_adai("digits-saddle-adai"), *_adam("digits-saddle-adam", "digits-saddle-adam-late")]
ADAPTED = (
    _left("cardiotocography-1-adaptive", [ADAI[0], ADAM[0]], chains=30_000),
    _left("cardiotocography-2-adaptive", [ADAI[1], ADAM[1], ADAM[2]], chains=36_000),
    _left("digits-2-adaptive", SHORT, chains=50_000),
)


def _speeds(saddle: str, table: str, chains: int) -> Study:
    points = [{**AVERAGING, **p, "times": [3, 10]} for p in drawn(table)]
    config = {"saddle": saddle, "coordinates": 3, "points": points, "chains": chains}
    full = {"chains": 4 * chains}
    return Study(f"{saddle}-speed", adaptive_saddles.speeds, config, full, data=NETWORKS[saddle][0])


SPEEDS = (
    _speeds("cardiotocography-2", "real-adai-speed", 100_000),
    _speeds("digits-2", "digits-adai-speed", 100_000),
)

TWO_LAYERS = {"hidden": 2, "features": 5}
ORIGINS = [
    {"data": data, "hidden": 6, "activation": unit, "loss": loss}
    for data in ("wine", "breast-cancer")
    for unit, loss in (("linear", "squared"), ("tanh", "cross-entropy"))
]
DEVIATED = [
    TWO_LAYERS | {"data": "wine", "activation": "tanh", "loss": "squared"},
    TWO_LAYERS | {"data": "breast-cancer", "activation": "linear", "loss": "cross-entropy"},
]
ORIGIN = Study("origins", symmetric.origins, {"points": ORIGINS})
PATHS = Study("every-path", exact.paths, {"points": drawn("symmetric-paths"), "samples": 3, "batch": 2, "steps": 3})
DEVIATIONS = Study(
    "origin-deviations",
    symmetric.deviations,
    {"problems": DEVIATED, "runs": drawn("symmetric-growth"), "chains": 60_000},
    full={"chains": 240_000},
)
ENTRIES = Study(
    "origin-entries",
    symmetric.entries,
    {"problems": DEVIATED, "times": [1, 10, 60, 120], "steepness": 0.05, "beta": 0.9, "batch": 16, "chains": 3_000},
    full={"chains": 40_000},
)
SYMMETRIC = "sgd.symmetric-saddle"


def _started(*starts: str) -> Any:
    return lambda point: point.get("start") in starts


def _long(point: Point) -> bool:
    """So many memories of momentum after the start that continuous time is hardly a hundredth off."""
    return point["start"] == "thermal" and point["beta"] >= 0.9 and point["T"] >= 40


def _under(setting: str) -> Callable[[Point], bool]:
    """Measurements under the optimizer that has this setting."""
    return lambda point: setting in point


def _late(point: Point) -> bool:
    """Where the published transient of Adam is over."""
    return "beta" in point and inside("adam.saddle-msd")(point)


def _early(point: Point) -> bool:
    """The first steps of Adai, in which the inertia of every coordinate counts."""
    return "beta0" in point and point["T"] <= 5


def _left_by_sgd(study: Study) -> list[BaseCheck]:
    continuous = inside("sgd.saddle-variance-ou")
    rows: list[BaseCheck] = [
        Check("sgd.saddle-variance", "real", study, "variance", REAL),
        Check("sgd.saddle-variance-ou", "real", study, "variance", REAL, where=continuous),
        Check("sgd.saddle-covariance", "real", study, "covariance", REAL),
    ]
    if study.config["directions"] > 1:
        rows.append(Check("sgd.saddle-covariance", "real", study, "covariance", REAL, off_diagonal=True))
    return rows


def _false(instead: str) -> dict[str, Any]:
    return {"expected": Verdict.REFUTED, "instead": instead}


def _continuous(study: Study) -> tuple[BaseCheck, ...]:
    """The spread of the equation of motion, and what is published for it."""
    law = "momentum.saddle-msd-continuous"
    row = ("real", study, "msd", WARM, _long)
    return Check(law, *row), Check("momentum.saddle-msd-drift", *row, **_false(law))


def _fast(study: Study) -> tuple[BaseCheck, ...]:
    """Adai's spread over that of SGD, warm, and its first steps from empty buffers."""
    law = "adai.saddle-speed"
    return (
        Check(law, "real", study, "speed", WARM),
        Check("momentum.bias-correction", "real", study, "cold", WARM),
        Check("adai.faster-than-sgd", "real", study, "speed", WARM, **_false(law)),
    )


def _adapted_rows(study: Study) -> list[BaseCheck]:
    rows: list[BaseCheck] = []
    for name, setting in (("adam", "beta"), ("adai", "beta0")):
        matrix = (f"{name}.saddle-covariance", "real", study, "covariance", WARM, _under(setting))
        rows.append(Check(*matrix))
        if study.config["directions"] > 1:
            rows.append(Check(*matrix, off_diagonal=True))
    return rows


WARM = 0.05
"""Second moments that average over 2000 steps and start at their mean add hardly anything to that below."""
REAL = 0.06
"""Third derivatives and the noise that changes with the place make up to three percent at these learning rates."""
CHECKS: tuple[BaseCheck, ...] = (
    Check("noise.saddle-zero", "real", ORIGIN, "noise", 1e-9),
    Check("noise.saddle-zero", "real", ORIGIN, "kick", 1e-9),
    Check(SYMMETRIC, "numerics", PATHS, "square", 1e-9),
    Check(SYMMETRIC, "real", DEVIATIONS, "along", 0.03),
    # What comes to other directions at all comes from the differences between batches.
    Check(SYMMETRIC, "real", DEVIATIONS, "across", 0.1),
    Check("momentum.ballistic", "real", ENTRIES, "displacement", 0.01),
    Check("momentum.growth-slower", "real", ENTRIES, "growth", 2e-3),
    *(row for study in SGD for row in _left_by_sgd(study)),
    *(
        Check("momentum.saddle-msd", "real", study, "msd", REAL, where=_started("rest", "thermal"))
        for study in MOMENTUM
    ),
    *(Check("momentum.ballistic", "real", study, "displacement", REAL) for study in MOMENTUM),
    *(row for study in (MOMENTUM[1], LONG) for row in _continuous(study)),
    *(row for study in ADAPTED for row in _adapted_rows(study)),
    # Neither knows the axes of the parameters: the one equalises no direction of a network, the other's inertia is that
    # of many coordinates together.
    *(
        Check(f"{name}.saddle-msd", "real", study, "covariance", WARM, where, **_false(f"{name}.saddle-covariance"))
        for study in ADAPTED[1:]
        for name, where in (("adam", _late), ("adai", _early))
    ),
    *(row for study in SPEEDS for row in _fast(study)),
)
