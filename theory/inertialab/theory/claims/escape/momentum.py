"""Leaving a minimum with inertia: Kramers and Langer, and two publications beside them."""

import sympy as sp

from inertialab.theory.claims.escape.sgd import GAUSSIAN, SGD_EXPONENT, SGD_PARTS, noise_steps
from inertialab.theory.claims.escape.wells import escape_curvatures, straight_path
from inertialab.theory.claims.escape.white_noise import LOW
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.notation import B, D, Ha, Hb, M, beta, det_ratio, dL, eta, gamma, momentum_speed, s, tau
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim

x, v = sp.symbols("x v", real=True)


@claim(
    "momentum.escape",
    tau,
    (D, gamma, M, Ha, Hb, dL),
    kind="asymptotic",
    regime=Regime(
        (gamma * M * dL >= 12 * D, gamma**2 * M * dL * 36 * sp.sqrt(M) >= 70 * D * sp.sqrt(Ha)),
        LOW + " At weaker friction the energy lost in one oscillation is below the noise and limits the rate.",
    ),
    source=Source("langer1969statistical", "nucleation rate from the unstable mode"),
    uses=("langevin.eyring-kramers", "langevin.stationary-density"),
    layers=("numerics", "simulation"),
    change=escape_curvatures,
    limits=(({"D": 1e-12}, float("inf")),),
    slips=(
        ("strength, share = d * gamma / M", "strength, share = d * gamma"),
        ("sp.diff((gamma * v - b * x / M)", "sp.diff((gamma * v + b * x / M)"),
    ),
)
def momentum_escape() -> Derivation:
    """Mean escape time with inertia and friction (Kramers and Langer).

    At the saddle the density is Gibbs' times a function of one combination u = v - ax of velocity and position,
    chosen so that the linearised Fokker-Planck equation holds; its rate λ₊ is the growing root of
    λ² + γλ - H_b/M = 0. The flux of that solution over the population of the minimum is the rate. The temperature is
    D/(γM): at equal D weaker friction is hotter.
    """
    a, b, d = sp.symbols("a b d", positive=True)  # mixing, curvature of the saddle, temperature D/(γM)
    shape = sp.exp(-(M * v**2 - b * x**2) / (2 * d))
    cubic = -b * x**2 / 2 + sp.Symbol("L_3") * x**3 / 6
    scaled = ((M * v**2 / 2 + cubic) / d).subs({x: sp.sqrt(d) * x, v: sp.sqrt(d) * v}, simultaneous=True)
    yield Step(
        "In units of √d Gibbs' weight at the saddle is quadratic as d vanishes",
        None,
        -sp.log(shape.subs(d, 1)),
        equals=sp.limit(sp.expand(scaled), d, 0),
    )
    strength, share = d * gamma / M, sp.Function("zeta")(x, v)
    p = shape * share
    evolution = -v * sp.diff(p, x) + sp.diff((gamma * v - b * x / M) * p, v) + strength * sp.diff(p, v, 2)
    bell = sp.exp(-(a - gamma) * (v - a * x) ** 2 / (2 * strength))  # ζ' of u, a Gaussian
    slopes = {
        sp.Derivative(share, (v, 2)): sp.diff(bell, v),
        sp.Derivative(share, v): bell,
        sp.Derivative(share, x): -a * bell,
    }
    residual = sp.expand(sp.simplify(sp.expand(evolution.doit() / shape).subs(slopes) / bell))
    root = gamma / 2 + sp.sqrt(gamma**2 / 4 + b / M)
    yield Step(
        "Residual of the Fokker-Planck equation over ζ', a Gaussian in u: no part in v",
        None,
        sp.Integer(0),
        equals=residual.coeff(v, 1),
    )
    yield Step(
        "nor in x, with a the root of a² - γa - H_b/M = 0",
        None,
        sp.Integer(0),
        equals=(residual - v * residual.coeff(v, 1)).subs(a, root),
    )
    growing = root - gamma
    yield Step("The growing rate λ₊ = a - γ solves λ² + γλ = H_b/M", None, b / M, equals=growing**2 + gamma * growing)
    # Flux at x = 0: ∫v e^{-Mv²/2d} ζ(v) dv, by parts (d/M)∫e^{-Mv²/2d}ζ' dv, with ζ from 0 to 1.
    rate = sp.Symbol("lambda", positive=True)
    slope = sp.sqrt(rate / (2 * sp.pi * strength)) * sp.exp(-rate * v**2 / (2 * strength))
    yield Step("ζ rises from 0 to 1", None, sp.Integer(1), equals=sp.integrate(slope, (v, -sp.oo, sp.oo)))
    flux = d / M * sp.integrate(sp.exp(-M * v**2 / (2 * d)) * slope, (v, -sp.oo, sp.oo))
    short = d / M * sp.sqrt(rate / (rate + gamma))
    yield Step("Flux through the saddle, over its Boltzmann factor", None, short, equals=flux)
    unstable = d / M * growing / sp.sqrt(b / M)
    yield Step("which is λ₊ times d/√(MH_b)", None, unstable**2, equals=(short**2).subs(rate, growing))
    curve = sp.Symbol("c", positive=True)
    population = sp.integrate(sp.exp(-M * v**2 / (2 * d)), (v, -sp.oo, sp.oo)) * sp.integrate(
        sp.exp(-curve * x**2 / (2 * d)), (x, -sp.oo, sp.oo)
    )
    yield Step("Population of the minimum", None, 2 * sp.pi * d / sp.sqrt(M * curve), equals=population)
    time = 2 * sp.pi / growing * sp.sqrt(b / curve)
    yield Step("Population over flux", None, time, equals=population / unstable)
    weak = sp.Symbol("m", positive=True)
    overdamped = sp.limit((growing * gamma * M).subs(gamma, 1 / weak), weak, 0)
    yield Step("Strong friction: λ₊γM tends to H_b, the time to γM times Kramers'", None, b, equals=overdamped)
    readable = (
        sp.pi
        * gamma
        * M
        / Hb
        * (1 + sp.sqrt(1 + 4 * Hb / (gamma**2 * M)))
        * sp.sqrt(det_ratio)
        * sp.exp(gamma * M * dL / D)
    )
    derived = 2 * sp.pi / growing.subs(b, Hb) * sp.sqrt(det_ratio) * sp.exp(dL / d).subs(d, D / (gamma * M))
    inverse = gamma * M / (2 * Hb) * (1 + sp.sqrt(1 + 4 * Hb / (gamma**2 * M)))
    yield Step("Inverse growing rate", 1 / sp.Symbol("lambda_+"), inverse, equals=1 / growing.subs(b, Hb))
    return proven(readable, equals=derived)


