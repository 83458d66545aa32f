"""Leaving a minimum by the minibatch noise of SGD, whose strength depends on the place."""

import sympy as sp

from inertialab.theory.claims.escape.watson import small, watson
from inertialab.theory.claims.escape.wells import straight_path
from inertialab.theory.claims.escape.white_noise import LOW
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.notation import B, D, D_a, D_b, Ha, Hb, L_a, L_b, Phi, dL, eta, s, tau
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

SGD_EXPONENT = 2 * B * dL / eta * (s / Ha + (1 - s) / Hb)


SGD_PARTS = (2 * B * dL * s / (eta * Ha), 2 * B * dL * (1 - s) / (eta * Hb))
"""Exponent climbed with the noise of the minimum, and with that of the saddle."""
GAUSSIAN = (
    "The noise is Gaussian, or 2BΔL times the square of its skewness is small; for other laws see sgd.quasi-potential."
)


SGD_REGIME = Regime(
    (
        s > 0,
        s < 1,
        SGD_EXPONENT >= 12,
        *(part >= 4 for part in SGD_PARTS),
        B * dL <= sp.Rational(1, 40),
        10 * B * dL * Ha <= Hb,
        10 * B * dL * Hb <= Ha,
    ),
    f"{LOW} Either noise must rule over several units of the exponent, the gradient must stay small beside the noise "
    f"of a "
    "step, or the length of a step matters (sgd.escape-finite-step). The path is straight, transverse curvatures do "
    "not "
    f"change along it, the noise goes over smoothly from one strength to the other. {GAUSSIAN}",
)


def noise_steps() -> Derivation:
    """The assumptions of the published escape laws, and the exponent they give for drift L' and diffusion D."""
    yield Step("Noise in proportion to the curvature at both ends", D_a, eta * Ha / (2 * B), assumed=True)
    switch = (1 - s) * L_a + s * L_b
    yield Step(
        "and frozen: it has the minimum's value up to this loss, the saddle's beyond",
        sp.Symbol("L(c)"),
        switch,
        assumed=True,
    )
    exponent = s * dL / (eta * Ha / (2 * B)) + (1 - s) * dL / (eta * Hb / (2 * B))
    yield Step("Exponent ∫L'/D", Phi, SGD_EXPONENT, equals=exponent)


def ito_prefactor() -> sp.Expr:
    """Laplace's method in the first-passage integral with 1/D in the inner integral, Ito."""
    w = sp.Symbol("w", positive=True)
    bell = sp.exp(-(w**2) / 2)
    minimum, top = (sp.integrate(bell, (w, -sp.oo, sp.oo)) * sp.sqrt(d / c) for d, c in ((D_a, Ha), (D_b, Hb)))
    return minimum * top / D_a


@claim(
    "sgd.escape",
    tau,
    (eta, B, Ha, Hb, dL, s),
    kind="asymptotic",
    regime=SGD_REGIME,
    source=Source("xie2021diffusion", "exponent; prefactor derived here"),
    uses=("langevin.mean-first-passage",),
    layers=("numerics", "simulation"),
    change=straight_path,
    limits=(({"B": 1000000000000.0}, float("inf")),),
)
def sgd_escape() -> Derivation:
    """Mean escape time of SGD with noise in proportion to the curvature: prefactor 2π/H_a.

    Minibatch noise is evaluated before the step (Ito), so 1/D stands in the inner integral of the first-passage time,
    at the minimum. Watson's lemma gives 2π√(D_b/(D_aH_aH_b)) and the first correction, of relative order D/ΔL; with D
    in proportion to the curvature the curvature of the saddle drops out. The exponent is that of noise frozen at two
    values; the true one is ∫L'/D.
    """
    yield from noise_steps()
    yield from _both_ends()
    local = 2 * sp.pi * sp.sqrt(D_b / (D_a * Ha * Hb))
    yield Step("Leading order of both integrals, Ito", None, local, equals=ito_prefactor())
    proportional = {D_a: eta * Ha / (2 * B), D_b: eta * Hb / (2 * B)}
    anti = (ito_prefactor() * D_a / D_b).subs(proportional)
    yield Step("Were 1/D in the outer integral (anti-Ito)", None, 2 * sp.pi / Hb, equals=anti)
    same = (ito_prefactor()).subs({D_a: D, D_b: D})
    yield Step("Where D is constant both are Kramers'", None, 2 * sp.pi / sp.sqrt(Ha * Hb), equals=same)
    readable = 2 * sp.pi / Ha * sp.exp(SGD_EXPONENT)
    exponent = s * dL / D_a + (1 - s) * dL / D_b
    return proven(readable, equals=(ito_prefactor() * sp.exp(exponent)).subs(proportional))


