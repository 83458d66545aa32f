"""Trace and diagonal: unbiased, with errors that cover, and honest about what is not reached."""

import numpy as np
import pytest
import torch
from networks import PROBLEMS, dense_hessian

from inertialab.verification.measure import Operator, diagonal, hessian, trace, xtrace
from inertialab.verification.measure.trace import _samples


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


def _variance(A, Q):
    """Of one probe of signs, exact."""
    rest = torch.eye(len(A), dtype=A.dtype) - Q.T @ Q
    B = rest @ A @ rest
    return 2 * float(B.square().sum() - B.diag().square().sum())


@pytest.mark.parametrize("rank", [0, 12])
def test_the_variance_of_a_probe_is_that_of_what_the_sketch_leaves(rank, generator):
    A = _decaying(generator)
    Q = torch.linalg.qr(torch.randn(60, rank, dtype=torch.float64, generator=generator))[0].T
    values = _samples(Operator.of_matrix(A), Q, 40_000, generator)
    assert float(values.var()) == pytest.approx(_variance(A, Q), rel=0.03)


def test_no_sketch_helps_where_the_spectrum_does_not_decay(generator):
    """200 products give the error of the formula, over 1%, whatever is spent on the sketch."""
    values = 1 + 2 * torch.randn(400, dtype=torch.float64, generator=generator)
    Q = torch.linalg.qr(torch.randn(400, 400, dtype=torch.float64, generator=generator))[0]
    A = Q @ torch.diag(values) @ Q.T
    for rank in (0, 25, 50, 75):
        found = [trace(Operator.of_matrix(A), 0.0, generator=generator, rank=rank).estimate.value for _ in range(60)]
        assert np.quantile(np.abs(np.array(found) / float(A.trace()) - 1), 0.9) > 0.01


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


def _one_by_one(A, omega):
    """XTrace as it is defined: a sketch of its own for every vector that is left out."""
    m, P = omega.shape
    values = []
    for i in range(m):
        others = torch.cat([omega[:i], omega[i + 1 :]])
        Q = torch.linalg.qr(A @ others.T)[0]
        r = omega[i] - Q @ (Q.T @ omega[i])
        values.append(float(torch.trace(Q.T @ A @ Q) + (P - m + 1) * (r @ A @ r) / (r @ r)))
    return np.array(values)


def test_xtrace_leaves_every_vector_out_once(generator):
    A = torch.randn(40, 40, dtype=torch.float64, generator=generator)
    A = A + A.T
    state = generator.get_state()
    found = xtrace(Operator.of_matrix(A), 7, generator=generator)
    generator.set_state(state)
    values = _one_by_one(A, torch.randn(7, 40, dtype=torch.float64, generator=generator))
    assert found.estimate.value == pytest.approx(values.mean(), rel=1e-10)
    assert found.estimate.se == pytest.approx(values.std(ddof=1) / 7**0.5, rel=1e-9)
    assert found.matvecs == 14


def test_xtrace_is_better_than_a_sketch_and_probes_apart_where_the_spectrum_decays(generator):
    A = torch.diag(0.8 ** torch.arange(200, dtype=torch.float64))
    operator, truth = Operator.of_matrix(A), float(A.trace())
    ours = [xtrace(operator, 20, generator=generator).estimate for _ in range(60)]
    theirs = [trace(operator, 0.0, generator=generator, max_matvecs=40).estimate.value for _ in range(60)]
    errors = np.array([e.value for e in ours]) - truth
    assert np.sqrt((errors**2).mean()) < 0.3 * np.sqrt(((np.array(theirs) - truth) ** 2).mean())
    assert abs(errors.mean()) < 4 * errors.std() / 60**0.5
    # Its own error is of the right size.
    assert 0.5 < np.mean([e.se for e in ours]) / errors.std() < 2


def test_xtrace_refuses_more_vectors_than_parameters(generator):
    with pytest.raises(ValueError, match="between 2 and 3 vectors, as many as parameters; got 4"):
        xtrace(Operator.of_matrix(torch.eye(3, dtype=torch.float64)), 4, generator=generator)
