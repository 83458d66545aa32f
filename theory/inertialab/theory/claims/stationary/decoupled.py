"""Adam with decoupled weight decay at rest: where it rests, and how widely."""

import sympy as sp

from inertialab.theory.claims.stationary.adaptive_covariance import adam_stationary_covariance
from inertialab.theory.claims.stationary.momentum_moments import momentum_stationary_covariance_torch
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAMW, UpdateMap, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    C_ij,
    C_ij_scaled,
    C_matrix,
    H,
    beta,
    beta2,
    beta_kept,
    cov_scaled,
    decay,
    decay_adam,
    delta,
    eta,
    eta_adam,
    g,
    h,
    h_i,
    h_i_scaled,
    h_j,
    h_j_scaled,
    k,
    penalty,
    theta,
    theta_rest,
    theta_rest_vector,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.resting import adamw_at_rest, decayed_entry
from inertialab.theory.statement import Derivation, claim


def _late() -> tuple[sp.Expr, sp.Expr]:
    """Mean of the gradient and parameter after a step of AdamW whose corrections are over, beside no δ."""
    rule = dict(ADAMW.assignments)
    return rule[average], rule[theta].subs({beta**k: 0, beta2**k: 0, delta: 0}).subs(decay, decay_adam)


@claim(
    "adamw.resting-place",
    penalty,
    (C, decay_adam, theta_rest),
    kind="asymptotic",
    regime=Regime(
        (decay_adam**2 * theta_rest**2 < 1,),
        "No parameter rests farther out than 1/decay; a slow second moment, (1 - beta2)(K - 1) << 1.",
    ),
    layers=("simulation", "real"),
    limits=(({"decay": 0.0}, 0.0),),
    slips=(
        ("{second: C + own}", "{second: C + 2 * own}"),
        ("-decay_adam * theta_rest * sp.sqrt(second)", "-decay_adam * theta_rest * second"),
    ),
)
def adamw_resting_place() -> Derivation:
    """The L2 penalty that has the resting place of decoupled weight decay is another in every coordinate.

    At rest a mean step is none: the decay takes what the mean gradient over √v gives. A penalty λ₂θ²/2 would rest where
    the mean gradient is -λ₂⟨θ⟩, so λ₂ = λ√v: weights whose gradients are louder are pulled harder, and all of them are
    where batches are smaller. v is the mean squared gradient: its variance C at rest, that of the noise and of the
    spread, and the square of the mean gradient that the decay holds up. That counts once λ⟨θ⟩ is of order one; no
    parameter rests beyond 1/λ.
    """
    buffer, moved = _late()
    slope = sp.Symbol("slope", real=True)  # mean gradient at rest
    (held,) = sp.solve(buffer.subs(g, slope) - average, average)
    yield Step("At rest the mean buffer is the mean gradient", average, slope, equals=held)
    change = (moved - theta).subs({theta: theta_rest, average: slope})
    (balance,) = sp.solve(change.subs(eta, eta_adam), slope)
    stated = -decay_adam * theta_rest * sp.sqrt(second)
    yield Step("Mean gradient at which a mean step, v frozen, is none", slope, stated, equals=balance)
    yield Step("An L2 penalty of the same mean gradient", penalty, -stated / theta_rest, equals=-balance / theta_rest)
    noise = sp.Symbol("noise", real=True)
    square = sp.Poly(sp.expand((slope + noise) ** 2), noise)
    mean = square.coeff_monomial(1) + C * square.coeff_monomial(noise**2)
    yield Step("Mean squared gradient", second, C + slope**2, equals=mean)
    own = sp.Symbol("own", nonnegative=True)  # square of the mean gradient, which depends on itself
    (found,) = sp.solve((stated**2).subs({second: C + own}) - own, own)
    readable = decay_adam * sp.sqrt(C / (1 - decay_adam**2 * theta_rest**2))
    return proven(readable, equals=decay_adam * sp.sqrt(sp.factor(C + found)))


