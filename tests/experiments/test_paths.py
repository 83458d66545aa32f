"""Problems of one weight: critical points, gradients, exact times against counted ones."""

import numpy as np
import pytest
import torch

from inertialab.experiments.problem import Problem
from inertialab.experiments.training import paths


@pytest.fixture(scope="module")
def well():
    return paths.one_weight("breast-cancer", 18, 1, 1.5, -0.5)


def test_the_minimum_and_the_saddle_are_critical_points(well):
    slope = well.gradients(np.array([well.minimum, well.saddle])) @ well.shares
    assert slope == pytest.approx([0, 0], abs=1e-12)
    between = well.gradients(np.linspace(well.minimum, well.saddle, 50)[1:-1]) @ well.shares
    assert (between * np.sign(well.saddle - well.minimum) > 0).all()
    assert well.shares.sum() == pytest.approx(1)


def test_gradients_are_those_of_automatic_differentiation(well):
    flats = torch.tensor([[-0.7], [0.2], [1.3]], dtype=torch.float64)
    indices = torch.tensor([[3, 3, 500], [0, 1, 2], [77, 78, 79]])
    own = well.problem
    plain = Problem(own.model, own.inputs, own.targets, own.l2, own.loss)
    assert torch.allclose(own.batch_gradients(flats, indices), plain.batch_gradients(flats, indices), rtol=1e-12)
    whole = well.gradients(flats[:, 0].numpy()) @ well.shares
    assert whole == pytest.approx([float(plain.gradient(w)) for w in flats])


def test_exact_times_are_those_of_training(well):
    eta, batch, generator = 0.12, 2, torch.Generator().manual_seed(0)
    events, risk = paths.count_departures(well, eta, batch, chains=2000, steps=6000, generator=generator)
    assert events > 3000
    assert risk / events == pytest.approx(paths.batch_passage(well, eta, batch), rel=4 / events**0.5)


def test_exact_times_do_not_depend_on_the_grid(well):
    times = [paths.batch_passage(well, 0.12, 2, nodes) for nodes in (600, 1200)]
    assert times[0] == pytest.approx(times[1], rel=1e-3)


def test_steps_in_between_keep_three_moments():
    steps = np.random.default_rng(0).uniform(-4, 4, (5, 30))
    shares = np.full(30, 1 / 30)
    law = paths._on_grid(steps, shares, 7)
    for power in range(4):
        assert law @ np.arange(-7.0, 8.0) ** power == pytest.approx(steps**power @ shares)


def test_a_loss_without_a_barrier_is_refused():
    with pytest.raises(paths.NoBarrierError, match=r"Feature 3 of wine with bias 0 has 1 minima and 0 saddles; choose"):
        paths.one_weight("wine", 3, 0, 0.0, 0.0)
