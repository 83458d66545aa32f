"""CProp's scale under noise: its floor, and how it grows with a mean gradient."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import CPROP_SGD
from inertialab.theory.notation import (
    C,
    T,
    beta,
    c,
    centre,
    delta,
    g,
    g_mean,
    g_var,
    k,
    scale_mean,
    scale_square,
    snr,
    spread_square,
    w,
    z,
)
from inertialab.theory.owen import OwenT
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

PUBLISHED = Source("preechakul2019cprop", "algorithm")
COUNT = (1 - beta**T) / (1 - beta)
SQUARES = (1 - beta) * (1 + beta**T) / ((1 + beta) * (1 - beta**T))
SPREAD = SQUARES * (COUNT - 1) / (1 - SQUARES)
LONG = (1 + beta**T) / 2
_SLOW = Regime(
    (beta < 1, 1 - beta <= sp.Rational(1, 100), T >= 60),
    "A long memory, and a sharp estimate of the variance: of f degrees of freedom it adds about 1/(2*pi*f) to the "
    "mean scale.",
)
_a, _x, _m = sp.symbols("a x m", positive=True)
_HALF = sp.sqrt(2 / sp.pi) * sp.exp(-(_x**2) / 2)  # density of the size of a Gaussian number


def _statistic() -> Derivation:
    """Variance of the average gradient, and the standard error that the rule estimates for it."""
    rule = dict(CPROP_SGD.assignments)
    weight = rule[w]
    count = sp.simplify(1 / weight.subs(k, T))
    yield Step("Inverse weight of the newest gradient", None, COUNT, equals=count)
    taken = sp.diff(rule[g_mean], g)
    yield Step("It is its weight in the average", None, w, equals=taken)
    # One step of the recursion of the sum of squared weights: the newest weighs w, all others shrink by 1 - w.
    new = weight.subs(k, T + 1)
    residual = (1 - new) ** 2 * SQUARES + new**2 - SQUARES.subs(T, T + 1)
    yield Step("Sum of the squared weights: residual of a step", None, sp.Integer(0), equals=sp.simplify(residual))
    yield Step("after the first step", None, sp.Integer(1), equals=sp.simplify(SQUARES.subs(T, 1)))
    average = sp.Symbol("S_T")
    grown = rule[g_var].subs(g_var, average).subs((g - g_mean) ** 2, C + SQUARES * C).subs(w, new)
    estimated = sp.solve(grown.subs(average, (1 - SQUARES) * C) - sp.Symbol("x"), sp.Symbol("x"))[0] / C
    closing = sp.simplify(estimated - (1 - SQUARES.subs(T, T + 1)))
    yield Step(
        "Mean of the estimated variance, 1 - Σw² of the true one: residual of a step",
        None,
        sp.Integer(0),
        equals=closing,
    )
    standard = sp.Abs(g_mean) / sp.sqrt(g_var / (1 / w - 1))
    yield Step("Distance from zero in standard errors", z, standard, equals=rule[z].subs(delta, 0))
    kept = sp.Symbol("q", positive=True)
    slow = sp.limit(SPREAD.subs(beta**T, kept).subs(beta, 1 - _x), _x, 0)
    yield Step(
        "Variance of that distance at zero mean, a long memory of which q = βᵀ is left",
        spread_square,
        (1 + kept) / 2,
        equals=slow,
    )


def _gate() -> Derivation:
    """The rule's scale at c = 1: the probability that a Gaussian number is smaller than the distance."""
    step = sp.expand(dict(CPROP_SGD.assignments)[sp.Symbol("theta", real=True)])
    (scale,) = step.atoms(sp.Min)
    chance = 2 * sp.integrate(sp.exp(-(_x**2) / 2) / sp.sqrt(2 * sp.pi), (_x, 0, _a))
    (inside,) = (part for part in scale.subs(c, 1).args if part != 1)
    yield Step("Scale at c = 1", None, sp.erf(_a / sp.sqrt(2)), equals=inside.subs(z, _a))
    yield Step("It is a probability", None, sp.erf(_a / sp.sqrt(2)), equals=chance)


@claim(
    "cprop.noise-floor",
    scale_mean,
    (beta, T),
    kind="asymptotic",
    source=PUBLISHED,
    regime=_SLOW,
    layers=("simulation",),
    where={spread_square: LONG},
    limits=(({"T": 1e9}, 0.3918265520306073),),
    slips=(("2 / sp.pi / (1 + _a**2)", "2 / sp.pi / (1 + _a)"), ("2 / sp.pi * sp.atan", "1 / sp.pi * sp.atan")),
)
def cprop_noise_floor() -> Derivation:
    """Mean scale of CProp's steps under pure noise: one half at first, .392 after many steps.

    The standard error counts the weights as if they were independent gradients of one weight; of an exponential
    average its square is twice the variance. Were it counted right the scale would stay at one half. What public
    curves of the mean scale show is mostly this floor, and no conformity. c = 1.
    """
    yield from _statistic()
    yield from _gate()
    slope = sp.integrate(sp.diff(sp.erf(_a * _x / sp.sqrt(2)), _a) * _HALF, (_x, 0, sp.oo))
    yield Step(
        "Mean scale at a distance of spread a, slope in a", None, 2 / sp.pi / (1 + _a**2), equals=sp.simplify(slope)
    )
    grown = sp.integrate(2 / sp.pi / (1 + _a**2), (_a, 0, _x))
    readable = 2 / sp.pi * sp.atan(sp.sqrt(spread_square))
    return proven(readable, equals=grown.subs(_x, sp.sqrt(spread_square)))


