"""Exact numerics of escape: quadrature, and the discrete chain on Gauss nodes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.polynomial import Polynomial
from scipy import integrate

from inertialab.experiments.passage import chain_steps
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

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
    """Escape from a double well in white noise."""
    found = []
    for point in points:
        well = double_well(point["dL"])
        time = passage(well.deriv(), lambda x, D=point["D"]: D + 0 * x, (-2.5, -1.0, 1.0))
        curvatures = {"Ha": 8 * point["dL"], "Hb": 4 * point["dL"]}
        found.append(Measurement("time", {**point, **curvatures}, Estimate(time)))
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


def minibatch_passages(
    optimizer: str, points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Escape from a double well when the noise has one of two values, switching where the loss is s·dL.

    For Adam the second moment is the noise of the place, without momentum: drift L'/√C and diffusion η/2.
    """
    found = []
    for point in points:
        Ha, Hb = 8 * point["dL"], 4 * point["dL"]
        slope, switch = double_well(point["dL"]).deriv(), -np.sqrt(1 - np.sqrt(point["s"]))

        def noise(x: np.ndarray, switch: float = switch, a: float = Ha, b: float = Hb, B: float = point["B"]) -> Any:
            return np.where(x < switch, a, b) / B

        def drift(x: np.ndarray, slope: Field = slope, noise: Field = noise) -> Any:
            return slope(x) / (np.sqrt(noise(x)) if optimizer == "adam" else 1)

        def diffusion(x: np.ndarray, eta: float = point["eta"], noise: Field = noise) -> Any:
            return eta / 2 * (1 + 0 * x if optimizer == "adam" else noise(x))

        time = passage(drift, diffusion, (-2.0, -1.0, 1.0))
        one = {"detHa": Ha, "detHb": Hb, "beta": 0.0} if optimizer == "adam" else {}
        found.append(Measurement("time", {**point, "Ha": Ha, "Hb": Hb, **one}, Estimate(time)))
    return Findings(tuple(found))


def chains(
    rates: Sequence[float],
    well: Sequence[float],
    fields: Sequence[Sequence[float]],
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Escape time of the discrete chain over that of its diffusion, thresholds deep in the other well."""
    rows, ends = [], (-1.9, -1.0, 0.9)  # so far on the left that nothing leaves there
    for coefficients in fields:
        slope, D = Polynomial(well).deriv(), Polynomial(coefficients)
        slow = passage(slope, D, ends)
        for eta in rates:
            steps = chain_steps(slope, lambda x, D=D, eta=eta: 2 * D(x) / eta, eta, ends, panels=80)
            ratio = eta * steps / slow
            point = {"eta": eta, "potential": list(well), "D": list(coefficients)}
            rows.append(Measurement("ratio", point, Estimate(ratio)))
    return Findings(tuple(rows))


def thresholds(
    rates: Sequence[float], D: float, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """How far the thresholds of a free diffusion must be moved to give the mean time of the chain.

    The diffusion leaves (-b, b) from its middle after b²/2D on average. The shift follows from the difference of two
    widths, in which effects of the start drop out.
    """
    rows = []
    for eta in rates:
        times = [_walk(eta, D, b) for b in (1.0, 2.0)]
        shift = ((times[1] - times[0]) * 2 * D - 3) / 2  # (2 + s)² - (1 + s)² = 3 + 2s
        rows.append(Measurement("shift", {"eta": eta, "D": D}, Estimate(float(shift))))
    return Findings(tuple(rows))


def _walk(eta: float, D: float, b: float) -> float:
    """Mean time of a free normal walk from 0 out of (-b, b)."""
    nodes, weights = np.polynomial.legendre.leggauss(600)
    x, w = b * nodes, b * weights
    width = np.sqrt(2 * D * eta)

    def kernel(origin: np.ndarray) -> np.ndarray:
        return np.exp(-(((x - origin[:, None]) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi)) * w

    times = np.linalg.solve(np.eye(len(x)) - kernel(x), np.ones(len(x)))
    return float(eta * (1 + kernel(np.zeros(1)) @ times)[0])


def crossovers(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Adam's exponent on a parabola, second moment C + L'², by quadrature."""
    rows = []
    for point in points:
        H, C = point["Ha"], point["Ha"] / point["B"]
        top = np.sqrt(2 * point["dL"] / H)
        value, _ = integrate.quad(lambda x, H=H, C=C: 2 * H * x * np.sqrt(C + (H * x) ** 2) / C, 0, top, epsrel=1e-12)
        rows.append(Measurement("exponent", point, Estimate(value / point["eta"])))
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


def power_laws(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Escape under noise in proportion to the loss, in units of 2π/√(H_aH_b), double well above a floor."""
    rows = []
    for point in points:
        well = double_well(point["L_b"] - point["L_a"]) + point["L_a"]
        Ha, Hb = 8 * (point["L_b"] - point["L_a"]), 4 * (point["L_b"] - point["L_a"])
        scale = point["eta"] * point["h"] / point["B"]
        time = passage(well.deriv(), lambda x, well=well, scale=scale: scale * well(x), (-2.5, -1.0, 1.0))
        rows.append(Measurement("time", point, Estimate(time * np.sqrt(Ha * Hb) / (2 * np.pi))))
    return Findings(tuple(rows))
