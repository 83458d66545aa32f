"""Leaving a minimum under noise of any law: the exponent of the chain itself, and what skewness does to it."""

import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.dynamics import SGD
from inertialab.theory.large_deviations import cumulant_change, escape_exponent
from inertialab.theory.notation import (
    C,
    Phi,
    boundaries,
    cumulant,
    eta,
    g,
    k3,
    k4,
    log_change,
    potential,
    theta,
    x_a,
    x_b,
)
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim

x, p, xi = sp.symbols("x p xi", real=True)
slope = sp.Symbol("L_1", positive=True)


def _series(third: sp.Expr, fourth: sp.Expr) -> Derivation:
    """Steps that end with p to third order in the slope, for noise of variance C and these cumulants."""
    size, a, b = sp.symbols("small a b", real=True)
    trial = 2 * slope / C + a * slope**2 + b * slope**3
    balance = sp.expand((C * p**2 / 2 - third * p**3 / 6 + fourth * p**4 / 24 - slope * p).subs(p, trial))
    scaled = sp.expand(balance.subs(slope, size * slope))
    yield Step("Order of the squared slope: p = 2L'/C", None, sp.Integer(0), equals=scaled.coeff(size, 2))
    found = sp.solve([scaled.coeff(size, 3), scaled.coeff(size, 4)], [a, b], dict=True)[0]
    skew = 4 * third * slope**2 / (3 * C**3)
    yield Step("Next order", None, skew, equals=(a * slope**2).subs(found))
    flat = 2 * slope**3 * (8 * third**2 - 3 * C * fourth) / (9 * C**5)
    yield Step("and the one after it", None, flat, equals=sp.simplify((b * slope**3).subs(found)))
    return 2 * slope / C + skew + flat


@claim(
    "sgd.quasi-potential",
    Phi,
    (eta, potential, cumulant, boundaries),
    kind="asymptotic",
    regime=Regime(
        (),
        "Low learning rates at noise of a fixed law; all exponential moments of the noise exist. The map shows "
        "how low.",
    ),
    uses=("sgd.escape",),
    layers=("numerics", "simulation"),
    numerics=escape_exponent,
    slips=(("moved = theta - (new", "moved = theta + (new"),),
)
def sgd_quasi_potential() -> Derivation:
    """Exponent of the escape time of SGD under noise of any law: ∫p dx/η with ln E e^{-pξ} = pL'.

    The stationary density of the chain is e^{-W/η} up to factors that vary slowly. One step carries weight from
    x + η(L' + ξ) to x, so that the mean of e^{-p(L' + ξ)} with p = W' must be 1. Gaussian noise gives p = 2L'/C, the
    diffusion's; for any other law the exponents differ by a constant factor as η → 0, which no small learning rate
    mends.
    """
    (new,) = SGD.step(g).values()
    W = sp.Function("W")(x)
    push = sp.Symbol("u", real=True)
    moved = theta - (new - theta)
    yield Step("What comes to x with gradient g was at x + ηg", None, theta + eta * g, equals=moved)
    origin = moved.subs(theta, x).subs(g, push)
    ratio = sp.expand((W.subs(x, origin) - W) / eta)
    limit = sp.series(ratio.subs(W.subs(x, origin), W + eta * push * sp.diff(W, x)), eta, 0, 1).removeO()
    yield Step("Exponent there less that at x, small η", None, push * sp.diff(W, x), equals=limit)
    logarithm = sp.Function("K")(p)
    balance = sp.log(sp.exp(-p * slope) * sp.exp(logarithm))
    yield Step(
        "Stationary: the mean of e^{-p(L' + ξ)} is 1, K = ln E e^{-pξ}",
        None,
        logarithm - p * slope,
        equals=sp.expand_log(balance, force=True),
    )
    width = sp.Symbol("sigma", positive=True)
    bell = sp.exp(-(xi**2) / (2 * width**2)) / sp.sqrt(2 * sp.pi * width**2)
    normal = sp.log(sp.integrate(sp.expand(bell * sp.exp(-p * xi)), (xi, -sp.oo, sp.oo)))
    yield Step(
        "Gaussian noise", logarithm, C * p**2 / 2, equals=sp.expand_log(sp.simplify(normal)).subs(width, sp.sqrt(C))
    )
    root = max(sp.solve(C * p**2 / 2 - p * slope, p), key=lambda r: r.subs({slope: 1, C: 1}))
    yield Step("p is that of the diffusion, L'/D with D = ηC/2, times η", p, 2 * slope / C, equals=root)
    readable = sp.Integral(sp.Function("p")(x), (x, x_a, x_b)) / eta
    climbed = sp.dsolve(sp.Eq(sp.diff(W, x), sp.Function("p")(x)), W).rhs
    rise = climbed.replace(sp.Integral, lambda f, _: sp.Integral(f, (x, x_a, x_b))) - sp.Symbol("C1")
    return proven(readable, equals=rise / eta)


