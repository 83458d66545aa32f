"""Leaving a minimum over a barrier: white noise, from the backward equation to Kramers, Langer and finite steps."""

import sympy as sp

from inertialab.theory.claim import Derivation, Order, Source, claim
from inertialab.theory.derivation import PUBLISHED_OVER_DERIVED, Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import (
    D,
    D_x,
    Ha,
    Hb,
    M,
    beta,
    boundaries,
    det_ratio,
    dL,
    eta,
    g,
    gamma,
    momentum_speed,
    potential,
    rate_factor,
    shift,
    tau,
    theta,
    x0,
    x_a,
    x_abs,
    x_b,
    x_ref,
)
from inertialab.theory.passage import first_passage, step_corrections
from inertialab.theory.regime import Regime
from inertialab.theory.wells import escape_curvatures

x, y, z, v = sp.symbols("x y z v", real=True)
LOW = "Kramers' law needs a barrier of several times the noise."
WHITE = Regime((dL >= 4 * D,), LOW)


@claim(
    "langevin.mean-first-passage",
    tau,
    (potential, D_x, x0, boundaries),
    kind="exact",
    source=Source("gardiner2009stochastic", "first passage times for homogeneous processes"),
    layers=("numerics", "simulation"),
    numerics=first_passage,
)
def langevin_mean_first_passage() -> Derivation:
    """Mean time to reach a boundary in one dimension, a double integral (Ito).

    The mean time obeys the backward equation Dτ'' - L'τ' = -1, vanishes at the absorbing end and is flat at the
    reflecting one. With Φ' = L'/D its solution has 1/D in the inner integral; in the anti-Ito sense the drift gains
    D' and the factor moves to the outer integral.
    """
    L, D_of, Phi_of = (sp.Function(name) for name in ("L", "D", "Phi"))
    absorbing, reflecting = x_abs, x_ref
    slope = {sp.Derivative(Phi_of(x), x): sp.diff(L(x), x) / D_of(x)}
    inner = sp.Integral(sp.exp(-Phi_of(z)) / D_of(z), (z, x, reflecting))
    flux = sp.exp(Phi_of(x)) * inner  # τ'
    backward = D_of(x) * sp.diff(flux, x) - sp.diff(L(x), x) * flux
    yield Step("Residual of the backward equation, Ito", None, sp.Integer(0), equals=(backward + 1).subs(slope).doit())
    yield Step("Flat at the reflecting end", None, sp.Integer(0), equals=flux.subs(x, reflecting).doit())
    other = sp.exp(Phi_of(x)) / D_of(x) * sp.Integral(sp.exp(-Phi_of(z)), (z, x, reflecting))
    drift = -sp.diff(L(x), x) + sp.diff(D_of(x), x)
    anti = D_of(x) * sp.diff(other, x) + drift * other + 1
    yield Step("Residual of the backward equation, anti-Ito", None, sp.Integer(0), equals=anti.subs(slope).doit())
    outer = sp.Integral(flux.subs(x, y), (y, absorbing, x))
    yield Step("The integral of the flux has that flux as its slope", None, flux, equals=sp.diff(outer, x))
    yield Step("and vanishes at the absorbing end", None, sp.Integer(0), equals=outer.subs(x, absorbing).doit())
    free = outer.subs(x, x0).replace(Phi_of, lambda _: sp.Integer(0)).replace(D_of, lambda _: D).doit()
    distance = (x0 - absorbing) * (2 * reflecting - absorbing - x0) / (2 * D)
    yield Step("Without a potential", None, distance, equals=sp.expand(free))
    readable = sp.Integral(
        sp.exp(Phi_of(y)) * sp.Integral(sp.exp(-Phi_of(z)) / D_of(z), (z, y, reflecting)), (y, absorbing, x0)
    )
    return proven(readable, equals=outer.subs(x, x0))


