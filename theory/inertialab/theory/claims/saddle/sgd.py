"""Leaving a critical point under SGD: spread after T steps from L(θ) = hθ²/2, h of either sign."""

import numpy as np
import sympy as sp

from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import SGD, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import C, D, T, V, eta, h, t, var_T
from inertialab.theory.numerics import geometric_sum, log_abs_one_minus
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim


def _sgd_variance(eta: np.ndarray, h: np.ndarray, C: np.ndarray, T: np.ndarray) -> np.ndarray:
    """η²C Σ_{k<T} (1 - ηh)^{2k}."""
    return eta**2 * C * geometric_sum(2 * log_abs_one_minus(eta * h), T)


@claim(
    "sgd.saddle-variance",
    var_T,
    (eta, h, C, T),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    numerics=_sgd_variance,
    limits=(({"C": 0.0}, 0.0),),
    slips=(("A[0] ** 2 * V(T) + C", "A[0] * V(T) + C"),),
)
def sgd_saddle_variance() -> Derivation:
    """Variance of SGD after T steps from a critical point, exact in the learning rate.

    The variance obeys a linear recursion of first order. Its solution from zero grows at a saddle (h < 0),
    saturates at a minimum and, where ηh vanishes, tends to the free law η²CT.
    """
    A, noise = linear_recursion(SGD, QUADRATIC)
    following = A[0] ** 2 * V(T) + C * noise[0] ** 2
    yield Step("One step maps the variance to", V(T + 1), (1 - eta * h) ** 2 * V(T) + eta**2 * C, equals=following)
    fixed = sp.solve(following - V(T), V(T))[0]
    derived = fixed * (1 - A[0] ** (2 * T))
    yield Step(
        "The deviation from the fixed point shrinks or grows by (1 - ηh)² a step; at T = 0 it cancels",
        V(0),
        sp.Integer(0),
        equals=derived.subs(T, 0),
    )
    readable = eta * C / (h * (2 - eta * h)) * (1 - (1 - eta * h) ** (2 * T))
    residual = readable.subs(T, T + 1) - following.subs(V(T), readable)
    yield Step("Residual of the recursion", None, sp.Integer(0), equals=residual)
    free = sp.series(readable, h, 0, 1).removeO()
    yield Step("Free law, the limit of no curvature", None, eta**2 * C * T, equals=free)
    return proven(readable, equals=derived)


def _ou_variance(eta: np.ndarray, h: np.ndarray, C: np.ndarray, T: np.ndarray) -> np.ndarray:
    """ηC (1 - e^{-2hηT}) / 2h, with the limit η²CT at h = 0."""
    x = 2 * h * eta * T
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        growth = np.where(x == 0, 1.0, -np.expm1(-x) / x)
    return eta**2 * C * T * growth


@claim(
    "sgd.saddle-variance-ou",
    var_T,
    (eta, h, C, T),
    kind="attributed",
    regime=Regime(
        (sp.Abs(eta * h) <= sp.Rational(3, 100), sp.Min(eta * h, 0) ** 2 * T <= sp.Rational(1, 100)),
        "Within it continuous time is hardly more than 3 % off: by ηh after one step, by ηh/2 later, at a saddle by "
        "(ηh)²T more, which grows exponentially; at a minimum any T will do. Beyond it use sgd.saddle-variance.",
    ),
    source=Source("xie2022adaptive", "Theorem 1"),
    uses=("sgd.saddle-variance",),
    corrected_by="sgd.saddle-variance",
    order=Order(eta * h, 1, -sp.Integer(1)),
    instead="A step multiplies by 1 - ηh, not by its exponential; the error grows exponentially with T.",
    layers=("simulation", "real"),
    numerics=_ou_variance,
    limits=(({"C": 0.0}, 0.0),),
    slips=(("+ 2 * h * V(t) - 2 * D", "+ h * V(t) - 2 * D"),),
)
def sgd_saddle_variance_ou() -> Derivation:
    """Variance of SGD after a time t = ηT from a critical point, in continuous time.

    Attributed to the publication with C = |h|/B; the law holds for any C. The Ornstein-Uhlenbeck process
    with drift -hθ and diffusion D = ηC/2 spreads from zero to (D/h)(1 - e^{-2ht}). A step of SGD grows by
    1 + η|h|, less than e^{η|h|}: at a saddle the prediction is too large by about exp((ηh)²T), so it holds
    only while (ηh)²T is small. At a minimum no T is too long: the error goes from ηh after one step to ηh/2.
    """
    solution = sp.dsolve(sp.Derivative(V(t), t) + 2 * h * V(t) - 2 * D, V(t), ics={V(0): 0}).rhs
    yield Step(
        "The variance obeys V' = -2hV + 2D from V = 0",
        V(t),
        D / h * (1 - sp.exp(-2 * h * t)),
        equals=solution,
    )
    derived = solution.subs(t, eta * T).subs(D, eta * C / 2)
    readable = eta * C / (2 * h) * (1 - sp.exp(-2 * eta * h * T))
    x = sp.Symbol("x", positive=True)
    yield Step(
        "Excess growth a step at a saddle with x = η|h|, leading order",
        None,
        x**2,
        equals=sp.series(2 * x - 2 * sp.log(1 + x), x, 0, 3).removeO(),
    )
    for name, law in (("exact law", sgd_saddle_variance.formula), ("continuous-time law", readable)):
        leading = sp.series(law, eta, 0, 3).removeO()
        yield Step(f"Leading order in η of the {name}: free diffusion", None, eta**2 * C * T, equals=leading)
    ratio = (2 - eta * h) * (1 - sp.exp(-2 * eta * h * T)) / (2 * (1 - (1 - eta * h) ** (2 * T)))
    yield Step(
        "Divided by the exact law",
        PUBLISHED_OVER_DERIVED,
        ratio,
        equals=readable / sgd_saddle_variance.formula,
    )
    return proven(readable, equals=derived)
