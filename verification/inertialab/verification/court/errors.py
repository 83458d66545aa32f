"""Are the errors what they say? Standard errors confronted with how much the numbers really scatter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from inertialab.theory import claim
from inertialab.verification.court.bounds import BoundComparison
from inertialab.verification.court.judgement import ALPHA, Judgement
from inertialab.verification.court.verdict import Verdict, judge
from inertialab.verification.measure.estimate import Interval
from inertialab.verification.studies.study import Findings, Study

FEWEST = 40
"""Independent points below which the scatter about exact predictions says too little to be judged."""
ABOUT_EXACT = "about exact predictions"


@dataclass(frozen=True)
class ErrorCheck:
    """A measurement that was repeated under many seeds, and how closely its errors must agree with the scatter.

    Attributes:
        study: What gives the scatter over the claimed error, quantity `scatter`.
        of: The measurement whose errors it tells of; it is judged with every study that uses it.
        margin: Equivalence margin of the ratio; counting every unit twice gives 1.41, a third of the error 3.
    """

    study: Study
    of: Callable[..., Findings]
    margin: float = 0.2


@dataclass(frozen=True)
class ErrorVerdict:
    """What the court says of the standard errors of a study.

    Attributes:
        study: The study, or `ABOUT_EXACT`.
        ratio: Scatter over claimed standard error, dimensionless; 1 when it is what it says.
        low: Lower end of its interval.
        high: Upper end.
        margin: Equivalence margin.
        n: Seeds, or independent points.
        verdict: Where the interval lies.
    """

    study: str
    ratio: float
    low: float
    high: float
    margin: float
    n: int
    verdict: str

    def row(self) -> dict[str, Any]:
        """The verdict as it stands on the board."""
        return asdict(self)


def between_seeds(checks: Iterable[ErrorCheck], findings: Mapping[str, Findings]) -> list[ErrorVerdict]:
    """Judge the scatter between seeds over the claimed error, study by study.

    Raises:
        ValueError: If a study measured no scatter.
    """
    rows = []
    for check in checks:
        id = check.study.id
        if id not in findings:
            continue
        scatter = [m.estimate for m in findings[id].measurements if m.quantity == "scatter"]
        if not scatter:
            raise ValueError(f"{id} measures no scatter, which its errors are to be judged by.")
        for estimate in scatter:
            interval = estimate.interval(1 - ALPHA)
            rows.append(_verdict(id, estimate.value, interval, check.margin, estimate.n))
    return rows


def about_exact(judgements: Iterable[Judgement], margin: float = 0.5) -> list[ErrorVerdict]:
    """Judge the sum of squared z-scores of simulations about exact predictions, which must be that of χ².

    Points that share a run, such as the times of one ensemble, count as one with their mean square: the number of
    degrees of freedom is then too small, and the interval too wide, never too narrow.

    Args:
        judgements: Of a board; those of exact claims inside their regime are taken, in simulation.
        margin: Equivalence margin of the root mean square of the z-scores.

    Returns:
        One verdict; none below `FEWEST` points.
    """
    runs: dict[str, list[float]] = {}
    for j in judgements:
        c = j.comparison
        if isinstance(c, BoundComparison):
            continue  # what lies far below a bound is not off it
        if c.check.layer == "simulation" and not (c.instead or c.measured.exact) and _exact(c.check.claim, c.in_regime):
            shared = {k: v for k, v in c.point.items() if k not in ("T", "t", "unit")}
            runs.setdefault(f"{c.check.study.id} {shared}", []).append((c.measured.value - c.predicted) / c.measured.se)
    n = len(runs)
    if n < FEWEST:
        return []
    total = sum(float(np.mean(np.square(z))) for z in runs.values())
    low, high = (float(np.sqrt(total / q)) for q in stats.chi2.ppf([1 - ALPHA / 2, ALPHA / 2], n))
    return [_verdict(ABOUT_EXACT, float(np.sqrt(total / n)), Interval(low, high), margin, n)]


def _exact(id: str, inside: bool) -> bool:
    return inside and claim(id).kind == "exact"


def _verdict(study: str, ratio: float, interval: Interval, margin: float, n: int) -> ErrorVerdict:
    return ErrorVerdict(study, ratio, *interval, margin, n, str(judge(interval, margin)))


def failing(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The verdicts on errors, as they stand on a board, that do not confirm them."""
    return [row for row in rows if row["verdict"] != Verdict.CONFIRMED]