@claim(
    "momentum.only-rescales",
    momentum_speed,
    (eta, beta, Hb),
    kind="attributed",
    regime=Regime((beta < 1,), "Momentum 1 never forgets."),
    source=Source("mandt2017stochastic", "momentum as a rescaled learning rate"),
    uses=("momentum.escape",),
    corrected_by="momentum.escape",
    expected="refuted",
    order=Order(eta * Hb, 1, -1 / (1 - beta)),
    instead="EMA momentum escapes as SGD does at the same rate only while 4ηH_b << 1 - β; then inertia slows it, and "
    "beyond the turnover the exchange of energy does.",
    layers=("numerics", "simulation"),
    limits=(({"beta": 0.0}, 1.0),),
    slips=(("gamma: (1 - beta) / eta", "gamma: 1 / eta"),),
)
def momentum_only_rescales() -> Derivation:
    """Momentum only rescales the learning rate by 1/(1 - β): EMA momentum escapes as fast as SGD at the same rate.

    In the EMA convention γM = 1, so temperature and exponent are those of SGD. The prefactor is not.
    """
    matched = {M: eta / (1 - beta), gamma: (1 - beta) / eta}
    yield Step("Momentum is nothing but a learning rate", momentum_speed, sp.Integer(1), assumed=True)
    yield Step("Friction times inertia, EMA", None, sp.Integer(1), equals=(gamma * M).subs(matched))
    sgd = (2 * sp.pi / Hb * sp.sqrt(det_ratio)) * sp.exp(dL / D)
    inertial = (momentum_escape.rhs / sgd).subs(matched)
    slower = (1 + sp.sqrt(1 + 4 * eta * Hb / (1 - beta))) / 2
    yield Step("Time of momentum over that of SGD, derived", None, slower, equals=inertial)
    yield Step("Divided by it", PUBLISHED_OVER_DERIVED, 1 / slower, equals=1 / inertial)
    return proven(sp.Integer(1), equals=sp.limit(slower, eta, 0))


@claim(
    "momentum.escape-attributed",
    tau,
    (gamma, M, eta, B, Ha, Hb, dL, s),
    kind="attributed",
    regime=Regime(
        (s > 0, s < 1, *(gamma * M * part >= 4 for part in SGD_PARTS), gamma * M * SGD_EXPONENT >= 12),
        f"{LOW} {GAUSSIAN}",
    ),
    source=Source("xie2022adaptive", "Theorem 4"),
    uses=("momentum.escape", "sgd.escape-attributed"),
    corrected_by="momentum.escape",
    expected="refuted",
    instead="The prefactor lacks γM: 1 in the EMA convention, 1 - β in PyTorch's. Its 1/H_b is the anti-Ito value.",
    layers=("numerics", "simulation"),
    change=straight_path,
    limits=(({"B": 1000000000000.0}, float("inf")),),
    slips=(("subs(D, eta * Ha / (2 * B))", "subs(D, eta * Ha / B)"),),
)
def momentum_escape_attributed() -> Derivation:
    """Mean escape time of momentum with noise in proportion to the curvature, as published.

    Compared with Langer's law at H_a = H_b, where the noise is the same at both ends and no question of Ito arises.
    """
    yield from noise_steps()
    rate = (sp.sqrt(gamma**2 + 4 * Hb / M) - gamma) / 2
    published = sp.pi * (sp.sqrt(1 + 4 * Hb / (gamma**2 * M)) + 1) / Hb
    yield Step("The prefactor is 2π/λ₊ over γM", None, 2 * sp.pi / rate / (gamma * M), equals=published)
    yield Step("published without that factor", None, published, assumed=True)
    readable = published * sp.exp(gamma * M * SGD_EXPONENT)
    white = momentum_escape.rhs.subs(det_ratio, Hb / Ha).subs(D, eta * Ha / (2 * B))
    ratio = (readable / white).subs(Ha, Hb)
    yield Step("Divided by Langer's law at H_a = H_b", PUBLISHED_OVER_DERIVED, 1 / (gamma * M), equals=ratio)
    return proven(readable, equals=2 * sp.pi / rate / (gamma * M) * sp.exp(gamma * M * SGD_EXPONENT))
