"""Exact numerics of escape as a diffusion: quadrature of first-passage integrals."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.polynomial import Polynomial
from scipy import integrate

from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.wells import EDGE, curvatures, metastable

Field = Callable[[np.ndarray], np.ndarray]


def passage(slope: Field, diffusion: Field, ends: tuple[float, float, float], cells: int = 400_000) -> float:
    """Mean time from the middle to the last of three places, reflecting at the first; Ito, by the midpoint rule."""
    left, start, right = ends
    edges = np.linspace(left, right, cells + 1)
    x, step = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    D = diffusion(x)
    rise = np.cumsum(slope(x) / D) * step
    exponent = rise - slope(x) / D * step / 2
    low = exponent.min()
    weight = np.exp(low - exponent) / D * step
    inner = np.cumsum(weight) - weight / 2
    late = x > start
    high = exponent[late].max()
    return float(np.sum(np.exp(exponent[late] - high) * inner[late]) * step * np.exp(high - low))


def double_well(height: float) -> Polynomial:
    """height·(x² - 1)²: minima at ±1 of curvature 8·height, saddle at 0 of curvature 4·height."""
    return height * Polynomial([-1, 0, 1]) ** 2


def passages(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Escape from metastable wells in white noise: barrier, ratio of curvatures and D of each point."""
    found = []
    for point in points:
        well = metastable(point["barrier"], point["ratio"])
        time = passage(
            lambda x, well=well: well.gradient([x])[0], lambda x, D=point["D"]: D + 0 * x, (-1.7, -1.0, EDGE)
        )
        found.append(Measurement("time", {**point, **curvatures(well)}, Estimate(time)))
    return Findings(tuple(found))


def solved_passages(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """First-passage times from SciPy's adaptive quadrature of the nested integrals."""
    rows = []
    for point in points:
        slope, D = Polynomial(point["potential"]).deriv(), Polynomial(point["D"])
        absorbing, reflecting = point["boundaries"]

        def rise(y: float, slope: Polynomial = slope, D: Polynomial = D, origin: float = point["x0"]) -> float:
            return integrate.quad(lambda x: slope(x) / D(x), origin, y, epsrel=1e-11, epsabs=1e-13)[0]

        def flux(y: float, rise: Callable = rise, D: Polynomial = D, end: float = reflecting) -> float:
            inner = integrate.quad(lambda z: np.exp(-rise(z)) / D(z), y, end, epsrel=1e-9)[0]
            return np.exp(rise(y)) * inner

        time = integrate.fixed_quad(np.vectorize(flux), absorbing, point["x0"], n=24)[0]
        rows.append(Measurement("time", point, Estimate(float(time))))
    return Findings(tuple(rows))


def floors(levels: Sequence[float], *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Exponent of the double well under noise max(|L''|, floor)/B, between one floor and a tenth of it."""
    well = double_well(1.0)
    slope, bend, third = well.deriv(), well.deriv(2), well.deriv(3)
    place = -1 / np.sqrt(3)
    unit = 4 * abs(slope(place) / third(place))

    def exponent(floor: float) -> float:
        near = [place + side * floor / abs(third(place)) * k for side in (-1, 1) for k in (1, 10, 100)]
        value = integrate.quad(
            lambda x: 2 * slope(x) / max(abs(bend(x)), floor), -1, 0, points=[place, *near], epsrel=1e-11, limit=400
        )
        return value[0]

    rows = [((exponent(f / 10) - exponent(f)) / np.log(10) / unit, f) for f in levels]
    return Findings(tuple(Measurement("growth", {"floor": f}, Estimate(float(r))) for r, f in rows))
