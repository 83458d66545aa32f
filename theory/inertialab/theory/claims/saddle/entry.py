"""What the first steps do at a saddle: a buffer that comes along, and a cold start with its correction."""

import sympy as sp

from inertialab.theory.claims.saddle.momentum import momentum_saddle_msd
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAM, MOMENTUM_EMA, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    T,
    beta,
    beta2,
    bias_corrected,
    delta,
    eta,
    g,
    h,
    k,
    m0,
    moved_T,
    r_minus,
    r_plus,
    theta,
    v0sq,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.numerics import bias_corrected_msd, heavy_ball_displacement
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim

_j = sp.Symbol("j", integer=True, positive=True)


_i = sp.Symbol("i", integer=True, positive=True)


@claim(
    "momentum.ballistic",
    moved_T,
    (eta, h, beta, T, m0),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime((beta < 1,), "Momentum 1 never forgets."),
    uses=("momentum.saddle-msd",),
    where=momentum_saddle_msd.where,
    numerics=heavy_ball_displacement,
    limits=(({"beta": 0.0}, 0.0),),
)
def momentum_ballistic() -> Derivation:
    """Mean displacement of EMA momentum that enters a critical point with a buffer: -ηβG_T m₀.

    Noise has mean zero, so the mean obeys the recursion without noise. With G_T = (r₊ᵀ - r₋ᵀ)/(r₊ - r₋) the
    displacement starts at zero and obeys the second-order recursion of heavy ball.
    """
    epsilon = eta * (1 - beta)
    A, _ = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    yield Step("First step from the critical point", None, -eta * beta * m0, equals=A[0, 1] * m0)
    roots = {beta: r_plus * r_minus, h: (1 - r_plus) * (1 - r_minus) / (eta * (1 - r_plus * r_minus))}
    trace, determinant = A.trace().subs(roots), A.det().subs(roots)
    yield Step("Sum of the roots is the trace", None, r_plus + r_minus, equals=trace)
    yield Step("Their product is the determinant", None, r_plus * r_minus, equals=determinant)

    def moved(count: sp.Expr) -> sp.Expr:
        return -eta * r_plus * r_minus * m0 * (r_plus**count - r_minus**count) / (r_plus - r_minus)

    # Cayley and Hamilton: every entry of Aᵀ obeys the recursion of the characteristic polynomial.
    residual = moved(T + 2) - trace * moved(T + 1) + determinant * moved(T)
    yield Step("Residual of the recursion", None, sp.Integer(0), equals=residual)
    yield Step("No displacement at the start", None, sp.Integer(0), equals=moved(sp.S(0)))
    yield Step("After one step", None, A[0, 1].subs(roots) * m0, equals=moved(sp.S(1)))
    free = sp.limit(sp.limit(moved(T), r_plus, 1).subs(r_minus, beta), h, 0)
    yield Step("Without curvature", None, -eta * m0 * beta * (1 - beta**T) / (1 - beta), equals=free)
    squared = momentum_saddle_msd.rhs.subs({C: 0, v0sq: m0**2})
    yield Step(
        "Its square is the mean squared displacement without noise",
        None,
        squared.subs(roots),
        equals=(moved(T) ** 2).subs(roots),
    )
    readable = -eta * beta * m0 * (r_plus**T - r_minus**T) / (r_plus - r_minus)
    yield Step("Learning rate times 1 - β is the step of heavy ball", None, epsilon, equals=eta * (1 - beta))
    return proven(readable, equals=moved(T), where={beta: r_plus * r_minus})


@claim(
    "momentum.bias-correction",
    bias_corrected,
    (beta, T),
    kind="exact",
    regime=Regime((beta <= 1, T >= 1), "Momentum beyond 1 diverges."),
    layers=("numerics", "simulation", "real"),
    numerics=bias_corrected_msd,
)
def momentum_bias_correction() -> Derivation:
    """Free spread from a cold start with bias correction, in units of η²C; 2T - H_T as β → 1.

    The buffer starts empty and the step divides it by 1 - βᵗ, as in Adam and Adai. Noise ξ_k then moves the parameter
    by -ηc_kξ_k. As β → 1 the step is the mean of all gradients so far, c_k is a piece of the harmonic series, and the
    spread is 2T - H_T with the harmonic number H_T: nearly twice that of SGD.
    """
    rule = dict(ADAM.assignments)
    kept, taken = sp.diff(rule[average], average), sp.diff(rule[average], g)
    answer = sp.Function("y")
    memory = sp.rsolve(answer(_i + 1) - kept * answer(_i), answer(_i), {answer(0): taken})
    yield Step("What a buffer remembers of a gradient i steps ago", None, (1 - beta) * beta**_i, equals=memory)
    divisor = average / (theta - rule[theta]) * eta / (sp.sqrt(second / (1 - beta2**k)) + delta)
    yield Step("The i-th step divides the buffer by", None, 1 - beta**_i, equals=sp.simplify(divisor).subs(k, _i))
    limit = sp.limit((1 - beta) / (1 - beta**_i), beta, 1)
    yield Step("Weight of a gradient in the mean of i, as β → 1", None, 1 / _i, equals=limit)
    N = sp.Symbol("N", integer=True, positive=True)
    total = sp.Function("S")
    # Σ_k c_k over k <= N: gradient i is counted in the i pieces that contain 1/i.
    yield Step("Sum of all c_k over k = 1 … N", None, N, equals=sp.summation(_i * (1 / _i), (_i, 1, N)))
    grown = 2 / (N + 1) * N + (N + 1) / (N + 1) ** 2
    yield Step(
        "Increment of Σc_k² when every c_k gains 1/(N + 1) and one is new",
        total(N + 1) - total(N),
        2 - 1 / (N + 1),
        equals=grown,
    )
    harmonic = (2 * (N + 1) - sp.harmonic(N + 1)) - (2 * N - sp.harmonic(N))
    yield Step("2N - H_N has that increment", None, 2 - 1 / (N + 1), equals=sp.expand_func(harmonic))
    yield Step("and starts at 1, as one step does", None, sp.Integer(1), equals=2 - sp.harmonic(1))
    first = sp.Sum(sp.Sum((1 - beta) * beta ** (_i - _j) / (1 - beta**_i), (_i, _j, T)) ** 2, (_j, 1, T))
    response = memory.subs(_i, _i - _j) / (1 - beta**_i)
    return proven(first, equals=sp.Sum(sp.Sum(response, (_i, _j, T)) ** 2, (_j, 1, T)))
