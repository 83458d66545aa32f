"""Leaving a saddle with inertia in continuous time: the exact spread, and the published drift and diffusion."""

import sympy as sp

from inertialab.theory.derivation import PUBLISHED_MINUS_DERIVED, Step, proven
from inertialab.theory.notation import D, M, drift_ratio, gamma, h, lambda_minus, lambda_plus, msd_t, t, v0sq, x
from inertialab.theory.numerics import drift_and_diffusion, drift_share, underdamped_msd
from inertialab.theory.statement import Derivation, Source, claim

FREE_THERMAL = 2 * D / (gamma**2 * M**2) * (t - (1 - sp.exp(-gamma * t)) / gamma)
"""Mean squared displacement without curvature from a thermal start (Ornstein and Fürth)."""


@claim(
    "momentum.saddle-msd-continuous",
    msd_t,
    (D, h, gamma, M, t, v0sq),
    kind="exact",
    source=Source("risken1989fokker", "Brownian motion of the harmonic oscillator"),
    layers=("numerics", "simulation", "real"),
    where={
        lambda_plus: -gamma / 2 + sp.sqrt(gamma**2 / 4 - h / M),
        lambda_minus: -gamma / 2 - sp.sqrt(gamma**2 / 4 - h / M),
    },
    numerics=underdamped_msd,
    limits=(({"D": 0.0, "v0sq": 0.0}, 0.0),),
    slips=(
        ("strength = 2 * D / M**2", "strength = 2 * D / M"),
        ("friction, stiffness = -(a + c)", "friction, stiffness = a + c"),
    ),
)
def momentum_saddle_msd_continuous() -> Derivation:
    """Mean squared displacement of a damped particle in white noise, all damping regimes, minimum or saddle.

    Mθ'' = -γMθ' - hθ + √(2D)ζ from the critical point with mean squared velocity v0sq. The rates λ₊ and λ₋ solve
    λ² + γλ + h/M = 0; written by them the moment equations have polynomial residuals in exponentials, whatever the
    damping. Complex rates oscillate; the result is real. At a saddle λ₊ > 0.
    """
    a, c = lambda_plus, lambda_minus
    friction, stiffness = -(a + c), a * c  # γ and h/M
    solved = {
        lambda_plus: -gamma / 2 + sp.sqrt(gamma**2 / 4 - h / M),
        lambda_minus: -gamma / 2 - sp.sqrt(gamma**2 / 4 - h / M),
    }
    yield Step("Friction by the rates", gamma, gamma, equals=friction.subs(solved))
    yield Step("Stiffness by the rates", h / M, h / M, equals=stiffness.subs(solved))
    G = (sp.exp(a * t) - sp.exp(c * t)) / (a - c)
    response = sp.diff(G, t, 2) + friction * sp.diff(G, t) + stiffness * G
    yield Step(
        "Response G to a unit velocity: residual of the equation of motion", None, sp.Integer(0), equals=response
    )
    start, rise = G.subs(t, 0), sp.diff(G, t).subs(t, 0)
    yield Step("G starts at 0", None, sp.Integer(0), equals=start)
    yield Step("with velocity 1", None, sp.Integer(1), equals=rise)
    strength = 2 * D / M**2

    def grown(rate: sp.Expr) -> sp.Expr:
        return (sp.exp(rate * t) - 1) / rate

    spread = strength / (a - c) ** 2 * (grown(2 * a) - 2 * grown(a + c) + grown(2 * c))
    cross = strength / 2 * G**2
    speed = strength / (a - c) ** 2 * (a**2 * grown(2 * a) - 2 * a * c * grown(a + c) + c**2 * grown(2 * c))
    moments = (
        ("spread", spread, 2 * cross),
        ("correlation", cross, speed - friction * cross - stiffness * spread),
        ("velocity", speed, -2 * friction * speed - 2 * stiffness * cross + strength),
    )
    for name, value, following in moments:
        residual = sp.diff(value, t) - following
        yield Step(f"Noise from rest, {name}: residual of the moment equation", None, sp.Integer(0), equals=residual)
        yield Step(f"{name.capitalize()} at time zero", None, sp.Integer(0), equals=value.subs(t, 0))
    kicked = v0sq * G**2
    thermal = (spread + kicked.subs(v0sq, D / (gamma * M**2))).subs(a, -gamma - c)
    free = sp.limit(thermal, c, -gamma)
    yield Step("Without curvature, from a thermal start D/(γM²)", None, FREE_THERMAL, equals=free)
    readable = v0sq * G**2 + strength / (a - c) ** 2 * (
        (sp.exp(2 * a * t) - 1) / (2 * a) + 2 * (sp.exp(-gamma * t) - 1) / gamma + (sp.exp(2 * c * t) - 1) / (2 * c)
    )
    return proven(readable, equals=kicked + spread, where={gamma: friction})


_V = sp.Function("V", real=True)


