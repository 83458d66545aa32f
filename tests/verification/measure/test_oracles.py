"""The operators of independent libraries, where they are installed, give the same products."""

import warnings
from collections import UserDict

import pytest
import torch
from networks import PROBLEMS
from torch import nn
from torch.func import functional_call

from inertialab.verification.measure import (
    NotMeasurableError,
    Problem,
    fisher,
    ggn,
    hessian,
    noise_covariance,
    top_eigenpairs,
)

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


# The kinds of problems that the tests of curvlinops are made of, in words of our own.


class _Mapped(nn.Module):
    """Reads its inputs from a mapping."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, data):
        return self.net(data["x"])


class _Classes(nn.Module):
    """Brings the classes of a sequence to dimension 1."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).movedim(-1, 1)


LOSSES = {"classes": nn.CrossEntropyLoss, "soft labels": nn.BCEWithLogitsLoss, "squares": nn.MSELoss}

CASES = {
    "classes": ("classes", (3, 4), (10,), 3, None),
    "soft label": ("soft labels", (3, 4), (10,), 1, None),
    "soft labels": ("soft labels", (3, 4), (10,), 2, None),
    "squares": ("squares", (2, 6), (8,), 3, None),
    "mapping, classes": ("classes", (3, 4), (10,), 3, _Mapped),
    "mapping, soft label": ("soft labels", (3, 4), (10,), 1, _Mapped),
    "mapping, squares": ("squares", (3, 4), (10,), 2, _Mapped),
    "sequence, classes": ("classes", (3, 4), (5, 10), 3, _Classes),
    "sequence, soft labels": ("soft labels", (3, 4), (5, 10), 2, None),
    "sequence, squares": ("squares", (2, 6), (5, 8), 3, None),
}
SUMS = ["classes", "soft labels", "squares", "sequence, classes", "sequence, soft labels", "sequence, squares"]


def _case(name, reduction="mean"):
    """Model, loss, and two batches of different sizes."""
    kind, sizes, shape, out, wrapper = CASES[name]
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(shape[-1], 5), nn.ReLU(), nn.Linear(5, out)).double()
    batches = []
    for n in sizes:
        x = torch.rand(n, *shape, dtype=torch.float64, generator=generator)
        y = torch.rand(n, *shape[:-1], out, dtype=torch.float64, generator=generator)
        mapping = UserDict if not batches else dict  # one of each
        batches.append((mapping({"x": x}) if wrapper is _Mapped else x, y.argmax(-1) if kind == "classes" else y))
    return wrapper(net) if wrapper else net, LOSSES[kind](reduction=reduction), batches


def _per_sample(model, loss, batches):
    """Gradients one sample after the other."""
    rows, parameters = [], list(model.parameters())
    for x, y in batches:
        for i in range(len(y)):
            one = {"x": x["x"][i : i + 1]} if not isinstance(x, torch.Tensor) else x[i : i + 1]
            parts = torch.autograd.grad(loss(model(one), y[i : i + 1]), parameters)
            rows.append(torch.cat([p.reshape(-1) for p in parts]))
    return torch.stack(rows)


@pytest.mark.parametrize("name", CASES)
def test_the_cases_of_curvlinops_have_its_matrices(curvlinops, name):
    model, loss, batches = _case(name)
    problem, peers = Problem(model, loss, batches), {hessian: "HessianLinearOperator", ggn: "GGNLinearOperator"}
    identity = torch.eye(problem.size, dtype=torch.float64)
    for make, peer in peers.items():
        operator = getattr(curvlinops, peer)(
            model, loss, list(model.parameters()), batches, batch_size_fn=_size, check_deterministic=False
        )
        assert _close(make(problem).to_dense(), operator @ identity), peer
    G = _per_sample(model, loss, batches)
    assert _close(fisher(problem).to_dense(), G.T @ G / len(G))
    assert _close(problem.gradient(), G.mean(0))


def _size(x):
    return len(x) if isinstance(x, torch.Tensor) else len(x["x"])


@pytest.mark.parametrize("name", SUMS)
def test_the_sums_among_its_cases_are_refused(name):
    """A sum over the samples depends on how they are cut; all three operators are refused with their problem."""
    model, loss, batches = _case(name, "sum")
    with pytest.raises(NotMeasurableError, match="Use reduction='mean'"):
        Problem(model, loss, batches)


def test_the_function_among_its_cases_is_measured_like_a_module():
    model, loss, batches = _case("squares")
    named = {name: p.detach() for name, p in model.named_parameters()}
    outputs = lambda p, x: functional_call(model, p, (x,))  # noqa: E731
    whole = Problem(model, loss, batches)
    with_model = Problem.of_function(loss, named, batches, model=outputs)
    alone = Problem.of_function(lambda p, x, y: loss(outputs(p, x), y), named, batches)
    for make in (hessian, ggn, fisher, noise_covariance):
        assert _close(make(with_model).to_dense(), make(whole).to_dense()), make.__name__
    for make in (hessian, fisher, noise_covariance):
        assert _close(make(alone).to_dense(), make(whole).to_dense()), make.__name__
    assert "the Gauss-Newton matrix is zero" in ggn(alone).record["note"]
