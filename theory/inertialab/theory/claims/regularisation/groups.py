"""What a strength of its own is worth to each of two groups."""

import sympy as sp

from inertialab.theory.claims.regularisation.strength import (
    har_strength,
    narrow,
    squared_error,
    width,
)
from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import H_out, R_noise, V_out, both_errors, clean_error
from inertialab.theory.statement import Derivation, claim

lam = sp.Symbol("lambda", positive=True)


def error(V: sp.Expr, at: sp.Expr) -> sp.Expr:
    """Squared error of a group whose labels have a variance, at a strength, squared loss."""
    return squared_error(width, V).subs(width, sp.sqrt(2 * at / H_out)).subs(H_out, 1)


def _common() -> sp.Expr:
    """Strength that makes the error of both groups smallest."""
    total = error(V_out, lam) + error(R_noise * V_out, lam)
    power = sp.Symbol("lambda52", positive=True)
    slope = sp.expand(sp.diff(total, lam) * lam ** sp.Rational(3, 2))
    (found,) = sp.solve(slope.subs(lam, power ** sp.Rational(2, 5)), power)
    return found ** sp.Rational(2, 5)


def _own(V: sp.Expr) -> sp.Expr:
    """Optimal strength of a group of its own."""
    return har_strength.formula.subs({H_out: 1, V_out: V}, simultaneous=True)


@claim(
    "har.both-groups",
    both_errors,
    (R_noise,),
    kind="asymptotic",
    regime=narrow(share=2 / 5),
    uses=("har.strength", "har.mistuning"),
    layers=("numerics", "real"),
    limits=(({"R": 1.0}, 1.0),),
    slips=(("error(V_out, lam) + error(R_noise * V_out, lam)", "error(V_out, lam) + error(V_out, lam)"),),
)
def har_both_groups() -> Derivation:
    """Squared error of two groups together: optimal strength of each over the best common one.

    Squared loss, equal densities, variances of the labels 1 : R. The noisy group has most of the error and, under the
    common strength, nearly its own: together they gain little, a ninth at R = 100 and 13 percent at most. Networks gain
    less where they have units or steps too few to follow the noise, so that more than the penalty regularises them.
    """
    common = _common()
    mean = _own(V_out * (1 + R_noise) / 2)
    yield Step("Best common strength: that of the mean variance", None, mean, equals=common)
    noisy = R_noise * V_out
    own, shared = error(V_out, _own(V_out)) + error(noisy, _own(noisy)), error(V_out, common) + error(noisy, common)
    readable = (1 + R_noise ** sp.Rational(4, 5)) / 2 / ((1 + R_noise) / 2) ** sp.Rational(4, 5)
    most = sp.limit(readable, R_noise, sp.oo)
    yield Step("What is left where one group is far noisier", None, 2 ** -sp.Rational(1, 5), equals=most)
    return proven(readable, equals=sp.powsimp(sp.simplify(own / shared)))


@claim(
    "har.clean-group",
    clean_error,
    (R_noise,),
    kind="asymptotic",
    regime=narrow(share=1 / 150),
    uses=("har.both-groups",),
    layers=("numerics",),
    limits=(({"R": 1.0}, 1.0),),
    slips=(("error(V_out, own) / error(V_out, common)", "error(V_out, common) / error(V_out, own)"),),
)
def har_clean_group() -> Derivation:
    """Squared error of the clean one of two groups: optimal strength of each over the best common one.

    Squared loss, equal densities, variances of the labels 1 : R. The best common strength is nearly the noisy group's
    and smooths the clean one far too much: at R = 100 it keeps a fifth of its error. Where the groups touch, the noisy
    one lends its error across the edge, over a kernel's width; with few examples that is soon as large as what is left.
    """
    own, common = _own(V_out), _common()
    ratio = common / own
    yield Step("Common strength over its own", None, ((1 + R_noise) / 2) ** sp.Rational(2, 5), equals=ratio)
    readable = 10 * ((1 + R_noise) / 2) ** sp.Rational(1, 5) / (9 + R_noise)
    return proven(readable, equals=sp.simplify(error(V_out, own) / error(V_out, common)))
