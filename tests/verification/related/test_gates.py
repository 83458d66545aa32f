"""CProp's scale read off its steps, and the spread beside SGD's."""

import numpy as np
import pytest
import torch

from inertialab.optim.cprop import conformity
from inertialab.verification.studies.related import gates


def test_the_scale_of_a_step_is_the_optimizers_own():
    run = gates.scales({"beta": 0.9}, 0.3, 50, torch.Generator().manual_seed(3))
    again, mean, square = torch.Generator().manual_seed(3), *(torch.zeros(50, dtype=torch.float64) for _ in range(2))
    gathered, settings = 0.0, {"conformity_eps": 1e-8, "cdf": "normal", "c": 1.0}
    for _ in range(11):
        gathered += (1 - gathered) * (1 - 0.9)
        g = 0.3 + torch.randn(50, dtype=torch.float64, generator=again)
        expected = conformity(g, mean, square, (1 - 0.9) / gathered, settings)
        assert next(run).tolist() == pytest.approx(expected.tolist(), rel=1e-9)


def test_the_first_scale_is_one():
    assert next(gates.scales({"beta": 0.99}, 0.0, 8, torch.Generator().manual_seed(0))).tolist() == [1.0] * 8


def test_a_gate_that_is_always_open_is_sgd(rng, cpu):
    point = {"eta": 0.05, "h": 1.0, "C": 2.0, "beta": 0.9, "c": 1e9}
    (found,) = gates.heats([point], 50, 24, rng=rng, device=cpu, tick=lambda: None).measurements
    assert found.estimate.value == pytest.approx(1, abs=0.02)


def test_fast_directions_are_told_apart(rng, cpu):
    point = {"eta": 0.3, "h": 1.0, "C": 1.0, "beta": 0.95, "c": 1.0}
    (found,) = gates.heats([point], 300, 24, rng=rng, device=cpu, tick=lambda: None).measurements
    assert found.quantity == "fast"
    assert found.estimate.value < 0.9


def test_the_error_of_a_ratio_is_its_scatter(rng):
    found = []
    for _ in range(300):
        common = rng.standard_normal(400) ** 2
        found.append(gates.over(common + 0.1 * rng.standard_normal(400) ** 2, common))
    values = np.array([f.value for f in found])
    assert values.std() == pytest.approx(np.mean([f.se for f in found]), rel=0.15)
