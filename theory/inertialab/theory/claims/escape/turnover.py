"""Leaving a minimum with inertia at any friction: from the exchange of energy to Kramers and Langer."""

import sympy as sp

from inertialab.theory.claims.escape.momentum import momentum_escape
from inertialab.theory.claims.escape.wells import straight_path
from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import (
    D,
    Ha,
    Hb,
    M,
    action,
    action_beyond,
    det_ratio,
    dL,
    gamma,
    tau,
    upsilon_a,
    upsilon_ab,
    upsilon_b,
)
from inertialab.theory.regime import Regime
from inertialab.theory.special import Upsilon
from inertialab.theory.statement import Derivation, Source, claim

mu, u, s, x, v = sp.symbols("mu u s x v", real=True)


loss, d, E, z = sp.symbols("Delta d E z", positive=True)  # loss of an orbit over the temperature d


LOSS_A, LOSS_B = (gamma**2 * sp.sqrt(M**3) * orbit / D for orbit in (action, action_beyond))


@claim(
    "momentum.turnover",
    tau,
    (D, gamma, M, Ha, Hb, dL, action, action_beyond),
    kind="asymptotic",
    regime=Regime(
        (gamma * M * dL >= D * (10 + 15 * sp.exp(-LOSS_A / 3)),),
        "The law is the leading order of a low temperature; its relative error is about D/(γMΔL), and somewhat more "
        "where "
        "an orbit loses less energy than the noise has.",
    ),
    source=Source("melnikov1986theory", "decay of a well and of a double well"),
    uses=("momentum.escape",),
    layers=("numerics", "simulation"),
    where={upsilon_a: Upsilon(LOSS_A), upsilon_b: Upsilon(LOSS_B), upsilon_ab: Upsilon(LOSS_A + LOSS_B)},
    change=straight_path,
    limits=(({"D": 1e-12}, float("inf")),),
    slips=(
        ("(gamma * v + sp.diff(L, x) / M)", "(gamma * v - sp.diff(L, x) / M)"),
        ("variance = 2 * D * squared", "variance = D * squared"),
        ("at_1 / ((s - 1) * right)", "at_1 / (s * right)"),
    ),
)
def momentum_turnover() -> Derivation:
    """Mean escape time with inertia at any friction (Mel'nikov and Meshkov): Kramers and Langer over a depopulation.

    At weak friction what leaves over the barrier is missing below it, and the well is refilled only by the energy that
    noise feeds in. An orbit at the barrier loses γ√M·action on average; measured in temperatures this is Δ. The density
    of energies at the barrier solves a Wiener-Hopf equation, whose solution lowers the rate by Υ(Δ): to Δ, the law of
    energy diffusion, for weak friction, and not at all for strong. With a second well beyond the barrier particles may
    come back, and the factor is Υ(Δ_a)Υ(Δ_b)/Υ(Δ_a + Δ_b). For the double well ΔL(θ² - 1)² the action is 8√ΔL/3.
    """
    yield from _energy_of_an_orbit()
    yield from _wiener_hopf()
    yield from _strong_friction()
    yield from _weak_friction()
    yield Step(
        "At any friction both limits are joined, with a second well beyond the barrier, as published",
        tau,
        sp.Symbol("tau_Langer") * upsilon_ab / (upsilon_a * upsilon_b),
        assumed=True,
    )
    langer = momentum_escape.rhs.subs(det_ratio, Hb / Ha)
    joined = langer * upsilon_ab / (upsilon_a * upsilon_b)
    alone = joined.subs({upsilon_b: 1, upsilon_ab: 1})
    weak = sp.limit((alone / upsilon_ab).subs(D, d * gamma * M).subs({upsilon_a: 1, upsilon_ab: loss}), gamma, 0)
    diffusive = yield from _energy_diffusion()
    yield Step("Weak friction, one well: the law of energy diffusion", None, diffusive, equals=weak)
    half = (upsilon_a * upsilon_b / upsilon_ab).subs({upsilon_a: loss, upsilon_b: loss, upsilon_ab: 2 * loss})
    yield Step("Weak friction, two equal wells: half of what passes the barrier returns", None, loss / 2, equals=half)
    well = dL - dL * (x**2 - 1) ** 2
    round_trip = 2 * sp.integrate(sp.sqrt(2 * dL) * x * sp.sqrt(2 - x**2), (x, 0, sp.sqrt(2)))
    yield Step("Square of half the momentum in the double well", None, dL * x**2 * (2 - x**2), equals=well)
    yield Step("Its action", action, 8 * sp.sqrt(dL) / 3, equals=round_trip)
    prefactor = 2 * sp.pi * gamma * M / sp.sqrt(Ha * Hb) * (1 + sp.sqrt(1 + 4 * Hb / (gamma**2 * M))) / 2
    return proven(prefactor * sp.exp(gamma * M * dL / D) * upsilon_ab / (upsilon_a * upsilon_b), equals=joined)


