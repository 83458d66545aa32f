"""Networks that fit all samples, on noisy labels: drift along their valley with all samples a step, and with few."""

from typing import Any

from inertialab.theory import claim
from inertialab.verification.court.check import BaseCheck, Check, Point, arguments
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket.points import drawn
from inertialab.verification.studies.study import Study
from inertialab.verification.studies.training import valleys


def _labels(id: str, data: str) -> Study:
    def point(**drawn: Any) -> dict[str, Any]:
        return {"data": data, **drawn}

    config = {"points": drawn(id, point), "hidden": 4, "chains": 200}
    return Study(id, valleys.drifts, config, full={"chains": 5000})


WHOLE = _labels("all-labels-wine", "wine"), _labels("all-labels-cancer", "breast-cancer")
BATCHES = _labels("noisy-labels-wine", "wine"), _labels("noisy-labels-cancer", "breast-cancer")
LABELS, DRAWN = "label-noise.flatness-network", "label-noise.flatness-sampled"
MARGIN = 0.04
"""The valley's turns over the width of the state change the drift by up to 2% in the regime."""


def _told_apart(point: Point) -> bool:
    """Whether the law of all samples is off by more than two margins where batches are drawn."""
    whole, drawn = (float(claim(id).evaluate(**arguments(claim(id), point))) for id in (LABELS, DRAWN))
    return abs(drawn / whole - 1) > 2 * MARGIN


CHECKS: tuple[BaseCheck, ...] = (
    *(Check(LABELS, "real", study, "velocity", MARGIN) for study in WHOLE),
    *(Check(DRAWN, "real", study, "velocity", MARGIN) for study in BATCHES),
    *(
        Check(LABELS, "real", study, "velocity", MARGIN, _told_apart, Verdict.REFUTED, instead=DRAWN)
        for study in BATCHES
    ),
)
