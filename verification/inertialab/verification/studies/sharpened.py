"""A well whose curvatures, or whose batches, grow: systems, and the power that escape times go with."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import least_squares

from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import scaled
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.wells import curvatures, metastable, two_levels

SCANS = ("sharpness", "batch")


def grown(point: Mapping[str, Any], factor: float) -> tuple[System, float]:
    """SGD in a well grown sharper, L(√k θ), or with batches smaller by the same factor, and the scale of its places.

    Noise is that of minibatches: it comes from samples whose loss is sharpened like their mean.

    Args:
        point: `ratio` of the curvatures, `scan`, one of `SCANS`, `kind` of noise, the same everywhere ("even") or in
            proportion to the curvatures of minimum and saddle ("curvature"), `exponent` of the first well and `eta`.
        factor: k, or the first batch size over the present one.
    """
    well, eta = metastable(1.0, point["ratio"]), point["eta"]
    ends = curvatures(well)
    levels = (1.0, 1.0) if point["kind"] == "even" else (ends["Ha"], ends["Hb"])
    unit = (1 / levels[0] + 1 / levels[1]) / (eta * point["exponent"])  # half of the way with either noise
    if point["kind"] == "even":
        variance: sp.Expr = sp.Float(unit, 17)
    else:
        variance, _ = two_levels(well, unit * levels[0], unit * levels[1], 0.5)
    k = sp.Float(factor, 17)
    if point["scan"] == "batch":
        return System(well, Noise((k * variance,)), "sgd", {"eta": eta}), 1.0
    (x,) = well.coordinates
    sharp = k * variance.subs(x, sp.sqrt(k) * x)
    return System(scaled(well, factor), Noise((sharp,)), "sgd", {"eta": eta}), float(factor) ** -0.5


def power(scan: str, factors: np.ndarray, logarithms: np.ndarray, errors: np.ndarray, fewest: int = 1) -> Estimate:
    """The power p of ln τ = a + b k^{-p}, with τ times k where sharpening by k shortens the unit of time.

    Args:
        scan: One of `SCANS`.
        factors: k, shape (n,), n > 3.
        logarithms: ln τ, shape (n,).
        errors: Of these, shape (n,); zero for exact times.
        fewest: Events of the least certain one.
    """
    y = logarithms + (np.log(factors) if scan == "sharpness" else 0.0)
    weights = 1 / errors if errors.all() else np.ones_like(y)

    def left(q: np.ndarray) -> np.ndarray:
        return (q[0] + q[1] * factors ** -q[2] - y) * weights

    found = least_squares(left, [y.min() - np.ptp(y), 2 * np.ptp(y), 1.0], xtol=1e-14, ftol=1e-14)
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    se = float(covariance[2, 2] ** 0.5) if errors.all() else 0.0
    return Estimate(float(found.x[2]), se, fewest)
