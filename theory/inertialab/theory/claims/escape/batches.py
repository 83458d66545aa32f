"""Leaving a parabola under Adam when the gradient enters the second moment."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from inertialab.theory.claims.escape.adam import ADAM_EXPONENT, mobility_and_diffusion
from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import B, Ha, Hb, Phi, beta, beta2, dL, eta, eta_adam
from inertialab.theory.notation import v as second
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, claim

_NODES, _WEIGHTS = (x / 2 for x in np.polynomial.legendre.leggauss(96))


class Climb(sp.Function):
    """Exponent of Adam's cheapest way up a parabola to L'² = r times the noise, in units of its noise at rest.

    The integral of the slope S over the root ℓ of r. The way is known in terms of u = -ln w, w the variance that the
    gradients keep: with y = 1 - w the mean gradient a has a² = z, a root of (eᵘ - 1)z² + (3y - u)z/2 = y²/2, and
    ℓ = (y - z)/a. Climb ~ r for small r, r^(3/2)/6 for large.
    """

    nargs = 1

    @staticmethod
    def exactly(r: Any) -> Any:
        """To mpmath's working precision."""
        end = mpmath.findroot(lambda u: mpmath.log(_way(mpmath, u)[0] / r), 2 * mpmath.log1p(r))
        parts = [end * i / 8 for i in range(9)]
        return mpmath.quad(lambda u: _way(mpmath, u)[1] if u else mpmath.mpf(1) / 2, parts)

    @staticmethod
    def in_library(library: ModuleType, r: Any) -> Any:
        """In float64, in the shape of `r`: Newton's method for the end, Gauss' rule on the way."""
        end = 2 * library.log1p(r)
        for _ in range(12):
            squared, _, rise = _way(library, end)
            end = end - library.log(squared / r) * squared / rise
        nodes, weights = (library.asarray(x).reshape(-1, *[1] * r.ndim) for x in (_NODES + 0.5, _WEIGHTS))
        return end * (weights * _way(library, end * nodes)[1]).sum(0)

    def _eval_evalf(self, prec: int) -> sp.Expr:
        with mpmath.workprec(prec):
            return sp.sympify(self.exactly(self.args[0]._to_mpmath(prec)))

    def _latex(self, printer: Any) -> str:
        return rf"\mathcal{{K}}\left({printer.doprint(self.args[0])}\right)"


def _way(library: Any, u: Any) -> tuple[Any, Any, Any]:
    """ℓ², what the exponent grows by with u, and what ℓ² grows by."""
    y, more, w = -library.expm1(-u), library.expm1(u), library.exp(-u)
    q = (3 * y - u) / 2
    root = library.sqrt(q**2 + 2 * more * y**2)
    pick: Callable[..., Any] = getattr(library, "where", lambda condition, a, b: a if condition else b)
    z = pick(q > 0, y**2 / (q + root), (root - q) / (2 * more))  # neither is a small difference where it is taken
    turned = -((more + 1) * z**2 + (3 * w - 1) * z / 2 - y * w) / root
    rise = (y - z) / z**2 * (2 * z * (w - turned) - (y - z) * turned)
    return (y - z) ** 2 / z, y * (w + z) ** 1.5 * (more + 1) / (y - z) * rise / 2, rise


