"""Leaving a minimum by noise in proportion to the loss: a power of the height in the place of an exponential."""

import sympy as sp

from inertialab.theory.claims.escape.sgd import GAUSSIAN, ito_prefactor
from inertialab.theory.claims.escape.white_noise import LOW
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
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
    eta,
    h,
    height_factor,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

x = sp.Symbol("x", real=True)


@claim(
    "sgd.power-law",
    height_factor,
    (eta, B_count, h, L_a, L_b),
    kind="attributed",
    regime=Regime(
        (h > 0, L_b > L_a, B_count >= 10 * eta * h, B_count * sp.log(L_b / L_a) >= 10 * eta * h),
        f"{LOW} Where the power B/(eta*h) is small the ends of the path are not narrow. {GAUSSIAN}",
    ),
    source=Source("mori2022power", "power-law escape rate, one dimension"),
    uses=("sgd.escape",),
    layers=("numerics", "simulation"),
    limits=(({"B": 1000000000000.0}, float("inf")),),
    slips=(("current = -sp.diff(L, x) * density", "current = sp.diff(L, x) * density"),),
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
