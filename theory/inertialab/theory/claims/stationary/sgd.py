"""Stationary variance and covariance of SGD around a minimum, L(θ) = hθ²/2 with h > 0, exact in the step."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import (
    SGD,
    linear_recursion,
    stationary_moments,
)
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    C_ij,
    C_matrix,
    H,
    V,
    c2,
    cov_ij,
    eta,
    h,
    h_i,
    h_j,
    n_batches,
    noise_growth,
    theta,
    var,
    xi,
)
from inertialab.theory.numerics import in_eigenbasis
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

STABLE = Regime((h > 0, eta * h < 2), "A stationary state needs a minimum (h > 0) and a stable step (eta*h < 2).")
ALONE = (n_batches <= 1, noise_growth <= sp.Rational(1, 20))
"""Batches that are drawn independently, and noise that is the same all over the state."""
ELSE = (
    "Where an epoch shares out the data see sgd.shuffled-variance; where the noise grows with the distance see "
    "sgd.stationary-covariance-cloud and, for one weight, sgd.stationary-variance-multiplicative."
)


@claim(
    "sgd.stationary-variance",
    var,
    (eta, h, C),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime(STABLE.conditions, f"{STABLE.note} {ELSE}", (*ALONE, 20 * eta * c2 <= h * (2 - eta * h))),
    source=Source("liu2021noise", "SGD without momentum, one dimension"),
    limits=(({"C": 0.0}, 0.0),),
)
def sgd_stationary_variance() -> Derivation:
    """Stationary variance of SGD, exact in the learning rate.

    One step of SGD on a quadratic multiplies the parameter by 1 - ηh and adds noise of variance η²C
    that is independent of it. In the stationary state the variance maps to itself, which is one linear
    equation for it. The factor 2 - ηh is what continuous-time theory misses.
    """
    (new,) = SGD.step(h * theta + xi).values()
    yield Step(
        "One step from θ with minibatch gradient hθ + ξ",
        sp.Symbol("theta'"),
        (1 - eta * h) * theta - eta * xi,
        equals=new,
    )
    A, noise = linear_recursion(SGD, QUADRATIC)
    yield Step(
        "Noise has mean zero and is independent of θ, so the variance maps to",
        V(1),
        (1 - eta * h) ** 2 * V(0) + eta**2 * C,
        equals=(A[0] ** 2 * V(0) + C * noise[0] ** 2),
    )
    fixed = stationary_moments(A, noise)[0]
    return proven(eta * C / (h * (2 - eta * h)), equals=fixed)


@claim(
    "sgd.stationary-covariance",
    cov_ij,
    (eta, H, C_matrix),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime(
        (h_i > 0, eta * h_i < 2),
        f"Every eigenvalue of H must satisfy this; restrict H and C to a stable subspace of H. {ELSE}",
        ALONE,
    ),
    source=Source("liu2021noise", "SGD without momentum, matrix equation"),
    change=in_eigenbasis,
    slips=(
        ("SGD.step(h_i * theta + xi)", "SGD.step(-h_i * theta + xi)"),
        ("R * noise * R.T - covariance", "noise - covariance"),
    ),
)
def sgd_stationary_covariance() -> Derivation:
    """Stationary covariance of SGD when Hessian and noise do not commute.

    The covariance Σ satisfies the discrete Lyapunov equation Σ = (1 - ηH)Σ(1 - ηH) + η²C. Rotating the
    parameters rotates Σ, H and C alike, so the equation may be written in the eigenbasis of H, where it
    falls apart into one scalar equation for each entry: entry (i, j) involves only h_i, h_j and C_ij. A
    subspace spanned by eigenvectors of H therefore obeys the same law with H and C restricted to it.
    """
    entry = sp.Symbol("P")
    (new_i,) = SGD.step(h_i * theta + xi).values()
    multiplier_i = sp.diff(new_i, theta)
    multiplier_j = multiplier_i.subs(h_i, h_j)
    yield Step("One step along eigen-direction i multiplies by", None, 1 - eta * h_i, equals=multiplier_i)
    (fixed,) = sp.solve(multiplier_i * multiplier_j * entry + eta**2 * C_ij - entry, entry)
    readable = eta * C_ij / (h_i + h_j - eta * h_i * h_j)
    yield Step("The mean product of both directions maps to itself", cov_ij, readable, equals=fixed)
    yield from _rotated_solution(readable)
    return proven(readable, equals=fixed)


def _rotated_solution(entry: sp.Expr) -> Derivation:
    """Insert the entries, rotated by an arbitrary angle, into the matrix equation."""
    cos, sin = sp.symbols("c s", real=True)
    S = sp.symbols("S_11 S_12 S_22", real=True)
    solution, curvature = sp.Matrix([[S[0], S[1]], [S[1], S[2]]]), (h_i, h_j)
    # The noise that belongs to this solution: written so, the residual is a polynomial.
    (per_noise,) = sp.solve(entry - var, C_ij)
    noise = sp.Matrix(
        2,
        2,
        lambda i, j: per_noise.subs({h_i: curvature[i], h_j: curvature[j], var: solution[i, j]}, simultaneous=True),
    )
    R = sp.Matrix([[cos, -sin], [sin, cos]])
    step = sp.eye(2) - eta * R * sp.diag(*curvature) * R.T
    covariance = R * solution * R.T
    residual = step * covariance * step.T + eta**2 * R * noise * R.T - covariance
    worst = sum((sp.rem(sp.expand(r), sin**2 + cos**2 - 1, sin) ** 2 for r in residual), sp.Integer(0))
    yield Step(
        "Residual of the matrix equation, H and C rotated against each other by any angle",
        None,
        sp.Integer(0),
        equals=worst,
    )
    return worst
