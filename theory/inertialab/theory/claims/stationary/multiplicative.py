"""Stationary variance and stability of SGD whose noise grows with the distance from the minimum."""

import sympy as sp

from inertialab.theory.claims.stationary.sgd import sgd_stationary_variance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import C, V, c2, eta, eta_max, g, h, theta, var
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim


def second_moment() -> sp.Expr:
    """What a step makes of ⟨θ²⟩, under a minibatch gradient of mean hθ and variance C + c₁θ + c₂θ²; ⟨θ⟩ is zero.

    A term of the variance that is linear in θ drops out with the mean.
    """
    linear = sp.Symbol("c_1", real=True)
    squared = sp.Poly(sp.expand(SGD.step(g)[theta] ** 2), g)
    gradient = {0: sp.Integer(1), 1: h * theta, 2: (h * theta) ** 2 + C + linear * theta + c2 * theta**2}
    new = sp.Poly(sp.expand(sum(c * gradient[p] for (p,), c in squared.terms())), theta)
    moments = {0: sp.Integer(1), 1: sp.Integer(0), 2: V(0)}
    return sp.expand(sum(c * moments[p] for (p,), c in new.terms()))


@claim(
    "sgd.stationary-variance-multiplicative",
    var,
    (eta, h, C, c2),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime(
        (h > 0, eta * (h**2 + c2) < 2 * h),
        "Beyond it the second moment grows without bound, see sgd.mean-square-stability.",
    ),
    source=Source("wu2022alignment", "linear stability of SGD in the mean square"),
    uses=("sgd.stationary-variance",),
    limits=(({"c2": 0.0}, "sgd.stationary-variance"), ({"C": 0.0}, 0.0)),
    slips=(("+ c2 * theta**2}", "+ 2 * c2 * theta**2}"), ("2: V(0)}", "2: V(0) / 2}")),
)
def sgd_stationary_variance_multiplicative() -> Derivation:
    """Stationary variance of SGD when the variance of the gradient is C + c₂θ², exact in the learning rate.

    Minibatches of a linear regression have different curvatures, and their gradients spread the more the farther from
    the minimum. A step maps ⟨θ²⟩ to (1 - ηh)²⟨θ²⟩ + η²(C + c₂⟨θ²⟩), for any law of the noise. The denominator vanishes
    where the state stops having a second moment, long before ηh = 2.
    """
    after = second_moment()
    yield Step("Second moment after a step", V(1), ((1 - eta * h) ** 2 + eta**2 * c2) * V(0) + eta**2 * C, equals=after)
    (fixed,) = sp.solve(after - V(0), V(0))
    readable = eta * C / (h * (2 - eta * h) - eta * c2)
    plain = sgd_stationary_variance.formula
    ratio = h * (2 - eta * h) / (h * (2 - eta * h) - eta * c2)
    yield Step("Over the law of constant noise", None, ratio, equals=fixed / plain)
    return proven(readable, equals=fixed)


@claim(
    "sgd.mean-square-stability",
    eta_max,
    (h, c2),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime((h > 0,), "A maximum or saddle is unstable at any rate."),
    source=Source("wu2022alignment", "linear stability of SGD in the mean square"),
    uses=("sgd.stationary-variance-multiplicative",),
    limits=(({"c2": 1e30}, 0.0),),
    slips=(("readable = 2 * h / (h**2 + c2)", "readable = 2 * h / (h**2 - c2)"),),
)
def sgd_mean_square_stability() -> Derivation:
    """Largest learning rate at which the second moment of SGD stays finite.

    The factor by which a step multiplies ⟨θ²⟩ far from the minimum, (1 - ηh)² + η²c₂, must stay below one. Without
    noise in the curvature the bound is that of gradient descent, 2/h.
    """
    growth = sp.diff(second_moment(), V(0))
    yield Step("Factor of the second moment in a step", None, (1 - eta * h) ** 2 + eta**2 * c2, equals=growth)
    (edge,) = [root for root in sp.solve(growth - 1, eta) if root != 0]
    yield Step("Gradient descent", None, 2 / h, equals=edge.subs(c2, 0))
    (pole,) = [root for root in sp.solve(1 / sgd_stationary_variance_multiplicative.formula, eta) if root != 0]
    readable = 2 * h / (h**2 + c2)
    yield Step("It is where the stationary variance diverges", None, readable, equals=pole)
    return proven(readable, equals=edge)
