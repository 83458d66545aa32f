"""Landscapes and points of the escape studies: curvatures, heights and noise as they were asked for."""

import itertools

import numpy as np
import pytest
import sympy as sp

from inertialab.experiments.system import Noise, System
from inertialab.theory import claim
from inertialab.verification.docket import climbs
from inertialab.verification.studies import noisy_wells
from inertialab.verification.studies.wells import EDGE, at_height, curvatures, metastable, orbit_action, two_levels


@pytest.mark.parametrize("ratio", [0.25, 0.5, 1.0, 1.7, 4.0])
def test_a_well_has_the_curvatures_and_the_height_that_were_asked_for(ratio):
    well = metastable(0.7, ratio)
    ends = curvatures(well)
    assert ends["dL"] == pytest.approx(0.7)
    assert ends["Ha"] / ends["Hb"] == pytest.approx(ratio)
    x = np.linspace(-0.999, -0.001, 500)
    assert (well.gradient([x])[0] > 0).all()
    assert well.value([EDGE]) < 0.7 - 0.3
    third = [float(sp.diff(well.loss, well.coordinates[0], 3).subs(well.coordinates[0], place)) for place in (-1, 0)]
    assert third[0] != pytest.approx(third[1]) or ratio == 1


@pytest.mark.parametrize(("barrier", "ratio"), [(0.0, 1.0), (1.0, -2.0)])
def test_a_well_that_is_none_is_refused(barrier, ratio):
    with pytest.raises(ValueError, match="must be > 0, got"):
        metastable(barrier, ratio)


@pytest.mark.parametrize("power", [1, sp.Rational(1, 2)])
def test_noise_changes_over_symmetrically_in_the_height(power):
    """∫C^{-power}dL over the way up is that of two values with a jump at the share s."""
    well, s = metastable(2.0, 3.0), 0.3
    variance, ends = two_levels(well, 5.0, 0.8, s, power)
    (x,) = well.coordinates
    noise = sp.lambdify(x, variance, "numpy")
    nodes, weights = np.polynomial.legendre.leggauss(400)
    cuts = [-1.0, *ends, 0.0]
    parts = [(a + b) / 2 + (b - a) / 2 * nodes for a, b in itertools.pairwise(cuts)]
    climbed = sum(
        (b - a) / 2 * weights @ (well.gradient([p])[0] * noise(p) ** -float(power))
        for p, a, b in zip(parts, cuts, cuts[1:], strict=False)
    )
    assert climbed == pytest.approx(2.0 * (s * 5.0 ** -float(power) + (1 - s) * 0.8 ** -float(power)), rel=1e-6)
    assert noise(np.array([-1.5, -1.0, 0.0, 0.5])) == pytest.approx([5.0, 5.0, 0.8, 0.8])
    assert well.value([at_height(well, s)]) == pytest.approx(2.0 * s)


ASKED = [
    ("sgd.escape", climbs.sgd_climb, {"height": 0.01}),
    ("adam.escape", climbs.adam_climb, {"memory": 0.02, "slow": 0.9}),
    ("adam.escape-frozen", climbs.frozen_climb, {"memory": 0.001, "slow": 0.015}),
]


@pytest.mark.parametrize(("id", "climb", "asked"), ASKED)
@pytest.mark.parametrize("ratio", [0.3, 1.0, 3.5])
def test_points_have_the_exponent_that_was_asked_for_and_lie_in_the_regime(id, climb, asked, ratio):
    point = climb(ratio=ratio, share=0.4, exponent=13.0, barrier=1.4, **asked)
    given = {**point, **curvatures(metastable(1.4, ratio)), "beta": 0.0}
    subject = claim(id)
    law = subject.predict(**{str(s): given[str(s)] for s in subject.arguments})
    more = {**given, "B": 1.21 * given["B"]}  # the exponent is linear in B or √B, the prefactor a power of it
    grown = subject.evaluate(**{str(s): more[str(s)] for s in subject.arguments})
    power, own = (1.21, 0.0) if id == "sgd.escape" else (1.1, -0.5 * np.log(1.21))
    assert np.log(grown / law) == pytest.approx(13.0 * (power - 1) + own, rel=1e-6)


def test_adai_has_the_inertia_that_was_asked_for():
    """κ of the escaping coordinate is β₀ times its share of the mean second moment, which is 1 beside its like."""
    well = metastable(1.0, 1.0)
    system, states = noisy_wells.adai_pair(well, sp.Float(3.0), {"eta": 0.01, "kappa": 0.2})
    assert system.settings["beta0"] == 0.2
    assert states == {"v": [3.0, 3.0], "q": [1.0, 1.0]}
    plain = System(well, Noise((sp.Float(3.0),)), "sgd", {"eta": 0.01})
    assert system.landscape.gradient([0.3, 0.1])[0] == pytest.approx(plain.slope(np.array(0.3)))


def test_the_action_of_an_orbit_is_that_of_the_cubic_well_and_grows_with_the_root_of_the_barrier():
    assert orbit_action(metastable(1.0, 1.0)) == pytest.approx(6 * 6**0.5 / 5)
    assert orbit_action(metastable(4.0, 0.5)) == pytest.approx(2 * orbit_action(metastable(1.0, 0.5)))


def test_a_climb_at_weak_friction_loses_in_an_orbit_what_was_asked_for():
    point = climbs.weak_climb(ratio=0.5, loss=1.2, exponent=21.0, friction=1e-3)
    system, conditions = noisy_wells.white("momentum-ema", point)
    conditions |= noisy_wells.as_particle("momentum-ema", point)
    gamma, M, D = (conditions[name] for name in ("gamma", "M", "D"))
    assert gamma**2 * M**1.5 * orbit_action(system.landscape) / D == pytest.approx(1.2)
    assert gamma * M * conditions["dL"] / D == pytest.approx(21.0)
    assert gamma * point["eta"] == pytest.approx(1e-3)