@claim(
    "adamw.stationary-covariance",
    cov_scaled,
    (eta_adam, H, C_matrix, beta, decay_adam, theta_rest_vector),
    kind="asymptotic",
    regime=Regime(
        (
            h_i_scaled + decay_adam > 0,
            beta < 1,
            eta_adam * decay_adam < 1,
            eta_adam * (1 - beta) * (h_i_scaled + decay_adam) < 2 * (1 + beta * (1 - eta_adam * decay_adam)),
        ),
        "A stable step of the preconditioned problem; a slow second moment, (1 - beta2)(K - 1) << 1; means nearer to "
        "zero than 1/decay.",
    ),
    uses=("adam.stationary-covariance", "momentum.stationary-covariance-torch", "adamw.resting-place"),
    layers=("simulation", "real"),
    change=adamw_at_rest,
    numerics=decayed_entry,
    where={beta_kept: beta * (1 - eta_adam * decay_adam)},
    slips=(
        ("A_i * P * A_j.T", "A_i * P * A_i.T"),
        ("A_i, A_j = (A.subs({eta", "A_i, A_j = (A.subs({decay_adam: 2 * decay_adam, eta"),
    ),
)
def adamw_stationary_covariance() -> Derivation:
    """Stationary covariance of AdamW about its resting place, with any Hessian and any noise.

    A slow second moment is a fixed preconditioner P = diag(v)^{-1/2}. v is diag(C + HΣH) as for Adam, H and C those of
    the loss at the resting place, and the square of the mean gradient that the decay holds up there, all in all
    diag(C + HΣH)/(1 - λ²⟨θ⟩²). The decay shrinks every coordinate alike, also those P^{1/2} times
    smaller: there it adds λ to every curvature, as a penalty of λ√v would in the parameters. Unlike the gradient of a
    penalty it is not averaged: the state is that of EMA momentum with the smaller momentum β(1 - ηλ), at the rate at
    which a gradient moves as much. Without decay it is Adam's.
    """
    buffer, moved = _late()
    yield Step(
        "A late step of AdamW", theta, (1 - eta * decay_adam) * theta - eta * average / sp.sqrt(second), equals=moved
    )
    held = (adamw_resting_place.formula / decay_adam) ** 2
    yield Step("Second moment, C the variance", second, C / (1 - decay_adam**2 * theta_rest**2), equals=held)
    scale = second ** sp.Rational(1, 4)
    scaled = sp.simplify(moved.subs({theta: theta / scale, average: average * scale}, simultaneous=True) * scale)
    yield Step("In parameters P^{1/2} times smaller", theta, moved.subs(second, 1), equals=scaled)
    frozen = UpdateMap("adamw, frozen", (theta, average), ((average, buffer), (theta, moved.subs(second, 1))))
    A, noise = linear_recursion(frozen, QUADRATIC)
    A_i, A_j = (A.subs({eta: eta_adam, h: x}) for x in (h_i_scaled, h_j_scaled))
    noise = noise.subs(eta, eta_adam)
    P = sp.Matrix(2, 2, sp.symbols("P_00 P_01 P_10 P_11"))
    (solution,) = sp.linsolve(list(A_i * P * A_j.T + C_ij_scaled * noise * noise.T - P), list(P))
    kept = {beta_kept: beta * (1 - eta_adam * decay_adam)}
    pull_i, pull_j = h_i_scaled + decay_adam, h_j_scaled + decay_adam
    squares = beta_kept * (pull_i**2 + pull_j**2) - (1 + beta_kept**2) * pull_i * pull_j
    gain = eta_adam * (1 - beta)
    readable = gain * C_ij_scaled / ((1 - beta_kept) * (pull_i + pull_j) + gain / (1 - beta_kept**2) * squares)
    # The law of PyTorch's buffer, whose rate is that at which a gradient moves once.
    torch = momentum_stationary_covariance_torch.formula.subs({beta: beta_kept}).subs(
        {eta: gain, h_i: pull_i, h_j: pull_j, C_ij: C_ij_scaled}, simultaneous=True
    )
    yield Step("It is the law of momentum beta_kept, curvatures raised by the decay", None, torch, equals=readable)
    adam = adam_stationary_covariance.formula
    yield Step("Without decay it is Adam's", None, adam, equals=readable.subs(kept).subs(decay_adam, 0))
    return proven(readable, equals=solution[0], where=kept)