def _both_ends() -> Derivation:
    """First corrections at both ends of ∫e^{φ(y)}∫e^{-φ(z)}/D(z)dz dy, D = εd(x), φ' = L'/D."""
    place, bend, third, fourth = sp.symbols("x H L_3 L_4", real=True)
    d0, d1, d2 = sp.symbols("d d_1 d_2", positive=True)
    d_of = d0 + d1 * place + d2 * place**2 / 2
    slope = (bend * place + third * place**2 / 2 + fourth * place**3 / 6) / d_of
    psi = [sp.diff(slope, place, n).subs(place, 0) for n in (1, 2, 3)]
    yield Step("Second derivative of εφ", None, bend / d0, equals=psi[0])
    yield Step("Third", None, third / d0 - 2 * bend * d1 / d0**2, equals=psi[1])
    weight = tuple(sp.diff(1 / d_of, place, n).subs(place, 0) * d0 for n in (1, 2))
    a, b = sp.symbols("H_a H_b", positive=True)
    second, cubic, quartic = (p.subs(bend, a) for p in psi)
    minimum = yield from watson(second, cubic, quartic, *weight)
    yield Step(
        "Constant noise, minimum: first correction",
        None,
        1 + small * d0 * (5 * third**2 / (24 * a**3) - fourth / (8 * a**2)),
        equals=sp.simplify(minimum.subs({d1: 0, d2: 0})),
    )
    second, cubic, quartic = (-p.subs(bend, -b) for p in psi)
    saddle = yield from watson(second, cubic, quartic, sp.Integer(0), sp.Integer(0))
    yield Step(
        "Constant noise, saddle",
        None,
        1 + small * d0 * (5 * third**2 / (24 * b**3) + fourth / (8 * b**2)),
        equals=sp.simplify(saddle.subs({d1: 0, d2: 0})),
    )


@claim(
    "sgd.escape-attributed",
    tau,
    (eta, B, Ha, Hb, dL, s),
    kind="attributed",
    regime=SGD_REGIME,
    source=Source("xie2021diffusion", "Theorem on SGD escaping minima"),
    uses=("sgd.escape",),
    corrected_by="sgd.escape",
    expected="refuted",
    instead="Ito's prefactor is 2π/H_a: the curvature of the minimum, not of the saddle. They agree where H_a = H_b.",
    layers=("numerics", "simulation"),
    change=straight_path,
    limits=(({"B": 1000000000000.0}, float("inf")),),
)
def sgd_escape_attributed() -> Derivation:
    """Mean escape time of SGD with prefactor 2π/H_b, as published.

    The published prefactor is what the anti-Ito rule gives, with 1/D in the outer integral, at the saddle.
    """
    yield from noise_steps()
    yield Step("1/D is taken at the saddle (anti-Ito)", None, 1 / D_b, assumed=True)
    proportional = {D_a: eta * Ha / (2 * B), D_b: eta * Hb / (2 * B)}
    anti = ito_prefactor() * D_a / D_b
    readable = 2 * sp.pi / Hb * sp.exp(SGD_EXPONENT)
    yield Step("Divided by the Ito law", PUBLISHED_OVER_DERIVED, Ha / Hb, equals=readable / sgd_escape.rhs)
    exponent = s * dL / D_a + (1 - s) * dL / D_b
    return proven(readable, equals=(anti * sp.exp(exponent)).subs(proportional))
