"""Stationary density of a diffusion with drift -L' and Ito diffusion D(x), on a grid."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.polynomial import Polynomial

from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick


def on_a_grid(points: Points, cells: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Density at `x` over that at `x0`, from central differences of the current, which vanishes everywhere.

    Args:
        points: `potential` and `D` as coefficients of polynomials, `x0` and the places `at`.
        cells: Cells between x0 and the farthest place on either side.
        rng: Not needed.
        device: Not needed.
        tick: Not needed.
    """
    rows = []
    for point in points:
        slope, D = Polynomial(point["potential"]).deriv(), Polynomial(point["D"])
        for x in point["at"]:
            grid = np.linspace(point["x0"], x, cells + 1)
            step = grid[1] - grid[0]
            up, down = (D(grid) / step + sign * slope(grid) / 2 for sign in (1, -1))
            ratio = np.exp(np.log(np.abs(down[:-1])).sum() - np.log(np.abs(up[1:])).sum())
            rows.append(Measurement("density", at_place(point, x), Estimate(float(ratio))))
    return Findings(tuple(rows))


def at_place(point: Mapping[str, Any], x: float) -> dict[str, Any]:
    """The conditions of a point at one of its places."""
    return {**{k: v for k, v in point.items() if k != "at"}, "x": x}
