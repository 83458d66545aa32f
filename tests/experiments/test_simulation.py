"""Ensembles and exact second moments."""

import numpy as np
import pytest
import torch

from inertialab.experiments import exact
from inertialab.experiments.ensemble import matrix_root, simulate


def _run(seed=0, **changes):
    arguments = {
        "optimizer": "sgd",
        "settings": {"eta": 0.5},
        "hessian": 1.0,
        "noise_covariance": 2.0,
        "particles": 1000,
        "times": [1, 4],
        "rng": np.random.default_rng(seed),
        "device": torch.device("cpu"),
    } | changes
    return simulate(arguments.pop("optimizer"), arguments.pop("settings"), **arguments)


def test_the_same_seed_gives_the_same_particles_bit_for_bit():
    assert np.array_equal(_run(), _run())
    assert not np.array_equal(_run(), _run(seed=1))


def test_positions_are_recorded_at_the_times_asked_for():
    H = np.diag([1.0, 0.3])
    longer = _run(hessian=H, noise_covariance=np.eye(2), times=[2, 3, 7])
    assert longer.shape == (3, 1000, 2)
    assert np.array_equal(_run(hessian=H, noise_covariance=np.eye(2), times=[3])[0], longer[1])


def test_without_noise_a_ballistic_start_follows_the_map():
    settings = {"eta": 0.1, "beta": 0.9}
    path = _run(optimizer="momentum-ema", settings=settings, noise_covariance=0.0, buffer_mean=0.3, particles=2)
    assert path[0, :, 0] == pytest.approx([-0.1 * 0.9 * 0.3] * 2)


def test_the_first_step_has_the_covariance_of_the_noise():
    C = np.array([[2.0, 0.9], [0.9, 1.0]])
    first = _run(hessian=np.eye(2), noise_covariance=C, particles=200_000, times=[1])[0]
    assert np.cov(first.T) == pytest.approx(0.25 * C, rel=0.02)


def test_a_thermal_start_has_the_spread_asked_for():
    settings = {"eta": 1.0, "beta": 0.5}
    first = _run(
        optimizer="momentum-ema", settings=settings, noise_covariance=0.0, buffer_std=2.0, particles=100_000, times=[1]
    )
    assert first[0].std() == pytest.approx(0.5 * 2.0, rel=0.02)


def test_every_step_is_reported():
    ticks = []
    _run(tick=lambda: ticks.append(1), times=[9])
    assert len(ticks) == 9


def test_the_root_of_a_singular_covariance_exists():
    C = torch.tensor([[1.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    root = matrix_root(C)
    assert torch.allclose(root @ root.T, C)


def test_iterating_reaches_what_the_lyapunov_solver_finds():
    A, kick = exact.recursion("momentum-torch", eta=0.1, h=1.0, beta=0.9)
    Q = 0.7 * kick @ kick.T
    assert exact.moments_after(A, Q, np.zeros((2, 2)), 2000) == pytest.approx(exact.stationary_moments(A, Q), rel=1e-9)


def test_an_unstable_recursion_has_no_stationary_state():
    A, kick = exact.recursion("sgd", eta=3.0, h=1.0)
    with pytest.raises(ValueError, match="spectral radius of one step is 2, it must be < 1"):
        exact.stationary_moments(A, kick @ kick.T)
