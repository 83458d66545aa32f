"""RAdam's second moment as the moving average that it is: degrees of freedom, rectification, warm-up."""

import sympy as sp

from inertialab.theory.claims.optimizers.radam import radam_variance, radam_variance_first_order
from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import RADAM
from inertialab.theory.gaussian_average import FactorVariance, factor_variance
from inertialab.theory.notation import (
    T,
    beta2,
    dof,
    factor_var,
    freedom,
    g,
    k,
    rectified,
    rectified_var,
    rho,
    rho_late,
    rho_mass,
    rho_same,
)
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim

PUBLISHED = Source("liu2020variance", "section 4")
SAME = (1 + beta2) / (1 - beta2) * (1 - beta2**T) / (1 + beta2**T)
MASS = 2 / (1 - beta2) - 1 - 2 * T * beta2**T / (1 - beta2**T)
LATE = (1 + beta2) / (1 - beta2)
_SLOW = (beta2 < 1, 1 - beta2 <= sp.Rational(1, 50))
_x, _small, _age = sp.symbols("x epsilon j", positive=True)


def _weight(age: sp.Expr) -> sp.Expr:
    """Share of the squared gradient of an age in the corrected second moment after T steps, by the rule."""
    rule = dict(RADAM.assignments)[second]
    newest, kept = sp.diff(rule, g, 2) / 2, sp.diff(rule, second)
    return newest * kept**age / (1 - beta2**T)


def _summed(term: sp.Expr, index: sp.Symbol) -> sp.Expr:
    """Sum over the T ages of a geometric term, the ratio not being 1."""
    found = sp.summation(term, (index, 0, T - 1))
    return sp.simplify(found.replace(lambda e: isinstance(e, sp.Piecewise), lambda e: e.args[-1].expr))


@claim(
    "radam.satterthwaite",
    freedom,
    (beta2, T),
    kind="exact",
    regime=Regime((beta2 < 1, T >= 1), "A memory without end never fills."),
    layers=("numerics", "simulation"),
    limits=(({"T": 1.0}, 1.0), ({"beta2": 0.0}, 1.0)),
    slips=(("_weight(age) ** 2", "_weight(age)"), ("2 * squares", "squares")),
)
def radam_satterthwaite() -> Derivation:
    """Degrees of freedom of the second moment after T steps: those of a plain average of the same variance.

    Satterthwaite's rule: a weighted sum of squared Gaussian numbers has the mean and variance of a χ² law of
    (Σw)²/Σw² degrees of freedom. With the published number, the length of the plain average of the same centre of
    mass, it shares the value after one step and after many.
    """
    age = sp.Symbol("j", integer=True, nonnegative=True)
    yield Step("Share of the squared gradient of age j", None, _weight(age), equals=_weight(age))
    yield Step("The shares add up to", None, sp.Integer(1), equals=_summed(_weight(age), age))
    squares = _summed(_weight(age) ** 2, age)
    yield Step(
        "Variance of a squared Gaussian number of variance one", None, sp.Integer(2), equals=_spread_of_a_square()
    )
    variance = 2 * squares
    readable = (1 + beta2) / (1 - beta2) * (1 - beta2**T) / (1 + beta2**T)
    yield Step("After many steps", None, LATE, equals=readable.subs(beta2**T, 0))
    return proven(readable, equals=sp.simplify(2 / variance))


def _spread_of_a_square() -> sp.Expr:
    density = sp.exp(-(_x**2) / 2) * sp.sqrt(2 / sp.pi)  # of the size of the number
    fourth, square = (sp.integrate(_x**n * density, (_x, 0, sp.oo)) for n in (4, 2))
    return fourth - square**2


@claim(
    "radam.centre-of-mass",
    freedom,
    (beta2, T),
    kind="attributed",
    source=PUBLISHED,
    regime=Regime((beta2 < 1, T >= 1)),
    uses=("radam.satterthwaite",),
    corrected_by="radam.satterthwaite",
    expected="refuted",
    instead="The same centre of mass is not the same variance: it counts up to a tenth too few on the way, and agrees "
    "after one step and after many.",
    layers=("numerics", "simulation"),
    limits=(({"T": 1.0}, 1.0), ({"beta2": 0.0}, 1.0)),
    slips=(("2 * mean_age + 1", "2 * mean_age"), ("_weight(age) * age, age", "_weight(age) * (age + 1), age")),
)
def radam_centre_of_mass() -> Derivation:
    """Degrees of freedom of the second moment after T steps, by its centre of mass, as published.

    A plain average of n steps has the mean age (n - 1)/2.
    """
    age = sp.Symbol("j", integer=True, nonnegative=True)
    mean_age = _summed(_weight(age) * age, age)
    length = sp.simplify(2 * mean_age + 1)
    yield Step("Length of the plain average of the same mean age", None, MASS, equals=length)
    yield Step("It is that of the rule", None, MASS, equals=dict(RADAM.assignments)[rho].subs(k, T))
    two = -2 * beta2**2 * (1 - beta2) / ((1 + beta2) * (1 + beta2**2))
    yield Step("Published minus derived after two steps", None, two, equals=sp.factor((length - SAME).subs(T, 2)))
    difference = MASS - SAME
    yield Step("Published minus derived", PUBLISHED_MINUS_DERIVED, difference, equals=length - SAME)
    return proven(MASS, equals=length)


