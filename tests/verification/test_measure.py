"""Measurements against closed forms and independent instruments."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inertialab.experiments import data, models, training
from inertialab.verification.measure import (
    Operator,
    Problem,
    chain_covariances,
    hessian,
    mean_product,
    mean_square,
    noise_covariance_in,
    top_eigenpairs,
)
from inertialab.verification.measure import calibration as calibrating
from inertialab.verification.measure.calibration import InstrumentsDisagreeError, calibrate, pyhessian_top_eigenvalue


def dense(matrix):
    return Operator(len(matrix), lambda v: matrix @ v, matrix[0])


def symmetric(values, generator):
    n = len(values)
    Q = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=generator))[0]
    return Q @ torch.diag(torch.as_tensor(values, dtype=torch.float64)) @ Q.T


@pytest.fixture(scope="module")
def trained():
    """A tanh network with 122 parameters on 300 digits, at a minimum."""
    digits = data.load("digits")
    pixels = digits.inputs.std(0).argsort(descending=True)[:8]
    net = models.tanh_mlp(8, 10, torch.Generator().manual_seed(0), hidden=6)
    problem = Problem(net, digits.inputs[:300, pixels], digits.targets[:300], l2=0.01)
    return problem, training.minimise(problem)[0]


@pytest.mark.parametrize(
    ("which", "expected"), [("LA", [9.0, 4.0, 1.0]), ("SA", [-20.0, 0.1, 0.2]), ("LM", [-20.0, 9.0, 4.0])]
)
def test_which_names_the_end_of_the_spectrum(which, expected, generator):
    A = symmetric([9.0, 4.0, 1.0, 0.5, 0.2, 0.1, -20.0], generator)
    pairs = top_eigenpairs(dense(A), 3, which, rtol=1e-9, generator=generator)
    assert pairs.values.tolist() == pytest.approx(expected, rel=1e-9)
    assert pairs.converged


@given(seed=st.integers(0, 10**6), n=st.integers(2, 30), k=st.integers(1, 4))
def test_pairs_are_orthonormal_and_residuals_bound_the_error(seed, n, k):
    generator = torch.Generator().manual_seed(seed)
    k = min(k, n)
    A = symmetric(torch.randn(n, dtype=torch.float64, generator=generator), generator)
    pairs = top_eigenpairs(dense(A), k, rtol=1e-8, generator=generator)
    exact = torch.linalg.eigvalsh(A).flip(0)[:k]
    assert torch.allclose(pairs.vectors.T @ pairs.vectors, torch.eye(k, dtype=torch.float64), atol=1e-10)
    residuals = (A @ pairs.vectors - pairs.vectors * pairs.values).norm(dim=0)
    assert torch.allclose(residuals, pairs.residuals, atol=1e-12)
    assert ((pairs.values - exact).abs() <= pairs.residuals + 1e-7 * exact.abs().max()).all()


def test_repeated_eigenvalues_are_found_as_often_as_they_occur(generator):
    A = symmetric([3.0, 3.0, 3.0, 1.0, 1.0, 0.0], generator)
    pairs = top_eigenpairs(dense(A), 4, rtol=1e-9, generator=generator)
    assert pairs.values.tolist() == pytest.approx([3.0, 3.0, 3.0, 1.0])


def test_the_zero_operator_has_zero_eigenvalues(generator):
    pairs = top_eigenpairs(dense(torch.zeros(4, 4, dtype=torch.float64)), 2, generator=generator)
    assert pairs.values.abs().max() == 0


def test_a_tolerance_that_is_not_met_is_reported(generator):
    A = symmetric(torch.linspace(0.9, 1, 200), generator)
    pairs = top_eigenpairs(dense(A), 3, rtol=1e-12, generator=generator, max_matvecs=8)
    assert not pairs.converged
    assert pairs.residuals.max() > 1e-6
    assert pairs.matvecs == 8 + 3


def test_wrong_requests_are_refused(generator):
    A = dense(torch.eye(3, dtype=torch.float64))
    with pytest.raises(ValueError, match="k must be between 1 and the number of parameters, 3; got 4"):
        top_eigenpairs(A, 4, generator=generator)
    with pytest.raises(ValueError, match="which must be 'LA', 'SA' or 'LM', got 'largest'"):
        top_eigenpairs(A, 1, "largest", generator=generator)  # pyright: ignore[reportArgumentType]
    broken = Operator(3, lambda v: v / 0, torch.zeros(3))
    with pytest.raises(ValueError, match="A product with the operator is not finite"):
        top_eigenpairs(broken, 1, generator=generator)


def test_hessian_eigenpairs_are_those_of_the_full_matrix(trained, generator):
    problem, at = trained
    full = torch.func.hessian(problem.value)(at)
    exact = torch.linalg.eigvalsh(full).flip(0)
    pairs = top_eigenpairs(hessian(problem, at), 5, rtol=1e-8, generator=generator)
    assert pairs.values.tolist() == pytest.approx(exact[:5].tolist(), rel=1e-8)
    assert (full @ pairs.vectors - pairs.vectors * pairs.values).norm(dim=0).max() < 1e-6


def test_pyhessian_finds_the_same_top_eigenvalue(trained, generator):
    problem, at = trained
    pairs = top_eigenpairs(hessian(problem, at), 1, rtol=1e-8, generator=generator)
    before = torch.random.get_rng_state()
    assert pyhessian_top_eigenvalue(problem, at) == pytest.approx(float(pairs.values[0]), rel=1e-3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_instruments_that_disagree_stop_the_measurement(trained, generator, monkeypatch):
    problem, at = trained
    pairs = top_eigenpairs(hessian(problem, at), 1, generator=generator)
    monkeypatch.setattr(calibrating, "pyhessian_top_eigenvalue", lambda problem, at: 1.01 * float(pairs.values[0]))
    with pytest.raises(InstrumentsDisagreeError, match=r"by Lanczos and .* by PyHessian"):
        calibrate(problem, at, pairs)


def test_without_pyhessian_the_record_says_so(trained, generator, monkeypatch):
    problem, at = trained
    pairs = top_eigenpairs(hessian(problem, at), 1, generator=generator)
    monkeypatch.setitem(__import__("sys").modules, "pyhessian", None)
    found = calibrate(problem, at, pairs)
    assert found["pyhessian"] is None
    assert "pip install pyhessian==0.1" in found["reason"]


def test_noise_covariance_is_that_of_batches_drawn_with_replacement(trained, generator):
    problem, at = trained
    basis = torch.eye(len(at), dtype=torch.float64)[:, :3]
    C = noise_covariance_in(problem, at, basis, batch=4, chunk=70)
    indices = torch.randint(300, (20_000, 4), generator=generator)
    gradients = torch.cat([problem.batch_gradients(at.repeat(2000, 1), part) @ basis for part in indices.split(2000)])
    assert torch.allclose(gradients.T.cov(), C, rtol=0.1, atol=0.02 * float(C.diag().max()))
    assert torch.allclose(noise_covariance_in(problem, at, basis, batch=8), C / 2)


def test_noise_covariance_is_centred_away_from_a_minimum(trained):
    problem, at = trained
    away = at + 1.0
    G = problem.sample_gradients(away, torch.arange(300))
    expected = torch.cov(G[:, :2].T, correction=0)
    C = noise_covariance_in(problem, away, torch.eye(len(at), dtype=torch.float64)[:, :2], batch=1)
    assert torch.allclose(C, expected, rtol=1e-9)


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
    from inertialab.verification.interval import Estimate

    estimate = Estimate.mean(units)
    assert abs(estimate.value * (1 - a**2) - 1) < 4 * estimate.se * (1 - a**2)
    assert estimate.se > 3 * Estimate.mean(x.reshape(-1) ** 2).se
