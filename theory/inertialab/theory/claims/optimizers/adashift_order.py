"""How long a way each gradient makes for its size, when gradients come back periodically: the order of net updates."""

import sympy as sp

from inertialab.theory.claims.optimizers.adashift import PUBLISHED, moment
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAM
from inertialab.theory.notation import age, beta, beta2, g, net_factor, period, rare
from inertialab.theory.notation import m as average
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim

_later = sp.Symbol("l", integer=True, nonnegative=True)
_i = sp.Symbol("i", integer=True, nonnegative=True)


def _over_a_cycle(roots: list[sp.Expr], start: int) -> sp.Expr:
    """Net factor of the gradient at a place of a cycle of inverse roots: all later ones, each with its weight."""
    length = len(roots)
    weights = [(1 - beta) * beta**n / (1 - beta**length) for n in range(length)]
    return sum(w * roots[(start + n) % length] for n, w in enumerate(weights))


@claim(
    "adashift.net-factor-order",
    net_factor,
    (rare, period, beta, beta2, age),
    kind="exact",
    source=PUBLISHED,
    regime=Regime(
        (beta < 1, beta2 < 1, rare >= 1, age <= period - 1),
        "Adam with any momentum, and AdaShift without: there the age is the gradient's own less the lag.",
    ),
    uses=("adashift.net-update",),
    layers=("numerics",),
    limits=(({"rare": 1.0, "beta": 0.5, "d": 3.0, "age": 1.0}, 1.0),),
    slips=(("beta ** (_i - age)", "beta ** (_i - age + 1)"), ("newest / (1 - kept**period)", "newest")),
)
def adashift_net_factor_order() -> Derivation:
    """Which of periodic gradients makes how long a way for its size: under Adam the rare one makes the shortest.

    Without momentum the way is 1/√v, which grows with the age of the rare gradient in v. With momentum a gradient moves
    over all later steps, with weights that fall while 1/√v rises from the rare gradient to the end of the period: that
    is the order of the smallest sum of products, so that the rare gradient keeps the last place at every momentum (the
    rearrangement inequality; worked out for three gradients). AdaShift that lags by n hands the last place to the
    gradient n steps after the rare one, counted around the period: the bias has another bearer, and is there as before.
    """
    rule = dict(ADAM.assignments)
    newest, kept = sp.diff(rule[average], g), sp.diff(rule[average], average)
    yield Step(
        "Share of a gradient in the average l steps later",
        None,
        (1 - beta) * beta**_later,
        equals=newest * kept**_later,
    )
    yield from _shortest()
    weight = newest / (1 - kept**period)
    root = 1 / sp.sqrt(moment(_i))
    to_the_end = sp.Sum(kept ** (_i - age) * root, (_i, age, period - 1))
    from_the_next = kept ** (period - age) * sp.Sum(kept**_i * root, (_i, 0, age - 1))
    derived = weight * (to_the_end + from_the_next)
    for place in (0, 2):
        yield Step(f"A period of three, age {place}", None, *_three_steps(place, derived))
    spelled = 1 / sp.sqrt(1 + (rare**2 - 1) * (1 - beta2) / (1 - beta2**period) * beta2**_i)
    readable = (
        (1 - beta)
        / (1 - beta**period)
        * (
            sp.Sum(beta ** (_i - age) * spelled, (_i, age, period - 1))
            + beta ** (period - age) * sp.Sum(beta**_i * spelled, (_i, 0, age - 1))
        )
    )
    return proven(readable, equals=derived)


def _shortest() -> Derivation:
    """The recurrence of net factors, and the first as the smallest of three, in rises of the inverse root."""
    first, rise, more = sp.symbols("u_0 p q", positive=True)
    roots = [first, first + rise, first + rise + more]
    factors = [sp.cancel(_over_a_cycle(roots, start)) for start in range(3)]
    yield Step(
        "A factor from the next one", None, (1 - beta) * roots[1] + beta * factors[2], equals=sp.factor(factors[1])
    )
    share = (1 - beta) / (1 + beta + beta**2)
    yield Step(
        "Second less first of three, positive",
        None,
        share * (rise + beta * (rise + more)),
        equals=factors[1] - factors[0],
    )
    yield Step("Third less first", None, share * (rise + (1 + beta) * more), equals=factors[2] - factors[0])


def _three_steps(place: int, derived: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Net factor at a place of a period of three at numbers, by the cycle of second moments, and the formula there."""
    numbers = {rare: sp.Integer(4), beta2: sp.Rational(1, 2), period: sp.Integer(3)}
    roots = [1 / sp.sqrt(moment(sp.Integer(i))).subs(numbers) for i in range(3)]
    third = {beta: sp.Rational(1, 3)}
    stated = derived.subs({**numbers, age: place}).doit().subs(third)
    return sp.simplify(_over_a_cycle(roots, place).subs(third)), sp.simplify(stated)
