"""Leaving a saddle under Adam and Adai."""

import sympy as sp

from inertialab.theory.claim import Derivation, Source, claim
from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, Step, proven
from inertialab.theory.dynamics import MOMENTUM_EMA, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import (
    B,
    C,
    D,
    M,
    T,
    beta,
    beta0,
    eta,
    eta_adam,
    gamma,
    h,
    kappa,
    msd_T,
    n,
    r_minus,
    r_plus,
    t,
    trace_abs,
    v0sq,
)
from inertialab.theory.numerics import adai_msd
from inertialab.theory.regime import Regime
from inertialab.theory.saddle import momentum_saddle_msd
from inertialab.theory.transients import FREE_THERMAL, momentum_saddle_msd_drift


@claim(
    "adam.saddle-msd",
    msd_T,
    (eta_adam, beta, T),
    kind="attributed",
    regime=Regime(
        (beta < 1, (1 - beta) * T >= 50),
        "Sooner it is more than 5 % too large. It also needs a slow second moment, noise in proportion to the "
        "curvature, axes along the eigenvectors of the Hessian, and eta*sqrt(B*h)*T << 1.",
    ),
    source=Source("xie2022adaptive", "Theorem 3"),
    uses=("momentum.saddle-msd-drift",),
    corrected_by="momentum.saddle-msd-continuous",
    instead="Independence of the Hessian follows; the transient does not: warm Adam spreads by "
    "η²(T - (1 - e^{-x})/(1 - β)), x = (1 - β)T, in continuous time, less than the published value at any time.",
    layers=("simulation", "real"),
)
def adam_saddle_msd() -> Derivation:
    """Mean squared displacement of Adam at a saddle, independent of the Hessian.

    With a frozen second moment v = C Adam is momentum whose noise has variance 1, so the curvature is gone wherever
    growth can be neglected. The rest is the published drift and diffusion of momentum, and shares their fault.
    """
    yield Step("Second moment frozen at the variance of the noise", sp.Symbol("v"), C, assumed=True)
    matched = {M: eta / (1 - beta), gamma: (1 - beta) / eta, t: eta * T, D: eta / 2}
    published = sp.limit(momentum_saddle_msd_drift.formula, h, 0).subs(matched)
    readable = eta_adam**2 / (2 * (1 - beta)) * (1 - sp.exp(-(1 - beta) * T)) ** 2 + eta_adam**2 * T
    derived = FREE_THERMAL.subs(matched)
    u = sp.exp(-(1 - beta) * T)
    warm = eta**2 * (T - (1 - u) / (1 - beta))
    yield Step("Warm start by the derived law of momentum", msd_T, warm, equals=derived)
    excess = eta**2 / (2 * (1 - beta)) * (1 - u) * (3 - u)
    yield Step("Warm start, no curvature", PUBLISHED_MINUS_DERIVED, excess, equals=published - derived)
    return proven(readable, equals=published.subs(eta, eta_adam))


@claim(
    "adai.saddle-msd",
    msd_T,
    (eta, h, C, kappa, T),
    kind="asymptotic",
    regime=Regime((kappa <= 1,), "Inertia 1 - kappa lies between 0 and 1."),
    source=Source("xie2022adaptive", "Adai with frozen inertia"),
    uses=("momentum.saddle-msd", "adai.stationary-variance"),
    layers=("simulation", "real"),
    where={symbol: root.subs(beta, 1 - kappa) for symbol, root in momentum_saddle_msd.where.items()},
    numerics=adai_msd,
)
def adai_saddle_msd() -> Derivation:
    """Mean squared displacement of warm Adai from a critical point, inertia frozen.

    Adai with frozen inertia is EMA momentum with β = 1 - κ. Warm means that the buffer has the mean square it has
    without curvature, κC/(2 - κ), and that bias correction has died away.
    """
    yield Step("Inertia frozen at its mean", beta, 1 - kappa, assumed=True)
    A, noise = linear_recursion(MOMENTUM_EMA, QUADRATIC)
    free = (A[1, 1] ** 2 * v0sq + C * noise[1] ** 2 - v0sq).subs({h: 0, beta: 1 - kappa})
    (warm,) = sp.solve(free, v0sq)
    yield Step("Stationary mean square of the buffer without curvature", v0sq, kappa * C / (2 - kappa), equals=warm)
    derived = momentum_saddle_msd.rhs.subs({v0sq: warm, beta: 1 - kappa})
    G = (r_plus**T - r_minus**T) / (r_plus - r_minus)
    series = [q * (1 - q**T) / (1 - q) for q in (r_plus**2, 1 - kappa, r_minus**2)]
    kicks = (series[0] - 2 * series[1] + series[2]) / (r_plus - r_minus) ** 2
    readable = eta**2 * C * (kappa**2 * kicks + (1 - kappa) ** 2 * kappa / (2 - kappa) * G**2)
    roots = {kappa: 1 - r_plus * r_minus}
    return proven(readable, equals=derived, where=roots)


@claim(
    "adai.saddle-msd-attributed",
    msd_T,
    (eta, h, B, n, trace_abs, beta0, T),
    kind="attributed",
    source=Source("xie2022adaptive", "Adai at saddle points"),
    uses=("adai.saddle-msd", "momentum.saddle-msd-drift"),
    corrected_by="adai.saddle-msd",
    expected="refuted",
    instead="The isotropic drift is the thermal velocity's share of the spread, and the start-up of the diffusion "
    "costs more: warm Adai spreads less than SGD, in flat directions much less.",
    layers=("simulation",),
)
def adai_saddle_msd_attributed() -> Derivation:
    """Mean squared displacement of Adai at a saddle as an isotropic drift plus the diffusion of SGD.

    With C = |h|/B a coordinate has κ = β₀|h|n/Σ|h_j|, and momentum's drift D/(γ³M²) = ηD/κ no longer contains |h|.
    It inherits the fault of momentum's drift and diffusion.
    """
    size = sp.Symbol("|h|", positive=True)
    inertia = beta0 * n * size / trace_abs
    yield Step("Noise in proportion to the curvature", C, size / B, assumed=True)
    yield Step("Inertia of the coordinate", kappa, inertia, equals=beta0 * (size / B) / (trace_abs / (n * B)))
    matched = {M: eta / kappa, gamma: kappa / eta, t: eta * T, D: eta * size / (2 * B)}
    published = sp.limit(momentum_saddle_msd_drift.formula, h, 0).subs(matched).subs(kappa, inertia)
    derived = FREE_THERMAL.subs(matched).subs(kappa, inertia)
    u = sp.exp(-inertia * T)
    drift = eta**2 * trace_abs / (2 * beta0 * n * B) * (1 - u) ** 2
    yield Step(
        "The drift does not contain the curvature of its direction",
        None,
        drift,
        equals=published - eta**2 * size * T / B,
    )
    excess = eta**2 * trace_abs / (2 * beta0 * n * B) * (1 - u) * (3 - u)
    yield Step("Warm start, no growth", PUBLISHED_MINUS_DERIVED, excess, equals=published - derived)
    sizes = {size: sp.Abs(h)}
    return proven((drift + eta**2 * size * T / B).subs(sizes), equals=published.subs(sizes))