def _laplace(third: sp.Expr, fourth: sp.Expr, curvature: sp.Expr, sign: int) -> sp.Expr:
    """∫exp(-(curvature·w²/2 + sign·(third·w³/6 + fourth·w⁴/24))/D)dw to next order in D, over its leading order."""
    small, w = sp.symbols("e w", positive=True)
    rest = sp.exp(-sign * (third * w**3 * small / 6 + fourth * w**4 * small**2 / 24))
    series = sp.series(rest, small, 0, 3).removeO().subs(small, sp.sqrt(D))  # w in units of √D
    return sum(
        coefficient * (sp.factorial2(power - 1) / curvature ** (sp.Integer(power) / 2))
        for (power,), coefficient in sp.Poly(sp.expand(series), w).terms()
        if power % 2 == 0
    )


@claim(
    "langevin.eyring-kramers",
    tau,
    (Ha, Hb, dL, D),
    kind="asymptotic",
    regime=WHITE,
    source=Source("hanggi1990reaction", "rate in many dimensions, strong friction"),
    uses=("langevin.mean-first-passage",),
    order=Order(D / dL, 1, -sp.Symbol("K")),
    layers=("numerics", "simulation"),
    change=escape_curvatures,
)
def langevin_eyring_kramers() -> Derivation:
    """Mean escape time over a saddle in white noise, leading order of small D.

    Laplace's method: the outer integral of the first-passage time is a Gaussian at the saddle, the inner one at the
    minimum. In more dimensions the committor depends on the unstable coordinate alone, and every integral is a
    Gaussian with the determinant of its Hessian. The next order is a relative error of KD/ΔL; for the double well
    ΔL(θ² - 1)² it has K = 3/8.
    """
    w, a, c, d = sp.symbols("w a c d", positive=True)
    gauss = sp.integrate(sp.exp(-a * w**2 / (2 * D.subs(D, c))), (w, -sp.oo, sp.oo))
    yield Step("Width of a Gaussian of curvature a", None, sp.sqrt(2 * sp.pi * c / a), equals=gauss)
    minimum, top = (gauss.subs({a: curvature, c: d}) for curvature in (Ha, Hb))
    leading = top * sp.exp(dL / d) * minimum / d
    yield Step(
        "Both integrals, leading order",
        tau,
        2 * sp.pi / sp.sqrt(Ha * Hb) * sp.exp(dL / d),
        equals=leading,
    )
    through = yield from _saddle_in_two_dimensions()
    local = sp.Symbol("L") - sp.Symbol("L_b")
    quadratic = -Hb * x**2 / 2 + sp.Symbol("h") * y**2 / 2
    yield Step("Small noise: only the quadratic parts of both ends count", local, quadratic, assumed=True)
    third, fourth = sp.symbols("L_3 L_4", real=True)
    well = D * (5 * third**2 / (24 * Ha**3) - fourth / (8 * Ha**2))
    yield Step("Next order at the minimum", None, 1 + well, equals=_laplace(third, fourth, Ha, 1))
    ridge = D * (5 * third**2 / (24 * Hb**3) + fourth / (8 * Hb**2))
    yield Step("Next order at the saddle", None, 1 + ridge, equals=_laplace(third, fourth, Hb, -1))
    double = dL * (theta**2 - 1) ** 2
    at = {
        where: {Ha: sp.diff(double, theta, 2), third: sp.diff(double, theta, 3), fourth: sp.diff(double, theta, 4)}
        for where in (-1, 0)
    }
    values = [{s: e.subs(theta, place) for s, e in rules.items()} for place, rules in at.items()]
    first = well.subs(values[0])
    second = ridge.subs(Hb, -values[1][Ha]).subs({s: e for s, e in values[1].items() if s != Ha})
    yield Step("Sum for the double well ΔL(θ² - 1)²", None, 3 * D / (8 * dL), equals=first + second)
    readable = 2 * sp.pi / Hb * sp.sqrt(det_ratio) * sp.exp(dL / D)
    yield Step("One dimension is Laplace's result", tau, leading, equals=readable.subs(det_ratio, Hb / Ha).subs(D, d))
    return proven(readable, equals=through * sp.exp(dL / D))


