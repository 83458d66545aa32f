"""Stationary moments of momentum beyond the variance: of a step, and of many directions together."""

import sympy as sp

from inertialab.theory.claims.stationary.momentum import momentum_stationary_variance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import (
    MOMENTUM_EMA,
    MOMENTUM_TORCH,
    linear_recursion,
    stationary_moments,
)
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    C_ij,
    C_matrix,
    H,
    beta,
    cov_ij,
    cov_step,
    eta,
    h,
    h_i,
    h_j,
    theta,
    xi,
)
from inertialab.theory.notation import m as average
from inertialab.theory.numerics import in_eigenbasis
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim


@claim(
    "momentum.stationary-velocity",
    cov_step,
    (eta, h, C, beta),
    kind="exact",
    regime=momentum_stationary_variance.regime,
    source=Source("liu2021noise", "SGD with momentum, one dimension, EMA convention"),
    uses=("momentum.stationary-variance",),
    layers=("numerics", "simulation", "real"),
    limits=(({"C": 0.0}, 0.0),),
)
def momentum_stationary_velocity() -> Derivation:
    """Mean squared displacement of one step of EMA momentum around a minimum, and its correlation in time.

    A step is -ηm', so its mean square is η²⟨m²⟩ of the stationary buffer.
    """
    A, noise = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    P = stationary_moments(A, noise)
    new = MOMENTUM_EMA.step(h * theta + xi)
    yield Step("One step moves by", None, -eta * new[average], equals=sp.expand(new[theta] - theta))
    correlation = (A * P)[0, 0] / P[0, 0]
    yield Step(
        "Correlation of the parameter with itself one step later",
        sp.Symbol("rho_1"),
        1 - eta * (1 - beta) * h / (1 + beta),
        equals=correlation,
    )
    readable = 2 * eta**2 * (1 - beta) * C / (2 * (1 + beta) - eta * (1 - beta) * h)
    twice = 2 * momentum_stationary_variance.formula * (1 - correlation)
    yield Step("Twice the variance times one minus the correlation", None, readable, equals=twice)
    return proven(readable, equals=eta**2 * P[1, 1])


@claim(
    "momentum.stationary-covariance-torch",
    cov_ij,
    (eta, H, C_matrix, beta),
    kind="exact",
    layers=("numerics", "simulation", "real"),
    regime=Regime(
        (h_i > 0, beta < 1, eta * h_i < 2 * (1 + beta)),
        "Every eigenvalue of H must satisfy this; restrict H and C to a stable subspace of H.",
    ),
    source=Source("liu2021noise", "SGD with momentum, matrix equation"),
    uses=("momentum.stationary-variance-torch",),
    change=in_eigenbasis,
)
def momentum_stationary_covariance_torch() -> Derivation:
    """Stationary covariance of PyTorch momentum when Hessian and noise do not commute.

    In the eigenbasis of H the directions i and j are two recursions driven by correlated noise. The mean products
    of their parameters and buffers are four linear equations.
    """
    A, noise = linear_recursion(MOMENTUM_TORCH, QUADRATIC)
    A_i, A_j = A.subs(h, h_i), A.subs(h, h_j)
    P = sp.Matrix(2, 2, sp.symbols("P_00 P_01 P_10 P_11"))
    equations = A_i * P * A_j.T + C_ij * noise * noise.T - P
    (solution,) = sp.linsolve(list(equations), list(P))
    entry = solution[0]
    operator = (
        (1 - beta) * (h_i + h_j)
        - (1 + beta**2) / (1 - beta**2) * eta * h_i * h_j
        + beta / (1 - beta**2) * eta * (h_i**2 + h_j**2)
    )
    yield Step("Entry of the matrix equation", None, eta * C_ij, equals=operator * entry)
    readable = eta * C_ij / operator
    along = stationary_moments(A, noise)[0, 0]
    yield Step(
        "On the diagonal it is the law of one direction",
        None,
        along,
        equals=readable.subs({h_i: h, h_j: h, C_ij: C}),
    )
    free = eta * C_ij / (h_i + h_j - eta * h_i * h_j)
    yield Step("Without momentum it is the law of SGD", None, free, equals=readable.subs(beta, 0))
    return proven(readable, equals=entry)
