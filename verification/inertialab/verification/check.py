"""Which claim is confronted with which measurement, and how closely they must agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from inertialab.theory import Claim, OutsideRegimeError, claim
from inertialab.theory.claim import Layer
from inertialab.verification.interval import Estimate
from inertialab.verification.study import Findings, Measurement
from inertialab.verification.verdict import Verdict

Point = Mapping[str, Any]


def _everywhere(point: Point) -> bool:
    return True


@dataclass(frozen=True)
class Comparison:
    """A measured and a predicted number, ready to be judged.

    Attributes:
        check: The check it belongs to.
        point: Conditions of the measurement, matrices included.
        entry: Entry of a matrix-valued quantity.
        predicted: The claim's number.
        measured: The estimate.
        scale: Unit of the difference; the prediction itself when a ratio is judged.
        in_regime: Whether the claim makes a statement here; outside it is a control or a map of failure.
        group: Run it comes from.
    """

    check: AnyCheck
    point: Point
    entry: tuple[int, int] | None
    predicted: float
    measured: Estimate
    scale: float
    in_regime: bool
    group: str = ""

    @property
    def ratio(self) -> Estimate:
        """1 + (measured - predicted)/scale: measured/predicted when the scale is the prediction."""
        return self.measured.scaled(1 / self.scale, 1 - self.predicted / self.scale)

    def against(self, predicted: float) -> Estimate:
        """The ratio for another prediction in the place of the claim's; not finite if the prediction is not."""
        if not np.isfinite(predicted) or predicted == 0:
            return Estimate(float("inf"))
        scale = predicted if self.scale == self.predicted else self.scale
        return self.measured.scaled(1 / scale, 1 - predicted / scale)


@dataclass(frozen=True)
class Check:
    """Every measurement of one quantity in one study against one claim, point by point.

    Attributes:
        claim: Id of the claim.
        layer: numerics, simulation or real.
        study: Id of the study.
        quantity: Which of its measurements.
        margin: Equivalence margin of measured/predicted, stated before measuring.
        where: Which points.
        expected: Verdict that these points must get.
        off_diagonal: Judge entries i != j of a matrix, by their difference in units of sqrt(S_ii S_jj).
    """

    claim: str
    layer: Layer
    study: str
    quantity: str
    margin: float
    where: Callable[[Point], bool] = _everywhere
    expected: Verdict = Verdict.CONFIRMED
    off_diagonal: bool = False

    def compare(self, findings: Findings) -> list[Comparison]:
        """The comparisons this check asks for."""
        subject = claim(self.claim)
        return [self._one(subject, findings, m) for m in findings.measurements if self._wants(m, findings)]

    def _wants(self, m: Measurement, findings: Findings) -> bool:
        wanted = m.entry is None or self.quantity != "covariance" or (m.entry[0] != m.entry[1]) == self.off_diagonal
        return m.quantity == self.quantity and wanted and self.where(conditions(findings, m))

    def _one(self, subject: Claim, findings: Findings, m: Measurement) -> Comparison:
        point = conditions(findings, m)
        value = np.asarray(subject.evaluate(**arguments(subject, point)))
        predicted = float(value if m.entry is None else value[m.entry])
        scale = predicted
        if self.off_diagonal and m.entry is not None:
            i, j = m.entry
            scale = float(np.sqrt(value[i, i] * value[j, j]))
        return Comparison(self, point, m.entry, predicted, m.estimate, scale, in_regime(subject, point), m.group)