@claim(
    "momentum.saddle-msd-drift",
    msd_t,
    (D, h, gamma, M, t),
    kind="attributed",
    source=Source("xie2022adaptive", "Theorem 2"),
    uses=("momentum.saddle-msd-continuous",),
    corrected_by="momentum.saddle-msd-continuous",
    expected="refuted",
    instead="From a thermal start the free spread is 2D/(γ²M²)(t - (1 - e^{-γt})/γ), from rest less: inertia delays "
    "the spread, where the published drift hastens it.",
    layers=("simulation", "real"),
    numerics=drift_and_diffusion,
    limits=(({"D": 0.0}, 0.0),),
    slips=(("rate, h / (gamma * M)", "rate, h / gamma"),),
)
def momentum_saddle_msd_drift() -> Derivation:
    """Mean squared displacement of momentum as a drift plus the diffusion of SGD.

    The published drift is the answer v0sq·G² to a thermal velocity v0sq = D/(γM²) without curvature; the published
    diffusion is the overdamped limit. Their sum counts the start-up of the diffusion as if it took no time: the
    transient costs more than the drift brings, so the correction to 2Dt/(γM)² has the wrong sign.
    """
    drift = D / (gamma**3 * M**2) * (1 - sp.exp(-gamma * t)) ** 2
    response = (1 - sp.exp(-gamma * t)) / gamma
    yield Step("Thermal velocity met by the free response", None, drift, equals=D / (gamma * M**2) * response**2)
    rate = sp.Symbol("r")
    solution = sp.dsolve(sp.diff(_V(t), t) + 2 * rate * _V(t) - 2 * D / (gamma * M) ** 2, _V(t), ics={_V(0): 0}).rhs
    diffusion = D / (gamma * M * h) * (1 - sp.exp(-2 * h * t / (gamma * M)))
    yield Step("Overdamped spread", _V(t), diffusion, equals=solution.subs(rate, h / (gamma * M)))
    yield Step("The two are added", msd_t, drift + diffusion, assumed=True)
    free = drift + sp.limit(diffusion, h, 0)
    u = sp.exp(-gamma * t)
    excess = D / (gamma**3 * M**2) * (1 - u) * (3 - u)
    yield Step("Without curvature, from a thermal start", PUBLISHED_MINUS_DERIVED, excess, equals=free - FREE_THERMAL)
    late = sp.limit(FREE_THERMAL - 2 * D * t / (gamma * M) ** 2, t, sp.oo)
    yield Step("Late correction to 2Dt/(γM)², derived", None, -2 * D / (gamma**3 * M**2), equals=late)
    late = sp.limit(free - 2 * D * t / (gamma * M) ** 2, t, sp.oo)
    yield Step("and published", None, D / (gamma**3 * M**2), equals=late)
    return proven(drift + diffusion, equals=D / (gamma * M**2) * response**2 + solution.subs(rate, h / (gamma * M)))


@claim(
    "momentum.drift-bound",
    drift_ratio,
    (x,),
    kind="exact",
    layers=("numerics",),
    numerics=drift_share,
    limits=(({"x": 1000000000000.0}, 5e-13),),
    slips=(
        ("D / (gamma**3 * M**2) * (1", "D / (gamma**2 * M**2) * (1"),
        ("height = 2 * x / (1 + 2 * x) ** 2", "height = 2 * x / (1 + 2 * x)"),
    ),
)
def momentum_drift_bound() -> Derivation:
    """Published drift over published diffusion, (1 - e^{-x})²/2x: never more than 0.203632, reached at x = 1.256431.

    The published mean squared displacements of momentum, Adam and Adai share this ratio at small curvature, with x
    the time in units of the memory of momentum. Even by its own formula the drift is at most a fifth of the diffusion.
    """
    drift = D / (gamma**3 * M**2) * (1 - sp.exp(-gamma * t)) ** 2
    ratio = drift / (2 * D * t / (gamma * M) ** 2)
    readable = (1 - sp.exp(-x)) ** 2 / (2 * x)
    slope = sp.diff(readable, x)
    sign = (1 + 2 * x) * sp.exp(-x) - 1
    yield Step(
        "Its slope has the sign of (1 + 2x)e^{-x} - 1",
        None,
        (1 - sp.exp(-x)) / (2 * x**2) * sign,
        equals=slope,
    )
    yield Step("which starts at 0", None, sp.Integer(0), equals=sp.limit(sign, x, 0))
    yield Step("rises while x < 1/2 and falls after", None, (1 - 2 * x) * sp.exp(-x), equals=sp.diff(sign, x))
    yield Step("and tends to -1, so it vanishes once", None, sp.Integer(-1), equals=sp.limit(sign, x, sp.oo))
    w = sp.LambertW(-sp.exp(-sp.Rational(1, 2)) / 2, -1)
    where = -sp.Rational(1, 2) - w
    # e^x = 1 + 2x is w e^w = -e^{-1/2}/2, the definition of Lambert's function.
    branch = sp.Symbol("w")
    product = (sp.exp(-sp.Rational(1, 2) - branch) - 1 - 2 * (-sp.Rational(1, 2) - branch)) * sp.exp(branch)
    defining = 2 * (branch * sp.exp(branch) + sp.exp(-sp.Rational(1, 2)) / 2)
    yield Step("The maximum, x = -1/2 - w, solves Lambert's equation", None, defining, equals=sp.expand(product))
    found = sp.nsolve(sp.exp(x) - 1 - 2 * x, x, 1.25, prec=50)
    yield Step("Where the maximum lies", None, where, numerically=found)
    height = 2 * x / (1 + 2 * x) ** 2
    there = readable.subs(sp.exp(-x), 1 / (1 + 2 * x))
    yield Step("Its height, where e^{-x} = 1/(1 + 2x)", None, height, equals=there)
    peak = height.subs(x, where)
    rounded = sp.floor(10**6 * peak + sp.Rational(1, 2))
    yield Step("Its height in millionths, rounded", None, sp.Integer(203632), numerically=rounded)
    return proven(readable, equals=ratio.subs(t, x / gamma))
