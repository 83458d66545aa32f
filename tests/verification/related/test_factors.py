"""Weights read off Adam's steps, means over Gaussian gradients by one integral, and what runs tell of them."""

import numpy as np
import pytest
import torch

from inertialab.optim.rectification import rectification
from inertialab.verification.studies.related import averages, factors


@pytest.mark.parametrize(("beta", "beta2", "T"), [(0.9, 0.99, 7), (0.0, 0.9, 30), (0.5, 0.999, 1)])
def test_the_weights_are_those_of_corrected_moving_averages(beta, beta2, T):
    first, second = factors.weights(beta, beta2, T)
    ages = np.arange(T)[::-1]
    assert first == pytest.approx((1 - beta) * beta**ages / (1 - beta**T), rel=1e-9, abs=1e-15)
    assert second == pytest.approx((1 - beta2) * beta2**ages / (1 - beta2**T), rel=1e-9)


def test_two_equal_weights_and_one_have_known_means():
    """1/√((g² + h²)/2) has the mean √π and 1/√(g²) none; |g|/√(g²) is 1, |g + h|/√(2(g² + h²)) averages 2/π."""
    assert factors.factor_moments(np.full(2, 0.5))[0] == pytest.approx(np.pi**0.5, rel=1e-6)
    assert factors.mean_step(np.ones(1), np.ones(1)) == pytest.approx(1, rel=1e-6)
    assert factors.mean_step(np.full(2, 0.5), np.full(2, 0.5)) == pytest.approx(2 / np.pi, rel=1e-9)


def test_the_integrals_are_the_means_over_gaussian_numbers(rng):
    second = np.array([0.1, 0.1, 0.15, 0.15, 0.2, 0.3])
    first = np.linspace(0, 0.5, 6)
    g = rng.standard_normal((400_000, 6))
    root = np.sqrt(g**2 @ second)
    mean, square = factors.factor_moments(second)
    for value, drawn in (
        (mean, 1 / root),
        (square, root**-2.0),
        (factors.mean_step(first, second), abs(g @ first) / root),
    ):
        assert value == pytest.approx(drawn.mean(), abs=5 * drawn.std() / 400_000**0.5)


def test_the_rectification_is_read_off_the_steps():
    found = factors.rectification_of(0.99, 60)
    stated = [rectification(0.99, k, 4.0, "centre-of-mass", "first-order") or 1.0 for k in range(1, 61)]
    assert found == pytest.approx(np.array(stated), rel=1e-12)


def test_errors_of_degrees_of_freedom_are_their_scatter(rng):
    found = [averages.freedom(rng.chisquare(9, 2000) / 9) for _ in range(300)]
    values = np.array([f.value for f in found])
    assert values.mean() == pytest.approx(9, abs=4 * values.std() / 300**0.5 + 0.05)
    assert values.std() == pytest.approx(np.mean([f.se for f in found]), rel=0.15)


def test_runs_of_the_optimizer_and_the_integral_agree(cpu):
    g = torch.Generator().manual_seed(1)
    looks = averages.looked_at(
        averages.noisy_steps("adam", {"beta": 0.0, "beta2": 0.95}, 200_000, g), [12], lambda: None
    )
    mean, square = factors.factor_moments(factors.weights(0.0, 0.95, 12)[1])
    assert abs(looks[12].mean() - mean) < 4 * looks[12].std() / 200_000**0.5
    assert looks[12].var() == pytest.approx(square - mean**2, rel=0.03)


def test_errors_of_a_weighted_variance_are_its_scatter(rng):
    """Gaussian numbers drawn twice as wide: their own variance, one, and what the estimate says of its error."""
    found = []
    for _ in range(300):
        x = 2 * rng.standard_normal(2000)
        found.append(averages.weighted_variance(x, 2 * np.exp(-(x**2) * 3 / 8)))
    values = np.array([f.value for f in found])
    assert values.mean() == pytest.approx(1, abs=4 * values.std() / 300**0.5)
    assert values.std() == pytest.approx(np.mean([f.se for f in found]), rel=0.15)


def test_gradients_that_count_are_gaussian(rng):
    """Moments of a square that small gradients decide, and of one that large ones do."""
    gradients, weights = averages._small_gradients(4, 400_000, rng)
    for power, expected in ((0, 1.0), (2, 1.0), (4, 3.0)):
        counted = weights * gradients[2] ** power
        assert counted.mean() == pytest.approx(expected, abs=5 * counted.std() / 400_000**0.5)
    assert (gradients[2] ** 2).mean() < 0.7
