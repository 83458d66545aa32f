"""Checks of bounds: a claim that gives not a value but what a value does not exceed."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np
from scipy import stats

from inertialab.verification.court.check import BaseCheck, Check, Comparison
from inertialab.verification.measure.estimate import Estimate, Interval
from inertialab.verification.studies.study import Findings


@dataclass(frozen=True)
class Share(Estimate):
    """How many of n independent runs did something, with exact binomial tests and the interval of Clopper and Pearson.

    Attributes:
        unit: What the share is multiplied with.
    """

    unit: float = 1.0

    @property
    def exact(self) -> bool:
        """A share of runs is never without error, not even 0."""
        return False

    @property
    def _count(self) -> int:
        return round(self.value / self.unit * self.n)

    def interval(self, confidence: float) -> Interval:
        """Clopper and Pearson's interval."""
        tail, k = (1 - confidence) / 2, self._count
        low = stats.beta.ppf(tail, k, self.n - k + 1) if k else 0.0
        high = stats.beta.isf(tail, k + 1, self.n - k) if k < self.n else 1.0
        return Interval(float(low) * self.unit, float(high) * self.unit)

    def p_at_most(self, edge: float) -> float:
        """Chance of as many runs or more if the true share is at the edge."""
        return float(stats.binom.sf(self._count - 1, self.n, np.clip(edge / self.unit, 0, 1)))

    def p_at_least(self, edge: float) -> float:
        """Chance of as many runs or fewer if the true share is at the edge."""
        return float(stats.binom.cdf(self._count, self.n, np.clip(edge / self.unit, 0, 1)))

    def scaled(self, factor: float, shift: float = 0.0) -> Share:
        """The share in another unit.

        Raises:
            ValueError: For a shift: a share has a zero.
        """
        if abs(shift) > 1e-12:
            raise ValueError("A share is compared as a ratio, not as a difference.")
        return replace(self, value=factor * self.value, se=abs(factor) * self.se, unit=factor * self.unit)


@dataclass(frozen=True)
class Above(Estimate):
    """What an estimate has more than 1, as 1 plus that: 1 wherever it has less.

    Attributes:
        inner: The estimate, in units of its bound.
    """

    inner: Estimate = field(default_factory=lambda: Estimate(1.0))

    @classmethod
    def of(cls, inner: Estimate) -> Above:
        """The same estimate, looked at from above only."""
        return cls(max(inner.value, 1.0), inner.se, inner.n, inner.share, inner)

    @property
    def exact(self) -> bool:
        """Whether the estimate is."""
        return self.inner.exact

    def interval(self, confidence: float) -> Interval:
        """The estimate's interval, ends below 1 put to 1."""
        low, high = self.inner.interval(confidence)
        return Interval(max(low, 1.0), max(high, 1.0))

    def p_at_most(self, edge: float) -> float:
        """It is at least 1 whatever was measured."""
        return 0.0 if edge < 1 else self.inner.p_at_most(edge)

    def p_at_least(self, edge: float) -> float:
        """It is at least 1 whatever was measured."""
        return 1.0 if edge <= 1 else self.inner.p_at_least(edge)


@dataclass(frozen=True)
class BoundComparison(Comparison):
    """A measured number and what it must not exceed."""

    @property
    def ratio(self) -> Estimate:
        """Measured over bound where it is more, else 1."""
        return Above.of(super().ratio)


class BoundCheck(BaseCheck):
    """Every measurement of one quantity against a claim that bounds it from above.

    The margin is what it may have more, as a fraction of the bound. A bound has no power against being too large, so
    these rows are no material for wrong variants. What is true instead of a refuted one is compared as a value.
    """

    def compare(self, findings: Findings) -> list[Comparison]:
        """The comparisons to judge, one-sided; and what is true in the claim's place, two-sided.

        Raises:
            ValueError: If what is said to be true instead says nothing at one of the points.
        """
        others = Check.compare(Check(*(getattr(self, f.name) for f in fields(self) if f.init)), findings)
        return [*map(self._bounded, self.points(findings)), *(replace(x, check=self) for x in others if x.instead)]

    def _bounded(self, row: Comparison) -> Comparison:
        return BoundComparison(*(getattr(row, f.name) for f in fields(Comparison)))


class ChanceCheck(BoundCheck):
    """A share of independent runs against the chance that a claim allows; exact binomial."""

    def _bounded(self, row: Comparison) -> Comparison:
        measured = row.measured
        return super()._bounded(replace(row, measured=Share(measured.value, measured.se, measured.n)))
