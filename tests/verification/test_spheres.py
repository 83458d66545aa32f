"""The norm of weights without size: the chain on nodes against the fixed point of one size, and against many runs."""

import numpy as np
import pytest

from inertialab.verification.studies.exact import spheres as exact
from inertialab.verification.studies.particles import spheres

POINT = {"eta": 0.2, "decay": 0.1, "low": 0.5, "high": 1.5, "share": 0.3}


def test_gradients_of_one_size_keep_the_fixed_point_of_the_norm(rng, cpu):
    same = {**POINT, "high": 0.5 * (1 + 1e-6)}
    fourth, turned = (
        m.estimate.value for m in exact.norms([same], rng=rng, device=cpu, tick=lambda: None).measurements
    )
    step = POINT["eta"] * POINT["decay"]
    assert fourth == pytest.approx(POINT["eta"] * 0.25 / (POINT["decay"] * (2 - step)), rel=1e-5)
    assert np.cos(turned) == pytest.approx(1 - step, rel=1e-5)


def test_the_chain_on_nodes_has_the_mean_of_many_runs(rng, cpu):
    w = np.tile([1.0, 0.0], (4000, 1))
    fourth = []
    for step in range(900):
        squared = (w**2).sum(1, keepdims=True)
        sizes = np.where(rng.random((len(w), 1)) < POINT["share"], POINT["high"], POINT["low"])
        orthogonal = np.stack([-w[:, 1], w[:, 0]], axis=1) / squared
        w = w - POINT["eta"] * (sizes * orthogonal + POINT["decay"] * w)
        fourth += [((w**2).sum(1) ** 2).mean()] if step >= 300 else []
    (found, _) = exact.norms([POINT], rng=rng, device=cpu, tick=lambda: None).measurements
    assert found.estimate.value == pytest.approx(np.mean(fourth), rel=2e-3)
    assert found.point["G2"] == pytest.approx(0.7 * 0.25 + 0.3 * 2.25)


def test_the_error_of_a_norm_is_that_beside_its_gradients(rng):
    """What norms and gradients share cancels; what they do not share stays."""
    scale = 1 + 0.1 * rng.standard_normal(500)
    assert spheres.beside(3 * scale, scale).se < 1e-12
    noise = 0.1 * rng.standard_normal(500)
    assert spheres.beside(3 * scale + noise, scale).se == pytest.approx(0.1 / 500**0.5, rel=0.15)


def test_units_settle_near_the_norm_of_one_size(rng, cpu):
    """A spread of gradients makes the fourth power larger, by a few percent at this decay."""
    point = {"eta": 0.3, "decay": 0.2, "inputs": 4, "batch": 2, "steep": 1.0}
    found = spheres.units([point], 400, rng=rng, device=cpu, tick=lambda: None).measurements
    assert [m.quantity for m in found] == ["fourth-power", "angle"]
    ratio = found[0].estimate.value / (0.3 * found[0].point["G2"] / (0.2 * (2 - 0.06)))
    assert 1 < ratio < 1.15
    assert found[0].estimate.se / found[0].estimate.value < 0.01
