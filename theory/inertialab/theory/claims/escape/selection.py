"""Which of two minima of the same depth an optimizer prefers: their times of escape, one over the other."""

import sympy as sp

from inertialab.theory.claims.escape.adam import adam_escape_frozen
from inertialab.theory.claims.escape.sgd import GAUSSIAN, ito_prefactor, sgd_escape
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import ADAM
from inertialab.theory.notation import (
    B,
    C_b,
    C_first,
    C_second,
    D_a,
    D_b,
    H_first,
    H_second,
    Ha,
    Hb,
    beta,
    beta2,
    delta,
    dL,
    eta,
    eta_adam,
    g,
    k,
    occupation,
    s,
    theta,
)
from inertialab.theory.notation import m as average
from inertialab.theory.notation import v as second_moment
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

x = sp.Symbol("x", real=True)
MINIMA = ((H_first, C_first), (H_second, C_second))
EXCESS = 2 * s * dL / eta * (1 / C_first - 1 / C_second)
REGIME = Regime(
    (
        s > 0,
        s < 1,
        *(s * dL >= eta * noise for _, noise in MINIMA),
        *(16 * eta * bend <= 1 for bend, _ in MINIMA),
    ),
    "Both minima are equally deep and share a saddle; low learning rates, so that steps are short and escapes rare. "
    f"The noise goes over smoothly, at the height s, from that of a minimum to that of the saddle. {GAUSSIAN}",
)


def _balance() -> Derivation:
    """As many particles go from the first to the second minimum as come back."""
    first, second, ways = sp.Symbol("pi_1"), sp.Symbol("pi_2"), sp.symbols("tau_1 tau_2", positive=True)
    (share,) = sp.solve(sp.Eq(first / ways[0], second / ways[1]), first)
    yield Step("At rest as many leave the one as the other", occupation, ways[0] / ways[1], equals=share / second)


def _in_proportion(law: sp.Expr, place: sp.Symbol) -> sp.Expr:
    """A law of two noises where they are curvatures over B; `place` is the saddle's curvature."""
    return law.subs({C_first: H_first / B, C_second: H_second / B, C_b: place / B})


@claim(
    "minima.occupation",
    occupation,
    (eta, H_first, H_second, C_first, C_second, dL, s),
    kind="asymptotic",
    regime=REGIME,
    uses=("sgd.escape", "langevin.stationary-density"),
    layers=("numerics", "simulation"),
    limits=(({"H1": 1.0, "H2": 1.0, "C1": 1.0, "C2": 1.0}, 1.0),),
    slips=(
        ("exp(s * dL / (eta * noise / 2)", "exp(s * dL / (eta * noise)"),
        ("sp.sqrt(strength / bend) / strength", "sp.sqrt(strength / bend)"),
    ),
)
def minima_occupation() -> Derivation:
    """Occupation of two minima of one depth under SGD: the noise decides, curvature by its root, width not at all.

    The ratio of the times that SGD spends around two minima is that of the times it takes to leave them. The way over
    the saddle that both climb with the saddle's noise drops out. White noise leaves √(H_2/H_1): the flatter one has
    more room. Noise in proportion to the curvature prefers it exponentially, not because it is flat but because it is
    quiet: with noise that is louder in the flat minimum it is the sharp one that is preferred. EMA momentum and Adai do
    the same where their inertia is small.
    """
    yield from _balance()
    times = []
    for bend, noise in MINIMA:
        local = ito_prefactor().subs({D_a: eta * noise / 2, D_b: eta * C_b / 2, Ha: bend})
        times.append(local * sp.exp(s * dL / (eta * noise / 2) + (1 - s) * dL / (eta * C_b / 2)))
    ratio = sp.powsimp(times[0] / times[1], force=True)
    readable = sp.sqrt(H_second * C_second / (H_first * C_first)) * sp.exp(EXCESS)
    yield Step("Ratio of Ito's times: curvature and noise of the saddle drop out", occupation, readable, equals=ratio)
    diffusion, slope = sp.Function("D", positive=True)(x), sp.Function("L_1")(x)
    density = sp.exp(-sp.Integral(slope / diffusion, x)) / diffusion
    current = sp.simplify((-slope * density - sp.diff(diffusion * density, x)) / density)
    yield Step("The same from Ito's stationary density e^{-∫L'/D}/D: its current", None, sp.Integer(0), equals=current)
    masses = []
    for bend, noise in MINIMA:
        strength = eta * noise / 2
        masses.append(sp.sqrt(strength / bend) / strength * sp.exp(s * dL / strength))
    yield Step("Its weight around the one over that around the other", None, readable, equals=masses[0] / masses[1])
    white = readable.subs(C_second, C_first)
    yield Step("White noise", occupation, sp.sqrt(H_second / H_first), equals=white)
    proportional = H_second / H_first * sp.exp(2 * B * s * dL / eta * (1 / H_first - 1 / H_second))
    yield Step("Noise in proportion to the curvature", occupation, proportional, equals=_in_proportion(readable, Hb))
    known = [sgd_escape.rhs.subs(Ha, bend) for bend, _ in MINIMA]
    yield Step("that is, of sgd.escape", None, proportional, equals=known[0] / known[1])
    return proven(readable, equals=ratio)


