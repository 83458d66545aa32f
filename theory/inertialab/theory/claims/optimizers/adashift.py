"""AdaShift on gradients that come back periodically, and its cycle on a parabola."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAM, ADASHIFT, SHIFT
from inertialab.theory.notation import (
    beta,
    beta2,
    cycle_factor,
    cycle_radius,
    delta,
    eta,
    eta_adam,
    g,
    h,
    lag,
    net_update,
    period,
    rare,
    same_steps,
    theta,
    v_hat,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

PUBLISHED = Source("zhou2019adashift", "sequential counterexample")
_age = sp.Symbol("j", integer=True, nonnegative=True)
_peak = (rare**2 - 1) * (1 - beta2) / (1 - beta2**period)


def shifted_square(squared: sp.Expr) -> sp.Expr:
    """AdaShift's new second moment, by its rule, from the old one and the square of the gradient that lags behind."""
    moves, _ = dict(ADASHIFT.assignments)[second].args
    return moves.expr.subs(sp.Symbol(f"g_{SHIFT}", real=True) ** 2, squared)


def moment(age: sp.Expr) -> sp.Expr:
    """Second moment whose newest rare gradient is of this age, in units of the common one."""
    return 1 + _peak * beta2**age


@claim(
    "adashift.net-update",
    net_update,
    (rare, period, beta2, lag),
    kind="exact",
    source=PUBLISHED,
    regime=Regime((beta2 < 1, lag >= 1, lag <= period), "Adam, which does not lag, is the lag of a whole period."),
    layers=("numerics",),
    limits=(({"rare": 1.0, "lag": 1.0, "d": 2.0}, 0.0),),
    slips=(("beta2**age", "beta2 ** (age + 1)"), ("(rare + 1) / sp.sqrt", "(rare - 1) / sp.sqrt")),
)
def adashift_net_update() -> Derivation:
    """Way down over a period of one rare and d - 1 common gradients, by how far the second moment lags behind.

    Without momentum. The mean gradient is (G - d + 1)/d. A lag of one step meets the rare gradient with the smallest
    second moment. Adam, which does not lag, meets it with the largest and may go the wrong way; so does a lag of a
    whole period.
    """
    common = shifted_square(sp.Integer(1)).subs(second, moment(_age))
    yield Step("A common gradient of age 0: the rare one grows older", None, moment(_age + 1), equals=sp.expand(common))
    again = shifted_square(rare**2).subs(second, moment(period - 1))
    yield Step("A rare one: the period closes", None, moment(sp.Integer(0)), equals=sp.simplify(again))
    total = sp.Sum(1 / sp.sqrt(moment(_age)), (_age, 0, period - 1))
    at_rare = moment(period - lag)
    others = total - 1 / sp.sqrt(at_rare)
    derived = rare / sp.sqrt(at_rare) - others
    for shift in (1, 3):
        yield Step(f"Three steps of the rule, lag {shift}", None, *_three_steps(shift, derived))
    readable = (rare + 1) / sp.sqrt(at_rare) - total
    return proven(readable, equals=derived)


