"""The operators of independent libraries, where they are installed, give the same products."""

import warnings

import pytest
import torch
from networks import PROBLEMS
from torch import nn

from inertialab.verification.measure import Problem, fisher, ggn, hessian, noise_covariance, top_eigenpairs

REASON = "an optional oracle; `nox -s env` installs it"


@pytest.fixture
def curvlinops():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("curvlinops", reason=f"curvlinops is {REASON}")


@pytest.fixture
def eigenthings():
    return pytest.importorskip("hessian_eigenthings", reason=f"hessian-eigenthings is {REASON}")


def _problem(chunk):
    """The network of the problem `mlp`, its loss as a module, and its data in chunks."""
    problem = PROBLEMS["mlp"](chunk=chunk)
    return Problem(problem.model, nn.CrossEntropyLoss(), problem.chunks)


def _close(ours, theirs):
    return torch.allclose(ours, torch.as_tensor(theirs, dtype=torch.float64), rtol=1e-10, atol=1e-13)


def test_curvlinops_gives_the_same_products_from_unequal_batches(curvlinops, generator):
    problem = _problem(5)
    v = torch.randn(problem.size, dtype=torch.float64, generator=generator)
    arguments = (problem.model, problem.loss, list(problem.model.parameters()), problem.chunks)
    peers = {
        hessian: curvlinops.HessianLinearOperator,
        ggn: curvlinops.GGNLinearOperator,
        fisher: curvlinops.EFLinearOperator,
    }
    products = {make: peer(*arguments) @ v for make, peer in peers.items()}
    for make, product in products.items():
        assert _close(make(problem).matvec(v), product), make.__name__
    # The comparison tells matrices that are easily confused.
    assert not _close(ggn(problem).matvec(v), products[hessian])
    assert not _close(noise_covariance(problem).matvec(v), products[fisher])


def test_hessian_eigenthings_gives_the_same_products_and_pairs_from_equal_batches(eigenthings, generator):
    problem = _problem(None)
    (inputs, targets) = problem.chunks[0]
    batches = [(inputs[:6], targets[:6]), (inputs[6:12], targets[6:12])]  # it weighs batches alike
    problem = Problem(problem.model, problem.loss, batches)
    v = torch.randn(problem.size, dtype=torch.float64, generator=generator)
    peer = eigenthings.HessianOperator(problem.model, batches, eigenthings.supervised_loss(problem.loss))
    assert _close(hessian(problem).matvec(v), peer.matvec(v))
    assert not _close(ggn(problem).matvec(v), peer.matvec(v))
    theirs = eigenthings.lanczos(peer, k=3, max_iter=30, tol=1e-10, reorthogonalize=True, which="LA", seed=0)
    ours = top_eigenpairs(hessian(problem), 3, rtol=1e-10, generator=generator)
    assert ours.values.tolist() == pytest.approx(sorted(theirs.eigenvalues.tolist(), reverse=True), rel=1e-9)