def _saddle_in_two_dimensions() -> Derivation:
    """Committor, flux and population of a saddle whose axes are turned against those of the minimum; their ratio."""
    b, h_perp, d = sp.symbols("b h_perp d", positive=True)
    energy = -b * x**2 / 2 + h_perp * y**2 / 2
    committor_slope = sp.exp(-b * x**2 / (2 * d))
    backward = d * sp.diff(committor_slope, x) - sp.diff(energy, x) * committor_slope
    yield Step(
        "Committor across the saddle: its slope solves the backward equation", None, sp.Integer(0), equals=backward
    )
    scale = sp.sqrt(b / (2 * sp.pi * d))
    total = sp.integrate(scale * committor_slope, (x, -sp.oo, sp.oo))
    yield Step("Scaled to rise from 0 to 1", None, sp.Integer(1), equals=total)
    flux = sp.integrate(d * scale * sp.exp(-h_perp * y**2 / (2 * d)), (y, -sp.oo, sp.oo))
    yield Step("Flux through the saddle, over its Boltzmann factor", None, d * sp.sqrt(b / h_perp), equals=flux)
    p, q, determinant = sp.symbols("p q det", positive=True)
    r = (q**2 + determinant) / p
    quadratic = (p * x**2 + 2 * q * x * y + r * y**2) / (2 * d)
    # Completing the square integrates y; what is left of x has the determinant over r.
    rest = sp.expand(quadratic - r / (2 * d) * (y + q * x / r) ** 2)
    yield Step(
        "Exponent of the population after its second coordinate", None, determinant / r * x**2 / (2 * d), equals=rest
    )
    population = sp.sqrt(2 * sp.pi * d / r) * sp.sqrt(2 * sp.pi * d * r / determinant)
    width = 2 * sp.pi * d / sp.sqrt(determinant)
    yield Step("Population of the minimum, Hessian with entries p, q, r = (q² + det)/p", None, width, equals=population)
    time = 2 * sp.pi / b * sp.sqrt(b * h_perp / determinant)
    yield Step(
        "Population over flux: 2π/b times the root of the ratio of determinants", None, time, equals=width / flux
    )
    return (width / flux).subs(h_perp, det_ratio * determinant / b).subs(b, Hb)


