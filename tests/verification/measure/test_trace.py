"""Trace and diagonal: unbiased, with errors that cover, and honest about what is not reached."""

import numpy as np
import pytest
import torch
from networks import PROBLEMS, dense_hessian

from inertialab.verification.measure import Operator, diagonal, hessian, trace


def _decaying(generator, n=60):
    Q = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=generator))[0]
    values = torch.arange(1, n + 1, dtype=torch.float64) ** -1.2
    values[1::3] *= -0.5
    return Q @ torch.diag(values) @ Q.T


def test_the_interval_of_the_trace_covers(generator):
    A = _decaying(generator)
    truth = float(A.trace())
    hits = 0
    for _ in range(1000):
        found = trace(Operator.of_matrix(A), 0.0, generator=generator, rank=5, max_matvecs=40)
        low, high = found.estimate.interval(0.95)
        hits += low <= truth <= high
    assert 930 <= hits <= 970


def test_the_sketch_makes_the_error_small(generator):
    A = Operator.of_matrix(_decaying(generator))
    errors = [
        np.mean([trace(A, 0.0, generator=generator, rank=r, max_matvecs=60).estimate.se for _ in range(20)])
        for r in (0, 12)
    ]
    assert errors[1] < errors[0] / 2


def test_it_stops_at_the_tolerance_or_says_that_it_has_not(generator):
    A = _decaying(generator)
    loose = trace(Operator.of_matrix(A), 0.2, generator=generator, rank=5)
    assert loose.converged
    assert loose.matvecs < 200
    assert loose.estimate.se <= 0.2 * abs(loose.estimate.value)
    cancelling = A - torch.eye(60) * A.trace() / 60
    strict = trace(Operator.of_matrix(cancelling), 0.01, generator=generator, rank=5)
    assert not strict.converged
    assert strict.matvecs == 200
    assert strict.estimate.se > 0
    with pytest.raises(ValueError, match="max_matvecs must be at least 30, got 20"):
        trace(Operator.of_matrix(A), generator=generator, rank=10, max_matvecs=20)


def test_the_diagonal_has_errors_that_cover(generator):
    A = _decaying(generator)
    for rank in (0, 6):
        found = diagonal(Operator.of_matrix(A), 400, generator=generator, rank=rank)
        score = (found.values - A.diag()) / found.errors
        assert float(score.square().mean()) == pytest.approx(1, abs=0.6)
        assert score.abs().max() < 5
    wrong = (found.values + 2 * found.errors.mean() - A.diag()) / found.errors
    assert float(wrong.square().mean()) > 2
    with pytest.raises(ValueError, match="needs at least 2 probes, got 1"):
        diagonal(Operator.of_matrix(A), 1, generator=generator)


def test_trace_and_diagonal_of_a_hessian(generator):
    problem = PROBLEMS["penalty"]()
    H = dense_hessian(problem)
    found = trace(hessian(problem), generator=generator, rank=15)
    assert found.estimate.value == pytest.approx(float(H.trace()), abs=5 * found.estimate.se + 1e-12)
    entries = diagonal(hessian(problem), 100, generator=generator, rank=20)
    assert ((entries.values - H.diag()).abs() <= 5 * entries.errors + 1e-12).all()
    assert entries.matvecs == 160
    assert entries.record["mode"] == "train"
