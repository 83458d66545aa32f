"""Drift along the valley of noisy labels: the chain carried backwards against particles, and against its symmetry."""

import numpy as np
import pytest

from inertialab.theory import claim
from inertialab.verification.court.check import arguments
from inertialab.verification.studies.exact import labels as exact
from inertialab.verification.studies.particles import labels

POINT = {"eta": 0.1, "sigma": 0.3, "B": 2, "u": 3.0, "v": 1.0}


def velocity(measure, point, rng, cpu, *particles):
    (found,) = measure([point], *particles, rng=rng, device=cpu, tick=lambda: None).measurements
    return found


def test_the_chain_carried_backwards_drifts_like_many_particles(rng, cpu):
    """In units of the law, since particles measure a little further on; the noise is too wide for the law itself."""
    wide = {**POINT, "sigma": 2.0}
    law = claim("label-noise.flatness")
    carried, run = velocity(exact.drifts, wide, rng, cpu), velocity(labels.drifts, wide, rng, cpu, 100_000)
    ratios = [f.estimate.scaled(1 / law.evaluate(**arguments(law, f.point))) for f in (carried, run)]
    assert abs(ratios[0].value - ratios[1].value) < 4 * ratios[1].se
    assert abs(ratios[0].value - 1) > 5 * ratios[1].se


def test_more_nodes_do_not_change_the_drift(rng, cpu, monkeypatch):
    found = velocity(exact.drifts, POINT, rng, cpu).estimate.value
    monkeypatch.setattr(exact, "DEGREE", 10)
    monkeypatch.setattr(exact, "NODES", 14)
    assert velocity(exact.drifts, POINT, rng, cpu).estimate.value == pytest.approx(found, rel=1e-6)


def test_exchanging_the_two_parameters_turns_the_drift_around(rng, cpu):
    other = {**POINT, "u": POINT["v"], "v": POINT["u"]}
    found = [velocity(exact.drifts, p, rng, cpu).estimate.value for p in (POINT, other)]
    assert found[0] < 0
    assert found[1] == pytest.approx(-found[0], rel=1e-9)


def test_the_place_is_that_of_the_valley():
    """Slope of the sharpness by differences of arc length along the hyperbola."""
    u = np.array([3.0, 3.0 + 1e-6])
    v = 3.0 / u
    sharp, gaps = u**2 + v**2, np.hypot(np.diff(u), np.diff(v))
    about = exact.place(POINT, u[0] ** 2 - v[0] ** 2)
    assert about["h"] == pytest.approx(sharp[0])
    assert about["h_slope"] == pytest.approx(np.diff(sharp)[0] / gaps[0], rel=1e-5)


@pytest.mark.parametrize("rate", [0.05, 0.8, 1.0, 1.7])
def test_deviations_fall_to_the_share_of_a_relaxation(rate):
    steps = exact.relaxation({"eta": rate, "u": 1.0, "v": 0.0})
    assert abs(1 - rate) ** steps == pytest.approx(np.exp(-1) if rate != 1 else 1.0)
