"""Leaving a minimum over a barrier in white noise: from the backward equation to Eyring and Kramers."""

import sympy as sp

from inertialab.theory.claims.escape.watson import small, watson
from inertialab.theory.claims.escape.wells import escape_curvatures
from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import (
    D,
    D_x,
    Ha,
    Hb,
    boundaries,
    det_ratio,
    dL,
    potential,
    tau,
    theta,
    x0,
    x_abs,
    x_ref,
)
from inertialab.theory.passage import first_passage
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Order, Source, claim

x, y, z = sp.symbols("x y z", real=True)


LOW = "The law is that of a low temperature; its relative error is of the order of the noise over the barrier."


WHITE = Regime((dL >= 12 * D,), LOW)


@claim(
    "langevin.mean-first-passage",
    tau,
    (potential, D_x, x0, boundaries),
    kind="exact",
    source=Source("gardiner2009stochastic", "first passage times for homogeneous processes"),
    layers=("numerics", "simulation"),
    numerics=first_passage,
    slips=(("sp.exp(-Phi_of(z)) / D_of(z), (z, x", "sp.exp(-Phi_of(z)), (z, x"),),
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
    limits=(({"D": 1e-12}, float("inf")),),
    slips=(("energy = -b * x**2 / 2", "energy = b * x**2 / 2"),),
)
def langevin_eyring_kramers() -> Derivation:
    """Mean escape time over a saddle in white noise, leading order of small D.

    Watson's lemma: the outer integral of the first-passage time is a Gaussian at the saddle, the inner one at the
    minimum, each with a correction of relative order D. In more dimensions the committor depends on the unstable
    coordinate alone, and every integral is a Gaussian with the determinant of its Hessian. The next order is a
    relative error of KD/ΔL; for the double well ΔL(θ² - 1)² it has K = 3/8.
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
    third, fourth = sp.symbols("L_3 L_4", real=True)
    none = sp.Integer(0)
    well = D * (5 * third**2 / (24 * Ha**3) - fourth / (8 * Ha**2))
    minimum_next = yield from watson(Ha, third, fourth, none, none)
    yield Step("Next order at the minimum", None, 1 + well, equals=minimum_next.subs(small, D))
    ridge = D * (5 * third**2 / (24 * Hb**3) + fourth / (8 * Hb**2))
    saddle_next = yield from watson(Hb, -third, -fourth, none, none)
    yield Step("Next order at the saddle", None, 1 + ridge, equals=saddle_next.subs(small, D))
    through = yield from _saddle_in_two_dimensions()
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
    cubic = sp.Symbol("L_111") * x**3 / 6 + sp.Symbol("L_122") * x * y**2 / 2
    scaled = ((energy + cubic) / d).subs({x: sp.sqrt(d) * x, y: sp.sqrt(d) * y}, simultaneous=True)
    yield Step(
        "In units of √D only the quadratic parts of the loss are left as D vanishes",
        None,
        energy,
        equals=sp.limit(sp.expand(scaled), d, 0),
    )
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
