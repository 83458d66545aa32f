"""Systems whose particles take steps with given normal numbers."""

import numpy as np
import sympy as sp

from inertialab.experiments.particles import Particles
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import LANDSCAPES, Landscape, coordinates, quadratic

SETTINGS = {"eta": 0.01, "beta": 0.8, "beta0": 0.3, "beta2": 0.9, "eps": 0.05, "delta": 1e-3, "c": 1.5, "decay": 0.3}
VALLEY = LANDSCAPES["curved-valley"].at()
DIAGONAL = quadratic(np.diag([0.5, 1.0, 2.0]))
FLAT = Landscape("flat", sp.S.Zero, coordinates(1), {}, (sp.S.Zero,))


def system(row, landscape=VALLEY, law="gaussian"):
    settings = {name: SETTINGS[name] for name in ("eta", *row.settings)}
    return System(landscape, Noise.hessian_proportional(landscape, 4.0, 0.05, law), row.name, settings)


def positions(setup, numbers, aged=False):
    """Positions after some steps of the compiled loop with given normal numbers."""
    crowd = Particles(setup, numbers.shape[2], np.full(len(setup.landscape.coordinates), 0.3), precision=np.float64)
    if aged:
        crowd = Particles(
            setup,
            numbers.shape[2],
            crowd.fresh[: numbers.shape[1]],
            precision=np.float64,
            passage="respawn",
            boundary=1e9,
        )
    crowd.advance(len(numbers), 0, 0, given=numbers)
    return crowd.values()
