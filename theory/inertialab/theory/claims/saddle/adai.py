"""Leaving a saddle under Adai."""

import sympy as sp

from inertialab.theory.claims.saddle.momentum import momentum_saddle_msd
from inertialab.theory.claims.saddle.underdamped import FREE_THERMAL, momentum_saddle_msd_drift
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
from inertialab.theory.statement import Derivation, Source, claim


@claim(
    "adai.saddle-msd",
    msd_T,
    (eta, h, C, kappa, T),
    kind="asymptotic",
    regime=Regime(
        (kappa <= 1, -eta * h * T <= 2),
        "Inertia 1 - kappa lies between 0 and 1; at a saddle the growth exp(2*eta*|h|*T) carries every fluctuation of "
        "the inertia along. Second moments must be slow, 1 - beta2 << 1.",
    ),
    source=Source("xie2022adaptive", "Adai with frozen inertia"),
    uses=("momentum.saddle-msd", "adai.stationary-variance"),
    layers=("simulation", "real"),
    where={symbol: root.subs(beta, 1 - kappa) for symbol, root in momentum_saddle_msd.where.items()},
    numerics=adai_msd,
    limits=(
        ({"kappa": 1.0}, "sgd.saddle-variance"),
        ({"C": 0.0}, 0.0),
    ),
    slips=(("C * noise[1] ** 2 - v0sq", "C - v0sq"),),
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
    limits=(({"B": 1000000000000.0}, 0.0),),
    slips=(("beta0 * (size / B)", "beta0 * (size / B) ** 2"),),
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
