"""Errors of estimates and of what is made of them, against the spread over repetitions."""

import numpy as np
import pytest

from inertialab.verification.measure.estimate import Estimate


def _pairs(rng, n):
    """Two positive numbers a unit that vary together."""
    common = rng.standard_normal((2, n))
    return 3 + common[0], 2 + 0.8 * common[0] + 0.3 * common[1]


def test_the_error_of_a_quotient_is_its_spread(rng):
    found = [Estimate.quotient(*_pairs(rng, 400)) for _ in range(400)]
    values = np.array([one.value for one in found])
    assert values.mean() == pytest.approx(1.5, abs=0.01)
    assert np.mean([one.se for one in found]) == pytest.approx(values.std(), rel=0.1)
    assert found[0].n == 400


def test_means_over_the_same_units_are_not_independent(rng):
    """What varies together cancels in the quotient: taken as independent, its error would be three times too large."""
    above, below = _pairs(rng, 10_000)
    alone = Estimate.mean(above).over(Estimate.mean(below))
    assert alone.value == pytest.approx(Estimate.quotient(above, below).value)
    assert alone.se > 3 * Estimate.quotient(above, below).se


@pytest.mark.parametrize("centre", [2.0, 0.0, -2.0])
def test_the_error_of_a_ratio_of_independent_means_is_its_spread(rng, centre):
    found = [Estimate.mean(rng.normal(centre, 1, 200)).over(Estimate.mean(rng.normal(-5, 1, 100))) for _ in range(400)]
    values = np.array([one.value for one in found])
    assert np.mean([one.se for one in found]) == pytest.approx(values.std(), rel=0.12)
    assert found[0].n == 100


def test_a_ratio_keeps_what_its_looks_may_spend():
    assert Estimate(2.0, 0.1, 50, share=0.2).over(Estimate(4.0)).share == 0.2


def test_a_mean_needs_two_units():
    with pytest.raises(ValueError, match="at least 2 units"):
        Estimate.mean(np.ones(1))
