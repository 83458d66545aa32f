"""Mean first-passage times of the chain that an optimizer is, with all its states: τ = 1 + E τ(next state).

The next state is that of the symbolic update map, the mean over the noise is a sum over quadrature points of its law,
and τ is a piecewise polynomial through its values at nodes (collocation). No small step, no diffusion and no
separation of times is taken for granted: what is solved is the chain itself, to the accuracy of the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import sympy as sp
from numpy.polynomial import hermite_e

from inertialab.experiments.laws import LAWS, TWO_POINT_SHARE
from inertialab.experiments.system import System, indexed
from inertialab.theory.symbols import g, k

Arrays = dict[str, np.ndarray]
HERMITE = 16
"""Quadrature points for a normal number."""
LATE = 1e12
"""Step number at which every start is forgotten."""


@dataclass(frozen=True)
class Axis:
    """Nodes for one state of the optimizer: Chebyshev points of panels that share their ends.

    Attributes:
        edges: Ends of the panels, ascending; where the noise jumps there must be one.
        degree: Degree of the polynomial in a panel, at least 2.
    """

    edges: tuple[float, ...]
    degree: int

    @property
    def nodes(self) -> np.ndarray:
        """All nodes, shape (panels · degree + 1,)."""
        unit = (1 - np.cos(np.pi * np.arange(self.degree + 1) / self.degree)) / 2
        parts = [low + (high - low) * unit[:-1] for low, high in zip(self.edges, self.edges[1:], strict=False)]
        return np.concatenate([*parts, [self.edges[-1]]])

    def interpolation(self, x: np.ndarray) -> np.ndarray:
        """Weights of the nodes at places, shape (*x.shape, nodes); places outside count as the nearest end."""
        inside = np.clip(x, self.edges[0], self.edges[-1]).ravel()
        panel = np.clip(np.searchsorted(self.edges, inside, "right") - 1, 0, len(self.edges) - 2)
        order = np.arange(self.degree + 1)
        signs = (-1.0) ** order * np.where((order == 0) | (order == self.degree), 0.5, 1.0)
        columns = panel[:, None] * self.degree + order
        away = inside[:, None] - self.nodes[columns]
        exact = away == 0
        terms = signs / np.where(exact, 1.0, away)
        weights = np.where(exact.any(1)[:, None], exact, terms / terms.sum(1)[:, None])
        out = np.zeros((len(inside), len(self.nodes)))
        np.put_along_axis(out, columns, weights, axis=1)
        return out.reshape(*x.shape, -1)


LONGEST = 1e13
"""Mean number of steps whose rounding error, half of it times the spacing of numbers, is a thousandth."""


def backward_passage(
    system: System, axes: Mapping[str, Axis], start: Mapping[str, float], boundary: float, hermite: int = HERMITE
) -> float:
    """Mean number of steps until the first coordinate is at or above a boundary.

    Args:
        system: What moves; its noise must be of a law in `noise_points`.
        axes: For every state that the next step depends on, by its row, such as x and v_0; the first is the position
            that passes. The ends of the axes must be so far away that what happens there does not matter.
        start: Value of each of them at the start.
        boundary: Of the first one.
        hermite: Quadrature points for a normal number.

    Returns:
        The mean number of steps.

    Raises:
        ValueError: If the next step depends on a state without an axis, or the time is too long for double precision.
    """
    names, lines = list(axes), list(axes.values())
    grid = dict(zip(names, (a.ravel() for a in np.meshgrid(*(a.nodes for a in lines), indexing="ij")), strict=True))
    numbers, weights = noise_points(system, hermite)
    after = _after(system, {n: x[:, None] for n, x in grid.items()}, numbers)
    factors = [axis.interpolation(after[name]) for name, axis in axes.items()]
    factors[0] = factors[0] * ((after[names[0]] < boundary) * weights)[..., None]
    chances = factors[0].swapaxes(1, 2) if len(factors) == 1 else factors[0].swapaxes(1, 2) @ factors[1]
    size = len(grid[names[0]])
    matrix = chances.sum(2) if len(factors) == 1 else chances.reshape(size, size)
    alive = grid[names[0]] < boundary
    times = np.zeros(size)
    times[alive] = np.linalg.solve(np.eye(alive.sum()) - matrix[np.ix_(alive, alive)], np.ones(alive.sum()))
    rows = [axis.interpolation(np.array(float(start[name]))) for name, axis in axes.items()]
    weight = rows[0] if len(rows) == 1 else np.outer(*rows).ravel()
    steps = float(weight @ times)
    if not 0 < steps < LONGEST:
        raise ValueError(
            f"An escape takes {steps:.3g} steps: beyond {LONGEST:g} rounding takes more than a thousandth of it; lower "
            "the barrier, or enlarge the noise or the step."
        )
    return steps


def noise_points(system: System, hermite: int = HERMITE) -> tuple[np.ndarray, np.ndarray]:
    """Quadrature of the noise: values of every coordinate's number of the law and their weights.

    Args:
        system: Whose noise it is.
        hermite: Points for a normal number.

    Returns:
        Values of shape (d, points), weights of shape (points,), which add up to 1.

    Raises:
        ValueError: If the law has no quadrature here.
    """
    x, w = hermite_e.hermegauss(hermite)
    high, low = LAWS["two-point"].ends
    pair = np.array([high, low]), np.array([-low, high]) / (high - low)
    whole = ((1 - TWO_POINT_SHARE) ** 0.5 * x + TWO_POINT_SHARE**0.5 * pair[0][:, None]).ravel()
    chance = np.outer(pair[1], w / w.sum()).ravel()
    known = {
        "gaussian": (x, w / w.sum()),
        "two-point": pair,
        "skewed": (whole, chance),
        "skewed-down": (-whole, chance),
    }
    if system.noise.law not in known:
        raise ValueError(f"There is no quadrature for noise of the law {system.noise.law!r}; take {', '.join(known)}.")
    values, chances = known[system.noise.law]
    d = len(system.landscape.coordinates)
    return np.array(list(product(values, repeat=d))).T, np.array([np.prod(p) for p in product(chances, repeat=d)])


def _after(system: System, states: Arrays, numbers: np.ndarray) -> Arrays:
    """Every row after a step, shape (nodes, points); bias corrections are long over."""
    values: Arrays = {**states, str(k): np.array(LATE)}
    coordinates = system.landscape.coordinates
    for i in range(len(coordinates)):
        slope, size = system.landscape.gradients[i], sp.sqrt(system.noise.variances[i])
        drawn = _evaluated(size, states) * numbers[i]
        values[str(indexed(g, i))] = _evaluated(slope, states) + drawn
    for i in range(len(coordinates)):
        for symbol, expression in system.update(i):
            values[str(symbol)] = _evaluated(expression, values)
    shapes = {name: np.broadcast_shapes(x.shape, numbers[0].shape) for name, x in states.items()}
    return {name: np.broadcast_to(values[name], shape) for name, shape in shapes.items()}


def _evaluated(expression: sp.Expr, values: Mapping[str, np.ndarray]) -> np.ndarray:
    symbols: Sequence[sp.Symbol] = sorted(expression.free_symbols, key=str)
    if missing := [str(s) for s in symbols if str(s) not in values]:
        raise ValueError(f"The next step depends on {', '.join(missing)}, which has no axis; give it one.")
    function: Callable = sp.lambdify(symbols, expression, "numpy")
    return np.asarray(function(*(values[str(s)] for s in symbols)), dtype=float)
