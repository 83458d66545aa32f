"""What Adam's independence of the Hessian becomes when the Hessian is turned against the axes."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import MOMENTUM_EMA, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import T, beta, eta, eta_adam, h, msd_T, ratio, turn, v
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim

WARM = T - 2 * beta * (1 - beta**T) / (1 - beta**2)
"""Free spread of EMA momentum after T steps from a warm buffer, in units of η²C."""


@claim(
    "adam.rotation",
    msd_T,
    (eta_adam, beta, T, turn, ratio),
    kind="asymptotic",
    regime=Regime(
        (beta < 1,),
        "Momentum 1 never forgets. It also needs a slow second moment, noise in proportion to the curvature, and "
        "eta*sqrt(B*h)*T << 1.",
    ),
    uses=("adam.saddle-msd",),
    layers=("simulation",),
    slips=(("C[1, 1] * s**2", "C[1, 1] * c**2"), ("-eta * (1 - beta**T) / (1 + beta)", "-eta / (1 + beta)")),
)
def adam_rotation() -> Derivation:
    """Mean squared displacement of warm Adam along an eigenvector that is turned against the axes, two directions.

    Noise is in proportion to the curvature, C = |H|/B, with eigenvalues in the ratio a. Adam divides by the roots of
    the variances along the axes, which are those of the eigenvectors only when these are the axes: then every direction
    spreads alike, whatever its curvature. At 45° both axes see the same variance, nothing is equalised, and the spread
    is in proportion to the curvature, as that of SGD.
    """
    c, s, a = sp.cos(turn), sp.sin(turn), ratio
    R = sp.Matrix([[c, -s], [s, c]])
    C = sp.diag(a, 1)  # in units of the other direction's, in the eigenbasis
    along = R * C * R.T
    first, second = C[0, 0] * c**2 + C[1, 1] * s**2, C[0, 0] * s**2 + C[1, 1] * c**2
    yield Step("Variance of the noise along the first axis", None, first, equals=along[0, 0])
    yield Step("and along the second", None, second, equals=along[1, 1])
    yield Step("Second moment of the first axis frozen there, and so of the second", v, first, assumed=True)
    P = sp.diag(1 / sp.sqrt(first), 1 / sp.sqrt(second))
    inner = R.T * P * R
    p = c**2 / sp.sqrt(first) + s**2 / sp.sqrt(second)
    q = s * c * (1 / sp.sqrt(second) - 1 / sp.sqrt(first))
    yield Step("What is left of the step along its own eigenvector", None, p, equals=inner[0, 0])
    yield Step("and what comes over from the other", None, q, equals=inner[0, 1])
    seen = (inner * C * inner.T)[0, 0]
    yield Step("Variance of a preconditioned gradient", None, a * p**2 + q**2, equals=seen)
    A, noise = (matrix.subs(h, 0) for matrix in linear_recursion(MOMENTUM_EMA, QUADRATIC))
    cross, buffer = -eta * (1 - beta**T) / (1 + beta), (1 - beta) / (1 + beta)
    moments = sp.Matrix([[eta**2 * WARM, cross], [cross, buffer]])
    residual = A * moments * A.T + noise * noise.T - moments.subs(T, T + 1)
    for name, entry in (("spread", residual[0, 0]), ("correlation", residual[0, 1]), ("buffer", residual[1, 1])):
        yield Step(f"Warm start, {name}: residual of one step", None, sp.Integer(0), equals=entry)
    yield Step("No spread at the start", None, sp.Integer(0), equals=moments[0, 0].subs(T, 0))
    yield Step("At 45° it is in proportion to the curvature", None, 2 * a / (1 + a), equals=seen.subs(turn, sp.pi / 4))
    yield Step("Along the axes nothing depends on it", None, sp.Integer(1), equals=seen.subs(turn, 0))
    readable = eta_adam**2 * (a * p**2 + q**2) * WARM
    return proven(readable, equals=seen * moments[0, 0].subs(eta, eta_adam))
