"""A sharpened loss: the same escapes at another rate, and the power that a fit finds."""

import numpy as np
import pytest

from inertialab.experiments.passage import chain_passage
from inertialab.verification.studies.sharpened import grown, power
from inertialab.verification.studies.wells import EDGE

POINT = {"ratio": 1.3, "scan": "sharpness", "exponent": 8.0, "eta": 0.03}


@pytest.mark.parametrize("kind", ["even", "curvature"])
def test_a_sharpened_loss_is_left_in_the_steps_of_a_larger_rate(kind):
    """Whatever the noise: the experiment cannot tell noise in proportion to the curvature from any other."""
    sharp, scale = grown({**POINT, "kind": kind}, 1.7)
    plain, _ = grown({**POINT, "kind": kind}, 1.0)
    faster = type(plain)(plain.landscape, plain.noise, "sgd", {"eta": 1.7 * POINT["eta"]})
    one = chain_passage(sharp, -scale, EDGE * scale, panels=60)
    other = chain_passage(faster, -1.0, EDGE, panels=60)
    assert one.steps == pytest.approx(other.steps, rel=1e-9)


@pytest.mark.parametrize("true", [0.5, 1.0, 1.4])
def test_the_power_is_found_with_its_error(true):
    k, errors, rng = np.array([1.0, 1.5, 2.3, 3.5]), np.array([0.01, 0.008, 0.005, 0.005]), np.random.default_rng(1)
    exact = 2.0 + 7 * k**-true - np.log(k)
    assert power("sharpness", k, exact, 0 * errors).value == pytest.approx(true, abs=1e-6)
    found = [power("sharpness", k, exact + errors * rng.standard_normal(4), errors) for _ in range(400)]
    scatter = np.std([f.value for f in found])
    assert scatter == pytest.approx(np.mean([f.se for f in found]), rel=0.15)


def test_without_its_prefactor_the_power_is_another():
    k = np.array([1.0, 1.25, 1.5, 1.75, 2.0])
    found = power("batch", k, 2.0 + 12 / k - np.log(k), 0 * k)
    assert found.value < 0.93
