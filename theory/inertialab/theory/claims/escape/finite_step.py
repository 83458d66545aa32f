"""What the length of a step does to an escape: corrections along the path and at a threshold."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.notation import D, D_x, Ha, Hb, eta, g, potential, rate_factor, shift, theta, x_a, x_b
from inertialab.theory.passage import step_corrections
from inertialab.theory.statement import Derivation, Order, Source, claim

x, y = sp.symbols("x y", real=True)


@claim(
    "sgd.escape-finite-step",
    rate_factor,
    (eta, potential, D_x),
    kind="asymptotic",
    uses=("langevin.mean-first-passage", "langevin.eyring-kramers"),
    order=Order(eta, 2, sp.Symbol("K")),
    layers=("numerics", "simulation"),
    numerics=step_corrections,
    slips=(("sp.sqrt(2 * D_of * eta) * kick", "sp.sqrt(D_of * eta) * kick"),),
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
    limits=(
        ({"D": 0.0}, 0.0),
        ({"eta": 1e-12}, 0.0),
    ),
    slips=(
        ("step = sp.sqrt(2 * D * eta)", "step = sp.sqrt(D * eta)"),
        ("lam**2) / 2)) / lam**2) / (sp.pi", "lam**2) / 2)) / lam**2) / (2 * sp.pi"),
    ),
)
def sgd_boundary_shift() -> Derivation:
    """A sharp threshold is felt 0.5826 step standard deviations further out.

    A chain looks at the threshold only between steps and oversteps it. Near a threshold that it approaches by noise
    the step is a normal random walk with standard deviation √(2Dη); the mean overshoot of its ladder heights H,
    ⟨H²⟩/2⟨H⟩ = -ζ(1/2)/√(2π), acts as a shift of the boundary of the diffusion. Wiener and Hopf's factors of 1 - φ, φ
    the characteristic function of a step, give it; other laws of the step have other shifts.
    """
    lam = sp.Symbol("lambda", positive=True)
    cut = sp.Rational(1, 100)
    integrand = -sp.log(2 * (1 - sp.exp(-(lam**2) / 2)) / lam**2) / (sp.pi * lam**2)
    yield from _wiener_hopf(lam, integrand)
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


def _wiener_hopf(lam: sp.Symbol, integrand: sp.Expr) -> Derivation:
    """From ladder heights to an integral: 1 - φ = |1 - χ|², χ the characteristic function of a ladder height."""
    r, first, second = sp.symbols("r H_1 H_2", positive=True)
    tail, density = sp.Function("Q")(r), sp.Function("q")(r)
    parts = sp.diff(r**2 * tail / 2, r).subs(sp.Derivative(tail, r), -density)
    yield Step(
        "Stationary overshoot has the density Q(r)/⟨H⟩, Q the tail of H: by parts its mean is ⟨H²⟩/2⟨H⟩",
        None,
        r * tail - r**2 * density / 2,
        equals=parts,
    )
    chi = 1 + sp.I * lam * first - lam**2 * second / 2
    yield Step("Wiener and Hopf: up and down alike, 1 - φ is", None, sp.Symbol("|1 - chi|^2"), assumed=True)
    mean = sp.limit(sp.expand((1 - chi) * sp.conjugate(1 - chi)) / lam**2, lam, 0)
    given = sp.limit((1 - sp.exp(-(lam**2) / 2)) / lam**2, lam, 0)
    yield Step(
        "Mean ladder height from small λ, φ = e^{-λ²/2}", None, sp.sqrt(2) / 2, equals=sp.sqrt(given / mean) * first
    )
    logarithm = sp.log((1 - chi) / (-sp.I * lam * first))
    slope = sp.limit(sp.diff(logarithm, lam), lam, 0)
    yield Step("Slope at 0 of ln[(1 - χ)/(-iλ⟨H⟩)]", None, sp.I * second / (2 * first), equals=slope)
    s = sp.Symbol("s", real=True)
    real_part = sp.log((1 - sp.exp(-(lam**2) / 2)) / (lam * sp.sqrt(2) / 2) ** 2) / 2
    kernel = sp.diff(1 / (s - lam), lam).subs(lam, 0).subs(s, lam)
    yield Step(
        "It is analytic above the real line: its imaginary part is the Hilbert transform of the real one; both sides "
        "of 0",
        None,
        integrand,
        equals=-2 * real_part * kernel / sp.pi,
    )