@claim(
    "cprop.noise-floor-square",
    scale_square,
    (beta, T),
    kind="asymptotic",
    source=PUBLISHED,
    regime=_SLOW,
    uses=("cprop.noise-floor",),
    layers=("simulation",),
    where={spread_square: LONG},
    limits=(({"T": 1e9}, 0.21634689550640),),
    slips=(("2 * sp.erf(", "sp.erf("), ("2 / sp.pi * sp.asin", "1 / sp.pi * sp.asin")),
)
def cprop_noise_floor_square() -> Derivation:
    """Mean square of the scale of CProp's steps under pure noise: a third at first, .216 after many steps. c = 1."""
    argument = _a * _x / sp.sqrt(2)
    slope = sp.simplify(sp.integrate(2 * sp.erf(argument) * sp.diff(sp.erf(argument), _a) * _HALF, (_x, 0, sp.oo)))
    value = 2 / sp.pi * sp.asin(_a**2 / (1 + _a**2))
    readable_slope = 4 * _a / (sp.pi * (1 + _a**2) * sp.sqrt(1 + 2 * _a**2))
    yield Step("Mean square at a distance of spread a, slope in a", None, readable_slope, equals=slope)
    yield Step("That of the arc sine", None, readable_slope, equals=sp.simplify(sp.diff(value, _a)))
    yield Step("Both start at", None, sp.Integer(0), equals=value.subs(_a, 0))
    readable = 2 / sp.pi * sp.asin(spread_square / (1 + spread_square))
    return proven(readable, equals=value.subs(_a, sp.sqrt(spread_square)))


@claim(
    "cprop.snr",
    scale_mean,
    (snr, beta, T),
    kind="asymptotic",
    source=PUBLISHED,
    regime=_SLOW,
    uses=("cprop.noise-floor",),
    layers=("simulation",),
    where={spread_square: LONG, centre: snr * sp.sqrt(COUNT)},
    limits=(({"snr": 0.0}, "cprop.noise-floor"), ({"snr": 1e3}, 1.0)),
    slips=(("1 - 4 * OwenT(", "1 - 2 * OwenT("), ("sp.exp(-((_x - _m) ** 2)", "sp.exp(-((_x + _m) ** 2)")),
)
def cprop_snr() -> Derivation:
    """Mean scale of CProp's steps where the gradient has a mean: from the noise floor to one. c = 1.

    It is the probability that the distance, of mean z̄ and spread a, exceeds a Gaussian number: that of a double
    wedge, which Owen's function tells. At the default memory of a thousand steps a mean of a tenth of the noise is
    enough.
    """
    yield from _statistic()
    kept = sp.Symbol("q", positive=True)
    errors = ((COUNT - 1) / (1 - SQUARES) / COUNT).subs(beta**T, kept).subs(beta, 1 - _x)
    yield Step(
        "Squared centre over that of as many gradients, a long memory",
        None,
        sp.Integer(1),
        equals=sp.limit(errors, _x, 0),
    )
    value = sp.Integer(1) - 4 * OwenT(_m / sp.sqrt(1 + _a**2), 1 / _a)
    law = (sp.exp(-((_x - _m) ** 2) / (2 * _a**2)) - sp.exp(-((_x + _m) ** 2) / (2 * _a**2))) / sp.sqrt(2 * sp.pi) / _a
    # By parts the slope in m of ∫erf(x/√2) over both tails is that of the error function under the difference of both.
    slope = sp.integrate(sp.expand(sp.diff(sp.erf(_x / sp.sqrt(2)), _x) * law), (_x, 0, sp.oo))
    slope = sp.simplify(slope.replace(sp.erfc, lambda x: 1 - sp.erf(x)))
    wide = 1 + _a**2
    wedge = sp.erf(sp.sqrt(2) * _m / (2 * _a * sp.sqrt(wide)))
    readable_slope = sp.sqrt(2) * sp.exp(-(_m**2) / (2 * wide)) * wedge / sp.sqrt(sp.pi * wide)
    yield Step("Mean scale at a distance of mean m and spread a, slope in m", None, readable_slope, equals=slope)
    yield Step("That of Owen's function", None, readable_slope, equals=sp.simplify(sp.diff(value, _m)))
    start = sp.integrate(1 / (1 + _x**2), (_x, 0, 1 / _a)) / (2 * sp.pi)
    floor = 2 / sp.pi * sp.atan(_a)
    right_angle = sp.simplify(sp.diff(1 - 4 * start - floor, _a))
    yield Step(
        "Without a mean it is the noise floor: slope in a of the difference", None, sp.Integer(0), equals=right_angle
    )
    readable = 1 - 4 * OwenT(centre / sp.sqrt(1 + spread_square), 1 / sp.sqrt(spread_square))
    return proven(readable, equals=value.subs({_m: centre, _a: sp.sqrt(spread_square)}))
