"""Stationary laws of SGD in continuous time, beside the exact discrete ones."""

import sympy as sp

from inertialab.theory.claims.stationary.sgd import sgd_stationary_covariance, sgd_stationary_variance
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import (
    SGD,
    linear_recursion,
)
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    B,
    C,
    C_ij,
    C_matrix,
    D,
    H,
    V,
    cov_ij,
    eta,
    h,
    h_i,
    h_j,
    t,
    var,
)
from inertialab.theory.numerics import in_eigenbasis
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim


@claim(
    "sgd.stationary-variance-ou",
    var,
    (eta, h, C),
    kind="asymptotic",
    regime=Regime(
        (h > 0, eta * h <= sp.Rational(1, 20)),
        "Beyond it the relative error eta*h/2 exceeds 2.5 %; use sgd.stationary-variance.",
    ),
    source=Source("mandt2017stochastic", "stationary variance of the Ornstein-Uhlenbeck process"),
    uses=("sgd.stationary-variance",),
    corrected_by="sgd.stationary-variance",
    order=Order(eta * h, 1, -sp.Rational(1, 2)),
    layers=("simulation",),
    limits=(({"C": 0.0}, 0.0),),
    slips=(("2 * drift * V(t) + 2 * D", "2 * drift * V(t) + D"),),
)
def sgd_stationary_variance_ou() -> Derivation:
    """Stationary variance of SGD in continuous time, D/h.

    An Ornstein-Uhlenbeck process that drifts and spreads over a time η as one step of SGD does has
    diffusion D = ηC/2. Its variance is the small-step limit of the exact one. Relative to the exact
    variance it is low by ηh/2, to all orders in ηh.
    """
    A, noise = linear_recursion(SGD, QUADRATIC)
    yield Step(
        "Diffusion whose variance over a time η, 2Dη, is that of one step",
        D,
        eta * C / 2,
        equals=C * noise[0] ** 2 / (2 * eta),
    )
    drift = sp.limit((A[0] - 1) / eta, eta, 0)
    (fixed,) = sp.solve(2 * drift * V(t) + 2 * D, V(t))
    yield Step("The variance obeys V' = -2hV + 2D and stands still at", V(t), D / h, equals=fixed)
    exact = sgd_stationary_variance.formula
    readable = eta * C / (2 * h)
    yield Step(
        "It is the leading term of the exact variance",
        None,
        readable,
        equals=sp.series(exact, eta, 0, 2).removeO(),
    )
    yield Step(
        "Divided by the exact variance, to all orders in ηh",
        PUBLISHED_OVER_DERIVED,
        1 - eta * h / 2,
        equals=readable / exact,
    )
    return proven(readable, equals=fixed.subs(D, eta * C / 2))


@claim(
    "sgd.isotropy",
    var,
    (eta, B),
    kind="attributed",
    source=Source("xie2021diffusion", "noise equal to the Hessian over the batch size"),
    uses=("sgd.stationary-variance",),
    corrected_by="sgd.stationary-variance",
    order=Order(eta * h, 1, -sp.Rational(1, 2)),
    instead="Even with C = H/B steep directions spread more, by 1/(1 - ηh/2); without C = H/B nothing is isotropic.",
    layers=("simulation", "real"),
    limits=(({"B": 1000000000000.0}, 0.0),),
    slips=(("sgd_stationary_variance.formula.subs(C, h / B)", "sgd_stationary_variance.formula.subs(C, h)"),),
)
def sgd_isotropy() -> Derivation:
    """Stationary variance η/2B in every direction, if the noise is the Hessian divided by the batch size.

    The variance of the Ornstein-Uhlenbeck process with C = h/B does not depend on h. Whether C = H/B holds is
    another claim; this one takes it for granted.
    """
    yield Step("Noise in proportion to the curvature", C, h / B, assumed=True)
    derived = sgd_stationary_variance_ou.formula.subs(C, h / B)
    exact = sgd_stationary_variance.formula.subs(C, h / B)
    yield Step("Exact variance under the same assumption", None, eta / (B * (2 - eta * h)), equals=exact)
    readable = eta / (2 * B)
    yield Step("Divided by it", PUBLISHED_OVER_DERIVED, 1 - eta * h / 2, equals=readable / exact)
    return proven(readable, equals=derived)


@claim(
    "sgd.stationary-covariance-mandt",
    cov_ij,
    (eta, H, C_matrix),
    kind="asymptotic",
    regime=Regime(
        (h_i > 0, eta * h_i <= sp.Rational(1, 10)),
        "Beyond it the relative error exceeds 5 %; use sgd.stationary-covariance.",
    ),
    source=Source("mandt2017stochastic", "Lyapunov equation of the stationary covariance"),
    uses=("sgd.stationary-covariance",),
    corrected_by="sgd.stationary-covariance",
    order=Order(eta, 1, -h_i * h_j / (h_i + h_j)),
    instead="The discrete Lyapunov equation has the term -η²HΣH beside these.",
    layers=("numerics", "simulation"),
    change=in_eigenbasis,
    slips=(("+ solution * curvature", "- solution * curvature"),),
)
def sgd_stationary_covariance_mandt() -> Derivation:
    """Stationary covariance of SGD in continuous time: HΣ + ΣH = ηC.

    The matrix Ornstein-Uhlenbeck process drifts by -Hθ and its noise has covariance ηC a unit of time. In the
    eigenbasis of H each entry of Σ decays at the rate h_i + h_j and is fed by ηC_ij.
    """
    entry = sp.Symbol("P")
    (fixed,) = sp.solve(-(h_i + h_j) * entry + eta * C_ij, entry)
    cos, sin, S = *sp.symbols("c s", real=True), sp.symbols("S_11 S_12 S_22", real=True)
    R = sp.Matrix([[cos, -sin], [sin, cos]])
    solution, curvature = sp.Matrix([[S[0], S[1]], [S[1], S[2]]]), sp.diag(h_i, h_j)
    hessian, covariance = R * curvature * R.T, R * solution * R.T
    noise = R * (curvature * solution + solution * curvature) * R.T
    rotated = hessian * covariance + covariance * hessian - noise
    rest = sum((sp.rem(sp.expand(r), sin**2 + cos**2 - 1, sin) ** 2 for r in rotated), sp.Integer(0))
    yield Step("Residual of the matrix equation in a rotated basis", None, sp.Integer(0), equals=rest)
    readable = eta * C_ij / (h_i + h_j)
    ratio = 1 - eta * h_i * h_j / (h_i + h_j)
    yield Step(
        "Divided by the exact entry", PUBLISHED_OVER_DERIVED, ratio, equals=readable / sgd_stationary_covariance.rhs
    )
    return proven(readable, equals=fixed)
