"""Stationary covariance of Adam and Adai when Hessian and noise fit neither each other nor the parameter axes."""

import sympy as sp

from inertialab.theory.claims.stationary.adai import adai_stationary_variance
from inertialab.theory.claims.stationary.momentum import momentum_stationary_variance
from inertialab.theory.claims.stationary.momentum_moments import momentum_stationary_covariance_torch
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAI, ADAM, MOMENTUM_EMA, linear_recursion, stationary_moments
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    C_ij,
    C_ij_scaled,
    C_matrix,
    H,
    V,
    beta,
    beta0,
    beta2,
    cov_ij,
    cov_scaled,
    delta,
    eps,
    eta,
    eta_adam,
    g,
    h,
    h_i,
    h_i_scaled,
    h_j,
    h_j_scaled,
    k,
    kappa,
    kick_ij,
    lambda_i,
    lambda_j,
    q,
    theta,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.resting import adai_at_rest, adam_at_rest, ema_entry, mode_entry
from inertialab.theory.statement import Derivation, claim


def _squared_gradient() -> Derivation:
    """Mean squared gradient of one of two coordinates: v = diag(C + HΣH)."""
    row, places = sp.symbols("H_11 H_12", real=True), sp.symbols("theta_1 theta_2", real=True)
    S_11, S_12, S_22 = sp.symbols("S_11 S_12 S_22", real=True)
    noise = sp.Symbol("xi_1", real=True)
    slope = row[0] * places[0] + row[1] * places[1] + noise
    # Noise of mean zero and variance C, independent of the parameters.
    means = {(2, 0, 0): S_11, (1, 1, 0): S_12, (0, 2, 0): S_22, (0, 0, 2): C}
    terms = sp.Poly(sp.expand(slope**2), *places, noise).terms()
    mean = sum(c * means.get(powers, sp.Integer(0)) for powers, c in terms)
    S = sp.Matrix([[S_11, S_12], [S_12, S_22]])
    H_row = sp.Matrix([row])
    stated = C + (H_row * S * H_row.T)[0]
    yield Step("Mean squared gradient, the diagonal of C + HΣH", second, stated, equals=mean)
    return stated


@claim(
    "adam.stationary-covariance",
    cov_scaled,
    (eta_adam, H, C_matrix, beta),
    kind="asymptotic",
    regime=Regime(
        (h_i_scaled > 0, beta < 1, eta_adam * (1 - beta) * h_i_scaled < 2 * (1 + beta)),
        "A minimum and a stable step of the preconditioned problem; a slow second moment, (1 - beta2)(K - 1) << 1.",
    ),
    uses=("momentum.stationary-covariance-torch", "adam.stationary-variance"),
    layers=("simulation", "real"),
    change=adam_at_rest,
    numerics=ema_entry,
    slips=(
        ("A_i * P * A_j.T", "A_i * P * A_i.T"),
        ("C_ij_scaled * noise * noise.T", "C_ij_scaled * noise * noise.T / 2"),
    ),
)
def adam_stationary_covariance() -> Derivation:
    """Stationary covariance of Adam with any Hessian and any noise.

    A slow second moment is a fixed preconditioner P = diag(v)^{-1/2}. The mean squared gradients v = diag(C + HΣH)
    belong to the parameter axes whatever H and C are diagonal in. In parameters P^{1/2} times smaller the step is
    that of EMA momentum with Hessian P^{1/2}HP^{1/2} and noise P^{1/2}CP^{1/2}; in the eigenbasis of that Hessian two
    directions driven by correlated noise have four mean products. v and Σ determine each other; for small steps v is
    the variance of the noise. RAdam, once its rectification has gone, makes the same steps.
    """
    moved = theta - dict(ADAM.assignments)[theta]
    late = moved * (1 - beta**k) / average * (sp.sqrt(second / (1 - beta2**k)) + delta)
    yield Step("A step of Adam times the root of its second moment", None, eta * average, equals=late * average)
    yield from _squared_gradient()
    A, noise = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    A_i, A_j = (A.subs({eta: eta_adam, h: x}) for x in (h_i_scaled, h_j_scaled))
    noise = noise.subs(eta, eta_adam)
    P = sp.Matrix(2, 2, sp.symbols("P_00 P_01 P_10 P_11"))
    (solution,) = sp.linsolve(list(A_i * P * A_j.T + C_ij_scaled * noise * noise.T - P), list(P))
    squares = beta * (h_i_scaled**2 + h_j_scaled**2) - (1 + beta**2) * h_i_scaled * h_j_scaled
    operator = h_i_scaled + h_j_scaled + eta_adam / (1 - beta**2) * squares
    yield Step("Entry of the matrix equation", None, eta_adam * C_ij_scaled, equals=operator * solution[0])
    readable = eta_adam * C_ij_scaled / operator
    along = momentum_stationary_variance.formula.subs(eta, eta_adam)
    yield Step(
        "On the diagonal it is the law of one direction",
        None,
        along,
        equals=readable.subs({h_i_scaled: h, h_j_scaled: h, C_ij_scaled: C}),
    )
    plain = {h_i_scaled: h_i, h_j_scaled: h_j, C_ij_scaled: C_ij, eta_adam: eta}
    torch = momentum_stationary_covariance_torch.formula.subs(eta, eta * (1 - beta))
    yield Step("Without preconditioner it is the law of momentum", None, torch, equals=readable.subs(plain))
    return proven(readable, equals=solution[0])


