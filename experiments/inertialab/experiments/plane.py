"""Mean first-passage times of diffusions in the plane: the backward equation on a grid.

Chances to jump to neighbours are fitted exponentially to drift and diffusion along each edge (Scharfetter and Gummel
1969). They are never negative, and on a line they have the exact stationary density whatever the grid, so that high
barriers cost no accuracy in the exponent.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp
from scipy import sparse
from scipy.sparse.linalg import splu

from inertialab.experiments.passage import Passage
from inertialab.experiments.system import System

RISE = 40.0
"""Height over the start, in units of D, beyond which a particle is as good as never."""
Place = tuple[np.ndarray, np.ndarray]
Field = Callable[[Place], np.ndarray]


def plane_passage(system: System, start: tuple[float, float], boundary: float, cells: int = 160) -> Passage:
    """Mean first-passage time of dθ = -∇L dt + √(2D) dW with D = ηC/2 (Ito), until θ_0 reaches a boundary from below.

    Solves Σ_i (-∂_iL ∂_iτ + D_i ∂_i²τ) = -1 with τ = 0 at the boundary and reflection where the loss is far above the
    start, on two grids; the error, of second order in their width, is extrapolated away.

    Args:
        system: Two-dimensional SGD with noise that has a variance, is not correlated and vanishes nowhere.
        start: Where the particle starts.
        boundary: Where it is absorbed.
        cells: Cells of the finer grid in each direction; the other has half of them.

    Returns:
        The time; its `error` is what the extrapolation changed, and what rounding may have.

    Raises:
        ValueError: If the system is of another kind, the boundary lies on the wrong side, the loss does not hold
            particles back, or the time is lost in rounding, as beyond barriers of about 22 D.

    Source: the backward equation of `langevin.mean-first-passage` in two dimensions.
    """
    _planar(system, start, boundary)
    box = _box(system, start, boundary)
    (coarse, _), (fine, rounding) = (_solved(system, start, (*box, boundary), cells // 2, finer) for finer in (1, 2))
    if rounding > 0.01:
        raise ValueError(
            f"The passage takes about {fine:.1g} units of time, and {rounding:.0%} of it would be lost in rounding; "
            "lower the barrier, or use forward_flux."
        )
    time = fine + (fine - coarse) / 3
    eta = float(system.settings["eta"])
    return Passage(time / eta, float(np.log(time / eta)), abs(time / fine - 1) + rounding)


def _planar(system: System, start: tuple[float, float], boundary: float) -> None:
    d = len(system.landscape.coordinates)
    if d != 2 or system.optimizer != "sgd":
        raise ValueError(f"This is known for sgd in two dimensions, got {system.optimizer} in {d}.")
    system.law.needed("A diffusion")
    if system.noise.root:
        raise ValueError("The grid knows no correlated noise; turn the coordinates so that its covariance is diagonal.")
    if not start[0] < boundary:
        raise ValueError(f"The boundary must lie above the start, got start {start[0]:g} and boundary {boundary:g}.")


def _diffusions(system: System) -> tuple[Field, Field]:
    """D of both coordinates as functions of places."""

    def field(expression: sp.Expr) -> Field:
        function = sp.lambdify(system.landscape.coordinates, expression, "numpy")
        half = float(system.settings["eta"]) / 2
        return lambda place: half * np.broadcast_to(function(*place), np.shape(place[0]))

    first, second = (field(v) for v in system.noise.variances)
    return first, second


def _box(system: System, start: tuple[float, float], boundary: float) -> tuple[float, float, float]:
    """Lower end of θ_0, and both ends of θ_1, beyond which the loss is high above the start everywhere."""
    unit = max(float(D((np.array(start[0]), np.array(start[1])))) for D in _diffusions(system))
    wanted = float(system.landscape.value(start)) + RISE * unit
    ends = [start[0] - 1.0, start[1] - 1.0, start[1] + 1.0]
    for _ in range(200):
        low, down, up = ends
        x, y = np.linspace(low, boundary, 200), np.linspace(down, up, 200)
        sides = ([low, y], [x, down], [x, up])
        short = [float(system.landscape.value(side).min()) < wanted for side in sides]
        if not any(short):
            return low, down, up
        ends = [e + way * 0.1 * s for e, way, s in zip(ends, (-1, -1, 1), short, strict=True)]
    raise ValueError(f"The landscape does not rise around {start} on all sides: particles are lost there.")


def _solved(
    system: System, start: tuple[float, float], box: tuple[float, ...], cells: int, finer: int
) -> tuple[float, float]:
    """The time from the start, on one grid, and how much of it rounding may take."""
    x, y = (_through(*ends, cells, finer) for ends in ((box[0], box[3], start[0]), (box[1], box[2], start[1])))
    cells *= finer
    here = np.meshgrid(x, y, indexing="ij")
    number = np.arange(here[0].size).reshape(here[0].shape)
    rows, columns, rates = [], [], []
    for axis, D in enumerate(_diffusions(system)):
        size = D((here[0], here[1]))
        if size.min() <= 0:
            raise ValueError("The noise vanishes within reach, so the backward equation has no unique solution there.")
        step = (x, y)[axis][1] - (x, y)[axis][0]
        pull = _pull(system, D, axis, (x, y), step)
        lower, upper = (number.take(range(*ends), axis) for ends in ((0, cells), (1, cells + 1)))
        for origin, target, sign in ((lower, upper, 1), (upper, lower, -1)):
            rows.append(origin.ravel())
            columns.append(target.ravel())
            rates.append((size.ravel()[origin.ravel()] / step**2) * _bernoulli(-sign * pull.ravel()))
    i, j, rate = (np.concatenate(part) for part in (rows, columns, rates))
    total = np.bincount(i, rate, here[0].size)
    inside = number[:-1].ravel()  # the last column is the boundary
    matrix = sparse.csc_matrix((np.append(-rate, total), (np.append(i, number), np.append(j, number))))
    # The diagonal outweighs its row: no exchange of rows is needed, and none keeps the time's digits.
    factors = splu(matrix[inside][:, inside].tocsc(), diag_pivot_thresh=0.0)
    times = factors.solve(np.ones(len(inside)))
    time = float(times[number[np.argmin(abs(x - start[0])), np.argmin(abs(y - start[1]))]])
    return time, float(np.finfo(float).eps * total.max() * time)


def _through(low: float, high: float, point: float, cells: int, finer: int) -> np.ndarray:
    """Equidistant nodes from about `low` up to `high`, one of them the point; finer ones hold the first ones."""
    step = (high - point) / max(1, round((high - point) / (high - low) * cells))
    return high - step / finer * np.arange(cells * finer, -1, -1)


def _pull(system: System, D: Field, axis: int, nodes: Place, step: float) -> np.ndarray:
    """∫ -∂L/D along each edge in the direction of an axis, by two Gauss nodes."""
    total: np.ndarray | float = 0.0
    for node in (0.5 - 0.75**0.5 / 3, 0.5 + 0.75**0.5 / 3):
        places = [n[:-1] + node * step if k == axis else n for k, n in enumerate(nodes)]
        x, y = np.meshgrid(*places, indexing="ij")
        total = total - system.landscape.gradient([x, y])[axis] / D((x, y)) * step / 2
    return np.asarray(total)


def _bernoulli(p: np.ndarray) -> np.ndarray:
    """p/(e^p - 1)."""
    near = abs(p) < 1e-8
    safe = np.where(near, 1.0, np.clip(p, -700, 700))
    return np.where(near, 1 - p / 2, safe / np.expm1(safe))
