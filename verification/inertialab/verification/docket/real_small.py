"""Real training where little is enough: models of one weight, gradients at one point, paths that are the same."""

from collections.abc import Callable
from typing import Any

from inertialab.verification.court.check import BaseCheck, Check, Point, inside
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.docket.stationary import decayed
from inertialab.verification.studies.study import Study
from inertialab.verification.studies.training import (
    edges,
    gradients,
    normalised,
    one_weight,
    orderings,
    paths,
    second_relation,
)

MODELS = {"wine": ("tanh-mlp", 0.03), "breast-cancer": ("softmax-regression", 0.03)}


def _network(data: str, **drawn: Any) -> dict[str, Any]:
    model, l2 = MODELS[data]
    return {"data": data, "model": model, "l2": l2, **drawn}


IMAGES = "convnet", "row-transformer"
"""Models of digits that are trained a little: no minimum of the second is reached in reasonable time."""


def _image(model: str, **more: Any) -> Callable[..., dict[str, Any]]:
    return lambda **drawn: {"data": "digits", "model": model, "l2": 0.03, **more, **drawn}


def _rates(**drawn: Any) -> dict[str, Any]:
    return {**drawn, "rates": [0.8, 1.2, 1.6]}


def _at_rest(id: str, relaxations: float, most: int) -> Study:
    """Moments of a model of one weight at rest."""
    config = {"points": drawn(id), "chains": 2_000, "relaxations": relaxations}
    return Study(id, one_weight.stationary, config, full={"chains": most})


def _edges(id: str) -> Study:
    """The learning rate from which on it has no variance."""
    config = {"points": drawn(id, _rates), "chains": 200_000}
    return Study(id, one_weight.edges, config, full={"chains": 1_000_000})


LINES = _at_rest("one-weight-line", 60.0, 20_000), _at_rest("one-weight-line-cancer", 60.0, 20_000)
LOGITS = _at_rest("one-weight-logit", 100.0, 10_000), _at_rest("one-weight-logit-wine", 100.0, 10_000)
LINE_EDGES = _edges("one-weight-edges"), _edges("one-weight-edges-cancer")
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


def _sampled(id: str, draws: int, make: Callable[..., dict[str, Any]]) -> Study:
    config = {"points": drawn(id, make), "directions": 2, "draws": draws}
    return Study(id, gradients.sampled, config, full={"draws": 300_000})


SAMPLED = (
    _sampled("sampled-gradients", 45_000, _network),
    *(_sampled(f"sampled-{model}", 45_000, _image(model, steps=200)) for model in IMAGES),
)


def _own(id: str, samples: int, directions: int, make: Callable[..., dict[str, Any]] = _network) -> Study:
    """Labels that the network itself has drawn."""
    config = {"points": drawn(id, make), "samples": samples, "directions": directions}
    return Study(id, gradients.own_labels, config, full={"samples": 4 * samples, "directions": 4})


OWN_CLASSES = (
    _own("own-classes", 800_000, 2),
    _own("own-classes-wine", 2_000_000, 2),
    _own("own-classes-convnet", 400_000, 1, _image("convnet", steps=200)),
)
OWN_OUTPUTS = _own("own-outputs", 400_000, 1), _own("own-outputs-wine", 400_000, 1)
OTHERS = [(model, _image(model)) for model in IMAGES]


def _paths(word: str, measure: Any, makes: Any) -> tuple[Study, ...]:
    """Trainings whose paths are the same after a change of the loss or of its scale."""
    return tuple(
        Study(f"{word}-{name}", measure, {"points": drawn(f"{word}-{name}", make), "steps": 200})
        for name, make in makes
    )


TABLES = [("training", _network), ("training-cancer", _network)]
SHARPENED = _paths("sharpened", paths.sharpened, [*TABLES, *OTHERS])
RESCALED = _paths("rescaled", paths.rescaled, [*TABLES[:1], *OTHERS])
INERTIAS = Study("inertia-of-training", paths.inertias, {"points": drawn("inertia-of-training", _network), "steps": 50})


def _shuffled(id: str, model: str, l2: float) -> Study:
    """Epochs of a network that is on its way to a minimum."""
    data = id.partition("-")[0]
    points = drawn(id, lambda **drawn: {"data": data, "model": model, "l2": l2, **drawn})
    config = {"points": points, "directions": 3, "pairs": 2400}
    return Study(id, orderings.shuffled, config, full={"pairs": 10_000}, data=data)


SHUFFLED = (
    _shuffled("wine-orderings", "softmax-regression", 0.03),
    _shuffled("banknote-orderings", "narrow-tanh-mlp", 0.05),
)
NORMALISED = Study(
    "normalised-network",
    normalised.network_units,
    {"points": drawn("normalised-network", decayed), "hidden": 3, "chains": 60},
    full={"chains": 1000},
)


