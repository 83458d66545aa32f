"""Leaving a minimum by the minibatch noise of SGD, whose strength depends on the place."""

import sympy as sp

from inertialab.theory.claims.escape.wells import straight_path
from inertialab.theory.claims.escape.white_noise import LOW
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.notation import B, D, D_a, D_b, Ha, Hb, L_a, L_b, Phi, divergence, dL, eta, s, tau
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

SGD_EXPONENT = 2 * B * dL / eta * (s / Ha + (1 - s) / Hb)


SGD_REGIME = Regime(
    (s > 0, s < 1, SGD_EXPONENT >= 4),
    LOW + " The path is straight, transverse curvatures do not change along it, the noise switches between the ends.",
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
    at the minimum. Laplace's method then gives 2π√(D_b/(D_aH_aH_b)); with D in proportion to the curvature the
    curvature of the saddle drops out. The exponent is that of noise frozen at two values; the true one is ∫L'/D.
    """
    yield from noise_steps()
    local = 2 * sp.pi * sp.sqrt(D_b / (D_a * Ha * Hb))
    yield Step("Both integrals by Laplace's method, Ito", None, local, equals=ito_prefactor())
    proportional = {D_a: eta * Ha / (2 * B), D_b: eta * Hb / (2 * B)}
    anti = (ito_prefactor() * D_a / D_b).subs(proportional)
    yield Step("Were 1/D in the outer integral (anti-Ito)", None, 2 * sp.pi / Hb, equals=anti)
    same = (ito_prefactor()).subs({D_a: D, D_b: D})
    yield Step("Where D is constant both are Kramers'", None, 2 * sp.pi / sp.sqrt(Ha * Hb), equals=same)
    readable = 2 * sp.pi / Ha * sp.exp(SGD_EXPONENT)
    exponent = s * dL / D_a + (1 - s) * dL / D_b
    return proven(readable, equals=(ito_prefactor() * sp.exp(exponent)).subs(proportional))


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


@claim(
    "sgd.noise-cannot-vanish",
    divergence,
    (),
    kind="exact",
    uses=("langevin.mean-first-passage",),
    layers=("numerics",),
    slips=(
        ("outside = 2 * sp.integrate", "outside = sp.integrate"),
        ("+ slope * lam * transform", "- slope * lam * transform"),
    ),
)
def sgd_noise_cannot_vanish() -> Derivation:
    """Noise in proportion to |L''| on the whole path gives an infinite escape time: it vanishes at the inflection.

    Between minimum and saddle L'' changes sign at a point c, where D = ηC/2 vanishes as d|x - c| with
    d = η|L'''|/2B, while the drift -L'(c) still points back. The exponent ∫L'/D grows without bound, as (4B/η)|L'/L'''|
    times the logarithm of any floor put under |L''|. The diffusion itself cannot pass: near c the distance
    w = c - x > 0 obeys dw = L'dt + √(2dw)dW, whose Laplace transform is explicit and stays below 1 for every
    argument, so w never becomes negative.
    """
    third, slope, floor = sp.symbols("L_3 L_1 delta", positive=True)
    d = eta * third / (2 * B)
    # |L''| = max(L₃|w|, δ): logarithms of both sides of c and a constant in between.
    reach = sp.Symbol("w_0", positive=True)
    w = sp.Symbol("w", positive=True)
    outside = 2 * sp.integrate(slope / (d * w), (w, floor / third, reach))
    inside = 2 * sp.integrate(slope / (eta * floor / (2 * B)), (w, 0, floor / third))
    yield Step("Exponent within the floor", None, 4 * B * slope / (eta * third), equals=inside)
    exponent = outside + inside
    growth = sp.simplify(-floor * sp.diff(exponent, floor))
    readable = 4 * B / eta * slope / third
    yield Step("Growth of the exponent with ln(1/δ)", None, readable, equals=growth)
    vanishing = sp.limit(1 / sp.expand_log(outside), floor, 0)
    yield Step("so it diverges: its inverse vanishes with the floor", 1 / Phi, sp.Integer(0), equals=vanishing)
    lam, time, start = sp.symbols("lambda t w_1", positive=True)
    d_symbol = sp.Symbol("d", positive=True)
    spread = 1 + d_symbol * lam * time
    transform = spread ** (-slope / d_symbol) * sp.exp(-lam * start / spread)
    evolution = sp.diff(transform, time) + slope * lam * transform + d_symbol * lam**2 * sp.diff(transform, lam)
    yield Step(
        "Mean of e^{-λw}: residual of its equation over itself",
        None,
        sp.Integer(0),
        equals=sp.simplify(evolution / transform),
    )
    yield Step("At time zero it is e^{-λw₁}", None, sp.exp(-lam * start), equals=transform.subs(time, 0))
    power = sp.Symbol("p", positive=True)
    far = sp.limit(transform.subs(slope, power * d_symbol).subs({time: 1, d_symbol: 1, start: 1}), lam, sp.oo)
    yield Step(
        "As λ → ∞ it tends to 0; any weight on w < 0 would make it grow (units with d = t = w₁ = 1)",
        None,
        sp.Integer(0),
        equals=far,
    )
    return proven(sp.Integer(1), equals=growth / readable)
