"""Leaving a saddle under Adam."""

import sympy as sp

from inertialab.theory.claims.saddle.underdamped import FREE_THERMAL, momentum_saddle_msd_drift
from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, Step, proven
from inertialab.theory.notation import (
    C,
    D,
    M,
    T,
    beta,
    eta,
    eta_adam,
    gamma,
    h,
    msd_T,
    t,
    turn,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim


@claim(
    "adam.saddle-msd",
    msd_T,
    (eta_adam, beta, T),
    kind="attributed",
    regime=Regime(
        (beta < 1, (1 - beta) * T >= 50),
        "With x = (1 - beta)*T it is 1.5/(x - 1) too large: 3 % here, 5 % at x = 31, and more sooner. It also needs a "
        "slow second moment, noise in proportion to the curvature, and eta*sqrt(B*h)*T << 1. Where the eigenvectors of "
        "the Hessian are turned against the axes see adam.rotation.",
        beside=(sp.Eq(turn, 0),),
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
    late = (excess / warm).subs(u, 0)
    x = (1 - beta) * T
    yield Step("Relative excess when e^{-x} is gone, x = (1 - β)T", None, sp.Rational(3, 2) / (x - 1), equals=late)
    return proven(readable, equals=published.subs(eta, eta_adam))
