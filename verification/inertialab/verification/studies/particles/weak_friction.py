"""Escape at weak friction: forward flux of momentum through levels of the energy, which is what diffuses there."""

import numpy as np
import sympy as sp
import torch

from inertialab.experiments.system import System, indexed
from inertialab.theory.symbols import m
from inertialab.verification.studies.noisy_wells import as_particle, white
from inertialab.verification.studies.particles.flux import escape_time
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.wells import EDGE, orbit_action

GONE = 2.0
"""Height of a particle beyond the edge, in barriers; no energy inside comes near it."""
ALONE = 1e30
"""Action beyond the barrier where there is no second well, from which particles would come back."""


def energy(system: System, M: float) -> sp.Expr:
    """Loss and kinetic energy M·v²/2 of EMA momentum within a well of barrier one, and `GONE` beyond its edge.

    The buffer is the velocity half a step before the position; half a gradient on it is that at the same time, and
    their energy is kept, without noise and friction, up to the square of the step.
    """
    (place,), (slope,) = system.landscape.coordinates, system.landscape.gradients
    speed = indexed(m, 0) + sp.Float((1 - system.settings["beta"]) / 2, 17) * slope
    inside = system.landscape.loss + sp.Float(M / 2, 17) * speed**2
    return sp.Piecewise((inside, place < EDGE), (sp.Float(GONE), True))


def escapes(
    points: Points,
    particles: int,
    replicates: int,
    wanted: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean escape time of EMA momentum in white noise."""
    rows = []
    for point in points:
        system, conditions = white("momentum-ema", point)
        conditions |= as_particle("momentum-ema", point)
        conditions |= {"action": orbit_action(system.landscape), "action_beyond": ALONE}
        time = escape_time(
            system,
            rng,
            tick,
            # Its distribution is forgotten twice as fast as its mean, which the energy has from the start on.
            relaxation=0.5 / (1 - point["beta"]),
            particles=particles,
            replicates=replicates,
            wanted=wanted,
            states={"m": (2 * point["D"] / conditions["M"]) ** 0.5},
            boundary=GONE,
            height=energy(system, conditions["M"]),
        )
        rows.append(Measurement("time", conditions, time))
    return Findings(tuple(rows))
