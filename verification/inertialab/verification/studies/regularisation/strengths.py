"""Strengths that make the expected error of a penalised fit along a line smallest, found by minimising it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize, minimize_scalar

from inertialab.experiments.har.smoother import Line
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

FINE = {"alone": 20, "together": 10}
"""Nodes within the root of twice the strength over the curvature, over which a fit averages."""
COARSE, MOST = 4000, 200_000
ANYWHERE = (np.log(1e-12), np.log(1e-1))
"""Logarithms of strengths in units of H between which the optimum must lie."""


def optima(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Strength that makes the mean expected error smallest, and that error at r times it over the least one.

    Args:
        points: `H`, `V`, `q`, `n`, the `amplitude` of cos 2πx, and `r`.
        rng: Not used.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        conditions = {**point, **shape(point["amplitude"], 1)}

        def make(m: int, point: Mapping[str, Any] = point) -> Line:
            ones = np.ones(m)
            return Line(cosine(m, point, 1), point["H"] * ones, point["V"] * ones, point["q"] * ones, point["n"])

        line, best = _refined(make, point["H"], FINE["alone"])
        least, other = (float(line.error(s * np.ones(len(line.truth))).mean()) for s in (best, point["r"] * best))
        found.append(Measurement("strength", conditions, Estimate(best)))
        found.append(Measurement("mistuned", conditions, Estimate(other / least)))
        tick()
    return Findings(tuple(found))


def regions(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Two regions side by side, fitted as one: the best strength of each, and the best common one.

    Gives the ratio of the strengths, first region over second, and the error of the first and of both with strengths of
    their own over that with the common one.

    Args:
        points: `H`, `V`, `q`, `n` of the second region, `R_H`, `R_V`, `R_q` of the first over it, and the
            `amplitude` of cos 4πx, which is level where they meet.
        rng: Not used.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        size = {"H": 1.0, "V": 1.0, "q": 1.0, **{name: point[f"R_{name}"] for name in "HVq" if f"R_{name}" in point}}

        def make(m: int, point: Mapping[str, Any] = point, size: Mapping[str, float] = size) -> Line:
            H, V, q = (point[name] * np.where(_first(m), size[name], 1.0) for name in "HVq")
            return Line(cosine(m, point, 2), H, V, q, point["n"])

        line, common = _refined(make, point["H"] * min(1.0, size["H"]), FINE["together"])
        rough = _apart(make(len(line.truth) // 8 * 2), np.log([common, common]), 0.5)
        logs, first = _apart(line, rough, 0.05), _first(len(line.truth))
        own, shared = line.error(np.where(first, *np.exp(logs))), line.error(np.full(len(first), common))
        conditions = {**wider(point, size), **shape(point["amplitude"], 2), "R": 1 / size["V"]}
        found.append(Measurement("ratio", conditions, Estimate(float(np.exp(logs[0] - logs[1])))))
        found.append(Measurement("own", conditions, Estimate(float(own[first].mean() / shared[first].mean()))))
        found.append(Measurement("both", conditions, Estimate(float(own.mean() / shared.mean()))))
        tick()
    return Findings(tuple(found))


def _apart(line: Line, start: np.ndarray, reach: float) -> np.ndarray:
    """Logarithms of the best strengths of both halves, looked for within a reach of a start, shape (2,)."""
    first = _first(len(line.truth))

    def total(logs: np.ndarray) -> float:
        return float(np.log(line.error(np.where(first, *np.exp(logs))).mean()))

    around = start + reach * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    options = {"xatol": 2e-4, "fatol": 1e-9, "initial_simplex": around}
    return minimize(total, start, method="Nelder-Mead", options=options).x


def _first(m: int) -> np.ndarray:
    return np.arange(m) < m // 2


def cosine(m: int, point: Mapping[str, Any], periods: int) -> np.ndarray:
    """The true function at m nodes of [0, 1]; level at both ends."""
    return point["amplitude"] * np.cos(2 * np.pi * periods * (np.arange(m) + 0.5) / m)


def shape(amplitude: float, periods: int) -> dict[str, float]:
    """Root mean square of its second derivative, and its wave number."""
    wave = 2 * np.pi * periods
    return {"f2": amplitude * wave**2 / 2**0.5, "wave": wave}


def wider(point: Mapping[str, Any], size: Mapping[str, float]) -> dict[str, Any]:
    """Conditions of a pair of regions, `H`, `V` and `q` being those of the region with the wider kernel."""
    loose = size["V"] / (size["H"] ** 2 * size["q"]) > 1
    return {**point, **{name: point[name] * (size[name] if loose else 1.0) for name in "HVq"}}


def _refined(make: Callable[[int], Line], H: float, fine: int) -> tuple[Line, float]:
    """A line with nodes enough for its best common strength, and that strength.

    Args:
        make: A line of so many nodes, an even number.
        H: Smallest curvature of the loss.
        fine: Nodes within a width.
    """
    line, best, around = make(COARSE), 0.0, ANYWHERE
    for _ in range(5):
        best = _common(line, H, around)
        around = (np.log(best / H) - 2, np.log(best / H) + 2)
        nodes = min(MOST, int(fine / (2 * best / np.max(line.curvature)) ** 0.5)) // 2 * 2
        if nodes <= 1.2 * len(line.truth):
            return line, best
        line = make(nodes)
    return line, _common(line, H, around)


def _common(line: Line, H: float, around: tuple[float, float]) -> float:
    flat = np.ones(len(line.truth))

    def value(log: float) -> float:
        return float(np.log(line.error(H * np.exp(log) * flat).mean()))

    least: Any = minimize_scalar(value, bounds=around, method="bounded", options={"xatol": 1e-6})
    if min(least.x - around[0], around[1] - least.x) < 1e-3:
        raise FloatingPointError("The best strength lies at an end of those that were tried; the line is too coarse.")
    return float(H * np.exp(least.x))
