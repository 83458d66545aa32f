"""The energy in which momentum climbs at weak friction."""

import numpy as np
import pytest
import sympy as sp

from inertialab.experiments.heights import heights_in
from inertialab.experiments.particles import Particles
from inertialab.experiments.system import Noise, System
from inertialab.verification.studies.particles.weak_friction import GONE, energy
from inertialab.verification.studies.wells import EDGE, metastable

m = sp.Symbol("m_0", real=True)
FRICTION = 1e-9


def swinging(angle):
    """EMA momentum without noise and with hardly any friction, which turns by an angle in a step, and its inertia."""
    well = metastable(1.0, 0.5)
    curvature = float(well.hessian([-1.0])[0, 0])
    eta = angle**2 / (FRICTION * curvature)
    return System(well, Noise((sp.S.Zero,)), "momentum-ema", {"eta": eta, "beta": 1 - FRICTION}), eta / FRICTION


def spread(system, height):
    """Of the energy on an orbit of half the barrier's height, in barriers."""
    crowd = Particles(system, 1, np.array([-0.5]), precision=np.float64)
    found = []
    for chunk in range(300):
        crowd.advance(1, 0, chunk)
        found.append(heights_in(system, height)(crowd.state)[0, 0])
    assert 0.3 < np.mean(found) < 0.7
    return float(np.ptp(found))


def test_the_energy_is_kept_up_to_the_square_of_the_step():
    """With the buffer itself, the velocity half a step before the position, only up to the step."""
    kept, plain = [], []
    for angle in (0.1, 0.05):
        system, M = swinging(angle)
        kept.append(spread(system, energy(system, M)))
        plain.append(spread(system, system.landscape.loss + M * m**2 / 2))
    assert kept[0] < 0.003
    assert kept[0] / kept[1] == pytest.approx(4, rel=0.1)
    assert plain[0] / plain[1] == pytest.approx(2, rel=0.1)
    assert plain[0] > 10 * kept[0]


def test_who_is_beyond_the_edge_is_gone_whatever_its_energy():
    system, M = swinging(0.1)
    heights = heights_in(system, energy(system, M))
    beyond = np.array([[EDGE, 0.0], [1e30, 0.0], [np.inf, np.nan], [np.nan, np.nan]])
    assert heights(beyond).tolist() == [GONE] * 4
    assert heights(np.array([[-1.0, 0.0], [0.0, 0.0]])) == pytest.approx([0.0, 1.0])