@claim(
    "sgd.escape-skewed",
    log_change,
    (eta, potential, C, k3, k4),
    kind="asymptotic",
    regime=Regime(
        (), "Gradients on the path are small beside the noise of one step, L'² << C; the map shows how small."
    ),
    uses=("sgd.quasi-potential",),
    layers=("numerics", "simulation"),
    numerics=cumulant_change,
    slips=(("- third * p**3 / 6", "+ third * p**3 / 6"), ("fourth * p**4 / 24", "fourth * p**4 / 12")),
)
def sgd_escape_skewed() -> Derivation:
    """What third and fourth cumulants of the noise do to the escape time: an exponential change of order √η.

    At a fixed diffusion D = ηC/2 the cumulants of noise of one shape are C^{3/2} and C² times numbers, and the change
    of ln τ is of order √η for skewed noise and η for symmetric. It is small only if the skewness times √(2BΔL) is (C =
    H/B). The prefactor changes by no term of order √η: what it gains on the way it loses again.
    """
    path = yield from _series(k3, k4)
    change = path - 2 * slope / C
    D, skewness = sp.symbols("D gamma", positive=True)
    scaled = (change / eta).subs({k4: 0, k3: skewness * C ** sp.Rational(3, 2)}).subs(C, 2 * D / eta)
    leading = sp.limit(scaled / sp.sqrt(eta), eta, 0)
    size = 4 * skewness * slope**2 / (3 * (2 * D) ** sp.Rational(3, 2))
    yield Step("At fixed D and shape of the noise, over √η", None, size, equals=leading)
    yield from _prefactor()
    L = sp.Function("L")(x)
    ends = (x, x_a, x_b)
    rise = sp.Integral(change.subs(slope, sp.diff(L, x)), ends) / eta
    square, cube = (sp.Integral(sp.diff(L, x) ** n, ends) for n in (2, 3))
    readable = (4 * k3 / (3 * C**3) * square + 2 * (8 * k3**2 - 3 * C * k4) / (9 * C**5) * cube) / eta
    return proven(readable, equals=sp.expand(sp.expand(rise.doit())))


def _prefactor() -> Derivation:
    """Slope of the logarithm of the prefactor A of the stationary density, first order in the third cumulant."""
    u = sp.Function("u")(x)  # L'/C
    third, small = sp.symbols("kappa small", real=True)
    force = C * u * small
    moment = sp.exp(-force * p + C * p**2 / 2 - third * p**3 / 6)
    path = 2 * u * small + 4 * third * (u * small) ** 2 / (3 * C)
    # A'M_p + A(∂_x M_p + W''M_pp/2) = 0, from the next order of the balance.
    parts = [e.subs(p, path).doit() for e in (sp.diff(moment, p, x), sp.diff(moment, p, 2), sp.diff(moment, p))]
    fall = -(parts[0] + sp.diff(path, x) * parts[1] / 2) / parts[2]
    first = sp.series(sp.series(sp.simplify(fall), small, 0, 2).removeO(), third, 0, 2).removeO()
    share = sp.expand(sp.simplify(first)).coeff(third, 1).coeff(small, 1)
    yield Step(
        "Slope of ln A in the third cumulant: a derivative of L'/C, which is 0 at both ends",
        None,
        2 * sp.diff(u, x) / (3 * C),
        equals=sp.simplify(share),
    )
