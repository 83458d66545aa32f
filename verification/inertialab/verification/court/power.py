"""Can the court say no? Stored measurements judged again against wrong variants of each formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from inertialab.theory import Claim, claim
from inertialab.verification.court.check import Comparison, arguments
from inertialab.verification.court.judgement import Judgement
from inertialab.verification.court.variants import variants
from inertialab.verification.court.verdict import Verdict, judge

BAR = 0.95
"""Share of wrong variants that must be refuted."""


@dataclass(frozen=True)
class Power:
    """What wrong variants of one formula met.

    Attributes:
        tried: Number of variants.
        survivors: Names of those that no measurement refuted.
    """

    tried: int
    survivors: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share refuted; 1 when the formula has no variant."""
        return 1 - len(self.survivors) / self.tried if self.tried else 1.0


def power_of(id: str, judgements: Sequence[Judgement]) -> Power:
    """Judge the measurements that confirmed a claim against its wrong variants.

    A variant is refuted when at least one of them refutes it, at the level it was judged at. Measurements
    that did not confirm the claim are left out: they would refute a variant for free.

    Args:
        id: The claim.
        judgements: Its point-by-point judgements that came out confirmed.
    """
    subject = claim(id)
    wrong = variants(subject)
    return Power(
        len(wrong),
        tuple(name for name, expression in wrong.items() if not _refuted(subject, expression, judgements)),
    )


def _refuted(subject: Claim, expression: sp.Expr, judgements: Sequence[Judgement]) -> bool:
    for j in judgements:
        predicted = _predicted(subject, expression, j.comparison)
        interval = j.comparison.against(predicted).interval(1 - 2 * j.level)
        if judge(interval, j.comparison.check.margin) == Verdict.REFUTED:
            return True
    return False


def _predicted(subject: Claim, expression: sp.Expr, c: Comparison) -> float:
    with np.errstate(all="ignore"):
        value = np.asarray(subject.evaluate_variant(expression, **arguments(subject, c.point)))
    return float(value if c.entry is None or value.ndim == 0 else value[c.entry])
