"""Escapes that no exponential of the barrier governs: single large jumps, noise in proportion to the loss."""

import sympy as sp

from inertialab.theory.claim import Derivation, Source, claim
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.escape import LOW
from inertialab.theory.minibatch import ito_prefactor
from inertialab.theory.notation import (
    B_count,
    D,
    D_a,
    D_b,
    Ha,
    Hb,
    L_a,
    L_b,
    Phi,
    a_exit,
    alpha,
    b_exit,
    eps_levy,
    eta,
    h,
    height_factor,
    tau,
)
from inertialab.theory.regime import Regime

x = sp.Symbol("x", real=True)


@claim(
    "levy.exit",
    tau,
    (alpha, eps_levy, a_exit, b_exit),
    kind="asymptotic",
    regime=Regime((alpha < 2,), "Gaussian noise, alpha = 2, has no large jumps."),
    source=Source("simsekli2019tail", "exit by one large jump, after Imkeller and Pavlyukevich"),
    layers=("numerics", "simulation"),
)
def levy_exit() -> Derivation:
    """Mean time of exit from (-a, b) under α-stable noise of small scale ε: one large jump, no barrier in the law.

    Small noise sits near the minimum until one jump carries it out. Jumps larger than y come at the rate
    ε^α∫c_α z^{-1-α}dz over z > y, so height and shape of the barrier do not matter, only its distance. With the
    characteristic function exp(-t|q|^α) the constant is c_α = Γ(1 + α) sin(πα/2)/π.
    """
    z, lower = sp.symbols("z y", positive=True)
    constant = sp.Symbol("c_alpha", positive=True)
    tail = constant * lower ** (-alpha) / alpha
    yield Step(
        "Rate of jumps beyond y, per ε^α: slope", None, -constant * lower ** (-1 - alpha), equals=sp.diff(tail, lower)
    )
    yield Step(
        "and none beyond infinity",
        None,
        sp.Integer(0),
        equals=sp.limit(tail.subs(alpha, sp.Rational(3, 2)), lower, sp.oo),
    )
    # ∫(1 - cos qz) c z^{-1-α} dz over both signs must be |q|^α; at q = 1 it fixes c.
    value = sp.gamma(1 + alpha) * sp.sin(sp.pi * alpha / 2) / sp.pi
    normal = 2 * value.subs(alpha, 1) * sp.integrate((1 - sp.cos(z)) / z**2, (z, 0, sp.oo))
    yield Step("Constant of the jumps at α = 1", None, sp.Integer(1), equals=normal)
    # By parts ∫(1 - cos z)z^{-1-α} = ∫sin z z^{-α}/α, a Mellin transform: Γ(1 - α)cos(πα/2)/α.
    by_parts = 2 * value * sp.gamma(1 - alpha) * sp.cos(sp.pi * alpha / 2) / alpha
    reflected = by_parts.subs(sp.gamma(1 - alpha), sp.pi / (sp.sin(sp.pi * alpha) * sp.gamma(alpha)))
    yield Step(
        "and at any α, by parts and reflection",
        None,
        sp.Integer(1),
        equals=sp.gammasimp(sp.expand_func(sp.expand_trig(reflected))),
    )
    ends = sp.Symbol("exit rate")
    yield Step(
        "Small noise: the first jump beyond an end is the exit", ends, eps_levy**alpha * constant / alpha, assumed=True
    )
    rate = eps_levy**alpha * (tail.subs(lower, a_exit) + tail.subs(lower, b_exit))
    readable = alpha / (eps_levy**alpha * value * (a_exit ** (-alpha) + b_exit ** (-alpha)))
    return proven(readable, equals=1 / rate.subs(constant, value))


@claim(
    "sgd.power-law",
    height_factor,
    (eta, B_count, h, L_a, L_b),
    kind="attributed",
    regime=Regime((h > 0, L_b > L_a, B_count * sp.log(L_b / L_a) >= 4 * eta * h), LOW),
    source=Source("mori2022power", "power-law escape rate, one dimension"),
    uses=("sgd.escape",),
    layers=("numerics", "simulation"),
)
def sgd_power_law() -> Derivation:
    """Noise in proportion to the loss turns the barrier into its logarithm and the escape into a power law.

    For squared loss C = 2hL/B along the path. Then ∫L'/D is a logarithm, the exponential a power, and Ito's prefactor
    √(D_b/D_a) adds one half to its exponent.
    """
    yield Step("Noise in proportion to the loss", sp.Symbol("C"), 2 * h * sp.Symbol("L") / B_count, assumed=True)
    level = sp.Symbol("L", positive=True)
    diffusion = eta * (2 * h * level / B_count) / 2
    yield Step("Diffusion", D, eta * h * level / B_count, equals=diffusion)
    rise = {L_b: L_a * sp.Symbol("ratio", positive=True)}
    exponent = sp.expand(sp.expand_log(sp.integrate(1 / diffusion, (level, L_a, L_b.subs(rise)))))
    power = B_count / (eta * h)
    yield Step("Exponent ∫dL/D, by the ratio L_b/L_a", Phi, (power * sp.log(L_b / L_a)).subs(rise), equals=exponent)
    L = sp.Function("L", positive=True)(x)
    density = L ** (-(1 + power))
    current = -sp.diff(L, x) * density - sp.diff(eta * h * L / B_count * density, x)
    yield Step(
        "Current of the stationary density L^{-(1 + B/ηh)}", None, sp.Integer(0), equals=sp.simplify(current / density)
    )
    prefactor = ito_prefactor().subs({D_a: diffusion.subs(level, L_a), D_b: diffusion.subs(level, L_b)})
    unit = 2 * sp.pi / sp.sqrt(Ha * Hb)
    yield Step("Ito's prefactor in units of 2π/√(H_aH_b)", None, sp.sqrt(L_b / L_a), equals=prefactor / unit)
    readable = (L_b / L_a) ** (power + sp.Rational(1, 2))
    derived = (prefactor / unit).subs(rise) * sp.exp(exponent).rewrite(sp.Pow)
    ratio = sp.powsimp(readable.subs(rise) / derived)
    yield Step("Divided by the derived time", PUBLISHED_OVER_DERIVED, sp.Integer(1), equals=ratio)
    return proven(readable, equals=derived, where=rise)
