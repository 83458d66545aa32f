"""What Adam's step is biased by under random gradients, since its second moment holds the gradient that it divides."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAM, ADASHIFT, SHIFT
from inertialab.theory.notation import C, K, adam_drift, beta, beta2, critical, factor_loss, g, mu, mu_unit, rare, third
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

PUBLISHED = Source("zhou2019adashift", "stochastic counterexample")
_share = (1 - beta2) * (1 - beta) / (1 - beta * beta2)
_chance = (1 + mu_unit) / (rare + 1)


def _moment(order: int) -> sp.Expr:
    """Mean power of a gradient that is G with a chance that makes the mean μ, and else -1."""
    return _chance * rare**order + (1 - _chance) * (-1) ** order


@claim(
    "adashift.net-factor",
    factor_loss,
    (rare, mu_unit, beta2),
    kind="exact",
    source=PUBLISHED,
    regime=Regime((beta2 < 1, rare > mu_unit), "The gradient is one of two, and independent from step to step."),
    layers=("simulation",),
    limits=(({"beta2": 0.5}, 0.0),),
    slips=(("range(1, SHIFT)", "range(1, SHIFT + 1)"),),
)
def adashift_net_factor() -> Derivation:
    """AdaShift makes steps in proportion to independent gradients, whatever their size.

    No second moment that divides a gradient holds it: it leaves the window in the very step in which it enters the
    second moment. Its step for its size, k(g) = ⟨1/√v⟩, is then the same for all gradients, and the mean step is the
    mean gradient times that. Independence is what it needs: periodic gradients are no such thing, see
    adashift.periodic.
    """
    moves, _ = dict(ADASHIFT.assignments)[second].args
    within = sum(abs(sp.diff(moves.expr, sp.Symbol(f"g_{age}", real=True))) for age in range(1, SHIFT))
    newest = sp.diff(moves.expr, g)
    yield Step("Change of AdaShift's second moment with the newest gradient", None, sp.Integer(0), equals=newest)
    yield Step("and with the others in the window but the one that leaves", None, sp.Integer(0), equals=within)
    own = sp.diff(dict(ADAM.assignments)[second], g)
    yield Step("Change of Adam's with the newest", None, 2 * (1 - beta2) * g, equals=own)
    factor = sp.Symbol("<1/sqrt(v)>", positive=True) + newest  # what the gradient itself adds is nothing
    return proven(sp.Integer(0), equals=1 - factor.subs(g, rare) / factor.subs(g, -1))


@claim(
    "adashift.net-factor-adam",
    factor_loss,
    (rare, mu_unit, beta2),
    kind="asymptotic",
    source=PUBLISHED,
    regime=Regime(
        (beta2 < 1, rare >= 2, mu_unit <= sp.Rational(1, 2), (1 - beta2) * rare <= sp.Rational(1, 40)),
        "A slow second moment, also against the kurtosis of the gradients, which is their rare size.",
    ),
    uses=("adashift.net-factor",),
    layers=("simulation",),
    limits=(({"beta2": 1.0}, 0.0),),
    slips=(("1 + small * away", "1 - small * away"), ("(_moment(2) - rare**2) / 2", "(_moment(2) - rare**2)")),
)
def adashift_net_factor_adam() -> Derivation:
    """Adam makes too short a step of a rare large gradient, for its size: by its own share in the second moment.

    Without momentum. The published statement is that the loss is positive; this is how large it is.
    """
    small = sp.Symbol("epsilon", positive=True)
    newest = dict(ADAM.assignments)[second].subs({beta2: 1 - small, second: _moment(2)})
    shares = [sp.series(sp.sqrt(_moment(2)) / sp.sqrt(newest.subs(g, x)), small, 0, 2).removeO() for x in (rare, -1)]
    away = (_moment(2) - rare**2) / 2 / _moment(2)
    yield Step(
        "Step of the rare gradient for its size, times the root of the mean square",
        None,
        1 + small * away,
        equals=sp.simplify(shares[0]),
    )
    loss = sp.series(1 - shares[0] / shares[1], small, 0, 2).removeO().coeff(small, 1) * (1 - beta2)
    square = rare + mu_unit * (rare - 1)
    yield Step("Mean square of the gradient", None, square, equals=sp.simplify(_moment(2)))
    return proven((1 - beta2) * (rare**2 - 1) / (2 * square), equals=sp.simplify(loss))


def _bias(overlap: sp.Expr) -> sp.Expr:
    """Mean step downhill to first order of the second moment's fluctuation, all powers of the mean gradient kept."""
    square, change = C + mu**2, sp.Symbol("delta")
    slope = sp.diff((square * (1 + change)) ** -sp.Rational(1, 2), change).subs(change, 0)
    return mu / sp.sqrt(square) + slope * overlap * (third + 2 * mu * C) / square


