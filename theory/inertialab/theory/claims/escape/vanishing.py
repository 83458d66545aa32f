"""Noise in proportion to the curvature along a whole path: it vanishes at the point of inflection."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import L1, B, L3_there, Phi, divergence, eta, g, theta, zero_power
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim

w = sp.Symbol("w", positive=True)
d = sp.Symbol("d", positive=True)


def _near_the_inflection() -> Derivation:
    """Steps that end with the strength d of the diffusion D = d·w at the distance w before the point of inflection."""
    place, fourth = sp.Symbol("x", real=True), sp.Symbol("L_4", real=True)
    loss = L1 * place - L3_there * place**3 / 6 + fourth * place**4 / 24
    yield Step("Slope at the point of inflection", None, L1, equals=sp.diff(loss, place).subs(place, 0))
    curvature = sp.diff(loss, place, 2).subs(place, -w)
    yield Step("Curvature at the distance w before it", None, L3_there * w + fourth * w**2 / 2, equals=curvature)
    diffusion = sp.series(eta * curvature / B / 2, w, 0, 2).removeO()
    strength = eta * L3_there / (2 * B)
    yield Step("Diffusion ηC/2 with C = |L''|/B: vanishes as d·w", None, strength * w, equals=diffusion)
    return strength


@claim(
    "sgd.noise-cannot-vanish",
    divergence,
    (),
    kind="exact",
    uses=("langevin.mean-first-passage",),
    layers=("numerics",),
    slips=(
        ("outside = 2 * sp.integrate", "outside = sp.integrate"),
        ("+ L1 * lam * transform", "- L1 * lam * transform"),
        ("eta * curvature / B / 2", "eta * curvature / B"),
    ),
)
def sgd_noise_cannot_vanish() -> Derivation:
    """The diffusion of SGD cannot pass a point of inflection where its noise in proportion to |L''| vanishes.

    Said of the diffusion dθ = -L'dt + √(2D)dW with D = η|L''|/2B, Ito, not of the chain, which steps over the zero
    (sgd.noise-zero-stepped-over). Between minimum and saddle L'' changes sign at a point c, where D vanishes as d·w
    with the distance w = c - θ, while the drift still points back. The exponent ∫L'/D grows without bound, as
    (4B/η)|L'/L'''| times the logarithm of any floor put under |L''|. The distance obeys dw = L'dt + √(2dw)dW; the
    Laplace transform of its density is explicit and tends to 0 for large arguments at any time, so that no weight ever
    lies at or below 0.
    """
    strength = yield from _near_the_inflection()
    floor, reach = sp.symbols("delta w_0", positive=True)
    # |L''| = max(L₃w, δ): logarithms of both sides of c and a constant in between.
    outside = 2 * sp.integrate(L1 / (strength * w), (w, floor / L3_there, reach))
    inside = 2 * sp.integrate(L1 / (eta * floor / (2 * B)), (w, 0, floor / L3_there))
    yield Step("Exponent within the floor", None, 4 * B * L1 / (eta * L3_there), equals=inside)
    growth = sp.simplify(-floor * sp.diff(outside + inside, floor))
    readable = 4 * B / eta * L1 / L3_there
    yield Step("Growth of the exponent with ln(1/δ)", None, readable, equals=growth)
    vanishing = sp.limit(1 / sp.expand_log(outside), floor, 0)
    yield Step("so it diverges: its inverse vanishes with the floor", 1 / Phi, sp.Integer(0), equals=vanishing)
    lam, time, start = sp.symbols("lambda t w_1", positive=True)
    spread = 1 + d * lam * time
    transform = spread ** (-L1 / d) * sp.exp(-lam * start / spread)
    evolution = sp.diff(transform, time) + L1 * lam * transform + d * lam**2 * sp.diff(transform, lam)
    yield Step(
        "Mean of e^{-λw}: residual of its equation over itself",
        None,
        sp.Integer(0),
        equals=sp.simplify(evolution / transform),
    )
    yield Step("At time zero it is e^{-λw₁}", None, sp.exp(-lam * start), equals=transform.subs(time, 0))
    # ln of the transform over ln λ tends to -L'/d: a power that vanishes, whatever the numbers.
    power = sp.limit(sp.log(spread) / sp.log(lam), lam, sp.oo)
    yield Step("For large λ it falls as λ to the power -L'/d", None, sp.Integer(1), equals=power)
    rest = sp.limit(lam * start / spread, lam, sp.oo)
    yield Step("times a constant, so that no weight lies at w ≤ 0", None, start / (d * time), equals=rest)
    return proven(sp.Integer(1), equals=growth / readable)


@claim(
    "sgd.noise-zero-stepped-over",
    zero_power,
    (eta, B, L1, L3_there),
    kind="asymptotic",
    regime=Regime(
        (eta * L3_there >= B * L1, eta * L3_there <= 20 * B * L1),
        "The law is that of vanishing learning rates; the power must be moderate to be seen at rates that are not "
        "zero.",
    ),
    uses=("sgd.noise-cannot-vanish",),
    layers=("numerics",),
    limits=(({"B": 1e-12}, 1.0),),
    slips=(
        ("L1 * density - sp.diff(d * w * density", "L1 * density - sp.diff(d * density"),
        ("beyond = w ** (1 + a)", "beyond = w**a"),
    ),
)
def sgd_noise_zero_stepped_over() -> Derivation:
    """The chain of SGD steps over a zero of its noise: its time grows as a power of 1/η, not without bound.

    Within a distance of ηd of the zero the chain looks the same at every η, and there it steps over. How often it is
    that near is a matter of the density w^{a-1} before the zero, a = L'/d; beyond the zero the drift pulls back to it,
    and the chance to get away is that of a diffusion with the scale function w^{1+a}. Together with one step at a time
    the mean number of steps grows as η to the power -(1 + 2a) while B/η is fixed.
    """
    strength = yield from _near_the_inflection()
    (new,) = SGD.step(g).values()
    yield Step("One step", None, theta - eta * g, equals=new)
    xi, u = sp.Symbol("xi", real=True), sp.Symbol("u", positive=True)
    noise = sp.sqrt(L3_there * w / B)
    moved = (w - (new - theta).subs(g, L1 + noise * xi)).subs(w, eta * strength * u)
    scaled = u + L1 / d + sp.sqrt(2 * u) * xi
    yield Step(
        "In units of ηd the distance makes steps that know no η",
        None,
        scaled.subs(d, strength),
        equals=sp.simplify(moved / (eta * strength)),
    )
    a = sp.Symbol("a", positive=True)
    density = w ** (a - 1)
    current = (L1 * density - sp.diff(d * w * density, w)).subs(L1, a * d)
    yield Step("Density before the zero: no current", None, sp.Integer(0), equals=sp.simplify(current))
    weight = sp.integrate(density, (w, 0, d * eta))
    yield Step("Share of the time within ηd", None, (d * eta) ** a / a, equals=weight)
    beyond = w ** (1 + a)
    backward = d * w * sp.diff(beyond, w, 2) - a * d * sp.diff(beyond, w)
    yield Step("Scale function beyond the zero, pulled back", None, sp.Integer(0), equals=sp.simplify(backward))
    chance = beyond.subs(w, d * eta)
    power = sp.expand(sp.simplify(eta * sp.diff(sp.log(weight * chance), eta)))
    yield Step("Power of η of the chance to pass, at each step", None, 1 + 2 * a, equals=power)
    readable = 1 + 4 * B * L1 / (eta * L3_there)
    return proven(readable, equals=power.subs(a, L1 / strength))
