"""Adam with a small and with a large batch: what the scaled settings are, and ways that are known."""

import numpy as np
import pytest

from inertialab.experiments.ensemble import torch_generator
from inertialab.verification.studies.particles import large_batches

POINT = {"eta": 0.01, "beta": 0.9, "beta2": 0.98, "k_batch": 4, "L1": 1.0, "g_std": 2.0}


def test_a_large_batch_has_less_noise_shorter_memories_and_a_larger_rate():
    found = large_batches.scaled(POINT)
    assert found["g_std"] == 1.0
    assert found["eta"] == pytest.approx(0.02)
    assert found["beta"] == pytest.approx(0.6)
    assert found["beta2"] == pytest.approx(0.92)


def test_without_noise_adam_goes_a_learning_rate_in_a_step(rng, cpu):
    (found,) = large_batches.travels([{**POINT, "g_std": 1e-9}], 2, rng=rng, device=cpu, tick=lambda: None).measurements
    assert found.estimate.value == pytest.approx(0.5, rel=1e-6)


def test_pairs_have_the_mean_of_single_particles(rng, cpu):
    """Adam's rule written out on independent noises, with a small batch alone."""
    theta, m, v = (np.zeros(20_000) for _ in range(3))
    at = theta
    for step in range(1, 601):
        if step == 401:
            at = theta
        g = POINT["L1"] + POINT["g_std"] * rng.standard_normal(len(theta))
        m, v = 0.9 * m + 0.1 * g, 0.98 * v + 0.02 * g**2
        theta = theta - 0.01 * m / (1 - 0.9**step) / np.sqrt(v / (1 - 0.98**step))
    pairs = large_batches._ways(POINT, 2000, 200, torch_generator(rng, cpu), lambda: None)
    single = theta - at
    error = np.hypot(single.std() / len(single) ** 0.5, pairs.std() / len(pairs) ** 0.5)
    assert abs(pairs.mean() - single.mean()) < 4 * error
    assert error < 0.01 * abs(single.mean())
    assert pairs.std() < 0.6 * single.std()