@claim(
    "adashift.drift",
    adam_drift,
    (mu, C, third, beta, beta2),
    kind="asymptotic",
    regime=Regime(
        (
            C > 0,
            beta < 1,
            beta2 < 1,
            mu**2 <= C / 100,
            (1 - beta2) * third**2 <= C**3 / 20,
            1 - beta2 <= sp.Rational(1, 25),
        ),
        "Leading order of a slow second moment, also against the kurtosis K: (1 - beta2)*(K - 1) << 1; and of a mean "
        "gradient that is small beside the noise.",
        (K * (1 - beta2) <= sp.Rational(1, 5),),
    ),
    uses=("adashift.net-factor",),
    layers=("simulation",),
    limits=(({"mu": 0.0, "third": 0.0}, 0.0), ({"mu": 0.0, "beta2": 1.0}, 0.0)),
    slips=(
        ("third + 2 * mu * C", "2 * third + 2 * mu * C"),
        ("sp.diff(rules[second], g, 2) / 2", "sp.diff(rules[second], g, 2)"),
    ),
)
def adashift_drift() -> Derivation:
    """Adam drifts under skewed noise: against large rare gradients, whatever the mean gradient and the learning rate.

    First and second moment hold the same gradients, and products of ĝ and ĝ² of one step have the mean κ₃ + 2μC.
    Noise that is not skewed makes no drift to this order, and AdaShift none at all. Momentum lessens it only where
    its memory is as long as that of the second moment.
    """
    rules = dict(ADAM.assignments)
    raw = third + 3 * mu * C + mu**3 - mu * (C + mu**2)
    yield Step("Covariance of ĝ and ĝ²", None, third + 2 * mu * C, equals=sp.expand(raw))
    first = sp.diff(rules[average], g) * sp.diff(rules[average], average) ** _age
    other = sp.diff(rules[second], g, 2) / 2 * sp.diff(rules[second], second) ** _age
    overlap = sp.summation(first * other, (_age, 0, sp.oo))
    overlap = sp.simplify(overlap.replace(lambda e: isinstance(e, sp.Piecewise), lambda e: e.args[0].expr))
    yield Step("Overlap of the weights of both moments", None, _share, equals=overlap)
    full = (mu - _share * (third + 2 * mu * C) / (2 * (C + mu**2))) / sp.sqrt(C + mu**2)
    yield Step("First order of the second moment's fluctuation", None, full, equals=_bias(overlap))
    small, share = sp.symbols("e s", positive=True)
    scaled = _bias(small * share).subs(mu, small * mu) / small  # mean gradient and overlap are small alike
    leading = sp.limit(sp.simplify(scaled), small, 0).subs(share, overlap)
    readable = (mu - (1 - beta2) * (1 - beta) / (1 - beta * beta2) * third / (2 * C)) / sp.sqrt(C)
    return proven(readable, equals=leading)


_age = sp.Symbol("j", integer=True, nonnegative=True)


@claim(
    "adashift.critical",
    critical,
    (mu_unit, beta, beta2),
    kind="asymptotic",
    source=PUBLISHED,
    regime=Regime(
        (
            beta2 < 1,
            beta < 1,
            mu_unit <= sp.Rational(1, 40),
            2 * mu_unit >= 5 * _share,
            (1 - beta2) * (1 + 2 * mu_unit / _share) <= sp.Rational(1, 15),
        ),
        "A small mean, by which the next order is larger, and a rare gradient several times the common one.",
    ),
    uses=("adashift.drift",),
    layers=("simulation",),
    limits=(({"mu": 1e-12}, 1.0),),
    slips=(("skewed.subs(mu, mu_unit)", "skewed.subs(mu, 2 * mu_unit)"),),
)
def adashift_critical() -> Derivation:
    """Size of the rare gradient beyond which Adam goes the wrong way under random gradients.

    It is G with a chance that makes the mean μ, in units of the common gradient -1. Momentum raises the critical size
    hardly: to twice at β₁ = β₂.
    """
    variance = sp.factor(sp.simplify(_moment(2) - _moment(1) ** 2))
    skew = sp.simplify(_moment(3) - 3 * _moment(1) * _moment(2) + 2 * _moment(1) ** 3)
    yield Step("Mean of the gradient", None, mu_unit, equals=sp.simplify(_moment(1)))
    combined = sp.factor(sp.simplify(skew + 2 * mu_unit * variance))
    yield Step("κ₃ + 2μC over C", None, rare - 1, equals=sp.simplify(combined / variance))
    ratio = sp.Symbol("ratio", positive=True)  # C over the mean square, 1 but for μ²/C
    skewed = _bias(_share) * sp.sqrt(C + mu**2)
    balance = sp.simplify(skewed.subs(mu, mu_unit).subs(third, (rare - 1) * C - 2 * mu_unit * C))
    balance = balance.subs(C, ratio * mu_unit**2 / (1 - ratio))
    (found,) = sp.solve(sp.simplify(balance), rare)
    root = sp.simplify(sp.limit(found, ratio, 1))
    return proven(1 + 2 * mu_unit * (1 - beta * beta2) / ((1 - beta2) * (1 - beta)), equals=root)
