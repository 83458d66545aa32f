"""Stationary density of a diffusion with drift -L' and Ito diffusion D(x): on a grid, and by small steps of SGD."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
import torch
from numpy.polynomial import Polynomial

from inertialab.experiments.particles import Particles
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import Landscape, coordinates
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.particles.relations import quotient
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

WIDTH = 0.16
"""Width of the windows in which particles are counted."""


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
            rows.append(Measurement("density", _at(point, x), Estimate(float(ratio))))
    return Findings(tuple(rows))


def by_particles(
    points: Points, particles: int, looks: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """The same from particles under SGD with noise of variance 2D(x)/η at a small learning rate η, counted in windows.

    Args:
        points: As for `on_a_grid`, and `eta`.
        particles: Number of independent particles, from x0.
        looks: Times at which they are counted, one relaxation time 1/L''(x0) apart, after a wait of as many.
        rng: Source of all randomness.
        device: Not needed.
        tick: Called after each chunk of steps.
    """
    rows = []
    for point in points:
        (x,) = coordinates(1)
        landscape = Landscape("polynomial", _written(point["potential"], x), (x,), minimum=(sp.Float(point["x0"]),))
        noise = Noise((2 / sp.Float(point["eta"]) * _written(point["D"], x),))
        system = System(landscape, noise, "sgd", {"eta": point["eta"]})
        crowd = Particles(system, particles, np.array([point["x0"]]))
        apart = int(np.ceil(1 / (point["eta"] * Polynomial(point["potential"]).deriv(2)(point["x0"]))))
        seed = int(rng.integers(2**31))
        crowd.advance(looks * apart, seed, 0)
        places = np.array([point["x0"], *point["at"]])
        counts = np.zeros((len(places), particles))
        for look in range(1, looks + 1):
            crowd.advance(apart, seed, look)
            counts += np.abs(crowd.values() - places[:, None]) < WIDTH / 2
            tick()
        rows += [
            Measurement("density", _at(point, x), quotient(count, counts[0]))
            for x, count in zip(point["at"], counts[1:], strict=True)
        ]
    return Findings(tuple(rows))


def _written(coefficients: Sequence[float], x: sp.Symbol) -> sp.Expr:
    return sum((sp.Float(c, 17) * x**n for n, c in enumerate(coefficients) if c), sp.Integer(0))


def _at(point: Mapping[str, Any], x: float) -> dict[str, Any]:
    return {**{k: v for k, v in point.items() if k != "at"}, "x": x}