@claim(
    "radam.average-variance",
    factor_var,
    (beta2, T),
    kind="asymptotic",
    regime=Regime((*_SLOW, T >= 3), "A slow second moment; the factor of two gradients has no variance."),
    uses=("radam.variance", "radam.satterthwaite"),
    layers=("numerics", "simulation"),
    where={rho_same: SAME},
    order=Order(1 - beta2, 1, sp.Integer(1)),
    slips=(("8 * slow**3", "4 * slow**3"), ("8 / dof**2", "4 / dof**2")),
)
def radam_average_variance() -> Derivation:
    """Variance of the adaptive factor of a moving average: that of as many degrees of freedom as have its variance.

    Mean and variance of the second moment are matched, the third cumulant is not: an exponential average is more
    lopsided than a plain one. The formula is therefore exact while the weights are still alike, and 1 - β₂ too large
    after many steps, which is the order stated.
    """
    yield Step("Of equal weights", FactorVariance(dof), factor_variance(dof), equals=radam_variance.rhs)
    yield from _third_cumulant()
    return proven(FactorVariance(rho_same), equals=FactorVariance(radam_satterthwaite.rhs), where={rho_same: SAME})


def _third_cumulant() -> Derivation:
    """What the third cumulant of the second moment changes in the variance of its inverse root."""
    slow, delta, spread, skew = sp.symbols("epsilon delta mu_2 mu_3", positive=True)
    moments = (1, 0, spread, skew)

    def mean(power: sp.Expr) -> sp.Expr:
        series = sp.Poly(sp.series((1 + delta) ** power, delta, 0, 4).removeO(), delta)
        return sum(series.coeff_monomial(delta**n) * moments[n] for n in range(4))

    variance = sp.expand(mean(sp.Integer(-1)) - mean(-sp.Rational(1, 2)) ** 2)
    leading = spread / 4 - 3 * skew / 8
    found = variance.coeff(spread, 1).subs(skew, 0) * spread + variance.coeff(skew, 1).subs(spread, 0) * skew
    yield Step("Variance of (1 + δ)^(-1/2) by the second and third cumulant of δ", None, leading, equals=found)
    exponential = 8 * slow**3 / (1 - (1 - slow) ** 3)
    second_of_it = 2 * slow**2 / (1 - (1 - slow) ** 2)
    plain = (8 / dof**2).subs(dof, 2 / second_of_it)  # at the same variance 2/ρ
    excess = -sp.Rational(3, 8) * (plain - exponential) / (second_of_it / 4)
    order = sp.series(sp.cancel(excess), slow, 0, 2).removeO()
    yield Step("Formula over truth minus 1 after many steps, ε = 1 - β₂", None, slow, equals=order)


@claim(
    "radam.rectified-variance",
    rectified_var,
    (beta2, T),
    kind="asymptotic",
    regime=Regime((*_SLOW, T >= 6), "RAdam is adaptive from more than four degrees of freedom on."),
    uses=("radam.average-variance", "radam.centre-of-mass", "radam.variance-first-order"),
    layers=("numerics", "simulation"),
    where={rho_mass: MASS, rho_same: SAME, rho_late: LATE},
    slips=(
        ("rho_late / ((rho_late - 4)", "1 / ((rho_late - 4)"),
        ("FactorVariance(same) / Fac", "FactorVariance(2 * same) / Fac"),
    ),
)
def radam_rectified_variance() -> Derivation:
    """Variance of RAdam's factor after its rectification: far below the late one at first, a tenth below on the way.

    The rectification holds a first-order variance constant, for a number of degrees of freedom that is not the one of
    the variance. At five degrees of freedom it is too small by a factor of nearly two, in the variance of more than
    three.
    """
    rule = _rectification_squared()
    published = (rho_mass - 4) * (rho_mass - 2) * rho_late / ((rho_late - 4) * (rho_late - 2) * rho_mass)
    yield Step("Square of the rectification, by the rule", rectified**2, published, equals=rule)
    five = sp.limit(radam_variance_first_order.rhs.subs(dof, 5) / factor_variance(sp.Integer(5)), dof, 5)
    too_large = sp.Rational(5, 6) / (sp.Rational(5, 3) - 40 / (9 * sp.pi))
    yield Step(
        "Published over true variance at five degrees of freedom, 3.3", None, too_large, equals=sp.simplify(five)
    )
    same, late = radam_satterthwaite.rhs, radam_satterthwaite.rhs.subs(beta2**T, 0)
    derived = rule * FactorVariance(same) / FactorVariance(late)
    readable = published * FactorVariance(rho_same) / FactorVariance(rho_late)
    return proven(readable, equals=derived, where={rho_same: same, rho_late: late})