@dataclass(frozen=True)
class OrderCheck:
    """Whether the error of an asymptotic claim shrinks at its stated rate.

    The slope of ln|1 - predicted/measured| against ln(small parameter) must be the stated exponent.

    Attributes: as for `Check`.
    """

    claim: str
    layer: Layer
    study: str
    quantity: str
    margin: float
    where: Callable[[Point], bool] = _everywhere
    expected: Verdict = Verdict.CONFIRMED

    def compare(self, findings: Findings) -> list[Comparison]:
        """One comparison: measured slope against the exponent."""
        subject = claim(self.claim)
        if subject.order is None:
            raise ValueError(f"{self.claim} states no order; give the claim an Order or drop the check.")
        x, y, se, n = [], [], [], []
        for row in Check(self.claim, self.layer, self.study, self.quantity, self.margin, self.where).compare(findings):
            inverse = row.predicted / row.measured.value
            x.append(float(np.log(_number(subject.order.parameter, row.point))))
            y.append(float(np.log(abs(1 - inverse))))
            se.append(inverse * row.measured.se / row.measured.value / abs(1 - inverse))
            n.append(row.measured.n)
        _, slope = weighted_line(np.array(x), np.array(y), np.array(se))
        exponent = float(subject.order.exponent)
        point = {"order in": str(subject.order.parameter)}
        return [Comparison(self, point, None, exponent, Estimate(*slope, min(n)), exponent, True)]


@dataclass(frozen=True)
class LimitCheck:
    """Whether measured/predicted tends to 1 as the learning rate vanishes.

    The mean ratio over the directions of each run is extrapolated to learning rate zero by a straight line.

    Attributes: as for `Check`; every group of the study is one learning rate.
    """

    claim: str
    layer: Layer
    study: str
    quantity: str
    margin: float
    where: Callable[[Point], bool] = _everywhere
    expected: Verdict = Verdict.CONFIRMED

    def compare(self, findings: Findings) -> list[Comparison]:
        """One comparison: extrapolated ratio against 1."""
        rows = Check(self.claim, self.layer, self.study, self.quantity, self.margin, self.where).compare(findings)
        x, y, se = [], [], []
        for group in dict.fromkeys(row.group for row in rows):
            ratios = [row.ratio for row in rows if row.group == group]
            errors = np.array([r.se for r in ratios])
            x.append(next(float(row.point["eta"]) for row in rows if row.group == group))
            y.append(float(np.mean([r.value for r in ratios])))
            correlation = np.array(findings.correlations[group])[: len(errors), : len(errors)]
            se.append(float(np.sqrt(errors @ correlation @ errors)) / len(errors))
        intercept, _ = weighted_line(np.array(x), np.array(y), np.array(se))
        n = min(row.measured.n for row in rows)
        return [Comparison(self, {"limit": "eta -> 0"}, None, 1.0, Estimate(*intercept, n), 1.0, True)]


AnyCheck = Check | OrderCheck | LimitCheck


def weighted_line(x: np.ndarray, y: np.ndarray, se: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Straight line through independent points of known errors.

    Args:
        x: Abscissae, shape (n,), n >= 2, not all equal.
        y: Ordinates, shape (n,).
        se: Standard errors of y, shape (n,), > 0.

    Returns:
        (intercept, its standard error), (slope, its standard error).
    """
    design = np.stack([np.ones_like(x), x], axis=1) / se[:, None]
    covariance = np.linalg.inv(design.T @ design)
    intercept, slope = covariance @ design.T @ (y / se)
    errors = np.sqrt(np.diag(covariance))
    return (float(intercept), float(errors[0])), (float(slope), float(errors[1]))


def _number(expression: sp.Expr, point: Point) -> float:
    return float(expression.subs({s: point[str(s)] for s in expression.free_symbols}))


def conditions(findings: Findings, m: Measurement) -> Point:
    """Everything a measurement was made under."""
    return {**findings.shared.get(m.group, {}), **m.point}


def arguments(subject: Claim, point: Point) -> dict[str, Any]:
    """The claim's arguments among the conditions of a measurement."""
    return {str(s): point[str(s)] for s in subject.arguments}


def in_regime(subject: Claim, point: Point) -> bool:
    """Whether the claim makes a statement at this point."""
    try:
        subject.predict(**arguments(subject, point))
    except OutsideRegimeError:
        return False
    return True