@claim(
    "adai.stationary-covariance",
    cov_ij,
    (eta, H, C_matrix, beta0, eps),
    kind="asymptotic",
    regime=Regime((), "Second moments must be slow, (1 - beta2)(K - 1) << 1; the step must be stable."),
    uses=("adai.stationary-variance",),
    layers=("simulation", "real"),
    change=adai_at_rest,
    numerics=mode_entry,
    slips=(
        ("lambda_i * lambda_j * V(0) + kick_ij", "lambda_i * V(0) + kick_ij"),
        ("buffer = (1 - one) * average + one * g", "buffer = (1 - one) * average + g"),
    ),
)
def adai_stationary_covariance() -> Derivation:
    """Stationary covariance of Adai with any Hessian and any noise.

    Slow second moments v = diag(C + HΣH) freeze the inertia 1 - κ of every coordinate, κ = β₀v over the mean of all v,
    which belongs to the parameter axes and not to the eigenvectors of H. Parameters and buffers together then take
    linear steps. In the modes of that step, complex in general, a second moment is multiplied by the product of two
    eigenvalues and gains what the noise of a step adds. v and Σ determine each other.
    """
    rule = dict(ADAI.assignments)
    one = sp.Symbol("kappa_i", positive=True)
    yield Step("Inertia frozen at that of the mean second moments", kappa, one, assumed=True)
    buffer = (1 - one) * average + one * g
    yield Step("A buffer then takes linear steps", average, buffer, equals=rule[average].subs(kappa, one))
    moved = theta - eta * average
    yield Step("and so does a parameter, long after the start", theta, moved, equals=rule[theta].subs(q, 1))
    yield from _squared_gradient()
    following = lambda_i * lambda_j * V(0) + kick_ij
    (fixed,) = sp.solve(following - V(0), V(0))
    # One coordinate with its buffer: the moments themselves obey this equation, so those of the modes do.
    kicked = sp.Symbol("xi", real=True)
    inside = {average: buffer.subs(g, h * theta + kicked)}
    after = sp.Matrix([moved.subs(inside, simultaneous=True), inside[average]])
    A, noise = after.jacobian([theta, average]), after.jacobian([kicked])
    P = stationary_moments(A, noise)
    alone = adai_stationary_variance.formula.subs(kappa, one)
    yield Step("Of one coordinate with its buffer it is the scalar law", None, alone, equals=P[0, 0])
    return proven(kick_ij / (1 - lambda_i * lambda_j), equals=fixed)
