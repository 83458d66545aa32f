"""Real training where little is enough: models of one weight, gradients at one point, paths that are the same."""

from typing import Any

from inertialab.verification.court.check import BaseCheck, Check, Point, inside
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.docket.stationary import decayed
from inertialab.verification.studies.study import Study
from inertialab.verification.studies.training import edges, gradients, normalised, one_weight, paths, second_relation

MODELS = {"wine": ("tanh-mlp", 0.03), "breast-cancer": ("softmax-regression", 0.03)}


def _network(data: str, **drawn: Any) -> dict[str, Any]:
    model, l2 = MODELS[data]
    return {"data": data, "model": model, "l2": l2, **drawn}


def _rates(**drawn: Any) -> dict[str, Any]:
    return {**drawn, "rates": [0.8, 1.2, 1.6]}


LINE = Study(
    "one-weight-line",
    one_weight.stationary,
    {"points": drawn("one-weight-line"), "chains": 2_000, "relaxations": 60.0},
    full={"chains": 20_000},
)
LINE_EDGES = Study(
    "one-weight-edges",
    one_weight.edges,
    {"points": drawn("one-weight-edges", _rates), "chains": 200_000},
    full={"chains": 1_000_000},
)
LOGIT = Study(
    "one-weight-logit",
    one_weight.stationary,
    {"points": drawn("one-weight-logit"), "chains": 2_000, "relaxations": 100.0},
    full={"chains": 10_000},
)
SECOND_LOGIT = Study(
    "second-logit",
    second_relation.of_one_weight,
    {"points": drawn("second-logit"), "chains": 1500, "relaxations": 30.0},
    full={"chains": 10_000},
)
WINE_SECOND = Study(
    "wine-second",
    second_relation.of_networks,
    {
        "data": "wine",
        "model": "softmax-regression",
        "l2": 0.03,
        "points": drawn("wine-second"),
        "chains": 220,
        "relaxations": 12.0,
    },
    full={"chains": 600, "relaxations": 30.0},
)
SAMPLED = Study(
    "sampled-gradients",
    gradients.sampled,
    {"points": drawn("sampled-gradients", _network), "directions": 2, "draws": 45_000},
    full={"draws": 300_000},
)
OWN_CLASSES = Study(
    "own-classes",
    gradients.own_labels,
    {"points": drawn("own-classes", _network), "samples": 800_000, "directions": 2},
    full={"samples": 2_000_000, "directions": 4},
)
OWN_OUTPUTS = Study(
    "own-outputs",
    gradients.own_labels,
    {"points": drawn("own-outputs", _network), "samples": 400_000, "directions": 1},
    full={"samples": 2_000_000, "directions": 4},
)
SHARPENED = Study(
    "sharpened-training", paths.sharpened, {"points": drawn("sharpened-training", _network), "steps": 200}
)
RESCALED = Study("rescaled-training", paths.rescaled, {"points": drawn("rescaled-training", _network), "steps": 200})
INERTIAS = Study("inertia-of-training", paths.inertias, {"points": drawn("inertia-of-training", _network), "steps": 50})
NORMALISED = Study(
    "normalised-network",
    normalised.network_units,
    {"points": drawn("normalised-network", decayed), "hidden": 3, "chains": 60},
    full={"chains": 1000},
)


def _settled(id: str, optimizer: str, seeds: int, looks: int, **fixed: float) -> Study:
    points = drawn(id, lambda **drawn: {**drawn, **fixed})
    times = {"seeds": seeds, "wait": 3500, "looks": looks, "between": 150}
    config = {"data": "cardiotocography", "samples": 200, "optimizer": optimizer, "points": points, **times}
    return Study(id, edges.settled, config, full={"seeds": 4 * seeds}, data="cardiotocography")


EDGES = {
    "gd": _settled("gd-training", "sgd", 12, 3),
    "heavy-ball": _settled("heavy-ball-training", "heavy-ball", 16, 8),
    "adam": _settled("adam-training", "adam", 90, 8, beta2=0.99, delta=1e-8),
}
SETTLED = {"gd": 0.03, "heavy-ball": 0.05, "adam": 0.055}
"""Adam's preconditioner never stands still, and its sharpness goes up and down by a tenth, in the mean by less."""
EQUILIBRIUM, TURNING = "scale-invariance.equilibrium", "scale-invariance.angle"
GROWING = "sgd.stationary-variance-multiplicative"
NEXT = 0.06
"""What is left out of the mean's shift is of the size of the squared change of the curvature over the state."""


def _growing(point: Point) -> bool:
    """Whether constant noise would give a variance a seventh too small."""
    return point["eta"] * point["c2"] > 0.25 * point["h"]


SECOND, NEXT_SECOND = "sgd.fluctuation-dissipation-2", "sgd.fluctuation-dissipation-2-next"


def _skewed(point: Point) -> bool:
    """Whether the third cumulant of the noise changes the second relation by a twelfth, where its correction holds."""
    change = point["eta"] * abs(point["L3"] * point["k3"]) / (3 * point["h"] * point["C"])
    return change > 1 / 12 and inside(NEXT_SECOND)(point)


CHECKS: tuple[BaseCheck, ...] = (
    Check(NEXT_SECOND, "real", SECOND_LOGIT, "second", 0.05, where=inside(NEXT_SECOND)),
    Check(SECOND, "real", SECOND_LOGIT, "second", 0.05, _skewed, Verdict.REFUTED, instead=NEXT_SECOND),
    Check(SECOND, "real", WINE_SECOND, "second", 0.05),
    Check(GROWING, "real", LINE, "variance", 0.05),
    Check(
        "sgd.stationary-variance",
        "real",
        LINE,
        "variance",
        0.05,
        where=_growing,
        expected=Verdict.REFUTED,
        instead=GROWING,
    ),
    Check("sgd.mean-square-stability", "real", LINE_EDGES, "edge", 0.03),
    Check("sgd.mean-shift", "real", LOGIT, "mean", NEXT),
    # Margins: the next term is below 2.5% of the fourth power and 0.5% of the angle in the regime.
    Check(EQUILIBRIUM, "real", NORMALISED, "fourth-power", 0.05, where=inside(EQUILIBRIUM)),
    Check(TURNING, "real", NORMALISED, "angle", 0.02, where=inside(TURNING)),
    *(Check(f"{name}.edge-of-stability", "real", EDGES[name], "edge", SETTLED[name]) for name in EDGES),
    Check("noise.sampling", "real", SAMPLED, "factor", 0.06),
    Check("noise.hessian-proportional", "real", OWN_CLASSES, "ratio", 0.05),
    Check("noise.squared-loss", "real", OWN_OUTPUTS, "ratio", 0.05),
    Check("scaling.identity", "real", SHARPENED, "rate", 1e-12),
    Check("adai.scale-invariance", "real", RESCALED, "rate", 1e-12),
    Check("adai.inertia-mean", "real", INERTIAS, "mean", 1e-9),
)