@claim(
    "minima.selection",
    occupation,
    (eta, H_first, H_second, C_first, C_second, dL, s),
    kind="attributed",
    regime=REGIME,
    source=Source("xie2021diffusion", "Theorem on SGD escaping minima, two minima of one depth"),
    uses=("sgd.escape-attributed", "minima.occupation"),
    corrected_by="minima.occupation",
    instead="The exponential is right; the curvature of the minimum, and its noise, stand in the prefactor as well.",
    expected="refuted",
    layers=("numerics", "simulation"),
    limits=(({"C1": 1.0, "C2": 1.0}, 1.0),),
    slips=(
        ("s * dL / (eta * noise / 2)", "s * dL / (eta * noise)"),
        ("factor = sp.sqrt(H_first * C_first / (H_second * C_second))", "factor = sp.sqrt(H_first / H_second)"),
    ),
)
def minima_selection() -> Derivation:
    """SGD prefers the flatter of two minima exponentially, and white noise none, by the published times of escape.

    The published prefactor 2π/H_b is that of the saddle, which both minima share; what is left of the ratio of two
    times is the exponential. Under white noise it says that both are visited alike.
    """
    yield from _balance()
    exponents = [s * dL / (eta * noise / 2) + (1 - s) * dL / (eta * C_b / 2) for _, noise in MINIMA]
    published = [2 * sp.pi / Hb * sp.exp(power) for power in exponents]
    yield Step("Published time of the first", sp.Symbol("tau_1"), published[0], assumed=True)
    ratio = sp.powsimp(published[0] / published[1], force=True)
    factor = sp.sqrt(H_first * C_first / (H_second * C_second))
    readable = sp.exp(EXCESS)
    over = sp.powsimp(readable / minima_occupation.rhs, force=True)
    yield Step("Divided by the derived ratio", PUBLISHED_OVER_DERIVED, factor, equals=sp.simplify(over))
    return proven(readable, equals=sp.powsimp(sp.expand(ratio), force=True))


FROZEN_EXCESS = (
    2
    * dL
    / eta_adam
    * (s * (1 / sp.sqrt(C_first) - 1 / sp.sqrt(C_second)) + (1 - s) * (sp.sqrt(C_first) - sp.sqrt(C_second)) / C_b)
)


@claim(
    "minima.occupation-adam",
    occupation,
    (eta_adam, H_first, H_second, C_first, C_second, C_b, dL, s),
    kind="asymptotic",
    regime=Regime(
        (
            s > 0,
            s < 1,
            *(s * dL >= eta_adam * sp.sqrt(noise) for _, noise in MINIMA),
            *(sp.sqrt(noise) * (1 - s) * dL >= eta_adam * C_b for _, noise in MINIMA),
            *(50 * eta_adam * bend <= sp.sqrt(noise) for bend, noise in MINIMA),
        ),
        "The second moment keeps its value at the minimum during a climb and forgets it between two. Both minima are "
        f"equally deep and share a saddle; low learning rates. {GAUSSIAN}",
    ),
    uses=("adam.escape-frozen", "minima.occupation"),
    layers=("simulation",),
    limits=(({"H1": 1.0, "H2": 1.0, "C1": 1.0, "C2": 1.0}, 1.0),),
    slips=(("{second_moment: noise}", "{second_moment: noise**2}"),),
)
def minima_occupation_adam() -> Derivation:
    """Occupation of two minima under Adam with a long memory: it climbs in units of the noise where it started.

    Adam divides by the root of the noise of the minimum. The part of the way with the minimum's own noise then costs
    less preference than under SGD, by a root, and the part with the saddle's noise, which SGD climbs from both sides at
    one cost, costs more from the louder minimum. With noise in proportion to the curvature Adam prefers the flatter one
    of two minima that are both flatter than s/(1 - s) times the saddle, and the sharper one of two that are not.
    """
    yield from _balance()
    late = {beta**k: 0, beta2**k: 0, delta: 0}
    step = (dict(ADAM.assignments)[theta] - theta).subs(late).subs(average, g)
    mobility = -step / (eta * g)
    yield Step("Mobility of Adam", None, 1 / sp.sqrt(second_moment), equals=mobility)
    times = []
    for bend, noise in MINIMA:
        here = mobility.subs({second_moment: noise})
        strengths = {D_a: eta_adam * noise * here**2 / 2, D_b: eta_adam * C_b * here**2 / 2}
        local = ito_prefactor().subs({Ha: bend * here, Hb: Hb * here}, simultaneous=True).subs(strengths)
        climbed = [here * dL * part / d for part, d in zip((s, 1 - s), strengths.values(), strict=True)]
        times.append(local * sp.exp(sum(climbed)))
    ratio = sp.powsimp(sp.powdenest(times[0] / times[1], force=True), force=True)
    readable = sp.sqrt(H_second / H_first) * sp.exp(FROZEN_EXCESS)
    known = [adam_escape_frozen.rhs.subs(Ha, bend) for bend, _ in MINIMA]
    proportional = sp.powsimp(known[0] / known[1], force=True)
    yield Step(
        "Noise in proportion to the curvature: that of adam.escape-frozen",
        None,
        _in_proportion(readable, Hb),
        equals=proportional,
    )
    tilt = sp.diff(FROZEN_EXCESS.subs({C_first: H_first / B, C_second: H_second / B, C_b: Hb / B}), H_first)
    turns = sp.solve(tilt, H_first)
    yield Step("The preference turns where the minimum has the curvature", H_first, s * Hb / (1 - s), equals=turns[0])
    return proven(readable, equals=sp.simplify(ratio))
