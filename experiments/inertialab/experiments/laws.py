"""Laws of gradient noise: functions of standard normal numbers, one row a law."""

from __future__ import annotations

import math
from dataclasses import dataclass

import sympy as sp

normal = sp.Symbol("z", real=True)
"""A standard normal number, drawn anew for every coordinate, particle and step."""


@dataclass(frozen=True)
class Law:
    """Noise of mean zero and variance one.

    Attributes:
        name: Row of `LAWS`.
        number: The noise as a function of `normal`.
        proxy: Variance of the narrowest Gaussian whose moment generating function is nowhere below that of the law;
            infinite where tails are heavy.
        ends: Extreme values where the law is bounded.
    """

    name: str
    number: sp.Expr
    proxy: float = math.inf
    ends: tuple[float, ...] = ()


def _two_point(chance: float = 0.1) -> Law:
    """Skewed: one large value with this chance, a small one of the other sign else."""
    p = sp.Float(chance)
    high, low = sp.sqrt((1 - p) / p), -sp.sqrt(p / (1 - p))
    level = sp.sqrt(2) * sp.erfinv(2 * p - 1)
    # Kearns and Saul (1998), for values one apart; these are 1/√(p(1 - p)) apart.
    proxy = (1 - 2 * chance) / (2 * math.log(1 / chance - 1)) / (chance * (1 - chance))
    number = sp.Piecewise((high, normal < level.evalf(20)), (low, True))
    return Law("two-point", number, proxy, (float(high), float(low)))


def _student4() -> Law:
    """Student's t with four degrees of freedom by its quantile function (Shaw 2006), scaled to variance one."""
    below = sp.erfc(sp.Abs(normal) / sp.sqrt(2)) / 2
    root = sp.Min(2 * sp.sqrt(below * (1 - below)), 1)  # rounding must not carry it beyond what acos and sqrt allow
    size = 2 * sp.sqrt(sp.Max(sp.cos(sp.acos(root) / 3) / root - 1, 0))
    return Law("student-4", sp.Piecewise((size, normal > 0), (-size, True)) / sp.sqrt(2))


LAWS: dict[str, Law] = {row.name: row for row in (Law("gaussian", normal, 1.0), _two_point(), _student4())}
"""Laws by name."""
