"""Leaving a critical point: spread after T steps from L(θ) = hθ²/2, h of either sign."""

import numpy as np
import sympy as sp

from inertialab.theory.claim import Derivation, Order, Source, claim
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import MOMENTUM_EMA, SGD, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import C, D, T, V, beta, eta, h, msd_T, r_minus, r_plus, t, v0sq, var_T
from inertialab.theory.numerics import geometric_sum, heavy_ball_msd, log_abs_one_minus
from inertialab.theory.regime import Regime


def _sgd_variance(eta: np.ndarray, h: np.ndarray, C: np.ndarray, T: np.ndarray) -> np.ndarray:
    """η²C Σ_{k<T} (1 - ηh)^{2k}."""
    return eta**2 * C * geometric_sum(2 * log_abs_one_minus(eta * h), T)


@claim("sgd.saddle-variance", var_T, (eta, h, C, T), kind="exact", numerics=_sgd_variance)
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
        (sp.Abs(eta * h) <= sp.Rational(1, 20), (eta * h) ** 2 * T <= sp.Rational(1, 50)),
        "Beyond it continuous time is more than 5 % off, and exponentially more with T; use sgd.saddle-variance.",
    ),
    source=Source("xie2022adaptive", "Theorem 1"),
    uses=("sgd.saddle-variance",),
    corrected_by="sgd.saddle-variance",
    order=Order(eta * h, 1, -sp.Integer(1)),
    instead="A step multiplies by 1 - ηh, not by its exponential; the error grows exponentially with T.",
    layers=("simulation", "real"),
    numerics=_ou_variance,
)
def sgd_saddle_variance_ou() -> Derivation:
    """Variance of SGD after a time t = ηT from a critical point, in continuous time.

    Attributed to the publication with C = |h|/B; the law holds for any C. The Ornstein-Uhlenbeck process
    with drift -hθ and diffusion D = ηC/2 spreads from zero to (D/h)(1 - e^{-2ht}). A step of SGD grows by
    1 + η|h|, less than e^{η|h|}: at a saddle the prediction is too large by about exp((ηh)²T), so it holds
    only while (ηh)²T is small.
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


@claim(
    "momentum.saddle-msd",
    msd_T,
    (eta, h, C, beta, T, v0sq),
    kind="exact",
    regime=Regime((beta < 1,), "Momentum 1 never forgets."),
    where={
        r_plus: (1 + beta - eta * (1 - beta) * h + sp.sqrt((1 + beta - eta * (1 - beta) * h) ** 2 - 4 * beta)) / 2,
        r_minus: (1 + beta - eta * (1 - beta) * h - sp.sqrt((1 + beta - eta * (1 - beta) * h) ** 2 - 4 * beta)) / 2,
    },
    numerics=heavy_ball_msd,
)
def momentum_saddle_msd() -> Derivation:
    """Mean squared displacement of EMA momentum after T steps from a critical point, exact.

    The parameter starts at the critical point; the buffer starts with mean square v0sq, independent of the
    noise (zero: from rest; its stationary value: thermal; m0²: ballistic). Momentum answers a kick with
    G_T = (r₊ᵀ - r₋ᵀ)/(r₊ - r₋), where r₊ and r₋ are the roots of r² - (1 + β - εh)r + β and ε = η(1 - β).
    The initial buffer contributes -ηβG_T m₀; the noise of step k contributes -εG_{T-k}ξ_k, so independent
    kicks add up to ε²C ΣG². Roots may be complex (oscillation at a minimum); the result is real.
    """
    epsilon = eta * (1 - beta)
    A, noise = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    polynomial = sp.Symbol("r") ** 2 - (1 + beta - epsilon * h) * sp.Symbol("r") + beta
    yield Step("Characteristic polynomial of one step", None, polynomial, equals=A.charpoly(sp.Symbol("r")).as_expr())
    # From here on h and β are written by the roots: β = r₊r₋ and εh = (1 - r₊)(1 - r₋).
    roots = {beta: r_plus * r_minus, h: (1 - r_plus) * (1 - r_minus) / (eta * (1 - r_plus * r_minus))}
    A, noise, e = A.subs(roots), noise.subs(roots), epsilon.subs(roots)
    k = sp.Symbol("k", integer=True, nonnegative=True)

    def G(n: sp.Expr) -> sp.Expr:
        return (r_plus**n - r_minus**n) / (r_plus - r_minus)

    response = sp.Matrix([[G(k + 1) - r_plus * r_minus * G(k), -eta * r_plus * r_minus * G(k)]])
    start = response.subs(k, 0)
    yield Step("Response of the parameter to its own start, after no step", None, sp.Integer(1), equals=start[0])
    yield Step("Response to the initial buffer, after no step", None, sp.Integer(0), equals=start[1])
    following = response * A
    yield Step("One more step: response to its own start", None, response.subs(k, k + 1)[0], equals=following[0])
    yield Step("One more step: response to the initial buffer", None, response.subs(k, k + 1)[1], equals=following[1])
    yield Step("Response to a kick of noise k + 1 steps ago", None, -e * G(k + 1), equals=(response * noise)[0])
    kicks = _sum_of_squared_responses()
    yield Step("Sum of squared kicks G², from T to T + 1", None, G(T + 1) ** 2, equals=kicks.subs(T, T + 1) - kicks)
    yield Step("The sum is empty at T = 0", None, sp.Integer(0), equals=kicks.subs(T, 0))
    derived = C * e**2 * kicks + v0sq * response[1].subs(k, T) ** 2
    readable = epsilon**2 * C * kicks + eta**2 * beta**2 * v0sq * G(T) ** 2
    return proven(readable, equals=derived, where=roots)


def _sum_of_squared_responses() -> sp.Expr:
    """Σ_{j=1}^T G_j², three geometric series; r₊r₋ = β."""
    series = [x * (1 - x**T) / (1 - x) for x in (r_plus**2, r_plus * r_minus, r_minus**2)]
    return (series[0] - 2 * series[1] + series[2]) / (r_plus - r_minus) ** 2
