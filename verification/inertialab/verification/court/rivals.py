"""Rivals: other formulas for what a claim speaks of, and how much less likely they make the same measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inertialab.verification.court.check import Check, Comparison, Point, along
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
        real = isinstance(c.check, Check) and c.check.layer == "real" and not c.measured.exact
        if real and c.in_regime and _diagonal(c) and not c.instead:
            runs.setdefault((c.check.study.id, c.group), []).append(c)
    if not runs:
        return {}
    parts = {r.name: sum(_ratio(r, rows, findings[id], group) for (id, group), rows in runs.items()) for r in rivals}
    return {name: float(f"{value:.4g}") for name, value in parts.items()}


def _diagonal(c: Comparison) -> bool:
    return c.entry is None or c.entry[0] == c.entry[1]


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
