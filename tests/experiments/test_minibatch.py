"""True minibatches: the covariance of a step in each way of sampling, and refusals."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes

from inertialab.experiments.batches import Batches
from inertialab.experiments.minibatch import least_squares_paths

DATA = load_diabetes()
X = DATA.data[:440, 2:4] * 20
Y = (DATA.target[:440] - DATA.target[:440].mean()) / DATA.target.std()
MINIMUM = np.linalg.lstsq(X, Y, rcond=None)[0]
RESIDUALS = X * (X @ MINIMUM - Y)[:, None]
COVARIANCE = RESIDUALS.T @ RESIDUALS / len(X)


def displacement(sampling, times, batch=20, particles=40_000, eta=0.01):
    paths = least_squares_paths(
        X,
        Y,
        optimizer="sgd",
        settings={"eta": eta},
        batch=batch,
        sampling=sampling,
        particles=particles,
        times=times,
        rng=np.random.default_rng(5),
        start=MINIMUM,
    )
    return (paths - MINIMUM) / eta


@pytest.mark.parametrize(
    ("sampling", "factor"),
    [("with replacement", 1.0), ("without replacement", 420 / 439), ("shuffled epochs", 420 / 439)],
)
def test_one_step_has_the_covariance_of_its_sampling(sampling, factor):
    moved = displacement(sampling, [1])[0]
    expected = COVARIANCE / 20 * factor
    spread = np.sqrt(np.outer(np.diag(expected), np.diag(expected)) / len(moved))
    assert np.abs(moved.T @ moved / len(moved) - expected).max() < 5 * spread.max()


def test_the_ways_of_sampling_differ_by_more_than_the_test_allows():
    assert abs(1 - 420 / 439) > 5 * np.sqrt(2 / 40_000)


def test_a_shuffled_epoch_of_small_steps_ends_where_it_began():
    """The gradients of an epoch add up to that of all data, which is zero at the minimum."""
    shuffled = displacement("shuffled epochs", [11, 22], particles=2000, eta=1e-5)
    free = displacement("with replacement", [22], particles=2000, eta=1e-5)
    assert shuffled[1].var() < 1e-4 * free[0].var()
    assert shuffled[0].var() > 0.1 * free[0].var()


def test_an_epoch_has_every_sample_once():
    drawn = Batches(12, 4, 3, "shuffled epochs", torch.Generator().manual_seed(0))
    epoch = torch.cat([next(drawn) for _ in range(3)], dim=1)
    assert torch.equal(epoch.sort(1).values, torch.arange(12).expand(3, 12))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((10, 11, 2, "with replacement"), "1 to 10 samples, got 11"),
        ((10, 4, 2, "shuffled epochs"), "divides the 10 samples, got 4"),
        ((10, 4, 2, "sorted"), "Sampling must be one of"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        Batches(*arguments, torch.Generator())
