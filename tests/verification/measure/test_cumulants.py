"""Third cumulants of gradient noise against enumerated batches, and the coverage of their intervals."""

import numpy as np
import pytest
import torch
from torch import nn

from inertialab.verification.measure import Problem, third_cumulants
from inertialab.verification.measure.cumulants import cumulants_of_samples


def test_third_cumulants_are_those_of_batches(generator, rng):
    X = torch.randn(7, 2, dtype=torch.float64, generator=generator) ** 3
    problem = Problem(nn.Linear(2, 1, bias=False).double(), lambda o, y: o.mean(), (X, torch.zeros(7)))
    pairs = torch.stack([(X[i] + X[j]) / 2 for i in range(7) for j in range(7)])  # every batch of two
    centred = pairs - pairs.mean(0)
    expected = torch.einsum("ni,nj,nk->ijk", centred, centred, centred) / 49
    found = third_cumulants(problem, torch.eye(2, dtype=torch.float64), rng=rng, batch=2, resamples=200)
    np.testing.assert_allclose(found.value, expected.numpy(), rtol=1e-12)
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    for ends in (found.low, found.high):
        np.testing.assert_array_equal(ends, ends.transpose(2, 0, 1))


def test_a_large_mean_swallows_nothing(rng):
    x = rng.standard_exponential((500, 2))
    near, far = (cumulants_of_samples(x + shift, rng=np.random.default_rng(0), resamples=100) for shift in (0.0, 1e6))
    np.testing.assert_allclose(far.value, near.value, rtol=1e-6)


def test_intervals_cover_and_those_for_normal_noise_do_not(rng):
    """Of a skewed and bounded component, a normal one and their mixed cumulants; 95% asked for, the tail costs some."""
    cases, n = 300, 1000
    third = 2 * 2 * 5 * (5 - 2) / (7**3 * 8 * 9)  # of beta(2, 5): 2ab(b - a)/((a + b)³(a + b + 1)(a + b + 2))
    exact = np.zeros((2, 2, 2))
    exact[0, 0, 0] = third
    hits, naive = np.zeros((2, 2, 2)), 0
    for _ in range(cases):
        x = np.stack([rng.beta(2, 5, n), rng.standard_normal(n)], axis=1)
        found = cumulants_of_samples(x, rng=rng, resamples=600)
        hits += (found.low <= exact) & (exact <= found.high)
        skew = cumulants_of_samples(rng.standard_exponential((n, 1)), rng=rng, resamples=2).value.item()
        naive += abs(skew - 2) < 1.96 * (6 / n) ** 0.5
    assert (hits / cases > 0.90).all(), hits / cases
    assert (hits / cases < 0.985).all(), hits / cases
    assert naive / cases < 0.5


def test_a_batch_is_less_skewed(rng):
    x = rng.standard_exponential((400, 1))
    one, four = (cumulants_of_samples(x, rng=np.random.default_rng(0), batch=b, resamples=100) for b in (1, 4))
    assert four.value.item() == pytest.approx(one.value.item() / 16)
    assert four.high.item() == pytest.approx(one.high.item() / 16)