def _energy_of_an_orbit() -> Derivation:
    """Mean and variance of what one orbit at the height of the barrier does to the energy."""
    L = sp.Function("L")(x)
    energy = M * v**2 / 2 + L

    def generator(f: sp.Expr) -> sp.Expr:
        return v * sp.diff(f, x) - (gamma * v + sp.diff(L, x) / M) * sp.diff(f, v) + D / M**2 * sp.diff(f, v, 2)

    yield Step("Mean rate of change of the energy", None, D / M - gamma * M * v**2, equals=generator(energy))
    spread = generator(energy**2) - 2 * energy * generator(energy)
    yield Step("Rate of growth of its variance", None, 2 * D * v**2, equals=sp.expand(spread))
    squared = action / sp.sqrt(M)  # ∮v²dt = ∮v dx at v = √(2(L_b - L)/M)
    temperature = D / (gamma * M)
    lost = gamma * M * squared / temperature
    yield Step("Friction takes from an orbit, in temperatures D/(γM)", sp.Symbol("Delta"), LOSS_A, equals=lost)
    variance = 2 * D * squared / temperature**2
    yield Step("Variance of the exchange: twice as much", None, 2 * lost, equals=variance)
    kernel = _kernel(loss)
    yield Step("At low temperature the exchange of one orbit is Gaussian", None, kernel, assumed=True)
    kept = sp.integrate(sp.expand(kernel * sp.exp(u)), (u, -sp.oo, sp.oo))
    yield Step("It keeps Gibbs' density of energies", None, sp.Integer(1), equals=sp.simplify(kept))


def _kernel(loss: sp.Expr) -> sp.Expr:
    """Density of the change of energy u of one orbit."""
    return sp.exp(-((u + loss) ** 2) / (4 * loss)) / sp.sqrt(4 * sp.pi * loss)


def _wiener_hopf() -> Derivation:
    """f(ε) = ∫g(ε - ε')f(ε')dε' over ε' < 0, f → e^{-ε} deep in the well; the rate is ∫f over ε > 0."""
    transform = sp.simplify(sp.integrate(_kernel(loss) * sp.exp(s * u), (u, -sp.oo, sp.oo)))
    yield Step("Mean of e^{su} over one orbit", None, sp.exp(loss * (s**2 - s)), equals=transform)
    middle = sp.exp(loss * (s**2 - s)).subs(s, sp.Rational(1, 2) + sp.I * mu)
    yield Step(
        "on the line s = 1/2 + iμ: even in μ and below 1",
        None,
        sp.exp(-loss * (mu**2 + sp.Rational(1, 4))),
        equals=middle,
    )
    # K = 1 - transform; its logarithm splits by Cauchy's integral into parts analytic on either side of the line.
    left, right = (sp.Function(name)(s) for name in ("K_l", "K_r"))
    at_1 = sp.Symbol("K_r(1)", positive=True)
    yield Step(
        "1 minus it is a product of parts analytic left and right of that line", None, left * right, assumed=True
    )
    above = -left * at_1 / (s - 1)
    below = at_1 / ((s - 1) * right)
    yield Step(
        "Transforms of f above and below the barrier: residual of the equation",
        None,
        sp.Integer(0),
        equals=above + left * right * below,
    )
    yield Step(
        "Deep in the well f is e^{-ε}: the residue of the lower one at s = 1",
        None,
        sp.Integer(1),
        equals=((s - 1) * below).subs(right, at_1),
    )
    # Reflection s → 1 - s leaves K alone and exchanges the parts: K_l(0) = K_r(1).
    yield Step("Reflected at the line it is the same", None, s**2 - s, equals=sp.expand((1 - s) ** 2 - (1 - s)))
    rate = above.subs(left, at_1).subs(s, 0)
    yield Step("What leaves in an orbit, the upper one at s = 0", Upsilon(loss), at_1**2, equals=rate)
    cauchy = 1 / (1 - (sp.Rational(1, 2) + sp.I * mu))
    even = (cauchy + cauchy.subs(mu, -mu)) / 2
    quarter = mu**2 + sp.Rational(1, 4)
    weight = sp.simplify(even) * sp.log(1 - middle)
    integrand = sp.log(1 - sp.exp(-loss * quarter)) / quarter
    yield Step("Cauchy's integral for ln K_r(1), even part: times 1/2π under it", None, integrand / 2, equals=weight)
    phi = sp.Symbol("phi", positive=True)
    turned = sp.log(1 - sp.exp(-loss / (4 * sp.cos(phi) ** 2)))
    inserted = (integrand * sp.diff(sp.tan(phi) / 2, phi) / sp.diff(mu, mu)).subs(mu, sp.tan(phi) / 2)
    yield Step(
        "Hence ln Υ is 1/2π times its integral; with μ = tan(φ)/2", None, 2 * turned, equals=sp.simplify(inserted)
    )
    whole = 2 / sp.pi * sp.Integral(turned, (phi, 0, sp.pi / 2))
    yield Step("that is", sp.log(Upsilon(loss)), whole)


