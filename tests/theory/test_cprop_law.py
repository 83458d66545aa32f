"""The law at rest behind CProp on fast directions: its mean size by other grids, by a wider one, by a simulation."""

import numpy as np
import pytest

from inertialab.theory.claims.optimizers import cprop_fast


def refined(coarse):
    first, second = (cprop_fast._on_grid(cells) for cells in (coarse, 2 * coarse))
    return (4 * second - first) / 3


def test_other_grids_say_the_same():
    assert refined(30) == pytest.approx(cprop_fast.mean_size(), abs=1e-3)
    assert refined(48) == pytest.approx(cprop_fast.mean_size(), abs=3e-4)


def test_nothing_is_left_beyond_the_grid(monkeypatch):
    monkeypatch.setattr(cprop_fast, "REACH", 5.5)
    assert refined(48) == pytest.approx(cprop_fast.mean_size(), abs=5e-4)


def test_a_simulation_of_the_two_equations_says_the_same():
    """dx = q dt + dW and dq = -|x| dx - sign(x) dt, by small steps."""
    rng, dt = np.random.default_rng(0), 1e-3
    x, q, sizes = np.zeros(4000), np.zeros(4000), []
    for step in range(12_000):
        dx = q * dt + np.sqrt(dt) * rng.standard_normal(x.shape)
        q -= abs(x) * dx + np.sign(x) * dt
        x += dx
        if step >= 6_000 and step % 50 == 0:
            sizes.append(abs(x).mean())
    assert np.mean(sizes) == pytest.approx(cprop_fast.mean_size(), rel=0.015)
