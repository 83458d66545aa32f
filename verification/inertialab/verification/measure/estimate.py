"""Estimates with the spread that belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A mean over independent units (particles, chains), or a number without sampling error.

    Attributes:
        value: The estimate.
        se: Its standard error; 0 for exact numerics.
        n: Number of independent units; 1 for exact numerics.
        share: Of the error probability of any interval or test, what this look may spend; below 1 where sampling could
            have ended at other looks (`inertialab.experiments.looks`).
    """

    value: float
    se: float = 0.0
    n: int = 1
    share: float = 1.0

    @classmethod
    def mean(cls, units: np.ndarray) -> Estimate:
        """Mean of one number per independent unit, shape (n,), n >= 2."""
        if units.ndim != 1 or len(units) < 2:
            raise ValueError(
                f"A mean with an error needs one number for each of at least 2 units, got shape {units.shape}."
            )
        return cls(float(units.mean()), float(units.std(ddof=1) / len(units) ** 0.5), len(units))

    @classmethod
    def quotient(cls, above: np.ndarray, below: np.ndarray) -> Estimate:
        """Ratio of two means over the same independent units, its error to first order.

        Args:
            above: One number a unit, shape (n,), n >= 2.
            below: The same, with a mean that is not zero.
        """
        ratio = float(above.mean() / below.mean())
        return cls(ratio, cls.mean((above - ratio * below) / below.mean()).se, len(above))

    def over(self, other: Estimate) -> Estimate:
        """Ratio to an independent estimate that is not zero, its error to first order."""
        value = self.value / other.value
        error = float(np.hypot(self.se, value * other.se)) / abs(other.value)
        return Estimate(value, error, min(self.n, other.n), min(self.share, other.share))

    @property
    def exact(self) -> bool:
        """Whether there is no sampling error."""
        return self.se == 0

    def interval(self, confidence: float) -> Interval:
        """Student's t interval of this confidence; the value itself when exact."""
        half = 0.0 if self.exact else self.se * float(stats.t.isf((1 - confidence) / 2 * self.share, self.n - 1))
        return Interval(self.value - half, self.value + half)

    def p_at_most(self, edge: float) -> float:
        """p-value of the hypothesis that the true value is at most `edge`."""
        if self.exact:
            return float(self.value <= edge)
        return min(1.0, float(stats.t.sf((self.value - edge) / self.se, self.n - 1)) / self.share)

    def p_at_least(self, edge: float) -> float:
        """p-value of the hypothesis that the true value is at least `edge`."""
        if self.exact:
            return float(self.value >= edge)
        return min(1.0, float(stats.t.cdf((self.value - edge) / self.se, self.n - 1)) / self.share)

    def scaled(self, factor: float, shift: float = 0.0) -> Estimate:
        """The estimate of `factor * x + shift`."""
        return Estimate(factor * self.value + shift, abs(factor) * self.se, self.n, self.share)