def _strong_friction() -> Derivation:
    """Υ as a sum over orbits, and its first term from the equation itself."""
    quarter, n = mu**2 + sp.Rational(1, 4), sp.Symbol("n", integer=True, positive=True)
    term = sp.erfc(sp.sqrt(n * loss) / 2)
    slope = -n / (2 * sp.pi) * sp.integrate(sp.exp(-n * loss * mu**2), (mu, -sp.oo, sp.oo)) * sp.exp(-n * loss / 4)
    yield Step(
        "Slope in Δ of the n-th term of -ln Υ, times n: (1/2π)∫e^{-nΔ(μ² + 1/4)}/(μ² + 1/4)dμ",
        None,
        sp.diff(term, loss),
        equals=sp.simplify(slope),
    )
    yield Step(
        "Both vanish for large Δ: the term is erfc(√(nΔ)/2)/n, and Υ = 1 - erfc(√Δ/2) + …",
        None,
        sp.Integer(0),
        equals=sp.limit(term, loss, sp.oo),
    )
    # One orbit of a well in equilibrium: ∫g(u)(e^u - 1)du over u > 0.
    first = sp.integrate(sp.expand(_kernel(loss) * (sp.exp(u) - 1)), (u, 0, sp.oo))
    yield Step(
        "The same from the equation: what leaves a well in equilibrium in its first orbit",
        None,
        1 - term.subs(n, 1),
        equals=sp.simplify(first).rewrite(sp.erfc),
    )
    whole = sp.integrate(1 / quarter, (mu, -sp.oo, sp.oo)) / (2 * sp.pi)
    yield Step("Weight of all μ", None, sp.Integer(1), equals=whole)


def _weak_friction() -> Derivation:
    """Υ/Δ → 1 as Δ → 0."""
    t, b, y = sp.symbols("t b y", positive=True)
    rational = 2 * b * t**2 / ((1 + b**2 * t**2) * (1 + t**2))
    yield Step(
        "Slope in b of ∫ln(1 + b²t²)/(1 + t²)dt over all t, which starts at 0",
        None,
        2 * sp.pi / (1 + b),
        equals=sp.simplify(2 * sp.integrate(sp.apart(rational, t), (t, 0, sp.oo))),
    )
    logarithm = sp.integrate(2 * sp.pi / (1 + b), (b, 0, 1))
    mean = (logarithm - sp.log(4) * sp.integrate(1 / (1 + t**2), (t, -sp.oo, sp.oo))) / sp.pi
    yield Step(
        "so the mean of ln(μ² + 1/4), with μ = t/2", None, sp.Integer(0), equals=sp.expand_log(sp.simplify(mean))
    )
    share = (1 - sp.exp(-y)) / y
    yield Step("For small Δ 1 - e^{-y} is y = Δ(μ² + 1/4)", None, sp.Integer(1), equals=sp.limit(share, y, 0))
    # The logarithm of that share lies between 0 and -ln(1 + y), which bounds the integral for every Δ < 1.
    bound = (1 + y) * (1 - sp.exp(-y)) - y
    yield Step("and never less than y/(1 + y): slope of the excess", None, y * sp.exp(-y), equals=sp.diff(bound, y))
    yield Step("which starts at 0; hence Υ/Δ tends to 1", None, sp.Integer(0), equals=sp.limit(bound, y, 0))


def _energy_diffusion() -> Derivation:
    """Time to diffuse in energy to the barrier, at weak friction; the period of an orbit is the slope of its action."""
    S, f = sp.Function("S", positive=True), sp.Function("f")
    period = sp.diff(S(E), E)
    drift, strength = (-gamma * S(E) + gamma * d * period) / period, gamma * d * S(E) / period
    averaged = drift * sp.diff(f(E), E) + strength * sp.diff(f(E), E, 2)
    gibbs = gamma * d / period * sp.exp(E / d) * sp.diff(S(E) * sp.exp(-E / d) * sp.diff(f(E), E), E)
    yield Step("Averaged over orbits the energy diffuses, Gibbs' density at rest", None, gibbs.doit(), equals=averaged)
    inner = sp.Integral(sp.diff(S(z), z) * sp.exp(-z / d), (z, 0, E))
    flux = -sp.exp(E / d) / (gamma * d * S(E)) * inner
    backward = gamma * d / period * sp.exp(E / d) * sp.diff(S(E) * sp.exp(-E / d) * flux, E)
    yield Step(
        "Slope of the mean time: residual of the backward equation", None, sp.Integer(-1), equals=backward.doit()
    )
    turn = 2 * sp.pi * sp.sqrt(M / Ha)
    yield Step(
        "Low temperature: the period is that of the minimum, the action that of the barrier", period, turn, assumed=True
    )
    bottom = sp.integrate(turn * sp.exp(-z / d), (z, 0, sp.oo))
    height = sp.integrate(sp.exp(E / d), (E, -sp.oo, dL))
    lost = sp.Symbol("S_b", positive=True)
    time = height * bottom / (gamma * d * lost)
    readable = turn / loss * sp.exp(dL / d)
    yield Step("Hence the time of energy diffusion, Δ = γS/d", tau, readable, equals=time.subs(lost, loss * d / gamma))
    return readable
