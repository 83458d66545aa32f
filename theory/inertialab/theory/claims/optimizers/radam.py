"""RAdam's adaptive factor where the second moment is a plain average: its mean and variance, and bounds of them."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import RADAM
from inertialab.theory.gaussian_average import FactorVariance, factor_mean, factor_variance
from inertialab.theory.notation import beta2, dof, factor_var, g
from inertialab.theory.notation import factor_mean as mean
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

PUBLISHED = Source("liu2020variance", "section 4 and appendix")
WHOLE = "A whole number of degrees of freedom is that of as many gradients in a plain average, beta2 near 1."
_x, _excess = sp.symbols("x q", positive=True)


def _in_mpmath(function: Callable[[Any], Any]) -> Callable[..., np.ndarray]:
    """A function of one number at 30 digits, for arrays."""

    def one(rho: float) -> float:
        with mpmath.workdps(30):
            return float(function(mpmath.mpf(rho)))

    return lambda rho: np.vectorize(one, otypes=[float])(rho)


def _exact_mean(rho: Any) -> Any:
    return mpmath.sqrt(rho / 2) * mpmath.exp(mpmath.loggamma((rho - 1) / 2) - mpmath.loggamma(rho / 2))


def inverse_power(order: int) -> sp.Expr:
    """Mean of (ρ/x)^{order/2} over the density of χ²_ρ, for ρ > order, by integration."""
    rho = order + _excess
    density = _x ** (rho / 2 - 1) * sp.exp(-_x / 2) / (2 ** (rho / 2) * sp.gamma(rho / 2))
    shifted = sp.powsimp(sp.expand(density * _x ** (-sp.Rational(order, 2))))
    value = rho ** sp.Rational(order, 2) * sp.integrate(shifted, (_x, 0, sp.oo))
    return sp.simplify(value.subs(_excess, dof - order))


def _plain_average() -> Derivation:
    """The corrected second moment of the first steps is a plain average of squared gradients."""
    rule = dict(RADAM.assignments)[second]
    newest = sp.diff(rule, g, 2) / 2
    yield Step("Weight of the newest squared gradient", None, 1 - beta2, equals=newest)
    age = sp.Symbol("j", integer=True, nonnegative=True)
    kept = sp.diff(rule, second)
    count = sp.Symbol("n", integer=True, positive=True)
    total = sp.summation(newest * kept**age, (age, 0, count - 1)).subs(sp.Eq(beta2, 1), False)
    total = sp.simplify(sp.piecewise_fold(total).args[-1].expr if total.has(sp.Piecewise) else total)
    yield Step("Sum of the weights", None, 1 - beta2**count, equals=total)
    equal = sp.limit((newest * kept**age / (1 - beta2**count)).subs(beta2, 1 - _x), _x, 0)
    yield Step("Share of the gradient of age j, as β₂ tends to 1: all alike", None, 1 / count, equals=equal)
    factor = sp.sqrt(dof / sp.Symbol("chi^2"))
    yield Step("The adaptive factor after ρ Gaussian gradients of variance one", sp.Symbol("psi"), factor)


@claim(
    "radam.mean-factor",
    mean,
    (dof,),
    kind="exact",
    source=PUBLISHED,
    regime=Regime((dof > 1,), "The mean is infinite for less."),
    layers=("numerics", "simulation"),
    numerics=_in_mpmath(_exact_mean),
    limits=(({"rho": 1e9}, 1.0),),
    slips=(("sp.exp(-_x / 2)", "sp.exp(-_x)"), ("value = rho **", "value = 2 * rho **")),
)
def radam_mean_factor() -> Derivation:
    """Mean of the adaptive factor: above 1, more so the fewer gradients the second moment has seen.

    ψ = 1/√v̂ with v̂ the average of ρ squared Gaussian gradients of variance one. It exceeds 1 since a root is
    concave.
    """
    yield from _plain_average()
    five = sp.simplify(inverse_power(1).subs(dof, 5) ** 2)
    yield Step("Squared mean at five gradients", None, 40 / (9 * sp.pi), equals=five)
    return proven(factor_mean(dof), equals=inverse_power(1))


@claim(
    "radam.mean-factor-bound",
    mean,
    (dof,),
    kind="attributed",
    source=PUBLISHED,
    uses=("radam.mean-factor",),
    corrected_by="radam.mean-factor",
    expected="refuted",
    instead="The inequality holds the other way round at every ρ; what the theorem needs, ρ/(ρ - 2), is true.",
    regime=Regime((dof > 2,)),
    layers=("numerics",),
    limits=(({"rho": 1e9}, 1.0),),
    slips=(("2 * (dof - 2) / (dof - 1)", "2 * (dof - 2) / dof"),),
)
def radam_mean_factor_bound() -> Derivation:
    """The mean of the adaptive factor is at most √(ρ/(ρ - 1)): an inequality of the publication's appendix.

    It is written there as (ρ - 2)Γ((ρ - 1)/2)²/Γ(ρ/2)² ≤ 2(ρ - 2)/(ρ - 1), by Gautschi. Were it so, the variance
    would be at least ρ/((ρ - 1)(ρ - 2)), twice of what it is at many gradients. Γ is logarithmically convex, which
    puts the squared mean between ρ/(ρ - 1) and ρ/(ρ - 2): the published bound is one from below. What the theorem
    needs is the other, which says no more than that a variance is positive.
    """
    quotient = (dof - 2) * (sp.gamma((dof - 1) / 2) / sp.gamma(dof / 2)) ** 2
    squared = sp.simplify(quotient * dof / (2 * (dof - 2)))
    yield Step("The left side is the squared mean", None, factor_mean(dof) ** 2, equals=squared)
    bound = sp.cancel(2 * (dof - 2) / (dof - 1) * dof / (2 * (dof - 2)))
    yield Step("The right side", None, dof / (dof - 1), equals=bound)
    floor = sp.factor(dof / (dof - 2) - bound)
    yield Step("Least variance if it were true", None, dof / ((dof - 1) * (dof - 2)), equals=floor)
    convex = sp.gamma(_x) ** 2 / (sp.gamma(_x - sp.Rational(1, 2)) * sp.gamma(_x + sp.Rational(1, 2)))
    yield Step("At most 1, the logarithm of Γ being convex", None, convex, assumed=True)
    below = sp.gamma((dof - 1) / 2) / sp.gamma((dof + 1) / 2)
    low = dof / 2 * sp.gammasimp(below.subs(dof, 2 * _x + 1)).subs(_x, (dof - 1) / 2)
    yield Step("x = ρ/2: the same as a lower bound of the squared mean", None, dof / (dof - 1), equals=low)
    high = dof / 2 * sp.gammasimp(sp.gamma((dof - 2) / 2) / sp.gamma(dof / 2))
    yield Step("x = (ρ - 1)/2: an upper one, and a true one", None, dof / (dof - 2), equals=high)
    ratio = sp.sqrt(bound) / inverse_power(1)
    small = sp.Symbol("s", positive=True)
    logarithm = sp.log(bound) - sp.log(dof / 2) - 2 * (sp.loggamma((dof - 1) / 2) - sp.loggamma(dof / 2))
    late = sp.series(logarithm.subs(dof, 1 / small), small, 0, 2).removeO()
    yield Step(
        "Logarithm of its square over the derived one, many gradients", None, -small / 2, equals=sp.expand_log(late)
    )
    readable = sp.sqrt(2 / (dof - 1)) * sp.gamma(dof / 2) / sp.gamma((dof - 1) / 2)
    yield Step("Published over derived, below 1", PUBLISHED_OVER_DERIVED, readable, equals=sp.simplify(ratio))
    return proven(sp.sqrt(dof / (dof - 1)), equals=sp.sqrt(bound))


@claim(
    "radam.variance",
    factor_var,
    (dof,),
    kind="exact",
    source=PUBLISHED,
    regime=Regime((dof > 2,), "The variance is infinite for less."),
    uses=("radam.mean-factor",),
    layers=("numerics", "simulation"),
    numerics=_in_mpmath(FactorVariance.exactly),
    limits=(({"rho": 1e9}, 0.0),),
    slips=(
        ("inverse_power(2) - inverse_power(1) ** 2", "inverse_power(2) - inverse_power(1)"),
        ("small / 2 + 15 * small**2 / 8", "small / 2 + 3 * small**2"),
    ),
)
def radam_variance() -> Derivation:
    """Variance of the adaptive factor, finite from three gradients on.

    That a variance exists for ρ > 4 only is a matter of the first-order approximation; the factor's own exists for ρ
    > 2.
    """
    yield from _plain_average()
    yield Step("Mean of the squared factor, for ρ > 2", None, dof / (dof - 2), equals=inverse_power(2))
    small = sp.Symbol("s", positive=True)
    log_mean = sp.log(dof / 2) / 2 + sp.loggamma((dof - 1) / 2) - sp.loggamma(dof / 2)
    expansion = sp.expand_log(sp.series(log_mean.subs(dof, 1 / small), small, 0, 4).removeO(), force=True)
    squared = sp.series(sp.exp(2 * sp.expand(expansion)), small, 0, 3).removeO()
    late = sp.series(1 / (1 - 2 * small), small, 0, 3).removeO() - squared
    yield Step("Many gradients, s = 1/ρ", None, small / 2 + 15 * small**2 / 8, equals=sp.expand(late))
    return proven(factor_variance(dof), equals=inverse_power(2) - inverse_power(1) ** 2)


@claim(
    "radam.variance-first-order",
    factor_var,
    (dof,),
    kind="attributed",
    source=Source("liu2020variance", "eq. 5"),
    uses=("radam.variance",),
    corrected_by="radam.variance",
    expected="refuted",
    instead="The delta method is 3.3 times too large at ρ = 5 and infinite at 4; it errs by 9/(4ρ) at many gradients.",
    regime=Regime((dof > 4,), "The variance of the squared factor is infinite for less."),
    layers=("numerics", "simulation"),
    limits=(({"rho": 1e9}, 0.0),),
    slips=(("/ (4 * inverse_power(2))", "/ (2 * inverse_power(2))"),),
)
def radam_variance_first_order() -> Derivation:
    """Variance of the adaptive factor to first order, on which RAdam's rectification rests.

    Var ψ ≈ Var ψ²/(4⟨ψ²⟩), which takes the root for a straight line over the spread of ψ².
    """
    fourth, square = inverse_power(4), inverse_power(2)
    yield Step("Mean of the fourth power, for ρ > 4", None, dof**2 / ((dof - 2) * (dof - 4)), equals=fourth)
    delta = sp.factor((fourth - square**2) / (4 * inverse_power(2)))
    yield Step("Slope of the root times the spread of ψ²", None, dof / (2 * (dof - 2) * (dof - 4)), equals=delta)
    ratio = delta / factor_variance(dof)
    readable = dof / (2 * (dof - 2) * (dof - 4)) / factor_variance(dof)
    yield Step("Published over derived", PUBLISHED_OVER_DERIVED, readable, equals=ratio)
    small = sp.Symbol("s", positive=True)
    late = (small / 2 + 15 * small**2 / 8) / small  # radam.variance at many gradients
    excess = sp.series(delta.subs(dof, 1 / small) / small / late, small, 0, 2).removeO()
    yield Step("at many gradients, s = 1/ρ", None, 1 + sp.Rational(9, 4) * small, equals=excess)
    return proven(dof / (2 * (dof - 2) * (dof - 4)), equals=delta)
