"""What a gate that sees the noise it lets through does to the temperature: CProp on directions that relax slowly."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from inertialab.theory.derivation import Step, proven
from inertialab.theory.notation import beta, eta, gate, h, heat
from inertialab.theory.regime import Regime
from inertialab.theory.statement import Derivation, Source, claim

_y = sp.Symbol("y", positive=True)
_x = sp.Symbol("x", positive=True)
_F = sp.Function("F")
FAR = 12.0
"""Standard deviations beyond which nothing is left of a Gaussian law."""
_PLACES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def _response(c: sp.Expr) -> sp.Expr:
    """F of the gate c·erf(y/2), which never reaches 1 for c ≤ 1."""
    tail = sp.integrate(sp.diff(c * sp.erf(_x / 2), _x) * sp.exp(-(_x**2) / 2), (_x, _y, sp.oo))
    return c * sp.erf(_y / 2) + 2 * sp.exp(_y**2 / 2) * tail


def _mean(expression: sp.Expr) -> sp.Expr:
    """Mean over the size of a Gaussian number."""
    return sp.integrate(sp.expand(expression * sp.exp(-(_y**2) / 2)) * sp.sqrt(2 / sp.pi), (_y, 0, sp.oo))


def _heat(c: Any) -> np.ndarray:
    """⟨F²⟩/⟨F⟩ of CProp's gate by its factor, or of any gate given as a function of the distance."""
    if callable(c):
        given: Any = c
        return np.asarray(_by_values(given))
    return np.vectorize(_of_factor, otypes=[float])(c)


def _of_factor(c: float) -> float:
    """Of min(1, c·erf(y/2)), with the place from which on it is open found by bisection."""
    low, high = 0.0, FAR
    for _ in range(80 if c > 1 else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if c * math.erf(middle / 2) < 1 else (low, middle)
    opened = high
    y = opened * (1 + _PLACES) / 2
    end = math.erfc(3**0.5 * opened / 2)
    tail = np.array([math.erfc(3**0.5 * u / 2) - end for u in y])
    F = c * np.array([math.erf(u / 2) for u in y]) + 2 * c / 3**0.5 * np.exp(y**2 / 2) * tail
    weight = _WEIGHTS * opened / 2 * np.exp(-(y**2) / 2) * (2 / np.pi) ** 0.5
    beyond = math.erfc(opened / 2**0.5)  # F is 1 there
    return float((weight @ F**2 + beyond) / (weight @ F + beyond))


def _by_values(gate: Callable[[np.ndarray], np.ndarray], cells: int = 4000) -> float:
    """For any gate: F = -S + 2e^{y²/2}∫xS e^{-x²/2}dx from y on, by cells of equal width."""
    edges = np.linspace(0, FAR, cells + 1)
    middle = (edges[:-1] + edges[1:]) / 2
    density = middle * gate(middle) * np.exp(-(middle**2) / 2) * edges[1]
    behind = np.cumsum(density[::-1])[::-1] - density / 2
    F = -gate(middle) + 2 * np.exp(middle**2 / 2) * behind
    weight = np.exp(-(middle**2) / 2)
    return float((weight @ F**2) / (weight @ F))


@claim(
    "cprop.temperature",
    heat,
    (gate,),
    kind="asymptotic",
    source=Source("preechakul2019cprop", "algorithm"),
    regime=Regime(
        (),
        "The direction must relax slowly beside the memory of the scale, which must be long: eta*h << 1 - beta << 1.",
        (eta * h <= (1 - beta) / 10, 1 - beta <= sp.Rational(1, 20)),
    ),
    uses=("cprop.noise-floor",),
    layers=("simulation",),
    numerics=_heat,
    limits=(({"c": 1e9}, 1.0),),
    slips=(("_mean(push * _y)", "_mean(push)"), ("+ 2 * sp.exp(_y**2 / 2) * tail", "+ sp.exp(_y**2 / 2) * tail")),
)
def cprop_temperature() -> Derivation:
    """Variance of CProp on a slow direction over that of SGD: one at c = 1, though its mean scale is .39.

    The average m of the gradients, in its own standard deviations y, forgets in 1/(1 - β) steps, and the scale S(y)
    is taken after the newest gradient has entered m. Of a step S(y)ĝ the noise is S ξ with this correlation, whose
    integral over a long time is that of U = yS + S' along the path of m, an Ornstein-Uhlenbeck process. -LΦ = U with
    L = ∂² - y∂ is solved by Φ' = F; noise then diffuses with ⟨F²⟩ of SGD's, and a mean gradient, which shifts m,
    moves with ⟨F⟩. In Hermite polynomials ⟨F²⟩ = Σa_k²/k and ⟨F⟩ = a_1. On directions that relax faster than m
    forgets no such balance holds; there the scale cools.
    """
    c = sp.Symbol("c", positive=True)
    scale = c * sp.erf(_y / 2)
    push = _y * scale + sp.diff(scale, _y)
    response = sp.simplify(_response(c))
    readable = c * sp.erf(_y / 2) + 2 * c / sp.sqrt(3) * sp.exp(_y**2 / 2) * sp.erfc(sp.sqrt(3) * _y / 2)
    yield Step(
        "F at c ≤ 1, where the scale is nowhere cut", _F(_y), readable, equals=response.replace(sp.erf, _as_erfc)
    )
    residual = sp.simplify((-sp.diff(readable, _y) + _y * readable - push).replace(sp.erfc, lambda a: 1 - sp.erf(a)))
    yield Step("It solves -(F' - yF) = yS + S': residual", None, sp.Integer(0), equals=residual)
    first = 2 * c / sp.pi * (sp.atan(1 / sp.sqrt(2)) + 4 / (3 * sp.sqrt(2)))
    overlap = sp.integrate(sp.erfc(sp.sqrt(3) * _y / 2), (_y, 0, sp.oo)) * sp.sqrt(2 / sp.pi)
    floor = 2 * c / sp.pi * sp.atan(1 / sp.sqrt(2))  # cprop.noise-floor
    yield Step("⟨F⟩, .992 at c = 1", None, first, equals=sp.simplify(floor + 2 * c / sp.sqrt(3) * overlap))
    by_parts = sp.simplify(_mean(push * _y))
    yield Step("It is a_1 = ⟨yU⟩", None, first, equals=by_parts)
    density, primitive = sp.exp(-(_y**2) / 2), sp.Function("Phi")(_y)
    solved = -(sp.diff(_F(_y), _y) - _y * _F(_y))  # U
    total = sp.diff(primitive * _F(_y) * density, _y).subs(sp.diff(primitive, _y), _F(_y))
    square = sp.simplify(total + primitive * solved * density)
    yield Step("ΦU is F² but for a total derivative", None, _F(_y) ** 2 * density, equals=square)
    moved = sp.simplify(_y * solved * density + sp.diff(_y * _F(_y) * density, _y))
    noise, drift = (sp.Integral(part, (_y, 0, sp.oo)) for part in (square, moved))
    readable = sp.Integral(_F(_y) ** 2 * density, (_y, 0, sp.oo)) / sp.Integral(_F(_y) * density, (_y, 0, sp.oo))
    return proven(readable, equals=noise / drift)


def _as_erfc(argument: sp.Expr) -> sp.Expr:
    """The error function, but for that of √3/2 y by its complement."""
    return 1 - sp.erfc(argument) if argument.has(sp.sqrt(3)) else sp.erf(argument)
