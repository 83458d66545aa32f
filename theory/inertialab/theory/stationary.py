"""Stationary distributions around a minimum, L(θ) = hθ²/2 with h > 0."""

import sympy as sp

from inertialab.theory.claim import Derivation, Order, Source, claim
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import (
    HEAVY_BALL,
    MOMENTUM_EMA,
    MOMENTUM_TORCH,
    SGD,
    linear_recursion,
    stationary_moments,
)
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    C_ij,
    C_matrix,
    D,
    H,
    V,
    beta,
    cov_ij,
    eta,
    eta_ema,
    g,
    h,
    h_i,
    h_j,
    t,
    theta,
    theta_prev,
    var,
    xi,
)
from inertialab.theory.notation import b as buffer
from inertialab.theory.notation import m as average
from inertialab.theory.numerics import in_eigenbasis
from inertialab.theory.regime import Regime

STABLE = Regime((h > 0, eta * h < 2), "A stationary state needs a minimum (h > 0) and a stable step (eta*h < 2).")


@claim(
    "sgd.stationary-variance",
    var,
    (eta, h, C),
    kind="exact",
    regime=STABLE,
    source=Source("liu2021noise", "SGD without momentum, one dimension"),
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
    regime=Regime(
        (h_i > 0, eta * h_i < 2),
        "Every eigenvalue of H must satisfy this; restrict H and C to a stable subspace of H.",
    ),
    source=Source("liu2021noise", "SGD without momentum, matrix equation"),
    change=in_eigenbasis,
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


@claim(
    "sgd.stationary-variance-ou",
    var,
    (eta, h, C),
    kind="asymptotic",
    regime=Regime(
        (h > 0, eta * h <= sp.Rational(1, 10)),
        "Beyond it the relative error eta*h/2 exceeds 5 %; use sgd.stationary-variance.",
    ),
    source=Source("mandt2017stochastic", "stationary variance of the Ornstein-Uhlenbeck process"),
    uses=("sgd.stationary-variance",),
    corrected_by="sgd.stationary-variance",
    order=Order(eta * h, 1, -sp.Rational(1, 2)),
    layers=("simulation",),
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
    "momentum.conventions",
    eta_ema,
    (eta, beta),
    kind="exact",
    regime=Regime((beta < 1,), "Momentum 1 never forgets."),
    layers=("numerics",),
)
def momentum_conventions() -> Derivation:
    """PyTorch momentum at η is EMA momentum at η/(1 - β), step by step.

    If the EMA buffer equals (1 - β) times PyTorch's before a step, it does so after it, and both rules
    move the parameter by the same amount when their learning rates differ by the factor 1 - β. Both
    buffers start at zero, so the trajectories coincide for any sequence of gradients. Heavy ball is
    PyTorch's rule with the buffer eliminated. (`torch.optim.SGD` with `dampening=beta` follows the EMA
    rule only from its second step on: it fills the buffer with the undamped first gradient.)
    """
    torch_step = MOMENTUM_TORCH.step(g)
    ema_step = {s: e.subs(eta, eta_ema) for s, e in MOMENTUM_EMA.step(g, {average: (1 - beta) * buffer}).items()}
    yield Step(
        "EMA buffer after a step, from m = (1 - β)b",
        average,
        (1 - beta) * (beta * buffer + g),
        equals=ema_step[average],
    )
    yield Step(
        "which is (1 - β) times PyTorch's new buffer",
        None,
        ema_step[average],
        equals=(1 - beta) * torch_step[buffer],
    )
    (rate,) = sp.solve(ema_step[theta] - torch_step[theta], eta_ema)
    ball = HEAVY_BALL.step(g, {theta_prev: theta + eta * buffer})[theta]
    yield Step(
        "Heavy ball, whose last displacement was -ηb, moves as PyTorch does",
        None,
        torch_step[theta],
        equals=ball,
    )
    return proven(eta / (1 - beta), equals=rate)


@claim(
    "momentum.stationary-variance",
    var,
    (eta, h, C, beta),
    kind="exact",
    regime=Regime(
        (h > 0, beta < 1, eta * (1 - beta) * h < 2 * (1 + beta)),
        "A stationary state needs a minimum and a stable step.",
    ),
    source=Source("liu2021noise", "SGD with momentum, one dimension, EMA convention"),
)
def momentum_stationary_variance() -> Derivation:
    """Stationary variance of EMA momentum, exact in the learning rate.

    Parameter and buffer together obey a linear recursion with independent noise. Its stationary second
    moments are the solution of three linear equations.
    """
    A, noise = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    moments = stationary_moments(A, noise)
    yield Step(
        "Mean squared buffer in the stationary state",
        sp.Symbol("<m^2>"),
        2 * (1 - beta) * C / (2 * (1 + beta) - eta * (1 - beta) * h),
        equals=moments[1, 1],
    )
    yield Step(
        "Correlation of parameter and buffer",
        sp.Symbol("<theta*m>"),
        -eta * (1 - beta) * C / (2 * (1 + beta) - eta * (1 - beta) * h),
        equals=moments[0, 1],
    )
    readable = eta * C * (1 + beta) / (h * (2 * (1 + beta) - eta * (1 - beta) * h))
    yield Step(
        "Without momentum it is the law of SGD",
        None,
        sgd_stationary_variance.formula,
        equals=readable.subs(beta, 0),
    )
    return proven(readable, equals=moments[0, 0])


@claim(
    "momentum.stationary-variance-torch",
    var,
    (eta, h, C, beta),
    kind="exact",
    regime=Regime((h > 0, beta < 1, eta * h < 2 * (1 + beta)), "A stationary state needs a minimum and a stable step."),
    source=Source("liu2021noise", "SGD with momentum, one dimension"),
    uses=("momentum.conventions", "momentum.stationary-variance"),
)
def momentum_stationary_variance_torch() -> Derivation:
    """Stationary variance of PyTorch momentum, exact in the learning rate.

    The same linear equations for PyTorch's buffer. The result is that of the EMA convention at the
    learning rate η/(1 - β).
    """
    A, noise = linear_recursion(MOMENTUM_TORCH, QUADRATIC)
    fixed = stationary_moments(A, noise)[0, 0]
    readable = eta * C * (1 + beta) / (h * (1 - beta) * (2 * (1 + beta) - eta * h))
    converted = momentum_stationary_variance.formula.subs(eta, momentum_conventions.formula)
    yield Step("The EMA law at the converted learning rate", None, readable, equals=converted)
    return proven(readable, equals=fixed)
