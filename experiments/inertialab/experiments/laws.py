"""Laws of gradient noise: functions of standard normal numbers, one row a law, and one family of stable laws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

normal, second = sp.symbols("z w", real=True)
"""Independent standard normal numbers, drawn anew for every coordinate, particle and step."""


@dataclass(frozen=True)
class Law:
    """Noise of mean zero and variance one, or of scale one where there is no variance.

    Attributes:
        name: As `find_law` takes it.
        number: The noise as a function of `normal`, and of `second` if it takes two numbers.
        variance: One, or infinite.
        proxy: Variance of the narrowest Gaussian whose moment generating function is nowhere below that of the law;
            infinite where tails are heavy.
        ends: Extreme values where the law is bounded.
    """

    name: str
    number: sp.Expr
    variance: float = 1.0
    proxy: float = math.inf
    ends: tuple[float, ...] = ()

    @property
    def draws(self) -> int:
        """Normal numbers that a coordinate takes at each step."""
        return 2 if second in self.number.free_symbols else 1

    def needed(self, what: str) -> None:
        """Refuse what needs a variance where there is none.

        Raises:
            ValueError: If the variance is infinite.
        """
        if not math.isfinite(self.variance):
            raise ValueError(
                f"{what} needs a variance, and noise of the law {self.name!r} has none; "
                "count escapes, look at histograms, or take another law."
            )


def _two_point(chance: float = 0.1) -> Law:
    """Skewed: one large value with this chance, a small one of the other sign else."""
    p = sp.Float(chance)
    high, low = sp.sqrt((1 - p) / p), -sp.sqrt(p / (1 - p))
    level = sp.sqrt(2) * sp.erfinv(2 * p - 1)
    # Kearns and Saul (1998), for values one apart; these are 1/√(p(1 - p)) apart.
    proxy = (1 - 2 * chance) / (2 * math.log(1 / chance - 1)) / (chance * (1 - chance))
    number = sp.Piecewise((high, normal < level.evalf(20)), (low, True))
    return Law("two-point", number, proxy=proxy, ends=(float(high), float(low)))


TWO_POINT_SHARE = 0.5
"""Share of the variance of skewed noise that its two values have."""


def _skewed(name: str, sign: int) -> Law:
    """Skewed to one side and smooth: the sum of a two-point and a normal number."""
    pair = _two_point()
    jump, share = pair.number.subs(normal, second), sp.Float(TWO_POINT_SHARE)
    number = sign * sp.sqrt(share) * jump + sp.sqrt(1 - share) * normal
    return Law(name, number, proxy=float(share) * pair.proxy + 1 - float(share))


def _student4() -> Law:
    """Student's t with four degrees of freedom by its quantile function (Shaw 2006), scaled to variance one."""
    below = sp.erfc(sp.Abs(normal) / sp.sqrt(2)) / 2
    root = sp.Min(2 * sp.sqrt(below * (1 - below)), 1)  # rounding must not carry it beyond what acos and sqrt allow
    size = 2 * sp.sqrt(sp.Max(sp.cos(sp.acos(root) / 3) / root - 1, 0))
    return Law("student-4", sp.Piecewise((size, normal > 0), (-size, True)) / sp.sqrt(2))


def _stable(name: str, alpha: float) -> Law:
    """Symmetric α-stable noise X with E e^{iqX} = e^{-|q|^α}, by the formula of Chambers, Mallows and Stuck (1976).

    The scale σ is one, in the parametrisation S1 of Nolan. X is sin(αU) (W/cos((α - 1)U))^{(α-1)/α}/cos(U)^{1/α} with
    U uniform in (-π/2, π/2) and W exponential. Both are made from the smaller tail of a normal number, so that they
    keep their digits where X is large.
    """
    a, root = sp.Float(alpha, 17), sp.sqrt(2)
    angle = sp.pi / 2 * sp.erf(normal / root)
    cosine = sp.sin(sp.pi / 2 * sp.erfc(sp.Abs(normal) / root))  # of the angle
    wait = -sp.log(sp.erfc(second / root) / 2)
    number = sp.sin(a * angle) * (wait / sp.cos((a - 1) * angle)) ** ((a - 1) / a) / cosine ** (1 / a)
    return Law(name, number, variance=math.inf)


LAWS: dict[str, Law] = {
    row.name: row
    for row in (
        Law("gaussian", normal, proxy=1.0),
        _two_point(),
        _skewed("skewed", 1),
        _skewed("skewed-down", -1),
        _student4(),
    )
}
"""Laws of variance one by name."""


@lru_cache
def find_law(name: str) -> Law:
    """A row of `LAWS`, or the symmetric stable law of index α, `stable-α` with 1 < α < 2, as in stable-1.5.

    Raises:
        ValueError: If there is no such law.
    """
    if name in LAWS:
        return LAWS[name]
    family, _, number = name.partition("-")
    try:
        alpha = float(number) if family == "stable" else math.nan
    except ValueError:
        alpha = math.nan
    if not 1 < alpha < 2:
        known = ", ".join(LAWS)
        raise ValueError(f"There is no law of noise {name!r}; take {known}, or stable-α with 1 < α < 2, as stable-1.5.")
    return _stable(name, alpha)