def _settled(id: str, data: str, optimizer: str, seeds: int, looks: int, **fixed: float) -> Study:
    points = drawn(id, lambda **drawn: {**drawn, **fixed})
    times = {"seeds": seeds, "wait": 3500, "looks": looks, "between": 150}
    config = {"data": data, "samples": 200, "optimizer": optimizer, "points": points, **times}
    return Study(id, edges.settled, config, full={"seeds": 4 * seeds}, data=data)


HEART, HANDS = "cardiotocography", "avila"
SECONDS = {"beta2": 0.99, "delta": 1e-8}
EDGES = (
    ("gd", _settled("gd-training", HEART, "sgd", 12, 3)),
    ("gd", _settled("gd-training-avila", HANDS, "sgd", 12, 3)),
    ("heavy-ball", _settled("heavy-ball-training", HEART, "heavy-ball", 16, 8)),
    ("heavy-ball", _settled("heavy-ball-training-avila", HANDS, "heavy-ball", 16, 8)),
    ("adam", _settled("adam-training", HEART, "adam", 90, 8, **SECONDS)),
    ("adam", _settled("adam-training-avila", HANDS, "adam", 40, 8, **SECONDS)),
)
SETTLED = {"gd": 0.03, "heavy-ball": 0.05, "adam": 0.055}
"""Adam's preconditioner never stands still, and its sharpness goes up and down by a tenth, in the mean by less."""
EQUILIBRIUM, TURNING = "scale-invariance.equilibrium", "scale-invariance.angle"
GROWING = "sgd.stationary-variance-multiplicative"
NEXT = 0.06
"""What is left out of the mean's shift is of the size of the squared change of the curvature over the state."""


def _growing(point: Point) -> bool:
    """Whether constant noise would give a variance a seventh too small."""
    return point["eta"] * point["c2"] > 0.25 * point["h"]


def _widened(study: Study) -> tuple[BaseCheck, ...]:
    """The law of noise that grows with the distance, and that of constant noise where it is far off."""
    constant = ("sgd.stationary-variance", "real", study, "variance", 0.05, _growing, Verdict.REFUTED)
    return Check(GROWING, "real", study, "variance", 0.05), Check(*constant, instead=GROWING)


SECOND, NEXT_SECOND = "sgd.fluctuation-dissipation-2", "sgd.fluctuation-dissipation-2-next"


def _skewed(point: Point) -> bool:
    """Whether the third cumulant of the noise changes the second relation by a twelfth, where its correction holds."""
    change = point["eta"] * abs(point["L3"] * point["k3"]) / (3 * point["h"] * point["C"])
    return change > 1 / 12 and inside(NEXT_SECOND)(point)


CHECKS: tuple[BaseCheck, ...] = (
    Check(NEXT_SECOND, "real", SECOND_LOGIT, "second", 0.05, where=inside(NEXT_SECOND)),
    Check(SECOND, "real", SECOND_LOGIT, "second", 0.05, _skewed, Verdict.REFUTED, instead=NEXT_SECOND),
    Check(SECOND, "real", WINE_SECOND, "second", 0.05),
    *(row for study in LINES for row in _widened(study)),
    *(Check("sgd.mean-square-stability", "real", study, "edge", 0.03) for study in LINE_EDGES),
    *(Check("sgd.mean-shift", "real", study, "mean", NEXT) for study in LOGITS),
    # Margins: the next term is below 2.5% of the fourth power and 0.5% of the angle in the regime.
    Check(EQUILIBRIUM, "real", NORMALISED, "fourth-power", 0.05, where=inside(EQUILIBRIUM)),
    Check(TURNING, "real", NORMALISED, "angle", 0.02, where=inside(TURNING)),
    *(Check(f"{name}.edge-of-stability", "real", study, "edge", SETTLED[name]) for name, study in EDGES),
    *(Check("noise.sampling", "real", study, "factor", 0.06) for study in SAMPLED),
    *(Check("noise.hessian-proportional", "real", study, "ratio", 0.05) for study in OWN_CLASSES),
    *(Check("noise.squared-loss", "real", study, "ratio", 0.05) for study in OWN_OUTPUTS),
    *(Check("scaling.identity", "real", study, "rate", 1e-12) for study in SHARPENED),
    *(Check("adai.scale-invariance", "real", study, "rate", 1e-12) for study in RESCALED),
    *(Check("sgd.shuffled-modified-loss", "real", study, "excess", 0.05) for study in SHUFFLED),
    Check("adai.inertia-mean", "real", INERTIAS, "mean", 1e-9),
)
