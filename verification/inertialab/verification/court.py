"""The judgement: all comparisons of a run, their verdicts, and the board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inertialab.theory import Claim, NotProvenError, claim
from inertialab.theory.parting import parting
from inertialab.verification.check import BaseCheck, Check, Comparison
from inertialab.verification.interval import Interval
from inertialab.verification.power import Power
from inertialab.verification.study import Findings
from inertialab.verification.verdict import Verdict, judge, one_sided_levels

ALPHA = 0.01
"""Probability that any verdict of a board is wrong by chance."""

LAYERS = ("numerics", "simulation", "real")


@dataclass(frozen=True)
class Judgement:
    """A comparison and what the court says of it.

    Attributes:
        comparison: What was compared.
        level: One-sided level of its tests, from Holm's procedure over the whole board.
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
        return self.verdict != self.comparison.check.expected

    def row(self) -> dict[str, Any]:
        """The judgement as a row of the board, in the unit of the measured quantity."""
        c = self.comparison
        low, high = c.measured.interval(1 - 2 * self.level)
        return {
            "check": c.check.study,
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
            "expected": str(c.check.expected),
            "verdict": str(self.verdict),
        }


def _scalars(c: Comparison) -> dict[str, Any]:
    point = {k: v for k, v in c.point.items() if isinstance(v, int | float | str)}
    return point | ({"entry": list(c.entry)} if c.entry else {}) | ({"run": c.group} if c.group else {})


def judge_all(comparisons: Sequence[Comparison], alpha: float = ALPHA) -> list[Judgement]:
    """Judge all comparisons of a run together.

    Args:
        comparisons: Statistical and exact ones; only the former take part in the error control.
        alpha: Family-wise error rate.
    """
    sampled = [c for c in comparisons if not c.measured.exact]
    levels = one_sided_levels([c.ratio for c in sampled], [c.check.margin for c in sampled], alpha)
    level = {id(c): float(x) for c, x in zip(sampled, levels, strict=True)}
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
        if check.study in findings:
            rows = check.compare(findings[check.study])
            if not rows:
                raise ValueError(
                    f"The check of {check.claim} in {check.study} matches no {check.quantity}; mend its `where`."
                )
            comparisons += rows
    return comparisons


def derivation_status(subject: Claim) -> str:
    """Outcome of the first court.

    `proven` when the machine checked every step; `checked numerically` or `assumed` when some steps rest on that;
    `contradicts` when a step does not follow, or when the derivation of a published formula ends elsewhere.
    """
    try:
        statuses, found = {step.status for step in subject.steps}, parting(subject)
    except NotProvenError:
        return "contradicts"
    if subject.kind == "attributed" and found and found.relation in ("differs by a factor", "contradicts"):
        return "contradicts"
    return next((status for status in ("assumed", "checked numerically") if status in statuses), "proven")


def layer_verdict(subject: Claim, layer: str, judgements: Sequence[Judgement]) -> str:
    """Verdict of one kind of evidence: of the points inside the claim's regime, every one must agree."""
    if layer not in subject.layers:
        return "not applicable"
    verdicts = {j.verdict for j in judgements if j.comparison.check.layer == layer and j.comparison.in_regime}
    if not verdicts:
        return "not measured"
    for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
        if verdict in verdicts:
            return str(verdict)
    return str(Verdict.CONFIRMED)


def board_row(id: str, judgements: Sequence[Judgement], power: Power | None) -> dict[str, Any]:
    """One claim's row of the board.

    Args:
        id: The claim.
        judgements: Those of this claim.
        power: What wrong variants of its formula met, None when nothing was measured.
    """
    subject = claim(id)
    return {
        "id": id,
        "kind": subject.kind,
        "derivation": derivation_status(subject),
        **{layer: layer_verdict(subject, layer, judgements) for layer in LAYERS},
        "expected": subject.expected,
        "power": None if power is None else power.share,
        "survivors": [] if power is None else list(power.survivors),
        "checks": [j.row() for j in judgements],
    }


def value_judgements(judgements: Iterable[Judgement]) -> list[Judgement]:
    """The material of the power test: those that compare numbers point by point and confirm the claim.

    Exact numerics would refute any variant; they count only where nothing was sampled.
    """
    confirmed = [j for j in judgements if isinstance(j.comparison.check, Check) and j.verdict == Verdict.CONFIRMED]
    sampled = [j for j in confirmed if not j.comparison.measured.exact]
    return sampled or confirmed
