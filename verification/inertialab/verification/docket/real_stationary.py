"""Stationary laws in the training of networks on data, Hessian and noise measured: points, margins, expectations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inertialab.theory import claim
from inertialab.verification.court.check import BaseCheck, Check, Point, inside
from inertialab.verification.court.orders import LimitCheck
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.study import Study
from inertialab.verification.studies.training import clouds, motion, resting
from inertialab.verification.studies.training.fluctuations import fluctuations

REAL = 0.06
"""Noise that grows with the distance from the minimum adds a few percent at steps of eta*lambda1 = .05 in networks."""


def _training(id: str, model: str, optimizer: str, steepness: Sequence[float], **changes: Any) -> Study:
    config = {
        "data": id.partition("-")[0],
        "model": model,
        "l2": 0.001,
        "optimizer": optimizer,
        "settings": {} if optimizer == "sgd" else {"beta": 0.9},
        "steepness": steepness,
        "directions": 9,  # the tenth of the softmax is so flat that it would take most of the steps
        "batch": 16,
        "chains": 600,
        "relaxations": 50.0,
    }
    return Study(id, fluctuations, {**config, **changes}, full={"relaxations": 60.0}, data=config["data"])


TRAINING = (
    _training("digits-softmax-sgd", "softmax-regression", "sgd", (0.2, 0.05)),
    _training("digits-mlp-sgd", "tanh-mlp", "sgd", (0.2, 0.02), l2=0.01, relaxations=40.0),
    _training("digits-softmax-torch", "softmax-regression", "momentum-torch", (0.05,)),
    _training("digits-mlp-torch", "tanh-mlp", "momentum-torch", (0.02,), l2=0.01, relaxations=40.0),
    _training(
        "digits-softmax-ema", "softmax-regression", "momentum-ema", (0.05,), directions=5, chains=1200, relaxations=45.0
    ),
    _training("digits-convnet-sgd", "convnet", "sgd", (0.05,), directions=3, l2=0.03, chains=1000, relaxations=30.0),
    _training("banknote-softmax-sgd", "softmax-regression", "sgd", (0.02,), directions=3, l2=0.01),
    _training("cardiotocography-softmax-sgd", "softmax-regression", "sgd", (0.02,), directions=5, l2=0.01),
)
OUTLYING = _training("avila-softmax-sgd", "softmax-regression", "sgd", (0.02,), directions=3, l2=0.01)
"""One sample has twenty thousand times the mean curvature along one direction, where no law of rest speaks."""
LAWS = {
    "sgd": "sgd.stationary-variance",
    "momentum-torch": "momentum.stationary-variance-torch",
    "momentum-ema": "momentum.stationary-variance",
}


MATRIX_LAWS = {
    "sgd.stationary-variance": "sgd.stationary-covariance",
    "momentum.stationary-variance-torch": "momentum.stationary-covariance-torch",
}


def _smallest(study: Study) -> Callable[[Point], bool]:
    """Whether a measurement was made at the smallest learning rate of its study."""

    def where(point: Point) -> bool:
        rate = point["eta"] / (1 - point["beta"]) if study.config["optimizer"] == "momentum-torch" else point["eta"]
        return rate * point["H"][0][0] <= min(study.config["steepness"]) * (1 + 1e-9)

    return where


def _uneven(point: Point, law: str) -> bool:
    """Whether the noise along a direction is not, as it is by chance in some, the Hessian over the batch size.

    Where what holds instead, the law, is silent, nothing is asked.
    """
    return abs(point["B"] * point["C"] / point["h"] - 1) > 2 * REAL and inside(law)(point)


def _steady(point: Point) -> bool:
    """Whether the noise is the same all over the state."""
    return claim("sgd.stationary-variance").regime.allows(point)


def _trained(study: Study, where: Callable[[Point], bool]) -> list[BaseCheck]:
    law = LAWS[study.config["optimizer"]]
    checks: list[BaseCheck] = [Check(law, "real", study, "variance", REAL, where=where)]
    if law in MATRIX_LAWS:
        matrix = (MATRIX_LAWS[law], "real", study, "covariance", REAL, where)
        checks += [Check(*matrix), Check(*matrix, off_diagonal=True)]
    if law == "sgd.stationary-variance":
        # The noise of real labels is not H/B: the level of every direction is another.
        false: dict[str, Any] = {"expected": Verdict.REFUTED, "instead": law}
        checks.append(
            Check("sgd.isotropy", "real", study, "variance", REAL, lambda p: where(p) and _uneven(p, law), **false)
        )
    if len(study.config["steepness"]) > 1:
        checks.append(LimitCheck(law, "real", study, "variance", 0.03))
    return checks


ADAI = {"beta2": 0.998, "eps": 1e-3}
ADAM = {"beta": 0.9, "beta2": 0.998, "delta": 0.0}


def _averaging(**fixed: float) -> Callable[..., Mapping[str, Any]]:
    """A point with settings that are not drawn."""
    return lambda **drawn: {**drawn, **fixed}


def _resting(
    id: str,
    model: str,
    l2: float,
    optimizer: str,
    points: Sequence[Any],
    directions: int,
    relaxations: float = 50.0,
) -> Study:
    data = id.partition("-")[0]
    config = {
        "data": data,
        "model": model,
        "l2": l2,
        "optimizer": optimizer,
        "points": points,
        "directions": directions,
        "chains": 600,
        "relaxations": relaxations,
    }
    return Study(id, resting.resting, config, full={"relaxations": 150.0}, data=data)


SOFTMAX, NARROW = ("softmax-regression", 0.03), ("narrow-tanh-mlp", 0.05)
ADAI_REST = (
    _resting("wine-softmax-adai", *SOFTMAX, "adai", drawn("wine-softmax-adai", _averaging(**ADAI)), 5),
    _resting("banknote-mlp-adai", *NARROW, "adai", drawn("banknote-mlp-adai", _averaging(**ADAI)), 3),
)
ADAM_REST = (
    _resting("wine-softmax-adam", *SOFTMAX, "adam", drawn("wine-softmax-adam", _averaging(**ADAM)), 5, 90.0),
    _resting("banknote-mlp-adam", *NARROW, "adam", drawn("banknote-mlp-adam", _averaging(**ADAM)), 3),
    _resting("wine-softmax-radam", *SOFTMAX, "radam", drawn("wine-softmax-radam", _averaging(**ADAM)), 5),
)

# Gradients of small batches have heavier tails: at beta2 = .998 the fluctuation of the second moment takes 4% from one
# of the five directions, here 2.5%. It is torch's default.
SLOWER = {**ADAM, "beta2": 0.999}
ADAMW_REST = (
    _resting("wine-softmax-adamw", *SOFTMAX, "adamw", drawn("wine-softmax-adamw", _averaging(**SLOWER)), 5),
    _resting("banknote-mlp-adamw", *NARROW, "adamw", drawn("banknote-mlp-adamw", _averaging(**SLOWER)), 3),
)


def _adaptive(name: str, study: Study) -> tuple[BaseCheck, ...]:
    """The matrix law, and the scalar one along the same directions.

    Adai's holds there, its inertia averaged over the coordinates of a direction: at short steps the inertia hardly
    matters. Adam's wants noise that is H/B and a Hessian along the axes, and has neither.
    """
    matrix, scalar = (f"{name}.stationary-{kind}" for kind in ("covariance", "variance"))

    def row(claim: str, **rest: Any) -> Check:
        return Check(claim, "real", study, "covariance", REAL, **rest)

    false = {} if name == "adai" else {"expected": Verdict.REFUTED, "instead": matrix}
    return row(matrix), row(matrix, off_diagonal=True), row(scalar, **false)


def _decoupled(study: Study) -> tuple[BaseCheck, ...]:
    """Both laws of decoupled decay."""
    matrix = ("adamw.stationary-covariance", "real", study, "covariance", REAL)
    place = Check("adamw.resting-place", "real", study, "penalty", REAL)
    return place, Check(*matrix), Check(*matrix, off_diagonal=True)


def _motion(id: str, l2: float, optimizer: str, directions: int, chains: int, **more: Any) -> Study:
    data, name, _ = id.rsplit("-", 2)
    config = {
        "data": data,
        "model": {"softmax": "softmax-regression", "mlp": "narrow-tanh-mlp"}[name],
        "l2": l2,
        "optimizer": optimizer,
        "points": drawn(id),
        "directions": directions,
        "chains": chains,
        "relaxations": 40.0,
        **more,
    }
    return Study(id, motion.motion, config, full={"chains": 4 * chains}, data=data)


SHUFFLED = {"sampling": "shuffled epochs"}
STEPS = (
    _motion("wine-softmax-steps", 0.03, "momentum-ema", 4, 600),
    _motion("cardiotocography-mlp-steps", 0.02, "momentum-ema", 3, 600),
)
RELATIONS = (
    _motion("cardiotocography-softmax-relations", 0.02, "sgd", 5, 300, look="relations"),
    _motion("wine-softmax-relations", 0.03, "momentum-torch", 4, 600, look="relations"),
)
CURRENTS = (
    _motion("wine-mlp-currents", 0.1, "sgd", 5, 1500, look="currents"),
    _motion("wine-softmax-currents", 0.1, "sgd", 5, 2700, look="currents"),
)
EPOCHS = (
    _motion("breast-cancer-softmax-epochs", 0.03, "sgd", 3, 400, **SHUFFLED),
    _motion("cardiotocography-softmax-epochs", 0.02, "sgd", 4, 600, **SHUFFLED),
)
CURRENT = 0.05
"""A current is a small difference, and is measured with full gradients at the places of chains."""
FDR = "sgd.fluctuation-dissipation"


def _wide(id: str, data: str, l2: float, directions: int) -> Study:
    sizes = {"directions": directions, "chains": 500, "members": 200, "relaxations": 60.0}
    config = {"data": data, "model": "softmax-regression", "l2": l2, "points": drawn(id), **sizes}
    return Study(id, clouds.wide, config, full={"chains": 3000, "members": 1000}, data=data)


WIDE = (_wide("breast-cancer-wide", "breast-cancer", 0.01, 4), _wide("wine-wide", "wine", 0.03, 4))
WIDER = _wide("breast-cancer-wider", "breast-cancer", 0.01, 2)
CLOUD, CONSTANT = "sgd.stationary-covariance-cloud", "sgd.stationary-covariance"
CLOSURE = 0.1
"""A state whose noise has grown by a half is no Gaussian any more."""


def _epochs(study: Study) -> tuple[BaseCheck, ...]:
    """Batches that share out the data, and the law of independent ones as a control."""
    law, free = "sgd.shuffled-variance", "sgd.stationary-variance"
    return (
        Check(law, "real", study, "variance", REAL),
        Check(free, "real", study, "variance", REAL, expected=Verdict.REFUTED, instead=law),
    )


CHECKS: tuple[BaseCheck, ...] = (
    *(Check("momentum.stationary-velocity", "real", study, "step", REAL) for study in STEPS),
    *(Check("momentum.stationary-variance", "real", study, "variance", REAL) for study in STEPS),
    *(Check("sgd.probability-current", "real", study, "current", CURRENT) for study in CURRENTS),
    *(Check(FDR, "real", study, "relation", 0.02) for study in RELATIONS),
    *(Check(FDR, "real", study, "relation-full", 0.05) for study in RELATIONS),
    *(check for study in EPOCHS for check in _epochs(study)),
    *(Check(CLOUD, "real", study, "covariance", REAL, off_diagonal=off) for study in WIDE for off in (False, True)),
    Check(CLOUD, "real", WIDER, "covariance", CLOSURE),
    # Noise that grows with the distance is what the constant law lacks; the curvature changes by a few percent.
    Check(CONSTANT, "real", WIDER, "covariance", CLOSURE, expected=Verdict.REFUTED, instead=CLOUD),
    *(check for study in TRAINING for check in _trained(study, _smallest(study))),
    *_trained(OUTLYING, _steady),
    *(check for study in ADAI_REST for check in _adaptive("adai", study)),
    *(check for study in ADAM_REST for check in _adaptive("adam", study)),
    *(check for study in ADAMW_REST for check in _decoupled(study)),
)