def _rectification_squared() -> sp.Expr:
    """RAdam's r², by its rule, in the published number of degrees of freedom and its limit."""
    rule = dict(RADAM.assignments)[rectified] ** 2
    (positive,) = rule.atoms(sp.Max)
    (inside,) = (part for part in positive.args if part != 0)
    limit = sp.solve(rho_late - (2 / (1 - beta2) - 1), beta2)[0]
    return sp.factor(sp.simplify(inside.subs(beta2, limit)).subs(rho, rho_mass))


@claim(
    "radam.rectification",
    rectified_var,
    (beta2, T),
    kind="attributed",
    source=PUBLISHED,
    regime=radam_rectified_variance.regime,
    uses=("radam.rectified-variance",),
    corrected_by="radam.rectified-variance",
    expected="refuted",
    instead="The rectification is too small: by half at first, where the first-order variance is far too large, and by "
    "a twentieth after about 1/(1 - β₂) steps, where too few degrees of freedom are counted.",
    layers=("numerics", "simulation"),
    limits=(({"T": 1e6}, 1.0),),
    slips=(("first.subs(dof, rho_late)", "first.subs(dof, rho_late + 1)"),),
)
def radam_rectification() -> Derivation:
    """RAdam's rectification makes the variance of the adaptive factor constant, as published.

    It is the root of the late variance over the present one, both to first order and at the published degrees of
    freedom.
    """
    first = radam_variance_first_order.rhs
    intended = first.subs(dof, rho_late) / first.subs(dof, rho_mass)
    rule = _rectification_squared()
    yield Step("Square of the rectification", rectified**2, rule, equals=intended)
    derived = radam_rectified_variance.rhs
    yield Step("Published over derived", PUBLISHED_OVER_DERIVED, 1 / derived, equals=rule / intended / derived)
    return proven(sp.Integer(1), equals=rule / intended)


@claim(
    "radam.warmup",
    rectified,
    (beta2, T),
    kind="asymptotic",
    source=Source("ma2021adequacy", "relation of rectification and warm-up"),
    regime=Regime(
        ((1 - beta2) * T <= sp.Rational(1, 5), T >= 100, beta2 < 1),
        "Between the first steps, 3/T too large, and the end of the memory, (1 - beta2)*T/12 too large.",
    ),
    uses=("radam.rectification",),
    layers=("numerics",),
    slips=(("- _x / 12", "+ _x / 12"), ("count - 6", "count - 5")),
)
def radam_warmup() -> Derivation:
    """RAdam's rectification is a warm-up of the learning rate by the square root of the step.

    It reaches 1 after about 2/(1 - β₂) steps. Any warm-up over that many steps does the like; none of it needs a
    variance.
    """
    rule = dict(RADAM.assignments)
    slow = rule[rho].subs(k, _x / (1 - beta2)).subs(beta2, 1 - _small)
    grown = sp.limit(sp.simplify(slow * _small), _small, 0) / 2
    yield Step(
        "Degrees of freedom over their limit, x = (1 - β₂)T", None, 1 - _x / (sp.exp(_x) - 1), equals=sp.simplify(grown)
    )
    square = _rectification_squared()
    share, late, count = sp.symbols("s rho n", positive=True)
    many = sp.limit(square.subs({rho_mass: share * late, rho_late: late}), late, sp.oo)
    yield Step("Square of the rectification at many degrees of freedom, s of the limit", None, share, equals=many)
    early = sp.series(sp.sqrt(grown / (_x / 2)), _x, 0, 2).removeO()
    yield Step("Rectification over √(x/2): it lags", None, 1 - _x / 12, equals=early)
    first = sp.limit(square.subs({rho_mass: count, rho_late: late}) * late, late, sp.oo)
    ends = sp.limit(first - (count - 6), count, sp.oo)
    yield Step("First steps: r² times the limit is the number of steps, less 6", None, sp.Integer(0), equals=ends)
    return proven(sp.sqrt((1 - beta2) * T / 2), equals=sp.sqrt(sp.limit(grown / _x, _x, 0) * (1 - beta2) * T))
