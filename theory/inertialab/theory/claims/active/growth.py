"""How the need for labels falls with the rows seen, by the slack."""

import sympy as sp

from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.notation import (
    alive_scale,
    ask_density,
    asking,
    err,
    hypotheses,
    log_count,
    narrow,
    risk_bend,
    rounds,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

t, b, w = sp.symbols("t b w", positive=True)
A = alive_scale
SMOOTH = (
    "Hypotheses of one parameter, dense around the best, a smooth risk, and rows enough that those alive lie "
    "within the width of one."
)
LEADING = (3 * log_count * ask_density / risk_bend**2) ** sp.Rational(1, 3)
"""Distance of the outermost hypotheses alive from the best, times T^(1/3)."""


@claim(
    "iwal.label-growth",
    asking,
    (log_count, ask_density, risk_bend, rounds),
    kind="asymptotic",
    uses=("iwal.time-uniform", "iwal.range"),
    regime=Regime(
        (16 * log_count <= sp.Rational(3, 10) * ask_density * LEADING * rounds ** sp.Rational(2, 3),),
        SMOOTH,
        beside=(narrow <= sp.Rational(1, 2),),
    ),
    where={A: LEADING},
    layers=("simulation",),
    limits=(({"rounds": 1e60}, 0.0),),
    slips=(
        ("sp.Rational(3, 4) * t ** sp.Rational(4, 3) / A", "sp.Rational(3, 2) * t ** sp.Rational(4, 3) / A"),
        ("2 * log_count / 3", "log_count / 3"),
        ("(b / A) / 3", "(b / A) / 2"),
    ),
)
def iwal_label_growth() -> Derivation:
    """With slacks by the variance of each pair labels grow like T^(2/3): the chance to ask falls like T^(-1/3).

    Let w be the distance of the outermost hypotheses alive from the best one. The chance to ask is 2wu. The difference
    of their risks is R''w²/2; its weighted sum has gathered the squares V = (u w²/2)∫ds/w_s, since rows asked for with
    a small chance count more. A hypothesis is given up when t R''w²/2 = min_r (ψV + Λ)/r = √(2VΛ) + 2Λ/3 + ....
    The leading order is solved by w = A t^(-1/3), the next one by b t^(-2/3) beside it.
    """
    squares = ask_density * (A**2 * t ** sp.Rational(-2, 3)) / 2 * (sp.Rational(3, 4) * t ** sp.Rational(4, 3) / A)
    inverse = sp.integrate(t ** sp.Rational(1, 3) / A, t)
    yield Step("Sum of 1/w over the rounds", None, sp.Rational(3, 4) * t ** sp.Rational(4, 3) / A, equals=inverse)
    stated = 3 * ask_density * A * t ** sp.Rational(2, 3) / 8
    yield Step("Squares gathered by the outermost pair", None, stated, equals=squares)
    gap = risk_bend * A**2 * t ** sp.Rational(1, 3) / 2
    balance = gap**2 - 2 * squares * log_count
    (found,) = [s for s in sp.solve(sp.expand(balance / (t ** sp.Rational(2, 3) * A)), A) if s.is_positive]
    yield Step("The slack and the difference of risks balance", A, LEADING, equals=found)
    # Next order: V gets a factor 1 + (2/3)(b/A) t^(-1/3), its root half of that.
    expanded = sp.series((1 + 2 * (b / A) * w) * (1 - sp.Rational(4, 3) * (b / A) * w), w, 0, 2).removeO()
    yield Step("Next order of the squares, w = t^(-1/3)", None, 1 + sp.Rational(2, 3) * (b / A) * w, equals=expanded)
    r, V = sp.symbols("r V", positive=True)
    of_rate = (r**2 / 2 + r**3 / 3) * V / r + log_count / r
    at = sp.sqrt(2 * log_count / V)
    yield Step(
        "Slack at the best rate", None, sp.sqrt(2 * log_count * V) + 2 * log_count / 3, equals=of_rate.subs(r, at)
    )
    late = risk_bend * A * b - risk_bend * A**2 / 2 * (b / A) / 3 - 2 * log_count / 3
    (next_order,) = sp.solve(late, b)
    yield Step("It balances", b, 4 * log_count / (5 * risk_bend * A), equals=next_order)
    chance = 2 * ask_density * (A * rounds ** sp.Rational(-1, 3) + next_order * rounds ** sp.Rational(-2, 3))
    labels = sp.integrate(chance.subs(rounds, t), (t, 0, rounds))
    lead = sp.limit(labels / rounds ** sp.Rational(2, 3), rounds, sp.oo)
    yield Step("Labels over T^(2/3), many rows", None, 3 * ask_density * A, equals=lead)
    readable = (
        2
        * ask_density
        * (A * rounds ** sp.Rational(-1, 3) + 4 * log_count / (5 * risk_bend * A) * rounds ** sp.Rational(-2, 3))
    )
    return proven(readable, equals=chance)


@claim(
    "iwal.label-growth-azuma",
    asking,
    (hypotheses, err, ask_density, risk_bend, rounds),
    kind="attributed",
    source=Source("beygelzimer2009importance", "slack of the loss-weighting rule"),
    uses=("iwal.label-growth",),
    corrected_by="iwal.label-growth",
    instead="Labels grow like T^(2/3), not T^(3/4): a slack by the variance of each pair does not pay for the range of "
    "losses that those still compared do not have.",
    expected="refuted",
    regime=Regime((err < 1, rounds * (rounds + 1) * hypotheses**2 >= err), SMOOTH),
    layers=("simulation",),
    limits=(({"rounds": 1e60}, 0.0),),
    slips=(("risk_bend * w**2 / 2", "risk_bend * w**2"),),
)
def iwal_label_growth_azuma() -> Derivation:
    """With the slack √((8/T) ln(2T(T+1)M²/δ)) of the published rule labels grow like T^(3/4).

    The slack is that of Azuma's inequality for differences between -2 and 2, with a union over rounds and pairs. It
    does not know that hypotheses still alive hardly differ. Hypotheses are given up where R''w²/2 exceeds it.
    """
    logarithm = sp.log(2 * rounds * (rounds + 1) * hypotheses**2 / err)
    slack = sp.sqrt(8 * logarithm / rounds)
    distance = sp.solve(risk_bend * w**2 / 2 - slack, w)[-1]
    readable = 2 * ask_density * (32 * logarithm / (risk_bend**2 * rounds)) ** sp.Rational(1, 4)
    yield Step(
        "Distance at which a hypothesis is given up",
        w,
        (32 * logarithm / (risk_bend**2 * rounds)) ** sp.Rational(1, 4),
        equals=distance,
    )
    ours = 2 * ask_density * LEADING * rounds ** sp.Rational(-1, 3)
    yield Step(
        "Over the leading order by the variance of pairs",
        PUBLISHED_OVER_DERIVED,
        readable / ours,
        equals=2 * ask_density * distance / ours,
    )
    return proven(readable, equals=2 * ask_density * distance)
