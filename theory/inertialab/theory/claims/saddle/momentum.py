"""Leaving a critical point with momentum: spread after T steps, and the rate at which it grows."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import MOMENTUM_EMA, SGD, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    T,
    beta,
    eta,
    growth,
    h,
    msd_T,
    r_minus,
    r_plus,
    theta,
    v0sq,
)
from inertialab.theory.numerics import heavy_ball_msd
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim


@claim(
    "momentum.saddle-msd",
    msd_T,
    (eta, h, C, beta, T, v0sq),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime((beta < 1,), "Momentum 1 never forgets."),
    where={
        r_plus: (1 + beta - eta * (1 - beta) * h + sp.sqrt((1 + beta - eta * (1 - beta) * h) ** 2 - 4 * beta)) / 2,
        r_minus: (1 + beta - eta * (1 - beta) * h - sp.sqrt((1 + beta - eta * (1 - beta) * h) ** 2 - 4 * beta)) / 2,
    },
    numerics=heavy_ball_msd,
    limits=(
        ({"beta": 0.0}, "sgd.saddle-variance"),
        ({"C": 0.0, "v0sq": 0.0}, 0.0),
    ),
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


@claim(
    "momentum.growth-slower",
    growth,
    (eta, h, beta),
    kind="exact",
    regime=Regime((h < 0, beta < 1), "A statement about saddles."),
    uses=("momentum.saddle-msd",),
    layers=("numerics", "simulation", "real"),
)
def momentum_growth_slower() -> Derivation:
    """Growth of EMA momentum at a saddle, per step: never above SGD's 1 + η|h| at the same learning rate.

    The growth is the larger root of the characteristic polynomial. At r = 1 + η|h| the polynomial is βη²h², and that
    point lies beyond the vertex, so the root is smaller for every η, h < 0 and 0 < β < 1, and equal only at β = 0,
    where EMA momentum is SGD. Both grow: at r = 1 it is negative. PyTorch's momentum at η is EMA momentum at η/(1 - β),
    and is beaten by SGD at that rate.
    """
    r, q, b = sp.Symbol("r"), sp.Symbol("q", positive=True), sp.Symbol("beta", positive=True)
    A, _ = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    polynomial = A.charpoly(r).as_expr()
    at_saddle = polynomial.subs({h: -q / eta, beta: b}, simultaneous=True)
    (sgd,) = SGD.step(h * theta).values()
    yield Step("SGD's growth with q = η|h|", None, 1 + q, equals=sp.diff(sgd, theta).subs(h, -q / eta))
    value = sp.factor(sp.expand(at_saddle.subs(r, 1 + q)))
    yield Step("The polynomial there", None, b * q**2, equals=value)
    yield Step("is positive", None, sp.Integer(1), equals=sp.sign(value))
    yield Step("and vanishes without momentum", None, sp.Integer(0), equals=value.subs(b, 0))
    slack = sp.Symbol("f", positive=True)  # 1 - β
    beyond = sp.expand(sp.diff(at_saddle, r).subs(r, 1 + q).subs(b, 1 - slack))
    yield Step("Its slope there, with 1 - β = f", None, 2 * q + slack - slack * q, equals=beyond)
    yield Step("is positive for f < 1: q + q(1 - f) + f", None, q + q * b + (1 - b), equals=beyond.subs(slack, 1 - b))
    yield Step("At r = 1 it is negative", None, -(1 - b) * q, equals=at_saddle.subs(r, 1))
    epsilon = eta * (1 - beta)
    root = (1 + beta - epsilon * h + sp.sqrt((1 + beta - epsilon * h) ** 2 - 4 * beta)) / 2
    yield Step("The larger root solves it", None, sp.Integer(0), equals=sp.expand(polynomial.subs(r, root)))
    leading = sp.series((root - 1).subs({h: -q / eta, beta: 1 - slack}), q, 0, 3).removeO()
    yield Step("Growth beyond 1, small η|h|, with f = 1 - β", None, q - (1 - slack) / slack * q**2, equals=leading)
    other = (1 + beta - epsilon * h - sp.sqrt((1 + beta - epsilon * h) ** 2 - 4 * beta)) / 2
    return proven(root, equals=beta / other)
