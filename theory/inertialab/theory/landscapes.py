"""Symbolic landscapes: losses from which values, gradients and Hessians follow by differentiation.

A landscape is one expression and one row of `LANDSCAPES`; simulators and exact numerics need nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy as sp

from inertialab.theory.symbols import h, theta

QUADRATIC: sp.Expr = h * theta**2 / 2
"""Loss around a critical point at the origin, along one eigen-direction: a minimum for h > 0, a saddle for h < 0."""


def gradient(loss: sp.Expr) -> sp.Expr:
    """Derivative of a one-dimensional loss by the parameter.

    >>> gradient(QUADRATIC)
    h*theta
    """
    return sp.diff(loss, theta)


def coordinates(count: int) -> tuple[sp.Symbol, ...]:
    """Symbols of the parameters θ_0, θ_1, ...; the first is the direction of escape."""
    return sp.symbols(f"theta_:{count}", real=True)


x, y = coordinates(2)
barrier, width = sp.symbols("barrier width", positive=True)
stiffness, stiffness_saddle = sp.symbols("stiffness stiffness_saddle", positive=True)
curvature_minimum, curvature_saddle, bend, tilt = sp.symbols("curvature_minimum curvature_saddle bend tilt", real=True)
curvature = sp.Symbol("curvature", real=True)
width_far, depth_far, curvature_far = sp.symbols("width_far depth_far curvature_far", positive=True)


@dataclass(frozen=True)
class Landscape:
    """A loss as a function of parameters.

    Attributes:
        name: Row of `LANDSCAPES`, or what it was made from.
        loss: Expression in `coordinates` and the symbols of `defaults`.
        coordinates: θ_0, θ_1, ...
        defaults: Values of the other symbols.
        minimum: A minimum, one expression for each coordinate.
        saddle: The way out of it; empty without any.
        needs: Conditions on the other symbols, each with what it means.
    """

    name: str
    loss: sp.Expr
    coordinates: tuple[sp.Symbol, ...]
    defaults: Mapping[sp.Symbol, float] = field(default_factory=dict)
    minimum: tuple[sp.Expr, ...] = ()
    saddle: tuple[sp.Expr, ...] = ()
    needs: tuple[tuple[sp.Basic, str], ...] = ()

    def at(self, **values: float) -> Landscape:
        """The landscape with numbers for its symbols, defaults where none is given.

        Raises:
            ValueError: If a name is unknown or a value is not allowed.

        >>> float(LANDSCAPES["double-well"].at(barrier=2.0).value([0.0]))
        2.0
        """
        symbols = {str(s): s for s in self.defaults}
        if unknown := set(values) - set(symbols):
            known = ", ".join(symbols) or "none"
            raise ValueError(f"{self.name} has no parameter {sorted(unknown)[0]!r}; it has: {known}.")
        numbers = {s: sp.Float(values.get(name, self.defaults[s])) for name, s in symbols.items()}
        for condition, meaning in self.needs:
            if not bool(condition.subs(numbers)):
                given = ", ".join(f"{s}={float(v):g}" for s, v in numbers.items())
                raise ValueError(f"{self.name}: {meaning}; got {given}.")
        minimum, saddle = (tuple(sp.sympify(e).subs(numbers) for e in point) for point in (self.minimum, self.saddle))
        return Landscape(self.name, self.loss.subs(numbers), self.coordinates, {}, minimum, saddle)

    @cached_property
    def gradients(self) -> tuple[sp.Expr, ...]:
        """Derivative by each coordinate."""
        return tuple(sp.diff(self.loss, s) for s in self.coordinates)

    @cached_property
    def curvatures(self) -> tuple[tuple[sp.Expr, ...], ...]:
        """Second derivatives."""
        return tuple(tuple(sp.diff(g, s) for s in self.coordinates) for g in self.gradients)

    def value(self, point: Sequence[Any]) -> Any:
        """Loss at a point or at arrays of coordinates, which broadcast.

        Raises:
            ValueError: If symbols still have no numbers.
        """
        return self._function("loss")(*self._arrays(point))[()]

    def gradient(self, point: Sequence[Any]) -> np.ndarray:
        """Gradient, shape (d, ...)."""
        return self._function("gradients")(*self._arrays(point))

    def hessian(self, point: Sequence[Any]) -> np.ndarray:
        """Hessian, shape (d, d, ...)."""
        return self._function("curvatures")(*self._arrays(point))

    def numbers(self, point: tuple[sp.Expr, ...]) -> np.ndarray:
        """A point in floats, shape (d,)."""
        return np.array([float(e) for e in point])

    def _arrays(self, point: Sequence[Any]) -> list[np.ndarray]:
        if self.defaults:
            raise ValueError(f"{self.name}: call at(...) first; these have no numbers yet: {list(self.defaults)}.")
        if len(point) != len(self.coordinates):
            raise ValueError(f"{self.name} has {len(self.coordinates)} coordinates, got {len(point)}.")
        return [np.asarray(c, dtype=float) for c in np.broadcast_arrays(*point)]

    def _function(self, what: str) -> Callable[..., np.ndarray]:
        expressions = np.array(getattr(self, what), dtype=object)
        functions = [_evaluator(self.coordinates, e) for e in expressions.ravel()]

        def evaluate(*point: np.ndarray) -> np.ndarray:
            values = [np.broadcast_to(np.asarray(f(*point), dtype=float), point[0].shape) for f in functions]
            return np.stack(values).reshape((*expressions.shape, *point[0].shape))

        return evaluate


@lru_cache(maxsize=512)
def _evaluator(coordinates: tuple[sp.Symbol, ...], expression: sp.Expr) -> Callable[..., Any]:
    """An expression as a function of arrays, written once however often a search asks for it."""
    return sp.lambdify(coordinates, expression, "numpy")


def quadratic(hessian: Sequence[Sequence[float]] | np.ndarray) -> Landscape:
    """θᵀHθ/2, of any signature and in any basis.

    Args:
        hessian: H, symmetric, shape (d, d), units L/θ².

    Raises:
        ValueError: If it is not a symmetric matrix.
    """
    H = np.atleast_2d(np.asarray(hessian, dtype=float))
    if H.ndim != 2 or H.shape[0] != H.shape[1] or not np.allclose(H, H.T):
        raise ValueError(f"A quadratic needs a symmetric matrix, got {H.tolist()}.")
    place = sp.Matrix(coordinates(len(H)))
    loss = sp.expand((place.T * sp.Matrix(H) * place)[0] / 2)
    return Landscape("quadratic", loss, tuple(place), minimum=(sp.S.Zero,) * len(H))


def scaled(landscape: Landscape, factor: float) -> Landscape:
    """L(√k θ): the same barriers at √k-fold smaller distances, curvatures k times as large."""
    root = sp.sqrt(sp.Float(factor))
    loss = landscape.loss.subs({s: root * s for s in landscape.coordinates}, simultaneous=True)
    points = (tuple(sp.sympify(e) / root for e in p) for p in (landscape.minimum, landscape.saddle))
    return Landscape(f"{landscape.name} × {factor:g}", loss, landscape.coordinates, landscape.defaults, *points)


def styblinski_tang(count: int) -> Landscape:
    """Σ (θᵢ⁴ - 16θᵢ² + 5θᵢ)/2 in some dimensions, started in its deepest minimum."""
    place = coordinates(count)
    loss = sum(((s**4 - 16 * s**2 + 5 * s) / 2 for s in place), sp.S.Zero)
    low, middle, _ = sorted(float(r) for r in sp.Poly(4 * x**3 - 32 * x + 5, x).nroots(n=17))
    deepest = [sp.Float(low)] * count
    return Landscape("styblinski-tang", loss, place, {}, tuple(deepest), (sp.Float(middle), *deepest[1:]))


def _rise(s: sp.Expr, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """Quintic from 0 to 1 on [0, 1] with flat ends, second derivative `low` at the one and -`high` at the other."""
    return s**3 * (10 - 15 * s + 6 * s**2) + low * s**2 * (1 - s) ** 3 / 2 - high * s**3 * (1 - s) ** 2 / 2


def _rises(low: sp.Expr, high: sp.Expr) -> sp.Basic:
    """Condition that the quintic has no further minimum: its slope, over s(1 - s), is a quadratic without a root."""
    second, first = (low + high) * sp.Rational(5, 2) - 30, 30 - (7 * low + 3 * high) / 2
    inside = sp.And(second > 0, first < 0, -first < 2 * second)
    return sp.And(low > 0, high > 0, sp.Or(sp.Not(inside), first**2 < 4 * second * low))


_u = x / width
_two_wells = barrier * (_u**2 - 1) ** 2
_bump = sp.Piecewise(((1 - _u**2) ** 3, _u**2 < 1), (0, True))
_up = curvature_minimum * width**2 / barrier, curvature_saddle * width**2 / barrier
_down = curvature_far * width_far**2 / depth_far, curvature_saddle * width_far**2 / depth_far
_shaped = sp.Piecewise(
    (curvature_minimum * x**2 / 2, x < 0),
    (barrier * _rise(_u, *_up), x < width),
    (barrier - depth_far + depth_far * _rise((width + width_far - x) / width_far, *_down), x < width + width_far),
    (barrier - depth_far + curvature_far * (x - width - width_far) ** 2 / 2, True),
)

LANDSCAPES: dict[str, Landscape] = {
    row.name: row
    for row in (
        Landscape("quadratic", curvature * x**2 / 2, (x,), {curvature: 1.0}, minimum=(sp.S.Zero,)),
        Landscape(
            "double-well",
            _two_wells,
            (x,),
            {barrier: 0.25, width: 1.0},
            minimum=(-width,),
            saddle=(sp.S.Zero,),
        ),
        Landscape(
            "tilted-double-well",
            _two_wells + tilt * barrier * (_u - _u**3 / 3) * 3 / 4,
            (x,),
            {barrier: 0.25, width: 1.0, tilt: 0.3},
            minimum=(-width,),
            saddle=(3 * tilt * width / 16,),
            needs=((sp.Abs(tilt) < 5, "abs(tilt) must be below 5, or the saddle meets a minimum"),),
        ),
        Landscape(
            "shaped-well",
            _shaped,
            (x,),
            {
                barrier: 0.25,
                width: 1.0,
                curvature_minimum: 2.0,
                curvature_saddle: 1.0,
                depth_far: 0.25,
                width_far: 1.0,
                curvature_far: 2.0,
            },
            minimum=(sp.S.Zero,),
            saddle=(width,),
            needs=(
                (_rises(*_up), "the curvatures do not fit the barrier and width of the near well"),
                (_rises(*_down), "the curvatures do not fit the depth and width of the far well"),
            ),
        ),
        Landscape(
            "metastable-cubic",
            barrier * (3 * _u**2 - 2 * _u**3),
            (x,),
            {barrier: 0.25, width: 1.0},
            minimum=(sp.S.Zero,),
            saddle=(width,),
        ),
        Landscape(
            "transverse-well",
            _two_wells + (stiffness + (stiffness_saddle - stiffness) * _bump) * y**2 / 2,
            (x, y),
            {barrier: 0.25, width: 1.0, stiffness: 2.0, stiffness_saddle: 0.5},
            minimum=(-width, sp.S.Zero),
            saddle=(sp.S.Zero, sp.S.Zero),
        ),
        Landscape(
            "curved-valley",
            _two_wells + stiffness * (y - bend * (_u**2 - 1)) ** 2 / 2,
            (x, y),
            {barrier: 0.25, width: 1.0, stiffness: 4.0, bend: 0.5},
            minimum=(-width, sp.S.Zero),
            saddle=(sp.S.Zero, -bend),
        ),
    )
}
"""Landscapes by name; `quadratic`, `styblinski_tang` and `scaled` make others."""