def _three_steps(shift: int, derived: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Way over a period of three written out at numbers, and the formula there."""
    numbers = {rare: sp.Integer(4), beta2: sp.Rational(1, 2)}
    gradients = [sp.Integer(4), sp.Integer(-1), sp.Integer(-1)]
    unknown = sp.symbols("v_0:3", positive=True)
    lines = [
        sp.Eq(unknown[i], shifted_square(gradients[(i - shift) % 3] ** 2).subs({second: unknown[i - 1], **numbers}))
        for i in range(3)
    ]
    settled = sp.solve(lines, unknown)
    way = sum(gradient / sp.sqrt(settled[v]) for gradient, v in zip(gradients, unknown, strict=True))
    return sp.simplify(way), sp.simplify(derived.subs({**numbers, period: 3, lag: shift}).doit())


@claim(
    "adashift.periodic",
    same_steps,
    (beta, beta2, period),
    kind="exact",
    regime=Regime((beta < 1, beta2 < 1), "A memory without end never settles."),
    uses=("adashift.net-update",),
    layers=("numerics",),
    limits=(({"beta": 0.0}, 1.0),),
    slips=(("(1 - beta) / (1 - beta**period)", "(1 - beta) / (1 - beta ** (period + 1))"),),
)
def adashift_periodic() -> Derivation:
    """With a lag of whole periods AdaShift takes Adam's steps, and goes the wrong way where Adam does.

    Once the start is forgotten. The second moment of a periodic gradient is periodic, so that a lag of a period is
    none, and an exponential average of it is a weighted one over the last period: AdaShift's window.
    """
    rule = dict(ADAM.assignments)
    turns = sp.Symbol("l", integer=True, nonnegative=True)
    newest, kept = sp.diff(rule[average], g), sp.diff(rule[average], average)
    exponential = newest * kept**_age / (1 - kept**period)
    faded = sp.Symbol("x", positive=True)
    whole = sp.summation(faded**turns, (turns, 0, sp.oo)).args[0].expr.subs(faded, beta**period)
    yield Step(
        "Adam's weight of a gradient j steps old, of all periods", None, newest * beta**_age * whole, equals=exponential
    )
    window = beta**_age * (1 - beta) / (1 - beta**period)
    ages = sp.summation(beta**_age, (_age, 0, period - 1))
    ages = ages.replace(lambda e: isinstance(e, sp.Piecewise), lambda e: e.args[-1].expr)
    yield Step("AdaShift's, in a window of a period", None, window, equals=sp.simplify(beta**_age / ages))
    later = shifted_square(rare**2).subs(second, moment(period - 1))
    yield Step("A period later the second moment is the same", None, moment(sp.Integer(0)), equals=sp.simplify(later))
    return proven(sp.Integer(1), equals=sp.simplify(window / exponential))


_r, _h = sp.symbols("r h", positive=True)


def _reflected(place: sp.Expr, square: sp.Expr) -> sp.Expr:
    """The other side of the place after a step of the rule, from a place and a second moment."""
    moves, _ = dict(ADASHIFT.assignments)[theta].args
    one_old = {theta: place, average: _h * place, v_hat: square, eta: eta_adam}  # of a window of one gradient
    return -moves.expr.subs(one_old)


def _step_and_reflection(square: sp.Expr) -> sp.Expr:
    """Change of the place after a step and a reflection with the place before, at a given second moment."""
    place = sp.Symbol("x", positive=True)
    return sp.expand(sp.diff(_reflected(place, square), place)).subs(_h, h)


def _cycle() -> tuple[sp.Expr, sp.Matrix]:
    """Radius of the cycle of sign flips, and the deviations from it after a step and a reflection, as a matrix."""
    place, square = sp.symbols("x v", positive=True)
    reflected = _reflected(place, square)
    after = shifted_square((_h * place) ** 2).subs(second, square)
    on_cycle = {place: _r, square: (_h * _r) ** 2}
    (radius,) = sp.solve(reflected.subs(on_cycle) - _r, _r)
    turned = sp.Matrix([reflected, after]).jacobian([place, square]).subs(on_cycle).subs(_r, radius)
    return radius.subs(_h, h), sp.simplify(turned).subs(_h, h)


@claim(
    "adashift.cycle",
    cycle_radius,
    (eta_adam, h, delta),
    kind="exact",
    regime=Regime((h > 0, delta > 0, eta_adam * h < 4 * delta), "Above the cycle repels."),
    layers=("numerics",),
    slips=(("(h * _r + delta)", "(h * _r + 2 * delta)"), ("eta_adam / 2 - delta", "eta_adam / 2 + delta")),
)
def adashift_cycle() -> Derivation:
    """AdaShift with a lag of one on a parabola ends in steps from side to side of the minimum, without any noise.

    It is the constant ε under the root that decides: a step at distance r is ηhr/(hr + ε) and must be 2r. The cycle
    exists for 2ε < ηh and attracts for ηh < 4ε, see adashift.cycle-factor; with the tiny ε of the default nothing
    attracts. Up to 2ε the minimum itself attracts, and the distance is zero: where gradients vanish, so does their
    second moment, and a step is ηh/ε times the distance.
    """
    radius, _ = _cycle()
    (least,) = sp.solve(radius, eta_adam)
    yield Step("It is zero at a learning rate of", eta_adam, 2 * delta / h, equals=least)
    step = eta_adam * h * _r / (h * _r + delta)
    yield Step("A step from there ends on the other side", None, 2 * radius, equals=sp.simplify(step.subs(_r, radius)))
    at_rest = _step_and_reflection(sp.Integer(0))
    yield Step("Factor of a step and a reflection at the minimum", None, eta_adam * h / delta - 1, equals=at_rest)
    (edge,) = sp.solve(at_rest - 1, eta_adam)
    yield Step("It reaches 1, and the minimum attracts no more, at", eta_adam, 2 * delta / h, equals=edge)
    return proven(sp.Max(0, eta_adam / 2 - delta / h), equals=sp.Max(0, radius))


@claim(
    "adashift.cycle-factor",
    cycle_factor,
    (eta_adam, h, delta, beta2),
    kind="exact",
    regime=Regime((h > 0, beta2 < 1, eta_adam * h > 2 * delta), "Without a cycle there is no deviation from it."),
    uses=("adashift.cycle",),
    layers=("numerics",),
    limits=(({"delta": 0.0, "beta2": 0.9}, 1.1), ({"beta2": 1.0}, 1.0)),
    slips=(("4 * delta / h", "2 * delta / h"), ("2 - beta2", "2 + beta2")),
)
def adashift_cycle_factor() -> Derivation:
    """Deviations from the cycle of sign flips shrink where ηh < 4ε, whatever the memory, and grow beyond.

    The mean factor of the two modes of a deviation, of place and second moment, over two steps: the determinant of a
    step and a reflection. It is the factor of both where they are a pair of complex numbers.
    """
    _, turned = _cycle()
    yield Step("Trace of a step and a reflection", None, 1 + beta2, equals=turned.trace())
    determinant = sp.simplify(turned.det())
    share = 1 - 2 * delta / (eta_adam * h)
    (edge,) = sp.solve(determinant - 1, eta_adam)
    yield Step("The determinant is 1 at a learning rate of", eta_adam, 4 * delta / h, equals=edge)
    plus = sp.simplify(1 - turned.trace() + determinant)
    yield Step("No mode reaches 1 at a real number: positive", None, 2 * (1 - beta2) * share, equals=plus)
    other = sp.simplify(1 + turned.trace() + determinant)
    yield Step("nor -1", None, 2 * (1 + beta2) + 2 * (1 - beta2) * share, equals=other)
    without = determinant.subs(delta, 0)
    yield Step("Without ε it repels by", None, 2 - beta2, equals=without)
    return proven(beta2 + 2 * (1 - beta2) * (1 - 2 * delta / (eta_adam * h)), equals=sp.simplify(turned.det()))
