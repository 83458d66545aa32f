"""Leaving a saddle in many directions at once: covariances when Hessian and noise do not commute."""

import sympy as sp

from inertialab.theory.claims.saddle.momentum import momentum_saddle_msd
from inertialab.theory.claims.saddle.sgd import sgd_saddle_variance
from inertialab.theory.covariances import adai_modes, mode_covariance, preconditioned, sgd_covariance, warm_covariance
from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import ADAI, ADAM, MOMENTUM_EMA, SGD, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    C,
    C_ij,
    C_ij_scaled,
    C_matrix,
    H,
    T,
    V,
    beta,
    beta0,
    beta2,
    cov_ij_T,
    cov_scaled_T,
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
    r_i_minus,
    r_i_plus,
    r_j_minus,
    r_j_plus,
    start_ij,
    theta,
    v0sq,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.numerics import in_eigenbasis
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim


@claim(
    "sgd.saddle-covariance",
    cov_ij_T,
    (eta, H, C_matrix, T),
    kind="exact",
    uses=("sgd.saddle-variance",),
    layers=("numerics", "simulation", "real"),
    change=in_eigenbasis,
    numerics=sgd_covariance,
    slips=(("A_i * A_j * V(T) + C_ij", "A_i * V(T) + C_ij"),),
)
def sgd_saddle_covariance() -> Derivation:
    """Covariance of SGD after T steps from a critical point, Hessian and noise not commuting.

    In the eigenbasis of H directions i and j are two recursions of first order that correlated noise drives, and their
    mean product is a third. Where the two curvatures add up to zero it still grows, by (ηh)² a step.
    """
    A, noise = linear_recursion(SGD, QUADRATIC)
    A_i, A_j = A[0].subs(h, h_i), A[0].subs(h, h_j)
    following = A_i * A_j * V(T) + C_ij * noise[0] ** 2
    (fixed,) = sp.solve(following - V(T), V(T))
    derived = fixed * (1 - (A_i * A_j) ** T)
    mapped = (1 - eta * h_i) * (1 - eta * h_j) * V(T) + eta**2 * C_ij
    yield Step("One step maps the mean product to", V(T + 1), mapped, equals=following)
    yield Step("It starts at", V(0), sp.Integer(0), equals=derived.subs(T, 0))
    readable = eta * C_ij * (1 - ((1 - eta * h_i) * (1 - eta * h_j)) ** T) / (h_i + h_j - eta * h_i * h_j)
    residual = readable.subs(T, T + 1) - following.subs(V(T), readable)
    yield Step("Residual of the recursion", None, sp.Integer(0), equals=residual)
    free = sp.limit(sp.limit(readable, h_i, 0), h_j, 0)
    yield Step("Free law, the limit of no curvature", None, eta**2 * C_ij * T, equals=free)
    along = readable.subs({h_i: h, h_j: h, C_ij: C})
    alone = sgd_saddle_variance.formula
    yield Step("On the diagonal it is the law of one direction", None, alone, equals=along)
    return proven(readable, equals=derived)


