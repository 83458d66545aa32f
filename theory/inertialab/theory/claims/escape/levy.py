"""Leaving a minimum by a single large jump."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import (
    a_exit,
    alpha,
    b_exit,
    eps_levy,
    h,
    tau,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim


@claim(
    "levy.exit",
    tau,
    (alpha, eps_levy, a_exit, b_exit),
    kind="asymptotic",
    regime=Regime(
        (alpha < 2,),
        "Gaussian noise, alpha = 2, has no large jumps. In a parabola of curvature h the scale eps*h**(-1/alpha) "
        "must be "
        "small beside the distance of the nearer end: a thirtieth of it costs 1.3%, a tenth 5%, a third is too "
        "much, above all near alpha = 2.",
        beside=tuple(20 * eps_levy <= end * h ** (1 / alpha) for end in (a_exit, b_exit)),
    ),
    source=Source("simsekli2019tail", "exit by one large jump, after Imkeller and Pavlyukevich"),
    layers=("numerics", "simulation"),
    limits=(({"eps": 1e-200, "alpha": 1.5}, float("inf")),),
    slips=(
        ("sp.sin(sp.pi * alpha / 2) / sp.pi", "sp.sin(sp.pi * alpha) / sp.pi"),
        ("tail.subs(lower, a_exit) + tail", "tail.subs(lower, a_exit) - tail"),
    ),
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
    rate = eps_levy**alpha * (tail.subs(lower, a_exit) + tail.subs(lower, b_exit))
    yield Step(
        "Small noise: between large jumps a particle is at the minimum; it leaves at the rate", ends, rate, assumed=True
    )
    level = sp.Symbol("T", positive=True)
    # The same constant all over the well and 0 beyond its ends: drift and small jumps do nothing to it.
    lost = rate * (0 - level)
    (solution,) = sp.solve(lost + 1, level)
    yield Step(
        "A mean time that is constant in the well: residual of the backward equation",
        None,
        sp.Integer(-1),
        equals=lost.subs(level, solution),
    )
    readable = alpha / (eps_levy**alpha * value * (a_exit ** (-alpha) + b_exit ** (-alpha)))
    return proven(readable, equals=solution.subs(constant, value))
