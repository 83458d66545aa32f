"""Fisher information against sums over all targets that a model can expect, and against draws."""

import pytest
import torch
from networks import PROBLEMS
from torch import nn
from torch.distributions import Categorical, Exponential

from inertialab.verification.measure import NotMeasurableError, Problem, fisher, ggn, hessian, top_eigenpairs

CE = nn.functional.cross_entropy
X = torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
Y = torch.arange(12) % 3


def net(*tail, out=3):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, out), *tail).double()


def close(A, B, tolerance=1e-12):
    return float((A - B).abs().max()) <= tolerance * float(B.abs().max())


def enumerated(model, classes=3):
    """Σ over samples and classes of p ∇log p (∇log p)ᵀ, one gradient at a time; the model gives logits."""
    total = 0.0
    for x in X:
        log = model(x[None]).log_softmax(-1)[0]
        for c in range(classes):
            parts = torch.autograd.grad(log[c], list(model.parameters()), retain_graph=True)
            g = torch.cat([p.reshape(-1) for p in parts])
            total = total + log[c].exp().detach() * torch.outer(g, g) / len(X)
    return total


def test_a_declared_likelihood_gives_the_fisher_information_in_any_form_of_the_outputs():
    exact = enumerated(net())
    assert close(ggn(Problem(net(), CE, (X, Y), chunk=5), "categorical").to_dense(), exact)
    assert close(ggn(Problem(net(), CE, (X, Y))).to_dense(), exact)
    logarithms = Problem(net(nn.LogSoftmax(-1)), nn.NLLLoss(), (X, Y))
    assert close(ggn(logarithms, "categorical").to_dense(), exact)
    shares = Problem(net(nn.Softmax(-1)), lambda o, y: nn.functional.nll_loss(o.log(), y), (X, Y))
    assert close(ggn(shares, lambda p: Categorical(probs=p)).to_dense(), exact)
    assert not close(ggn(shares).to_dense(), exact, 0.1)  # of its own loss, in its own outputs
    penalised = Problem(net(), CE, (X, Y), l2=0.3)
    assert close(ggn(penalised, "categorical").to_dense(), exact + 0.3 * torch.eye(43, dtype=torch.float64))


def test_other_likelihoods_are_those_of_their_losses():
    rates = torch.randint(4, (12, 2), generator=torch.Generator().manual_seed(2)).double()
    for name, loss, factor in (
        ("gaussian", nn.functional.mse_loss, 1.0),  # a mean over two outputs of the square, without the half
        ("bernoulli", lambda o, y: nn.functional.binary_cross_entropy_with_logits(o, (y > 1).double()), 2.0),
        ("poisson", nn.functional.poisson_nll_loss, 2.0),
    ):
        problem = Problem(net(out=2), loss, (X, rates))
        assert close(ggn(problem, name).to_dense(), factor * ggn(problem).to_dense())
    waiting = Problem(net(out=1), lambda o, y: (o.exp() * y.square() - o).mean(), (X, rates[:, :1]))
    # For the rate e^o the information in o is 1.
    unit = ggn(Problem(net(out=1), lambda o, y: 0.5 * (o - y).square().mean(), (X, rates[:, :1]))).to_dense()
    assert close(ggn(waiting, lambda o: Exponential(o.exp())).to_dense(), unit)


def test_outputs_in_space_have_their_classes_in_dimension_one():
    images = torch.randn(6, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    targets = torch.randint(3, (6, 2, 2), generator=torch.Generator().manual_seed(4))
    problem = Problem(nn.Conv2d(1, 3, 3).double(), CE, (images, targets), chunk=4)
    assert close(ggn(problem, "categorical").to_dense(), 4 * ggn(problem).to_dense())


def test_drawn_targets_give_the_fisher_information_on_average():
    problem = Problem(net(), CE, (X, Y), l2=0.7)
    exact = enumerated(problem.model)
    generator = torch.Generator().manual_seed(0)
    V = torch.randn(6, 43, dtype=torch.float64, generator=generator)
    found = torch.stack(
        [(fisher(problem, "categorical", draws=10, generator=generator).rows(V) * V).sum(1) for _ in range(20)]
    )
    expected = (V @ exact * V).sum(1)
    assert ((found.mean(0) - expected).abs() < 4 * found.std(0) / 20**0.5).all()
    assert (found.std(0) < 0.5 * expected).all()
    assert not close(fisher(problem).to_dense(), exact, 0.3)  # of the given targets
    again = [fisher(problem, "categorical", generator=torch.Generator().manual_seed(5)).to_dense() for _ in range(2)]
    assert torch.equal(*again)
    A = fisher(problem, "categorical", generator=generator)
    assert torch.equal(A.to_dense(), A.to_dense())
    assert A.record["operator"] == "fisher of drawn targets"


def test_drawing_leaves_the_global_stream_alone():
    state = torch.random.get_rng_state()
    fisher(PROBLEMS["mlp"](), "categorical", generator=torch.Generator().manual_seed(0))
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    "problem",
    [
        lambda: Problem(net(nn.LogSoftmax(-1)), nn.NLLLoss(), (X, Y)),
        lambda: Problem(net(), lambda o, y: (o - 9).abs().mean(), (X, Y)),
        lambda: Problem(_Whole(), lambda o, _: o, ((X, Y), None)),
    ],
    ids=["logarithms", "absolute", "loss inside"],
)
def test_a_loss_without_curvature_in_the_outputs_says_so(problem, generator):
    A = ggn(problem())
    assert A.to_dense().abs().max() == 0
    assert "declare the likelihood" in top_eigenpairs(A, 1, generator=generator).note
    assert "note" not in ggn(Problem(net(), CE, (X, Y))).record
    assert "note" not in hessian(problem()).record


class _Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, x, y):
        return CE(self.net(x), y)


def test_wrong_requests_are_refused():
    problem = Problem(net(), CE, (X, Y))
    with pytest.raises(ValueError, match="likelihood must be one of categorical, gaussian, bernoulli, poisson"):
        ggn(problem, "student")
    with pytest.raises(ValueError, match="Drawing targets needs a generator"):
        fisher(problem, "categorical")
    with pytest.raises(NotMeasurableError, match="targets cannot be drawn for each"):
        fisher(Problem(_Whole(), lambda o, _: o, ((X, Y), None)), "gaussian", generator=torch.Generator())
