"""The judgement: all comparisons of a run, judged together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inertialab.verification.court.check import BaseCheck, Check, Comparison
from inertialab.verification.court.verdict import Verdict, judge, one_sided_levels
from inertialab.verification.measure.estimate import Interval
from inertialab.verification.studies.study import Findings

ALPHA = 1e-4
"""Probability that any verdict on one claim is wrong by chance: of a board of a hundred claims, one in a hundred."""


@dataclass(frozen=True)
class Judgement:
    """A comparison and what the court says of it.

    Attributes:
        comparison: What was compared.
        level: One-sided level of its tests, from Holm's procedure over all of the claim.
        interval: Interval of confidence 1 - 2 level of the ratio.
        verdict: Where that interval lies.
    """

    comparison: Comparison
    level: float
    interval: Interval
    verdict: Verdict

    @property
    def surprising(self) -> bool:
        """Whether the verdict differs from the expected one."""
        return self.verdict != self.comparison.expected and not self.out_of_budget

    @property
    def out_of_budget(self) -> bool:
        """Whether it is undecided because the interval is too wide: more than half the margin on either side."""
        half = (self.interval.high - self.interval.low) / 2
        return self.verdict == Verdict.UNDECIDED and half > self.comparison.check.margin / 2

    @property
    def used(self) -> float:
        """Share of the margin that the difference of measured and predicted takes, dimensionless."""
        return abs(self.comparison.ratio.value - 1) / self.comparison.check.margin

    def row(self) -> dict[str, Any]:
        """The judgement as a row of the board, in the unit of the measured quantity."""
        c = self.comparison
        low, high = c.measured.interval(1 - 2 * self.level)
        return {
            "check": c.check.study.id,
            "layer": c.check.layer,
            "point": _scalars(c),
            "predicted": c.predicted,
            "measured": c.measured.value,
            "low": low,
            "high": high,
            "margin": c.check.margin,
            "scale": c.scale,
            "n": c.measured.n,
            "in_regime": c.in_regime,
            "expected": str(c.expected),
            "verdict": str(self.verdict),
            "used": self.used,
            "instead": c.instead,
            "out_of_budget": self.out_of_budget,
        }


def _scalars(c: Comparison) -> dict[str, Any]:
    point = {k: v for k, v in c.point.items() if isinstance(v, int | float | str)}
    return point | ({"entry": list(c.entry)} if c.entry else {}) | ({"run": c.group} if c.group else {})


def judge_all(comparisons: Sequence[Comparison], alpha: float = ALPHA) -> list[Judgement]:
    """Judge comparisons, those of each claim together, so that no verdict depends on what else is judged.

    Args:
        comparisons: Statistical and exact ones; only the former take part in the error control.
        alpha: Family-wise error rate of each claim, spent by Holm's procedure.
    """
    level: dict[int, float] = {}
    sampled = [c for c in comparisons if not c.measured.exact]
    for name in dict.fromkeys(c.check.claim for c in sampled):
        mine = [c for c in sampled if c.check.claim == name]
        levels = one_sided_levels([c.ratio for c in mine], [c.check.margin for c in mine], alpha)
        level |= dict(zip(map(id, mine), levels.tolist(), strict=True))
    judgements = []
    for c in comparisons:
        own = level.get(id(c), alpha / 2)
        interval = c.ratio.interval(1 - 2 * own)
        judgements.append(Judgement(c, own, interval, judge(interval, c.check.margin)))
    return judgements


def compare_all(checks: Iterable[BaseCheck], findings: Mapping[str, Findings]) -> list[Comparison]:
    """Confront the claims with what the studies found; checks without findings are left out.

    Raises:
        ValueError: If a check matches no measurement of its study: such a check could never fail.
    """
    comparisons = []
    for check in checks:
        if check.study.id in findings:
            rows = check.compare(findings[check.study.id])
            if not rows:
                raise ValueError(
                    f"The check of {check.claim} in {check.study.id} matches no {check.quantity}; mend its `where`."
                )
            comparisons += rows
    return comparisons


def value_judgements(judgements: Iterable[Judgement]) -> list[Judgement]:
    """The material of the power test: those that compare numbers point by point and confirm the claim.

    Exact numerics would refute any variant; they count only where nothing was sampled.
    """
    confirmed = [j for j in judgements if _confirms_a_value(j)]
    sampled = [j for j in confirmed if not j.comparison.measured.exact]
    return sampled or confirmed


def confirmed_values(judgements: Iterable[Judgement]) -> dict[str, list[Judgement]]:
    """The material of each layer's own power: those that confirm the claim point by point, inside its regime."""
    layers: dict[str, list[Judgement]] = {}
    for j in judgements:
        if _confirms_a_value(j) and j.comparison.in_regime:
            layers.setdefault(j.comparison.check.layer, []).append(j)
    return layers


def _confirms_a_value(j: Judgement) -> bool:
    c = j.comparison
    return isinstance(c.check, Check) and not c.instead and j.verdict == Verdict.CONFIRMED
