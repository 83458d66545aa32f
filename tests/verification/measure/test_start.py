"""Eigenpairs from a start that costs no product: fewer products, and nothing that it lacks is missed."""

from dataclasses import replace

import pytest
import torch
from kinds import CE
from torch import nn

from inertialab.verification.measure import Operator, Problem, ggn, hessian, products, top_eigenpairs


@pytest.fixture(autouse=True)
def recorded(monkeypatch):
    """All products are recorded, however small their graphs are."""
    monkeypatch.setattr(products, "TAPE_BYTES", 0)


def _spread(hidden=()):
    """Outliers that run into each other, and a start that holds much of them, but for some."""
    generator = torch.Generator().manual_seed(7)
    values = 0.02 * torch.randn(3000, dtype=torch.float64, generator=generator)
    values[:40] = 10 * 0.9 ** torch.arange(40)
    start = values * torch.randn(3000, dtype=torch.float64, generator=generator)
    start[list(hidden)] = 0
    return values, Operator(3000, lambda rows: rows * values, start=start)


@pytest.mark.parametrize("hidden", [(), (0,), (4,), (0, 9)])
@pytest.mark.parametrize("which", ["LA", "LM"])
def test_what_the_start_has_nothing_of_is_found(hidden, which):
    values, A = _spread(hidden)
    for seed in range(5):
        pairs = top_eigenpairs(A, 10, which, generator=torch.Generator().manual_seed(seed))
        assert pairs.converged
        assert pairs.values.tolist() == pytest.approx(values[:10].tolist(), rel=1e-5)


def test_the_other_end_and_a_single_pair_start_at_random():
    values, A = _spread()
    values[2000] = -0.2
    pairs = top_eigenpairs(A, 2, "SA", generator=torch.Generator().manual_seed(0))
    plain = top_eigenpairs(replace(A, start=None), 2, "SA", generator=torch.Generator().manual_seed(0))
    assert torch.equal(pairs.values, plain.values)
    misled = replace(A, start=torch.eye(3000, dtype=torch.float64)[5])
    assert float(top_eigenpairs(misled, 1, generator=torch.Generator().manual_seed(0)).values) == pytest.approx(10)


def _classifier(copies=False, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if copies:
            X = torch.randn(200, 30, dtype=torch.float64) * torch.linspace(3, 0.1, 30)
            return Problem(
                nn.Linear(30, 10).double(), nn.functional.mse_loss, (X, torch.zeros(200, 10, dtype=torch.float64))
            )
        net = nn.Sequential(nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 10)).double()
        X, y = torch.randn(400, 20, dtype=torch.float64), torch.randint(10, (400,))
    return Problem(net, CE, (X + torch.eye(10, 20, dtype=torch.float64)[y] * 3, y), **options)


@pytest.mark.parametrize("make", [hessian, ggn])
@pytest.mark.parametrize("options", [{}, {"chunk": 150, "l2": 0.1}])
def test_the_start_is_an_image_under_the_operator(make, options):
    problem = _classifier(**options)
    A = make(problem)
    assert A.start is not None
    dense = A.to_dense()
    back = torch.linalg.lstsq(dense, A.start[:, None], driver="gelsd").solution
    assert torch.allclose(dense @ back, A.start[:, None], atol=1e-8 * float(A.start.norm()))
    top = torch.linalg.eigh(dense)[1][:, -10:]
    assert float((top.T @ A.start).norm() / A.start.norm()) > 4 * (10 / problem.size) ** 0.5


def test_the_start_saves_products_where_eigenvalues_stand_out():
    """Early in training; at initialisation none does, and no start helps."""
    problem = _classifier()
    optimizer = torch.optim.SGD(problem.model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(20):
        optimizer.zero_grad()
        CE(problem.model(problem.chunks[0].inputs), problem.chunks[0].targets).backward()
        optimizer.step()
    A, used = hessian(Problem(problem.model, CE, problem.chunks)), []
    for operator in (A, replace(A, start=None)):
        found = [top_eigenpairs(operator, 10, "LM", generator=torch.Generator().manual_seed(s)) for s in range(8)]
        assert all(torch.allclose(pairs.values, found[0].values, rtol=2e-3) for pairs in found)
        used.append(sum(pairs.matvecs for pairs in found))
    assert used[0] <= used[1] - 8, used


def test_copies_are_found_from_such_a_start():
    H = hessian(_classifier(copies=True))
    assert H.start is not None
    exact = torch.linalg.eigvalsh(H.to_dense()).flip(0)
    for k in (2, 10, 15):
        pairs = top_eigenpairs(H, k, generator=torch.Generator().manual_seed(0))
        assert pairs.converged
        assert pairs.values.tolist() == pytest.approx(exact[:k].tolist(), rel=1e-5)


def test_there_is_no_start_where_a_product_was_not_recorded(monkeypatch):
    monkeypatch.setattr(products, "recorded", lambda product, vector, whole: bool(product(vector).sum()) and None)
    assert hessian(_classifier()).start is None