@claim(
    "adam.batch-crossover",
    Phi,
    (eta_adam, B, Ha, dL),
    kind="asymptotic",
    regime=Regime(
        note="The second moment must follow the gradients of the place and be a mean over many of them: "
        "eta*sqrt(B*Ha) << 1 - beta2 << 1. Gaussian noise.",
        beside=(
            10 * eta_adam * sp.sqrt(B * Ha) <= 1 - beta2,
            20 * eta_adam * sp.sqrt(B * Ha) <= 1 - beta,
            1 - beta2 <= sp.Rational(1, 20),
        ),
    ),
    uses=("adam.escape",),
    layers=("simulation",),
    limits=(({"B": 1000000000000.0}, float("inf")),),
    slips=(
        ("(a + p) ** 2 + w - 1", "(a - p) ** 2 + w - 1"),
        ("w + a**2)) / a", "1 + a**2)) / a"),
        ("sp.sqrt(2 * Ha * dL) / sp.sqrt(Ha / B)", "sp.sqrt(Ha * dL) / sp.sqrt(Ha / B)"),
    ),
)
def adam_batch_crossover() -> Derivation:
    """Exponent of Adam's escape when the gradient enters the second moment: √B turns into B, but late.

    Where the slope is no longer small beside the noise of a batch, v = C + L'² would slow Adam down, and √B would turn
    into B around 2BΔL = 1. But who gets up does so by rare gradients, of which not the mean alone may be chosen:
    quieter ones keep v small. Of all ways the cheapest is taken. To the order at which v = C + L'² would be seen the
    two effects cancel: the exponent of adam.escape still holds within a hundredth at 2BΔL = 1. It grows as B only far
    beyond 2BΔL = 36, with a quarter of the factor of a diffusion.
    """
    a, w, p, g = sp.symbols("a w p g", positive=True)  # in units of the noise; p is the slope
    # Gradients that have mean -a and variance w, where those of the place have mean p and variance 1.
    ratio = -((g + a) ** 2) / (2 * w) - sp.log(w) / 2 + (g - p) ** 2 / 2
    mean = sp.expand(ratio).xreplace({g**2: w + a**2}).xreplace({g: -a})
    cost = ((a + p) ** 2 + w - 1 - sp.log(w)) / 2
    yield Step("Cost of a step: entropy of its gradient", None, cost, equals=sp.expand(mean))
    mobility, _ = mobility_and_diffusion()
    speed = (a * mobility * eta).subs({second: w + a**2, eta: 1})
    yield Step("Speed upwards, over the learning rate", None, a / sp.sqrt(w + a**2), equals=speed)
    slope = cost * (sp.sqrt(w + a**2)) / a
    yield Step("Of all ways up the cheapest decides (Freidlin and Wentzell)", Phi, sp.Symbol("minimum"), assumed=True)
    yield Step("Slope of the exponent, times the learning rate", None, cost / speed, equals=slope)
    yield from _cheapest(slope, a, w, p)
    diffusive = slope.subs({w: 1, a: p})
    yield Step("A diffusion has gradients of full variance", None, 2 * p * sp.sqrt(1 + p**2), equals=diffusive)
    yield from _ends(p)
    top = sp.sqrt(2 * Ha * dL) / sp.sqrt(Ha / B)
    yield Step("Slope over noise at the height ΔL of a parabola, squared", None, 2 * B * dL, equals=top**2)
    step = sp.sqrt(Ha / B) / Ha  # dx over that of the slope in units of the noise
    derived = step / eta_adam * Climb(sp.simplify(top**2))
    small = 2 * B * dL / (eta_adam * sp.sqrt(B * Ha))
    yield Step(
        "Few samples, where Climb(r) is r: the exponent of adam.escape at one curvature",
        None,
        small,
        equals=ADAM_EXPONENT.subs(Hb, Ha),
    )
    return proven(Climb(2 * B * dL) / (eta_adam * sp.sqrt(B * Ha)), equals=derived)


def _cheapest(slope: sp.Expr, a: sp.Symbol, w: sp.Symbol, p: sp.Symbol) -> Derivation:
    """Where the slope of the exponent is stationary in mean and variance of the gradients."""
    best, price = 1 - a * (a + p), sp.Symbol("K", positive=True)
    spent = a * (a + p) * (1 - a * p) / best
    costs = (slope * a / sp.sqrt(w + a**2)).expand()
    for name, own in (("variance", w), ("mean", a)):
        rate = sp.diff(costs, own) / price + sp.diff(sp.log(sp.sqrt(w + a**2) / a), own)
        left = sp.simplify(rate.subs(w, best).subs(price, spent))
        yield Step(f"It is stationary in the {name} at w = 1 - a(a + p), cost a(a + p)(1 - ap)/w", None, left, equals=0)
    there = (price * sp.sqrt(w + a**2) / a).subs(w, best).subs(price, spent)
    readable = (a + p) * (1 - a * p) ** sp.Rational(3, 2) / best
    yield Step("Slope of the exponent there", sp.Symbol("S"), readable, equals=there)
    # The cost is also the entropy: with y = 1 - w, z = a², p = (y - z)/a.
    y, z = sp.symbols("y z", positive=True)
    closing = (spent - costs.subs(w, best)).subs(p, (y - z) / a).subs(a, sp.sqrt(z))
    quadratic = y / (1 - y) * z**2 + (3 * y + sp.log(1 - y)) * z / 2 - y**2 / 2
    yield Step("Both costs agree: with y = 1 - w and z = a², times z", None, quadratic, equals=sp.simplify(closing * z))


def _ends(p: sp.Symbol) -> Derivation:
    """The slope of the exponent for a slope small and large beside the noise."""
    small = p - p**3
    best = 1 - small * (small + p)
    gap = p * (small + p) / 2 - sp.log(best) / 2 - small * (small + p) * (1 - small * p) / best
    yield Step("Small slopes: a = p - p³ up to", None, sp.Integer(0), equals=sp.series(gap, p, 0, 6).removeO())
    found = ((small + p) * (1 - small * p) ** sp.Rational(3, 2) / best).series(p, 0, 5).removeO()
    yield Step("Slope of the exponent, to the third order: that of the root of B", None, 2 * p, equals=found)
    far = 1 / p - 1 / p**3
    left = sp.expand(1 - far * (far + p))
    costs = (p * (far + p) - sp.log(left)) / 2, far * (far + p) * (1 - far * p) / left
    for number, cost in enumerate(costs, 1):
        yield Step(
            f"Large slopes: at a = 1/p - 1/p³ cost {number} over p²/2", None, sp.Integer(1), equals=_far(cost, p)
        )
    large = (far + p) * (1 - far * p) ** sp.Rational(3, 2) / left
    yield Step("and the slope of the exponent over p²/2", None, sp.Integer(1), equals=_far(large, p))


def _far(expression: sp.Expr, p: sp.Symbol) -> sp.Expr:
    return sp.limit(sp.simplify(expression / (p**2 / 2)), p, sp.oo)
