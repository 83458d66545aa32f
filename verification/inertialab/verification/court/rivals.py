"""Rivals: other formulas for what a claim speaks of, and how much less likely they make the same measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inertialab.theory import CLAIMS, Claim, claim
from inertialab.verification.court.check import Check, Comparison, Point, along, arguments
from inertialab.verification.court.judgement import Judgement
from inertialab.verification.studies.study import Findings

ENOUGH = 2.0
"""Decimal logarithm of the likelihood ratio from which on a rival is out of the race."""


@dataclass(frozen=True)
class Rival:
    """Another prediction of what a claim predicts.

    Attributes:
        claim: The claim, in real training.
        name: What it says, in words.
        predict: The prediction at the conditions of a measurement of one number; of a matrix those along the direction,
            and as `whole` and `entry` the matrices and which of its numbers.
    """

    claim: str
    name: str
    predict: Callable[[Point], float]


def likelihoods(
    rivals: Iterable[Rival], judgements: Sequence[Judgement], findings: Mapping[str, Findings]
) -> dict[str, float]:
    """How many times more likely a claim makes its real measurements than each of its rivals.

    The errors are normal, with the correlations of each run where the study gives them. What was measured without error
    needs no likelihood.

    Args:
        rivals: Of one claim.
        judgements: Of the same claim; its numbers in real training, inside the regime, are taken.
        findings: What the studies found, for the correlations.

    Returns:
        Decimal logarithm of the ratio, by the rival's name; empty without measurements.
    """
    runs: dict[tuple[str, str], list[Comparison]] = {}
    for j in judgements:
        c = j.comparison
        if _comparable(c) and c.check.layer == "real" and not c.measured.exact:
            runs.setdefault((c.check.study.id, c.group), []).append(c)
    if not runs:
        return {}
    parts = {r.name: sum(_ratio(r, rows, findings[id], group) for (id, group), rows in runs.items()) for r in rivals}
    return {name: float(f"{value:.4g}") for name, value in parts.items()}


def predictions(rivals: Iterable[Rival], judgements: Sequence[Judgement]) -> list[dict[str, float]]:
    """What others say where a claim was judged: rivals in real training, and the published formulas that it corrects.

    Args:
        rivals: Of one claim.
        judgements: Of the same claim.

    Returns:
        For each judgement the predictions by name, in the unit of the measured quantity; empty outside the regime, off
        the diagonal of a matrix, where something else is judged, and for a formula whose arguments are not known there.
    """
    others = list(rivals)
    return [_others(others, j.comparison) for j in judgements]


def _others(rivals: Sequence[Rival], c: Comparison) -> dict[str, float]:
    if not _comparable(c):
        return {}
    real = c.check.layer == "real" and not c.measured.exact
    told = {r.name: r.predict(_conditions(c)) for r in rivals if real}
    published = {a.id: _published(a, c) for a in CLAIMS if a.corrected_by == c.check.claim} if c.entry is None else {}
    return {name: float(x) for name, x in {**told, **published}.items() if x is not None and np.isfinite(x)}


def _published(attributed: Claim, c: Comparison) -> float | None:
    """What the formula says if it speaks of the same number and all its arguments are known."""
    known = {str(s) for s in attributed.arguments} <= c.point.keys()
    if not known or attributed.lhs != claim(c.check.claim).lhs:
        return None
    value = np.asarray(attributed.evaluate(**arguments(attributed, c.point)), dtype=float)
    return float(value) if not value.ndim else None


def _comparable(c: Comparison) -> bool:
    """Whether one number of the claim's own, inside its regime, was measured."""
    diagonal = c.entry is None or c.entry[0] == c.entry[1]
    return isinstance(c.check, Check) and c.in_regime and diagonal and not c.instead


def _conditions(c: Comparison) -> Point:
    return c.point if c.entry is None else {**along(c.point, c.entry), "whole": c.point, "entry": c.entry}


def _ratio(rival: Rival, rows: Sequence[Comparison], found: Findings, group: str) -> float:
    """Decimal logarithm of the likelihood ratio of one run."""
    correlation = np.array(found.correlations.get(group, ()))
    if correlation.shape != (len(rows), len(rows)):
        correlation = np.eye(len(rows))
    own, other = (
        np.array([(c.measured.value - predicted(c)) / c.measured.se for c in rows])
        for predicted in (lambda c: c.predicted, lambda c: rival.predict(_conditions(c)))
    )
    own, other = own @ np.linalg.solve(correlation, own), other @ np.linalg.solve(correlation, other)
    return float((other - own) / 2 / np.log(10))
