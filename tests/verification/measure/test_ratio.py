"""Noise beside curvature, with intervals over samples."""

import numpy as np
import pytest
import torch
from networks import dense_gradients, dense_hessian, dense_loss

from inertialab.verification.measure import (
    noise_ratio,
    project_curvature,
    subspace_overlap,
)
from inertialab.verification.measure.bootstrap import bootstrap
from inertialab.verification.measure.ratio import ratio_of_samples


def test_second_derivatives_of_samples_add_up_to_the_hessian(problem, generator):
    basis = torch.randn(problem.size, 3, dtype=torch.float64, generator=generator)
    found = project_curvature(problem, basis)
    H = dense_hessian(problem) - problem.l2 * torch.eye(problem.size, dtype=torch.float64)
    assert found.mean(0).tolist() == pytest.approx((basis.T @ H @ basis).diag().tolist(), rel=1e-10, abs=1e-13)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        one = torch.autograd.functional.hessian(lambda flat: dense_loss(problem)(flat)[4], problem.start)
    assert found[4].tolist() == pytest.approx((basis.T @ one @ basis).diag().tolist(), rel=1e-10, abs=1e-13)


def test_the_ratio_is_that_of_the_dense_matrices(problem, rng, generator):
    basis = torch.linalg.eigh(dense_hessian(problem))[1][:, -3:]
    found = noise_ratio(problem, basis, rng=rng, batch=4, resamples=200)
    C = torch.cov(dense_gradients(problem).T, correction=0) / 4
    expected = (basis.T @ C @ basis).diag() / (basis.T @ dense_hessian(problem) @ basis).diag()
    assert found.ratio.value == pytest.approx(expected.numpy(), rel=1e-9)
    assert (found.ratio.low <= found.ratio.value).all()
    assert (found.ratio.value <= found.ratio.high).all()
    assert found.record["batch"] == 4


def test_the_intervals_of_ratio_and_slope_cover(rng):
    """Gradients and curvatures of a sample are correlated, as those of a network are."""
    n, cases = 400, 1000
    scale = np.array([1.0, 3.0, 10.0])
    hits = np.zeros(2)
    for _ in range(cases):
        size = rng.gamma(4.0, 0.25, (n, 1))  # mean 1, variance 1/4
        gradients = rng.standard_normal((n, 3)) * np.sqrt(size) * scale
        curvatures = (size + 0.3 * rng.standard_normal((n, 3))) * scale
        found = ratio_of_samples(gradients, curvatures, rng=rng, resamples=800)
        hits[0] += found.ratio.low[0] <= 1 <= found.ratio.high[0]
        assert found.slope is not None
        hits[1] += found.slope.low[0] <= 2 <= found.slope.high[0]
    assert (hits >= 930).all(), hits
    assert (hits <= 970).all(), hits


def test_intervals_that_ignore_the_correlation_would_not_cover(rng):
    """The coverage test can fail: an interval for the mean of a third of the samples is too wide."""
    hits = 0
    for _ in range(300):
        x = rng.standard_normal((90, 1))
        found = bootstrap(lambda w, x=x: w[:, :30] @ x[:30] * 3, 90, rng=rng, resamples=1000)
        hits += found.low[0] <= x.mean() <= found.high[0]
    assert not 279 <= hits <= 291


def test_the_overlap_of_subspaces(generator):
    Q = torch.linalg.qr(torch.randn(10, 6, dtype=torch.float64, generator=generator))[0]
    mixed = Q[:, :3] @ torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator))[0]
    assert subspace_overlap(Q[:, :3], mixed) == pytest.approx(1)
    assert subspace_overlap(Q[:, :3], Q[:, 3:]) == pytest.approx(0)
    assert subspace_overlap(Q[:, :2], mixed) == pytest.approx(1)