@claim(
    "momentum.escape",
    tau,
    (D, gamma, M, Ha, Hb, dL),
    kind="asymptotic",
    regime=Regime(
        (gamma * M * dL >= 4 * D, gamma**2 * M * dL * 36 * sp.sqrt(M) >= 50 * D * sp.sqrt(Ha)),
        LOW + " At weaker friction the energy lost in one oscillation is below the noise and limits the rate.",
    ),
    source=Source("langer1969statistical", "nucleation rate from the unstable mode"),
    uses=("langevin.eyring-kramers", "langevin.stationary-density"),
    layers=("numerics", "simulation"),
    change=escape_curvatures,
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
    yield Step(
        "Small noise: near the saddle Gibbs' weight is quadratic, and the well is in equilibrium",
        None,
        shape,
        assumed=True,
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
    "sgd.escape-finite-step",
    rate_factor,
    (eta, potential, D_x),
    kind="asymptotic",
    uses=("langevin.mean-first-passage", "langevin.eyring-kramers"),
    order=Order(eta, 2, sp.Symbol("K")),
    layers=("numerics", "simulation"),
    numerics=step_corrections,
)
def sgd_escape_finite_step() -> Derivation:
    """Escape time of the chain of SGD over that of its diffusion, first order in the learning rate, low temperature.

    One step at fixed D changes the density by moments of all orders; at order η two more terms than Fokker-Planck's
    survive. With q = L'/D the stationary density gains 1 + ηf, f' = -½[(D'' + Dq')' - q(D'' + Dq')]. For small D the
    exponent changes only where D depends on the place; the prefactor by the population of the minimum, by f at the
    saddle, and by the linear chain there, whose flux is known exactly.
    """
    q, D_of = sp.Function("q")(x), sp.Function("D")(x)
    (new,) = SGD.step(g).values()
    yield Step("One step with minibatch gradient g", sp.Symbol("theta'"), theta - eta * g, equals=new)
    slope = D_of * q
    kick = sp.Symbol("n", real=True)
    displacement = -eta * slope + sp.sqrt(2 * D_of * eta) * kick
    p = sp.Function("p")(x)
    moments = [
        (-1) ** order / sp.factorial(order) * sp.diff(_gaussian(displacement**order, kick) * p, x, order)
        for order in range(1, 5)
    ]
    change = sp.expand(sp.Add(*moments).doit())
    generator = sp.diff(slope * p, x) + sp.diff(D_of * p, x, 2)
    yield Step("Change of the density, first order in η", None, generator.doit().expand(), equals=change.coeff(eta, 1))
    second = sp.diff(slope**2 * p, x, 2) / 2 + sp.diff(slope * D_of * p, x, 3) + sp.diff(D_of**2 * p, x, 4) / 2
    yield Step("and second order", None, second.doit().expand(), equals=change.coeff(eta, 2))
    r = sp.Function("r")(x)  # D times the stationary density, r' = -qr
    falls = {sp.Derivative(r, (x, n)): _falling(q, r, n) for n in range(4, 1, -1)} | {sp.Derivative(r, x): -q * r}
    current = sp.diff(slope**2 * r / D_of, x) / 2 + sp.diff(slope * r, x, 2) + sp.diff(D_of * r, x, 3) / 2
    source = sp.diff(D_of, x, 2) + D_of * sp.diff(q, x)
    f_slope = -(sp.diff(source, x) - q * source) / 2
    yield Step(
        "Slope of the correction f of the stationary density, from D r f' = -current",
        sp.Symbol("f'"),
        f_slope.doit().expand(),
        equals=sp.expand(-(current.doit() / r)).subs(falls).doit().expand(),
    )
    correction = -source / 2 + q * sp.diff(D_of, x) / 2 + D_of * q**2 / 4
    bend = sp.diff(q, x) * sp.diff(D_of, x) / 2 + sp.diff(D_of, x) * q**2 / 4
    yield Step(
        "f is a local term minus an integral along the path",
        None,
        f_slope.doit().expand(),
        equals=sp.expand((sp.diff(correction, x) - bend).doit()),
    )
    yield from _ends_of_the_path()
    integral = sp.Symbol("I")
    time = (1 + eta * (Hb - Ha) / 4) * (1 + eta * integral)
    first = 1 + eta * (-Ha / 4) - eta * (-3 * Hb / 4 + Hb / 2 - integral)
    yield Step(
        "Population over flux, first order, I the integral", None, first, equals=sp.series(time, eta, 0, 2).removeO()
    )
    L, a, b = sp.Function("L")(x), x_a, x_b
    exponent = sp.Integral(sp.diff(D_of, x) * (sp.diff(L, x) / D_of) ** 2, (x, a, b)) / 4
    turn = sp.Integral(sp.diff(D_of, x) * sp.diff(sp.diff(L, x) / D_of, x), (x, a, b)) / 2
    readable = (1 + eta * ((Hb - Ha) / 4 + turn)) * sp.exp(eta * exponent)
    whole = sp.Integral(bend.subs(q, sp.diff(L, x) / D_of), (x, a, b))
    derived = (1 + eta * ((Hb - Ha) / 4 + whole - exponent)) * sp.exp(eta * exponent)
    return proven(readable, equals=derived.replace(whole, turn + exponent))


def _gaussian(polynomial: sp.Expr, kick: sp.Symbol) -> sp.Expr:
    """Mean over a standard normal variable."""
    terms = sp.Poly(sp.expand(polynomial), kick).terms()
    return sum((c * sp.factorial2(n - 1) for (n,), c in terms if n % 2 == 0), sp.Integer(0))


def _falling(q: sp.Expr, r: sp.Expr, n: int) -> sp.Expr:
    """n-th derivative of r with r' = -qr."""
    value = r
    for _ in range(n):
        value = sp.diff(value, x).subs(sp.Derivative(r, x), -q * r)
    return value


def _ends_of_the_path() -> Derivation:
    """First-order corrections at the minimum and at the saddle, where D may be taken as constant."""
    a, b, d, s = sp.symbols("a b d s", positive=True)
    yield Step("Small noise: the diffusion is constant over the width of either end", D, d, assumed=True)
    local = -a / 2 + (a * x) ** 2 / (4 * d)
    weight = sp.exp(-a * x**2 / (2 * d)) / sp.sqrt(2 * sp.pi * d / a)
    mean = sp.integrate(weight * local, (x, -sp.oo, sp.oo))
    yield Step("Mean of f over the minimum: change of the population", None, -a / 4, equals=sp.simplify(mean))
    yield Step("f at the saddle", None, b / 2, equals=local.subs({a: -b, x: 0}))
    # The linear chain x' = (1 + ηb)x + √(2dη)n keeps e^{x²/2s²} and the committor N(x/s).
    spread = sp.solve(s**2 * (1 + eta * b) ** 2 - s**2 - 2 * d * eta, s)[0]
    kept = 2 * d / (b * (2 + eta * b))
    yield Step(
        "Squared width of the committor of the linear chain", sp.Symbol("s^2"), kept, equals=sp.simplify(spread**2)
    )
    # Far out the density is s/(√2π x) and moves without noise: what passes x in a step is its integral over one step.
    far = sp.integrate(s / (sp.sqrt(2 * sp.pi) * x), (x, y, y * (1 + eta * b)))
    y_positive = sp.Symbol("y", positive=True)
    passed = s * sp.log(1 + eta * b) / sp.sqrt(2 * sp.pi)
    flux_step = sp.expand_log(sp.simplify(far.subs(y, y_positive)), force=True)
    yield Step("Flux a step over the density at the saddle", None, passed, equals=flux_step)
    flux = (passed / eta).subs(s, sp.sqrt(kept))
    continuous = sp.sqrt(d * b / (2 * sp.pi))
    leading = sp.series(sp.simplify(flux / continuous), eta, 0, 2).removeO()
    yield Step("over that of the diffusion", None, 1 - 3 * eta * b / 4, equals=leading)


@claim(
    "sgd.boundary-shift",
    shift,
    (eta, D),
    kind="asymptotic",
    source=Source("siegmund1979corrected", "expected overshoot of a normal random walk"),
    layers=("numerics", "simulation"),
)
def sgd_boundary_shift() -> Derivation:
    """A sharp threshold is felt 0.5826 step standard deviations further out.

    A chain looks at the threshold only between steps and oversteps it. Near a threshold that it approaches by noise
    the step is a normal random walk with standard deviation √(2Dη); the mean overshoot of its ladder heights,
    -ζ(1/2)/√(2π), acts as a shift of the boundary of the diffusion.
    """
    lam = sp.Symbol("lambda", positive=True)
    cut = sp.Rational(1, 100)
    integrand = -sp.log(2 * (1 - sp.exp(-(lam**2) / 2)) / lam**2) / (sp.pi * lam**2)
    yield Step(
        "Limiting mean overshoot of a normal walk, Fourier form",
        None,
        sp.Integral(integrand, (lam, 0, sp.oo)),
        assumed=True,
    )
    overshoot = -sp.zeta(sp.Rational(1, 2)) / sp.sqrt(2 * sp.pi)
    # Near zero the integrand is a power series; far out the exponential is gone and the rest is elementary.
    small = sp.integrate(sp.series(integrand, lam, 0, 16).removeO(), (lam, 0, cut))
    large = sp.Integer(20)
    tail = -sp.integrate((sp.log(2) - 2 * sp.log(lam)) / (sp.pi * lam**2), (lam, large, sp.oo))
    middle = sp.Integral(integrand, (lam, cut, large))
    yield Step("Its value", None, overshoot, numerically=small + middle + tail)
    rounded = sp.floor(10**4 * overshoot + sp.Rational(1, 2))
    yield Step("in units of 10⁻⁴, rounded", None, sp.Integer(5826), numerically=rounded)
    noise = sp.Symbol("C", positive=True)
    width = sp.sqrt(noise) * eta
    step = sp.sqrt(2 * D * eta)
    yield Step(
        "Standard deviation of a step with D = ηC/2", None, width, equals=sp.sqrt((step**2).subs(D, eta * noise / 2))
    )
    return proven(-sp.zeta(sp.Rational(1, 2)) * sp.sqrt(eta * D / sp.pi), equals=overshoot * step)
