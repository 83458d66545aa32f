"""Moments of ensembles and chains: intervals that cover."""

import numpy as np
import pytest

from inertialab.verification.measure import chain_covariances, mean_product, mean_square
from inertialab.verification.measure.estimate import Estimate


def test_the_interval_of_a_mean_square_covers_as_often_as_it_says(rng):
    hits = 0
    for _ in range(2000):
        low, high = mean_square(rng.standard_normal(400)).interval(0.9)
        hits += low <= 1 <= high
    assert hits / 2000 == pytest.approx(0.9, abs=0.02)


def test_a_mean_product_estimates_a_covariance(rng):
    x = rng.multivariate_normal([0, 0], [[2.0, 0.8], [0.8, 1.0]], 50_000)
    low, high = mean_product(x, 0, 1).interval(0.999)
    assert low < 0.8 < high


def test_correlated_samples_of_a_chain_count_once(rng):
    """The naive error of correlated samples is several times too small; that of chains covers."""
    a, chains, times = 0.95, 200, 300
    x = np.empty((times, chains, 1))
    x[0] = rng.standard_normal((chains, 1)) / (1 - a**2) ** 0.5
    for t in range(1, times):
        x[t] = a * x[t - 1] + rng.standard_normal((chains, 1))
    units = chain_covariances(x, 0, 0)
    estimate = Estimate.mean(units)
    assert abs(estimate.value * (1 - a**2) - 1) < 4 * estimate.se * (1 - a**2)
    assert estimate.se > 3 * Estimate.mean(x.reshape(-1) ** 2).se
