"""Leaving a minimum by minibatch noise under Adam."""

import sympy as sp

from inertialab.theory.claims.escape.momentum import momentum_escape
from inertialab.theory.claims.escape.sgd import SGD_EXPONENT, ito_prefactor, sgd_escape
from inertialab.theory.claims.escape.wells import straight_path
from inertialab.theory.claims.escape.white_noise import LOW
from inertialab.theory.claims.stationary.sgd import sgd_stationary_variance
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import ADAM
from inertialab.theory.notation import (
    B,
    C,
    D,
    D_a,
    D_b,
    Ha,
    Hb,
    M,
    Phi,
    beta,
    beta2,
    delta,
    det_ratio,
    detHa,
    detHb,
    dL,
    eta,
    eta_adam,
    g,
    gamma,
    h,
    k,
    s,
    tau_adam,
    theta,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

x = sp.Symbol("x", real=True)


ADAM_PARTS = (
    2 * sp.sqrt(B) * dL / eta_adam * s / sp.sqrt(Ha),
    2 * sp.sqrt(B) * dL / eta_adam * (1 - s) / sp.sqrt(Hb),
)
"""Exponent climbed with the noise of the minimum, and with that of the saddle, if v follows the noise."""
ADAM_EXPONENT = 2 * sp.sqrt(B) * dL / eta_adam * (s / sp.sqrt(Ha) + (1 - s) / sp.sqrt(Hb))
FROZEN_EXPONENT = 2 * sp.sqrt(B) * dL / eta_adam * (s / sp.sqrt(Ha) + (1 - s) * sp.sqrt(Ha) / Hb)
_lag = 250 * sp.Abs(sp.log(Ha / Hb))
_rates = tuple(eta_adam * sp.sqrt(B * H) for H in (Ha, Hb))
FOLLOWS = Regime(
    (
        s > 0,
        s < 1,
        ADAM_EXPONENT >= 12,
        *(part >= 4 for part in ADAM_PARTS),
        beta <= beta2,
        *(100 * rate <= 1 - beta for rate in _rates),
        (1 - beta2) * ADAM_EXPONENT <= sp.Rational(1, 40),
        *(_lag * rate <= 1 - beta2 for rate in _rates),
        *(ADAM_EXPONENT * rate <= sp.Rational(1, 40) for rate in _rates),
        *(20 * B * dL * ADAM_EXPONENT * (1 - beta2) <= 1 - beta2 + rate for rate in _rates),
    ),
    "The second moment must be a mean over many gradients; where the noise changes on the way it must forget so much "
    "faster than the parameter moves; and it must see little of the gradient, which is small beside the noise or soon "
    "over. Inertia lengthens the time by eta*sqrt(B*Hb)/(1 - beta). With a longer memory see adam.escape-frozen. "
    "Gaussian noise, smooth between its two values, a straight path.",
)
FROZEN = Regime(
    (
        s > 0,
        s < 1,
        FROZEN_EXPONENT >= 12,
        ADAM_PARTS[0] >= 4,
        ADAM_PARTS[1] * sp.sqrt(Ha / Hb) >= 4,
        beta <= 1 - 100 * eta_adam * sp.sqrt(B * Hb) * sp.sqrt(Hb / Ha),
        FROZEN_EXPONENT * (1 - beta2) * 10 * (1 + Ha / Hb + Hb / Ha) <= eta_adam * sp.sqrt(B * Ha),
        *(FROZEN_EXPONENT * eta_adam * sp.sqrt(B / Ha) * H <= sp.Rational(1, 40) for H in (Ha, Hb)),
    ),
    "The second moment must not change during a climb; with a shorter memory see adam.escape. Gaussian noise, smooth "
    "between its two values, a straight path.",
)


def mobility_and_diffusion() -> tuple[sp.Expr, sp.Expr]:
    """Mobility and diffusion of Adam long after its start, with a given second moment and no memory of momentum."""
    late = {beta**k: 0, beta2**k: 0, delta: 0}
    step = (dict(ADAM.assignments)[theta] - theta).subs(late).subs(average, g)
    mobility = -step / (eta * g)
    noise = sp.Symbol("C", positive=True)
    return mobility, eta_adam * noise * mobility**2 / 2


@claim(
    "adam.escape",
    tau_adam,
    (eta_adam, B, Ha, Hb, dL, s, beta, beta2),
    kind="asymptotic",
    regime=FOLLOWS,
    source=Source("xie2022adaptive", "Theorem 5, exponent; prefactor derived here"),
    uses=("langevin.mean-first-passage", "langevin.eyring-kramers", "momentum.escape"),
    layers=("numerics", "simulation"),
    change=straight_path,
    limits=(({"B": 1000000000000.0}, float("inf")),),
    slips=(
        ("quick = sp.Rational(3, 8)", "quick = sp.Rational(1, 8)"),
        ("sp.sqrt(B * Hb) / (1 - beta)", "sp.sqrt(B * Hb) / (1 + beta)"),
    ),
)
def adam_escape() -> Derivation:
    """Mean escape time of Adam whose second moment follows the noise: √B in the exponent, 1/√B in the prefactor.

    With v = C(x) the drift is -L'/√C and the diffusion η/2, the same everywhere: Ito and anti-Ito agree, and
    Kramers' law holds with the curvatures of ∫L'/√C. v is a mean over 1/(1 - β₂) gradients. Where the noise changes it
    must be renewed while the parameter relaxes, in 1/(η√(BH)) steps, or it lags behind on the way; where minimum and
    saddle are equally curved it has nothing to follow, and any memory will do. It must be a mean over many, since it
    fluctuates and holds the very gradient that it divides, which multiplies the exponent by 1 + 3(1 - β₂)/8. Where it
    keeps its value at the minimum the law is adam.escape-frozen. Momentum leaves the exponent alone and makes the time
    longer by Langer's factor, 1 + η√(BH_b)/(1 - β) to first order.
    """
    noise, slope = sp.Symbol("C", positive=True), sp.Symbol("L_1", positive=True)
    mobility, diffusion = mobility_and_diffusion()
    yield Step("Mobility of Adam", None, 1 / sp.sqrt(second), equals=mobility)
    yield Step("Its diffusion", D, eta_adam * noise / (2 * second), equals=diffusion)
    adiabatic = (mobility * slope / diffusion).subs(second, noise)
    yield Step(
        "Slope of the exponent, v the noise of the place",
        None,
        2 * slope / (eta_adam * sp.sqrt(noise)),
        equals=adiabatic,
    )
    yield from _short_memory(slope, noise)
    yield Step("Noise in proportion to the curvature, frozen at two values as for SGD", noise, Ha / B, assumed=True)
    ends = [adiabatic.subs(noise, c / B) / slope for c in (Ha, Hb)]
    yield Step("Exponent", Phi, ADAM_EXPONENT, equals=dL * (s * ends[0] + (1 - s) * ends[1]))
    yield Step("Diffusion", D, eta_adam / 2, equals=diffusion.subs(second, noise))
    rates = [c * mobility.subs(second, c / B) for c in (Ha, Hb)]
    yield Step("Rate of relaxation at the minimum", None, sp.sqrt(B * Ha), equals=rates[0])
    yield from _inertia()
    even = 2 * sp.sqrt(B / Ha) * dL / eta_adam
    for memory, law in (("short", ADAM_EXPONENT), ("long", FROZEN_EXPONENT)):
        yield Step(f"Equal curvatures, the exponent for a {memory} memory", None, even, equals=law.subs(Hb, Ha))
    readable = 2 * sp.pi / (sp.sqrt(B) * (Ha * Hb) ** sp.Rational(1, 4)) * sp.exp(ADAM_EXPONENT)
    kramers = 2 * sp.pi / sp.sqrt(rates[0] * rates[1])
    return proven(readable, equals=kramers * sp.exp(dL * (s * ends[0] + (1 - s) * ends[1])))


def _inertia() -> Derivation:
    """What momentum does to the prefactor, to first order of the rate."""
    langer = momentum_escape.rhs.subs({det_ratio: 1, dL: 0}).subs({gamma: (1 - beta) / eta, M: eta / (1 - beta)})
    matched = langer.subs({Hb: sp.sqrt(B * Hb), eta: eta_adam}, simultaneous=True)
    first = sp.series(matched * sp.sqrt(B * Hb) / (2 * sp.pi), eta_adam, 0, 2).removeO()
    longer = 1 + eta_adam * sp.sqrt(B * Hb) / (1 - beta)
    yield Step("Langer's factor of momentum, first order of the rate over 1 - β", None, longer, equals=first)


def _short_memory(slope: sp.Expr, noise: sp.Expr) -> Derivation:
    """What a finite memory of v does to drift and diffusion, first order in e = 1 - β₂, Gaussian noise, small slope."""
    e, u, xi = sp.symbols("e u xi", real=True)
    own = sp.Symbol("g", real=True)
    (updated,) = [expression for symbol, expression in ADAM.assignments if symbol == second]
    moved = sp.expand(updated.subs({second: noise * (1 + u), beta2: 1 - e}) / noise - 1).subs(g, own)
    yield Step("v = C(1 + u): next u", None, (1 - e) * u + e * (own**2 / noise - 1), equals=moved)
    kurtosis = sp.Integer(3)
    spread = e**2 * (kurtosis - 1) / (1 - (1 - e) ** 2)
    kept = (1 - e) ** 2 * spread + e**2 * (kurtosis - 1)
    yield Step("Stationary variance of u: a step keeps it", None, spread, equals=kept)
    yield Step("To first order it is e", None, e, equals=sp.series(spread, e, 0, 2).removeO())
    means = {}
    for name, power in (("drift", 1), ("diffusion", 2)):
        small = sp.Symbol("small", positive=True)  # u is of order √e
        expanded = sp.series((1 + moved.subs({u: small * u, e: small**2 * e})) ** (-sp.Rational(power, 2)), small, 0, 3)
        terms = sp.expand(expanded.removeO().subs(small, 1) * own**power)
        over_u = sp.expand(terms.subs(u**2, e).subs(u, 0))  # u has mean 0 and does not know the gradient to come
        over_xi = _normal_mean(over_u.subs(own, slope + xi), xi, noise)
        means[name] = sp.expand(over_xi).coeff(slope, 2 - power)
    yield Step("Mean of g/√v, over L'/√C", None, 1 - sp.Rational(5, 8) * e, equals=means["drift"])
    yield Step("Mean of g²/v", None, noise * (1 - e), equals=means["diffusion"])
    quick = sp.Rational(3, 8)
    ratio = sp.series(means["drift"] / means["diffusion"] * noise, e, 0, 2).removeO()
    yield Step("Exponent over that of an infinite memory, first order in 1 - β₂", None, 1 + quick * e, equals=ratio)


def _normal_mean(polynomial: sp.Expr, xi: sp.Symbol, variance: sp.Expr) -> sp.Expr:
    """Mean over a normal variable of mean zero."""
    terms = sp.Poly(sp.expand(polynomial), xi).terms()
    return sum((c * sp.factorial2(n - 1) * variance ** (n // 2) for (n,), c in terms if n % 2 == 0), sp.Integer(0))


@claim(
    "adam.escape-frozen",
    tau_adam,
    (eta_adam, B, Ha, Hb, dL, s, beta, beta2),
    kind="asymptotic",
    regime=FROZEN,
    uses=("sgd.escape", "adam.escape", "sgd.stationary-variance"),
    layers=("numerics", "simulation"),
    change=straight_path,
    limits=(({"B": 1000000000000.0}, float("inf")),),
    slips=(
        ("second: Ha / B, noise: c / B", "second: c / B, noise: c / B"),
        ("Ha**2 * sgd_stationary", "Ha * sgd_stationary"),
    ),
)
def adam_escape_frozen() -> Derivation:
    """Mean escape time of Adam whose second moment stays that of the minimum during the climb.

    With a memory much longer than the climb Adam is SGD in units of √(C_a): mobility √(B/H_a) everywhere, noise that
    depends on the place. Ito's prefactor is that of SGD divided by the mobility. The slopes of a particle at rest add
    half of its rate of relaxation to the second moment, which is left out: a quarter of the rate times the exponent.
    """
    noise = sp.Symbol("C", positive=True)
    mobility, diffusion = mobility_and_diffusion()
    per_height = [(mobility / diffusion).subs({second: Ha / B, noise: c / B}, simultaneous=True) for c in (Ha, Hb)]
    yield Step("The second moment stays at the noise of the minimum", second, Ha / B, assumed=True)
    yield Step("Noise in proportion to the curvature, frozen at two values as for SGD", noise, Ha / B, assumed=True)
    exponent = dL * (s * per_height[0] + (1 - s) * per_height[1])
    yield Step("Exponent", Phi, FROZEN_EXPONENT, equals=exponent)
    own = {eta: eta_adam * sp.sqrt(B / Ha), h: Ha, C: Ha / B}
    slopes = Ha**2 * sgd_stationary_variance.formula.subs(own, simultaneous=True) / own[C]
    rate = eta_adam * sp.sqrt(B * Ha)
    yield Step("Mean square of the slope at rest, over the noise", None, rate / (2 - rate), equals=slopes)
    more = sp.series(sp.sqrt(1 + slopes), eta_adam, 0, 2).removeO()
    yield Step("The second moment holds it: exponent over the above, first order", None, 1 + rate / 4, equals=more)
    constant = mobility.subs(second, Ha / B)
    diffusions = [diffusion.subs({second: Ha / B, noise: c / B}, simultaneous=True) for c in (Ha, Hb)]
    moved = {Ha: Ha * constant, Hb: Hb * constant}
    prefactor = ito_prefactor().subs(moved, simultaneous=True).subs({D_a: diffusions[0], D_b: diffusions[1]})
    yield Step("Ito's prefactor", None, 2 * sp.pi / sp.sqrt(B * Ha), equals=prefactor)
    sgd = sgd_escape.rhs / sp.exp(SGD_EXPONENT) / constant
    yield Step("which is SGD's over the mobility", None, sgd, equals=prefactor)
    readable = 2 * sp.pi / sp.sqrt(B * Ha) * sp.exp(FROZEN_EXPONENT)
    return proven(readable, equals=prefactor * sp.exp(exponent))


@claim(
    "adam.escape-attributed",
    tau_adam,
    (eta_adam, B, Ha, Hb, dL, s, detHa, detHb, beta),
    kind="attributed",
    regime=Regime((s > 0, s < 1, beta < 1, ADAM_EXPONENT >= 12), LOW),
    source=Source("xie2022adaptive", "Theorem 5"),
    uses=("adam.escape", "momentum.escape"),
    corrected_by="adam.escape",
    expected="refuted",
    instead="1/H_b must be 1/√(BH_b), also by its units; and a transverse direction contributes exp(∫(√h)'/√c dx), not "
    "the fourth root of the determinants.",
    layers=("numerics", "simulation"),
    limits=(({"B": 1000000000000.0}, float("inf")),),
    slips=(("{Hb: sp.sqrt(B * Hb), eta", "{Hb: Hb, eta"),),
)
def adam_escape_attributed() -> Derivation:
    """Mean escape time of Adam as published.

    The root in the prefactor shows that the unstable rate is √(BH_b) in Adam's time; the factor before it is 1/H_b all
    the same. Compared in one dimension, where the determinants are the curvatures themselves, with Langer's factor
    for inertia on the derived side.
    """
    yield Step("The published prefactor", None, 1 / Hb, assumed=True)
    inertia = 1 + sp.sqrt(1 + 4 * eta_adam * sp.sqrt(B * Hb) / (1 - beta))
    readable = sp.pi * inertia * (detHb / detHa) ** sp.Rational(1, 4) / Hb * sp.exp(ADAM_EXPONENT)
    langer = momentum_escape.rhs.subs({det_ratio: 1, dL: 0}).subs({gamma: (1 - beta) / eta, M: eta / (1 - beta)})
    matched = langer.subs({Hb: sp.sqrt(B * Hb), eta: eta_adam}, simultaneous=True)
    yield Step(
        "Langer's factor with the unstable rate √(BH_b)", None, sp.pi * inertia / sp.sqrt(B * Hb), equals=matched
    )
    derived = adam_escape.rhs * matched / (2 * sp.pi / sp.sqrt(B * Hb))
    one = readable.subs({detHa: Ha, detHb: Hb})
    yield Step(
        "Divided by the derived law in one dimension", PUBLISHED_OVER_DERIVED, sp.sqrt(B / Hb), equals=one / derived
    )
    h_of, c = sp.Function("h", positive=True)(x), sp.Function("c", positive=True)(x)
    variance = eta_adam / (2 * sp.sqrt(B * h_of))
    push = sp.diff(h_of, x) * variance / 2 / sp.sqrt(c / B) / (eta_adam / 2)
    root = sp.diff(sp.sqrt(h_of), x) / sp.sqrt(c)
    yield Step("What a transverse direction adds to the slope of the exponent", None, root, equals=push)
    return proven(readable, equals=one * (detHb / detHa / (Hb / Ha)) ** sp.Rational(1, 4))
