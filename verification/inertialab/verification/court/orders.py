"""Checks of how a difference vanishes: at which rate and with which coefficient, and whether it does at all."""

from __future__ import annotations

import numpy as np
import sympy as sp

from inertialab.theory import claim
from inertialab.theory.statement import Order
from inertialab.verification.court.check import BaseCheck, Comparison, Point
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings


class OrderCheck(BaseCheck):
    """Whether the error of an asymptotic claim shrinks at its stated rate.

    The slope of ln|1 - predicted/measured| against ln(small parameter) must be the stated exponent; the error over
    parameter^exponent, extrapolated to 0 by a straight line, must be the stated coefficient, where that is a number.
    """

    def compare(self, findings: Findings) -> list[Comparison]:
        """Measured slope against the exponent, and measured coefficient against the stated one.

        Raises:
            ValueError: If the claim states no order.
        """
        order = claim(self.claim).order
        if order is None:
            raise ValueError(f"{self.claim} states no order; give the claim an Order or drop the check.")
        rows = self.points(findings)
        inverse, errors = _inverse_ratios(rows)
        x = np.log([_number(order.parameter, row.point) for row in rows])
        y, off = np.log(np.abs(1 - inverse)), np.abs(1 - inverse)
        _, measured = _line(rows, x, y, errors / off)
        exponent = float(order.exponent)
        slope = Comparison(self, {"order in": str(order.parameter)}, None, exponent, measured, exponent, True)
        return [slope, *self._coefficient(order, rows)]

    def _coefficient(self, order: Order, rows: list[Comparison]) -> list[Comparison]:
        """Error over what the claim says of it, extrapolated to 0; nothing where the coefficient is not known."""
        if not all({str(s) for s in order.coefficient.free_symbols} <= row.point.keys() for row in rows):
            return []
        x = np.array([_number(order.parameter, row.point) for row in rows])
        stated = np.array([_number(order.coefficient, row.point) for row in rows]) * x**order.exponent
        inverse, errors = _inverse_ratios(rows)
        measured, _ = _line(rows, x, (inverse - 1) / stated, np.abs(errors / stated))
        return [Comparison(self, {"coefficient of": str(order.parameter)}, None, 1.0, measured, 1.0, True)]


def _inverse_ratios(rows: list[Comparison]) -> tuple[np.ndarray, np.ndarray]:
    """Predicted over measured, and its standard error, of each."""
    inverse = np.array([row.predicted / row.measured.value for row in rows])
    relative = np.array([row.measured.se / row.measured.value for row in rows])
    return inverse, inverse * relative


def _line(rows: list[Comparison], x: np.ndarray, y: np.ndarray, errors: np.ndarray) -> tuple[Estimate, Estimate]:
    """Intercept and slope of the straight line through what follows from rows, exact where all of them are."""
    if all(row.measured.exact for row in rows):
        slope, intercept = np.polyfit(x, y, 1)
        return Estimate(float(intercept)), Estimate(float(slope))
    n = min(row.measured.n for row in rows)
    intercept, slope = weighted_line(x, y, errors)
    return Estimate(*intercept, n), Estimate(*slope, n)


class LimitCheck(BaseCheck):
    """Whether measured/predicted tends to 1 as the learning rate vanishes.

    The mean ratio over the directions of each run is extrapolated to learning rate zero by a straight line;
    every group of the study is one learning rate.
    """

    def compare(self, findings: Findings) -> list[Comparison]:
        """One comparison: extrapolated ratio against 1."""
        rows = self.points(findings)
        groups = [[row for row in rows if row.group == g] for g in dict.fromkeys(row.group for row in rows)]
        means = [_mean_ratio(group, np.array(findings.correlations[group[0].group])) for group in groups]
        x = np.array([float(group[0].point["eta"]) for group in groups])
        intercept, _ = weighted_line(x, np.array([m.value for m in means]), np.array([m.se for m in means]))
        measured = Estimate(*intercept, min(m.n for m in means))
        return [Comparison(self, {"limit": "eta -> 0"}, None, 1.0, measured, 1.0, True)]


def _mean_ratio(rows: list[Comparison], correlation: np.ndarray) -> Estimate:
    """Mean of the ratios of one run, whose errors are correlated."""
    ratios = [row.ratio for row in rows]
    errors = np.array([r.se for r in ratios])
    se = np.sqrt(errors @ correlation @ errors) / len(errors)
    return Estimate(float(np.mean([r.value for r in ratios])), float(se), ratios[0].n)


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
