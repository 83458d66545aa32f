"""Leaving ellipsoids around minima of networks on data: what their laws are confronted with."""

from collections.abc import Mapping
from typing import Any

from inertialab.verification.court.check import BaseCheck, Check
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.study import Study
from inertialab.verification.studies.training import exits

WINE = {"data": "wine", "model": "softmax-regression", "l2": 0.03}
BANKNOTE = {"data": "banknote", "model": "narrow-tanh-mlp", "l2": 0.05}


def _left(id: str, table: str, place: Mapping[str, Any], count: int) -> Study:
    """SGD leaves ellipses along the two steepest directions."""
    points = drawn(table, lambda **drawn: {**place, **drawn, "directions": 2})
    config = {"points": points, "chains": 1000, "exits": count}
    return Study(id, exits.ellipsoids, config, full={"exits": 20_000}, data=place["data"])


PLANES = (_left("wine-exits", "exits", WINE, 6000), _left("banknote-exits", "banknote-exits", BANKNOTE, 4500))
SLOW = {"beta2": 0.998}


def _likened(id: str, optimizer: str, place: Mapping[str, Any], **fixed: float) -> Study:
    points = drawn(
        f"{optimizer.partition('-')[0]}-exits", lambda **drawn: {**place, "optimizer": optimizer, **fixed, **drawn}
    )
    config = {"points": points, "chains": 1000, "exits": 4500}
    return Study(id, exits.likened, config, full={"exits": 15_000}, data=place["data"])


LIKENED = (
    _likened("banknote-exits-momentum", "momentum-ema", BANKNOTE),
    _likened("wine-exits-adai", "adai", WINE, eps=1e-3, **SLOW),
    _likened("banknote-exits-adam", "adam", BANKNOTE, delta=0.0, **SLOW),
)
PLANE, ELLIPSOID = "sgd.quasi-potential-plane", "sgd.quasi-potential-ellipsoid"
CUBIC = 0.12
"""Third derivatives and noise that grows with the distance change a time by several percent."""

CHECKS: tuple[BaseCheck, ...] = (
    *(Check(id, "real", study, "time", CUBIC) for study in PLANES for id in (PLANE, ELLIPSOID)),
    *(Check("minima.exits-linear", "real", study, "exit-ratio", 0.11) for study in LIKENED),
)
