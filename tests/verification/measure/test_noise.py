"""Gradient noise: ways of drawing batches, exact spectra."""

import itertools

import pytest
import torch
from networks import PROBLEMS, dense_gradients

from inertialab.verification.measure import (
    NotMeasurableError,
    Problem,
    epoch_covariance,
    noise_covariance,
    noise_covariance_in,
    noise_spectrum,
    noise_trace,
    sampling_factor,
    top_eigenpairs,
)


def test_noise_covariance_is_that_of_batches_drawn_with_replacement(trained, generator):
    problem, at = trained
    basis = torch.eye(len(at), dtype=torch.float64)[:, :3]
    measured = Problem.of(problem, at, chunk=70)
    C = noise_covariance_in(measured, basis, batch=4)
    indices = torch.randint(300, (20_000, 4), generator=generator)
    gradients = torch.cat([problem.batch_gradients(at.repeat(2000, 1), part) @ basis for part in indices.split(2000)])
    assert torch.allclose(gradients.T.cov(), C, rtol=0.1, atol=0.02 * float(C.diag().max()))
    assert torch.allclose(noise_covariance_in(measured, basis, batch=8), C / 2)


def test_without_replacement_is_the_covariance_over_all_batches():
    problem = PROBLEMS["mlp"](l2=0.2)
    G = dense_gradients(problem)[:, :3]
    means = torch.stack([G[list(batch)].mean(0) for batch in itertools.combinations(range(13), 4)])
    basis = torch.eye(problem.size, dtype=torch.float64)[:, :3]
    C = noise_covariance_in(problem, basis, batch=4, sampling="without replacement")
    assert torch.allclose(C, torch.cov(means.T, correction=0), rtol=1e-12)
    with_replacement = noise_covariance_in(problem, basis, batch=4)
    assert not torch.allclose(with_replacement, C, rtol=0.2)


def test_two_steps_of_a_shuffled_epoch_are_anticorrelated():
    g = torch.tensor([3.0, -1.0, 4.0, 1.0, -5.0, 9.0], dtype=torch.float64)
    orders = torch.tensor(list(itertools.permutations(range(6))))
    first, second = g[orders[:, :2]].mean(1), g[orders[:, 2:4]].mean(1)
    variance = g.var(correction=0)
    assert float(first.var(correction=0) / variance) == pytest.approx(sampling_factor(6, 2, "epochs"))
    between = ((first - g.mean()) * (second - g.mean())).mean()
    assert float(between / variance) == pytest.approx(epoch_covariance(6))
    # The steps of a whole epoch add up to the full gradient: its variance vanishes.
    assert 3 * sampling_factor(6, 2, "epochs") + 6 * epoch_covariance(6) == pytest.approx(0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((10, 0), "needs between 1 and 10 samples, got 0"),
        ((10, 11, "epochs"), "needs between 1 and 10 samples, got 11"),
        ((10, 2, "bootstrap"), "sampling must be 'with replacement'"),
    ],
)
def test_an_impossible_batch_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        sampling_factor(*arguments)


@pytest.mark.parametrize("max_bytes", [2**31, 40_000])
def test_the_gram_matrix_has_the_spectrum_of_the_noise(max_bytes, generator):
    problem = PROBLEMS["mlp"](chunk=5, max_bytes=max_bytes)
    C = torch.cov(dense_gradients(problem).T, correction=0) / 3
    found = noise_spectrum(problem, batch=3)
    assert len(found.values) == 12  # 13 gradients about their mean
    assert found.values.tolist() == pytest.approx(torch.linalg.eigvalsh(C).flip(0)[:12].tolist(), rel=1e-10, abs=1e-16)
    assert ((C @ found.vectors - found.vectors * found.values).norm(dim=0) <= found.residuals).all()
    assert float(found.values.sum()) == pytest.approx(noise_trace(problem, batch=3))
    top = top_eigenpairs(noise_covariance(problem, batch=3), 2, rtol=1e-9, generator=generator)
    assert top.values.tolist() == pytest.approx(found.values[:2].tolist(), rel=1e-9)


def test_a_gram_matrix_that_does_not_fit_is_refused():
    with pytest.raises(NotMeasurableError, match=r"The Gram matrix of 13 samples does not fit into max_bytes=5000"):
        noise_spectrum(PROBLEMS["mlp"](max_bytes=5000))