def _roots(curvature: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    trace = 1 + beta - eta_adam * (1 - beta) * curvature
    root = sp.sqrt(trace**2 - 4 * beta)
    return (trace + root) / 2, (trace - root) / 2


_WHERE = dict(zip((r_i_plus, r_i_minus, r_j_plus, r_j_minus), (*_roots(h_i_scaled), *_roots(h_j_scaled)), strict=True))


@claim(
    "adam.saddle-covariance",
    cov_scaled_T,
    (eta_adam, H, C_matrix, beta, T),
    kind="asymptotic",
    regime=Regime((beta < 1,), "Momentum 1 never forgets. The second moment must be slow and follow the noise alone."),
    uses=("momentum.saddle-msd",),
    layers=("simulation", "real"),
    where=_WHERE,
    change=preconditioned,
    numerics=warm_covariance,
    slips=(("(1 - beta) / (1 + beta) * C_ij_scaled", "(1 - beta) * C_ij_scaled"),),
)
def adam_saddle_covariance() -> Derivation:
    """Covariance of warm Adam after T steps from a critical point, with any Hessian and any noise.

    A slow second moment is a fixed preconditioner P = diag(C)^{-1/2}, whatever basis H and C are diagonal in. In
    parameters P^{1/2} times smaller the step is that of EMA momentum with Hessian P^{1/2}HP^{1/2} and noise
    P^{1/2}CP^{1/2}. In the eigenbasis of that Hessian directions i and j answer a kick n steps ago by
    G = (r₊ⁿ - r₋ⁿ)/(r₊ - r₋) each, so that correlated kicks add up to C_ij ΣG_iG_j; the buffers start as they are
    without curvature.
    """
    moved = theta - dict(ADAM.assignments)[theta]
    late = moved * (1 - beta**k) / average * (sp.sqrt(second / (1 - beta2**k)) + delta)
    yield Step("A step of Adam times the root of its second moment", None, eta * average, equals=late * average)
    yield Step("Second moment frozen at the variance of the noise", second, C, assumed=True)
    A, noise = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    epsilon = eta_adam * (1 - beta)
    pairs = ((r_i_plus, r_i_minus, h_i_scaled), (r_j_plus, r_j_minus, h_j_scaled))
    # Both directions share β; each curvature is written by its own roots.
    for plus, minus, curvature in pairs:
        step = A.subs({eta: eta_adam, h: curvature})
        solved = dict(zip((plus, minus), _roots(curvature), strict=True))
        yield Step("Sum of the roots is the trace", None, step.trace(), equals=(plus + minus).subs(solved))
        yield Step("Their product is the determinant", None, step.det(), equals=(plus * minus).subs(solved))
    n = sp.Symbol("n", integer=True, nonnegative=True)
    G = [(plus**n - minus**n) / (plus - minus) for plus, minus, _ in pairs]
    plus, minus, _ = pairs[0]
    residual = G[0].subs(n, n + 2) - (plus + minus) * G[0].subs(n, n + 1) + plus * minus * G[0]
    yield Step("Residual of the recursion of an answer", None, sp.Integer(0), equals=residual)
    first = sp.Matrix([G[0].subs(n, 0), G[0].subs(n, 1)])
    yield Step("No answer at once", None, sp.Integer(0), equals=first[0])
    yield Step("and one a step later, -ε to noise", None, -epsilon, equals=noise[0].subs(eta, eta_adam) * first[1])
    kicks = _answers(T)
    yield Step(
        "Sum of the answers to all kicks, from T to T + 1",
        None,
        (G[0] * G[1]).subs(n, T + 1),
        equals=_answers(T + 1) - kicks,
    )
    yield Step("The sum is empty at T = 0", None, sp.Integer(0), equals=_answers(sp.S(0)))
    free = (A[1, 1] ** 2 * v0sq + C * noise[1] ** 2 - v0sq).subs(h, 0)
    (warm,) = sp.solve(free, v0sq)
    start = (1 - beta) / (1 + beta) * C_ij_scaled
    yield Step("Stationary covariance of buffers without curvature", None, start, equals=warm.subs(C, C_ij_scaled))
    entry = (G[0] * G[1]).subs(n, T)
    derived = epsilon**2 * C_ij_scaled * kicks + (eta_adam * beta) ** 2 * warm.subs(C, C_ij_scaled) * entry
    alike = {r_j_plus: r_i_plus, r_j_minus: r_i_minus, C_ij_scaled: C}
    alone = momentum_saddle_msd.rhs.subs({v0sq: warm, eta: eta_adam}).subs(_scalar_roots())
    yield Step("On the diagonal it is the law of one direction", None, alone, equals=derived.subs(alike))
    readable = eta_adam**2 * C_ij_scaled * ((1 - beta) ** 2 * kicks + beta**2 * (1 - beta) / (1 + beta) * entry)
    return proven(readable, equals=derived)


def _scalar_roots() -> dict[sp.Symbol, sp.Symbol]:
    plus, minus = momentum_saddle_msd.where
    return {plus: r_i_plus, minus: r_i_minus}


def _answers(count: sp.Expr) -> sp.Expr:
    """Σ_{n=1}^count G_i G_j, four geometric series."""
    total = sp.Integer(0)
    for a, sign_a in ((r_i_plus, 1), (r_i_minus, -1)):
        for b, sign_b in ((r_j_plus, 1), (r_j_minus, -1)):
            total += sign_a * sign_b * a * b * (1 - (a * b) ** count) / (1 - a * b)
    return total / ((r_i_plus - r_i_minus) * (r_j_plus - r_j_minus))


@claim(
    "adai.saddle-covariance",
    cov_ij_T,
    (eta, H, C_matrix, beta0, eps, T),
    kind="asymptotic",
    regime=Regime((), "Second moments must be slow, 1 - beta2 << 1, and follow the noise alone."),
    uses=("adai.saddle-msd",),
    layers=("simulation", "real"),
    change=adai_modes,
    numerics=mode_covariance,
    slips=(("lambda_i * lambda_j * V(T) + kick_ij", "lambda_i * V(T) + kick_ij"),),
)
def adai_saddle_covariance() -> Derivation:
    """Covariance of warm Adai after T steps from a critical point, with any Hessian and any noise.

    Slow second moments freeze the inertia 1 - κ of every coordinate, which belongs to the parameter axes and not to the
    eigenvectors of H. Parameters and buffers together then take linear steps. In the modes of that step, complex in
    general, every second moment is multiplied by the product of two eigenvalues and gains what the noise of a step
    adds. The buffers start as they are without curvature.
    """
    rule = dict(ADAI.assignments)
    one, other = sp.Symbol("kappa_i", positive=True), sp.Symbol("kappa_j", positive=True)
    yield Step("Inertia frozen at that of the mean second moments", kappa, one, assumed=True)
    buffer = (1 - one) * average + one * g
    yield Step("A buffer then takes linear steps", average, buffer, equals=rule[average].subs(kappa, one))
    moved = theta - eta * average
    yield Step("and so does a parameter, long after the start", theta, moved, equals=rule[theta].subs(q, 1))
    product = sp.Symbol("M_ij")
    # Buffers of two coordinates without curvature, whose gradients are noises of covariance C_ij.
    noise = [sp.Symbol("xi_i"), sp.Symbol("xi_j")]
    buffers = [sp.Symbol("m_i"), sp.Symbol("m_j")]
    news = [buffer.subs({one: x, average: m, g: z}) for x, m, z in zip((one, other), buffers, noise, strict=True)]
    mixed = sp.expand(news[0] * news[1])
    mean = mixed.coeff(buffers[0]).coeff(buffers[1]) * product + mixed.coeff(noise[0]).coeff(noise[1]) * C_ij
    (warm,) = sp.solve(mean - product, product)
    stated = one * other * C_ij / (1 - (1 - one) * (1 - other))
    yield Step("Stationary covariance of two buffers without curvature", product, stated, equals=warm)
    following = lambda_i * lambda_j * V(T) + kick_ij
    (fixed,) = sp.solve(following - V(T), V(T))
    derived = fixed + (start_ij - fixed) * (lambda_i * lambda_j) ** T
    yield Step("Second moment of two modes at the start", V(0), start_ij, equals=derived.subs(T, 0))
    readable = start_ij * (lambda_i * lambda_j) ** T + kick_ij * (1 - (lambda_i * lambda_j) ** T) / (
        1 - lambda_i * lambda_j
    )
    residual = readable.subs(T, T + 1) - following.subs(V(T), readable)
    yield Step("Residual of its recursion", None, sp.Integer(0), equals=residual)
    return proven(readable, equals=derived)
