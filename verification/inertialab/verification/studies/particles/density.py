"""Stationary density of particles under SGD at so small a rate that it is a diffusion."""

from collections.abc import Sequence

import numpy as np
import sympy as sp
import torch
from numpy.polynomial import Polynomial

from inertialab.experiments.particles import Particles
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import Landscape, coordinates
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.flow.density import at_place
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

WIDTH = 0.16
"""Width of the windows in which particles are counted."""


def by_particles(
    points: Points, particles: int, looks: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Density of particles under SGD, noise of variance 2D(x)/η, at a small learning rate η, counted in windows.

    Args:
        points: `potential` and `D` as coefficients of polynomials, `x0`, the places `at`, and `eta`.
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
            Measurement("density", at_place(point, x), Estimate.quotient(count, counts[0]))
            for x, count in zip(point["at"], counts[1:], strict=True)
        ]
    return Findings(tuple(rows))


def _written(coefficients: Sequence[float], x: sp.Symbol) -> sp.Expr:
    return sum((sp.Float(c, 17) * x**n for n, c in enumerate(coefficients) if c), sp.Integer(0))
