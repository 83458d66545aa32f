"""Every kind of model, loss and data that users bring: measured rightly, or refused in a sentence that names the thing.

What is right is taken from the model itself: differences of the gradient that training would use.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from kinds import CE, MSE, OTHER, SORTED, Given, X, Y, close, embed, net, parameters_of, seeded
from networks import difference_hessian, training_gradient
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset, TensorDataset

from inertialab.verification.measure import (
    NotMeasurableError,
    Problem,
    coupling,
    fisher,
    ggn,
    hessian,
    noise_covariance,
    noise_ratio,
    noise_trace,
    project_curvature,
    top_eigenpairs,
)
from inertialab.verification.measure.batches import piece
from inertialab.verification.measure.samples import sample_gradients


def case(model, loss, data, whole, **options):
    """A problem and the loss that training sees, `whole()`."""
    return Problem(model, loss, data, **options), whole


# --- 1. what the loss takes from the model itself ---------------------------------------------------------------------


def penalty_in_the_loss():
    m = net()

    def loss(o, y):
        return CE(o, y) + 0.1 * sum(p.square().sum() for p in m.parameters())

    return case(m, loss, (X, Y), lambda: loss(m(X), Y), chunk=5)


def consistency_in_the_loss():
    m = net()

    def loss(o, y):
        return CE(o, y) + m(OTHER).square().mean()

    return case(m, loss, (X, Y), lambda: loss(m(X), Y))


class Penalised(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, outputs, targets):
        return CE(outputs, targets) + self.model[2].weight.norm()


def a_loss_module_that_holds_the_model():
    m = net()
    loss = Penalised(m)
    return case(m, loss, (X, Y), lambda: loss(m(X), Y), parameters=["2.weight"])


# --- 3. weights of the loss' own, in chunks ---------------------------------------------------------------------------


def class_weights(chunk=None, order=SORTED):
    m, loss = net(), nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 9], dtype=torch.float64))
    return case(m, loss, (X[order], Y[order]), lambda: loss(m(X), Y), chunk=chunk)


def a_class_without_weight():
    m, loss = net(), nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 0], dtype=torch.float64))
    return case(m, loss, (X[SORTED], Y[SORTED]), lambda: loss(m(X), Y), chunk=4)


def masked(outputs, given):
    each = nn.functional.cross_entropy(outputs.transpose(1, 2), given["y"], reduction="none")
    return (each * given["mask"]).sum() / given["mask"].sum()


def a_mean_over_a_mask():
    m, generator = net(), torch.Generator().manual_seed(2)
    x = torch.randn(8, 5, 4, dtype=torch.float64, generator=generator)
    mask = (torch.rand(8, 5, dtype=torch.float64, generator=generator) > 0.4).double()
    given = {"y": torch.randint(3, (8, 5), generator=generator), "mask": mask}
    return case(m, masked, (x, given), lambda: masked(m(x), given), chunk=3)


def flattened_tokens():
    model, generator = Given(lambda self, x: self.net(x).flatten(0, 1), net=net()), torch.Generator().manual_seed(2)
    x = torch.randn(8, 5, 4, dtype=torch.float64, generator=generator)
    y = torch.randint(3, (8, 5), generator=generator)
    return case(model, lambda o, y: CE(o, y.flatten()), (x, y), lambda: CE(model(x), y.flatten()), chunk=3)


def triplets():
    model = Given(lambda self, *three: tuple(map(self.net, three)), net=net())
    loss, three = nn.TripletMarginLoss(margin=50.0), (X, OTHER, -X)
    return case(model, lambda o, _: loss(*o), (three, None), lambda: loss(*model(*three)), chunk=5)


def a_loss_that_looks_at_its_values():
    m = net()
    loss = lambda o, y: CE(o, y) if float(o.detach().sum()) < 1e9 else o.sum()  # noqa: E731
    return case(m, loss, (X, Y), lambda: CE(m(X), Y), chunk=5)


def class_weights_after_a_chunk_of_one_sample():
    m, loss = net(), nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 9], dtype=torch.float64))
    return case(m, loss, [(X[:1], Y[:1]), (X[1:], Y[1:])], lambda: loss(m(X), Y))


def ignored(rows, chunk):
    def make():
        m, targets = net(), torch.randint(3, (8, 5), generator=torch.Generator().manual_seed(3))
        inputs = torch.randn(8, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        targets[rows, :3] = -100
        targets[6] = -100  # no token at all
        model = Given(lambda self, x: self.net(x).transpose(1, 2), net=m)
        return case(model, nn.CrossEntropyLoss(), (inputs, targets), lambda: CE(model(inputs), targets), chunk=chunk)

    return make


# --- 5. checkpoints ---------------------------------------------------------------------------------------------------


def checkpointed(reentrant):
    def make():
        body = seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh()))
        head = seeded(lambda: nn.Linear(5, 3))
        held = Given(lambda self, x: self.other(checkpoint(self.net, x, use_reentrant=reentrant)), net=body, other=head)
        plain = Given(lambda self, x: self.other(self.net(x)), net=body, other=head)
        at = torch.linspace(-1, 1, 43, dtype=torch.float64)
        problem = Problem(held, CE, (X, Y), at=at)
        nn.utils.vector_to_parameters(at, plain.parameters())
        return problem, lambda: CE(plain(X), Y)

    return make


# --- 8. models that differentiate inside ------------------------------------------------------------------------------


def physics():
    m = seeded(lambda: nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1)))

    def residual(self, x):
        x = x.requires_grad_()
        u = self.net(x)
        (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        return torch.autograd.grad(slope.sum(), x, create_graph=True)[0] + u

    model, x = Given(residual, net=m), torch.linspace(0, 1, 10, dtype=torch.float64)[:, None]
    return case(model, MSE, (x, x.sin()), lambda: MSE(model(x.clone()), x.sin()), chunk=4)


# --- 11. inputs as users have them ------------------------------------------------------------------------------------


class Batches(Dataset):
    """Samples of a given form."""

    def __init__(self, form):
        self.form = form

    def __len__(self):
        return 12

    def __getitem__(self, i):
        return self.form(X[i], Y[i])


def inputs(data, forward=lambda self, x: self.net(x), loss=CE, whole=None, **options):
    def make():
        m = net()
        model = Given(forward, net=m)
        return case(model, loss, data, (whole and (lambda: whole(m))) or (lambda: CE(m(X), Y)), **options)

    return make


def squeezed():
    model = Given(lambda self, x: self.net(x).squeeze(), net=seeded(lambda: nn.Linear(4, 1)))
    y = X[:, 0].clone()
    return case(model, MSE, (X, y), lambda: MSE(model(X), y), chunk=11)


def sparse_buffer():
    model = Given(lambda self, x: self.net(torch.sparse.mm(self.graph, x.T).T), net=net())
    model.register_buffer("graph", torch.eye(4, dtype=torch.float64).to_sparse())
    return case(model, CE, (X, Y), lambda: CE(model(X), Y))


IDS = Y.flip(0)


def table(frozen=False, **options):
    def make():
        embedding = seeded(lambda: nn.Embedding(3, 4, **options))
        model = Given(lambda self, i: self.net(self.table(i).tanh()), table=embedding, net=net())
        plain = Given(lambda self, i: self.net(embed(i, self.table.weight).tanh()), table=embedding, net=model.net)
        if frozen:
            embedding.weight.requires_grad_(False)
            embed(IDS, embedding.weight, max_norm=options["max_norm"])  # as the model will
        return case(model, CE, (IDS, Y), lambda: CE(plain(IDS), Y))

    return make


def tied():
    embedding, head = seeded(lambda: nn.Embedding(3, 4)), nn.Linear(4, 3, bias=False)
    head.weight = embedding.weight
    model = Given(lambda self, i: self.head(self.table(i).tanh()), table=embedding, head=head)
    return case(model, CE, (IDS, Y), lambda: CE(model(IDS), Y), parameters=["head.weight"])


@dataclass
class Answer:
    logits: torch.Tensor
    note: str = "of a class of its own"


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, batch):
        return self.net(batch["x"])


def reader():
    m = Reader()
    return case(m, CE, ({"x": X}, Y), lambda: CE(m.net(X), Y))


def compiled():
    m = net()
    return case(torch.compile(m), CE, (X, Y), lambda: CE(m(X), Y))


def least_squares(w, x, y):
    return 0.5 * (x @ w["w"].tanh() - y).square().mean() + w["scale"].square()


def function():
    values = {
        "w": torch.tensor([0.5, -1.0, 2.0, 0.1], dtype=torch.float64),
        "scale": torch.ones((), dtype=torch.float64),
    }
    problem = Problem.of_function(least_squares, values, (X, X[:, 0]), chunk=5)
    return problem, lambda: least_squares(dict(problem.model.named_parameters()), X, X[:, 0])


RIGHT = {
    "penalty in the loss": penalty_in_the_loss,
    "consistency in the loss": consistency_in_the_loss,
    "loss module that holds the model": a_loss_module_that_holds_the_model,
    "class weights, one chunk": class_weights,
    "class weights, sorted": lambda: class_weights(4),
    "class weights, single samples": lambda: class_weights(1),
    "class weights, alike in all chunks": lambda: class_weights(3, torch.arange(12)),
    "class weights after one sample": class_weights_after_a_chunk_of_one_sample,
    "class without weights": a_class_without_weight,
    "mean over a mask, with weights": a_mean_over_a_mask,
    "flattened tokens": flattened_tokens,
    "triplets": triplets,
    "loss that looks at its values": a_loss_that_looks_at_its_values,
    "ignored tokens in later chunks": ignored([4, 5], 4),
    "ignored tokens, one chunk": ignored([0, 5], None),
    "ignored tokens, single samples": ignored([0, 5], 1),
    "checkpoint": checkpointed(False),
    "reentrant checkpoint": checkpointed(True),
    "derivatives inside the model": physics,
    "loader": inputs(DataLoader(TensorDataset(X, Y), batch_size=5)),
    "data set": inputs(TensorDataset(X, Y), chunk=5),
    "batch as a list": inputs([X, Y]),
    "loader of several inputs": inputs(
        DataLoader(Batches(lambda x, y: ((x, 2 * x), y)), batch_size=5), lambda self, a, b: self.net(b - a)
    ),
    "mappings to model and loss": inputs(
        DataLoader(Batches(lambda x, y: {"x": x, "labels": y}), batch_size=5),
        lambda self, x, labels: {"loss": CE(self.net(x), labels), "logits": self.net(x)},
        lambda o, batch: CE(o["logits"], batch["labels"]),
    ),
    "loss inside the model": inputs(
        {"x": X, "labels": Y},
        lambda self, x, labels: {"loss": CE(self.net(x), labels)},
        lambda o, _: o["loss"],
        chunk=5,
    ),
    "mapping as the one input": reader,
    "mapping as keywords": inputs(({"x": X, "mask": None}, Y), lambda self, x, mask: self.net(x)),
    "mapping of targets": inputs((X, {"y": Y}), loss=lambda o, t: CE(o, t["y"])),
    "tuple of targets": inputs((X, (Y, Y)), loss=lambda o, t: 0.5 * CE(o, t[0]) + 0.5 * CE(o, t[1])),
    "no targets": inputs((X, None), loss=lambda o, _: o.square().mean(), whole=lambda m: m(X).square().mean(), chunk=5),
    "input that is not given": inputs(((X, None), Y), lambda self, x, mask: self.net(x)),
    "outputs by name": inputs((X, Y), lambda self, x: {"logits": self.net(x)}, lambda o, y: CE(o["logits"], y)),
    "outputs of a class of their own": inputs(
        (X, Y), lambda self, x: Answer(self.net(x)), lambda o, y: CE(o.logits, y), chunk=5
    ),
    "several outputs": inputs(
        (X, Y),
        lambda self, x: (self.net(x), self.net(x).tanh()),
        lambda o, y: CE(o[0], y) + o[1].square().mean(),
        lambda m: CE(m(X), Y) + m(X).tanh().square().mean(),
        chunk=5,
    ),
    "squeezed outputs": squeezed,
    "sparse buffer": sparse_buffer,
    "sparse gradient": table(sparse=True),
    "frozen table that is renormalised": table(frozen=True, max_norm=0.5),
    "table within its norm": table(max_norm=9.0),
    "tied parameter by its second name": tied,
    "compiled model": compiled,
    "function": function,
}
"""Problems, and their loss as training would evaluate it."""


@pytest.mark.parametrize("name", RIGHT)
def test_the_curvature_is_that_of_the_loss_in_training(name):
    problem, whole = RIGHT[name]()
    parameters = parameters_of(problem)
    before = [p.detach().clone() for p in parameters]
    H = hessian(problem).to_dense()
    assert close(problem.gradient(), training_gradient(whole, parameters), 1e-12)
    assert problem.value() == pytest.approx(float(whole().detach()), rel=1e-12)
    assert close(hessian(problem, keep=False).to_dense(), H, 1e-12)
    assert all(torch.equal(p, q) for p, q in zip(parameters, before, strict=True))
    assert close(H, difference_hessian(whole, parameters))


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_are_measured_where_they_are_asked_to_be(reentrant):
    """Not where the model is: not when the problem is made, nor when a product is."""
    m = net()
    held = Given(lambda self, x: self.net[2](checkpoint(self.net[:2], x, use_reentrant=reentrant)), net=m)
    at = torch.linspace(-1, 1, 43, dtype=torch.float64)
    one, other = (Problem(model, CE, (X, Y), at=at) for model in (held, m))
    pairs = [(make(one), make(other)) for make in (hessian, ggn, noise_covariance)]
    with torch.no_grad():
        for p in m.parameters():
            p.add_(0.7)
    for A, B in pairs:
        assert close(A.to_dense(), B.to_dense(), 1e-12)
    assert one.value() == other.value()
    assert torch.equal(one.gradient(), other.gradient())


ALONE = [name for name in RIGHT if "weights" not in name and "ignored" not in name]


@pytest.mark.parametrize("name", ALONE)
def test_the_noise_is_that_of_the_gradients_of_single_samples(name):
    """Each from a problem of that one sample."""
    problem, _ = RIGHT[name]()
    alone = torch.stack([_only(problem, sample).gradient() for sample in _samples(problem)])
    C = torch.cov(alone.T, correction=0)
    assert close(noise_covariance(problem).to_dense(), C, 1e-10)
    assert close(fisher(problem).to_dense(), alone.T @ alone / len(alone), 1e-10)
    assert noise_trace(problem) == pytest.approx(float(C.trace()), rel=1e-10)
    basis = torch.eye(problem.size, dtype=torch.float64)[:, :3]
    curved = torch.stack([hessian(_only(problem, sample)).to_dense().diag()[:3] for sample in _samples(problem)])
    assert torch.allclose(project_curvature(problem, basis), curved, rtol=1e-9, atol=1e-12)


def _samples(problem):
    return [piece(chunk, slice(i, i + 1)) for chunk in problem.chunks for i in range(chunk.samples)]


def _only(problem, sample):
    return problem.retyped(torch.float64, sample)


@pytest.mark.parametrize("name", [name for name in RIGHT if name not in ALONE])
def test_samples_that_count_differently_add_up_to_the_gradient(name):
    """With the weights of all data below: the mean is the gradient, and chunks make no difference."""
    problem, _ = RIGHT[name]()
    rows = torch.cat(list(sample_gradients(problem, 3)))
    assert close(rows.mean(0), problem.gradient(), 1e-12)
    C = torch.cov(rows.T, correction=0)
    assert close(noise_covariance(problem).to_dense(), C, 1e-12)
    assert noise_trace(problem) == pytest.approx(float(C.trace()), rel=1e-12)
    basis = torch.eye(problem.size, dtype=torch.float64)[:, :3]
    ratio = noise_ratio(problem, basis, rng=np.random.default_rng(0), resamples=10)
    assert ratio.curvature == pytest.approx(hessian(problem).to_dense().diag()[:3].numpy(), rel=1e-10)


@pytest.mark.parametrize("bound", [1, 300])
@pytest.mark.parametrize("name", RIGHT)
def test_weights_are_found_also_where_few_outputs_fit(name, bound, monkeypatch):
    monkeypatch.setattr(coupling, "BLOCK_BYTES", bound)
    problem, _ = RIGHT[name]()
    monkeypatch.undo()
    expected, _ = RIGHT[name]()
    assert problem.structure.weighted == expected.structure.weighted
    assert close(problem.gradient(), expected.gradient(), 1e-12)


@pytest.mark.parametrize("make", [ggn, hessian, noise_covariance])
def test_weights_do_not_depend_on_how_the_data_are_cut(make):
    for one, *others in ((class_weights(c) for c in (None, 1, 4, 5)), (ignored([0, 5], c)() for c in (None, 1, 3))):
        whole = make(one[0]).to_dense()
        for problem, _ in others:
            assert close(make(problem).to_dense(), whole, 1e-12)


def test_a_weighted_loss_has_the_noise_of_its_weights():
    """Class weights of w: sample i adds N w_i l_i over the sum of all w."""
    problem, _ = class_weights(5)
    weights = torch.tensor([1.0, 2, 9], dtype=torch.float64)[Y[SORTED]]
    plain = Problem(problem.model, CE, (X[SORTED], Y[SORTED]))
    rows = torch.cat(list(sample_gradients(plain))) * (12 * weights / weights.sum())[:, None]
    assert close(torch.cat(list(sample_gradients(problem))), rows, 1e-12)


# --- what is coupled --------------------------------------------------------------------------------------------------


def batch_statistics():
    m = seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3)))
    return m, CE, (X, Y), lambda: CE(m(X), Y)


def contrastive():
    m = net()

    def loss(o, _):
        return CE(o @ o.T, torch.arange(len(o)))

    return m, loss, (X, Y), lambda: loss(m(X), Y)


def full_graph():
    edges = torch.randint(12, (2, 30), generator=torch.Generator().manual_seed(1))

    def forward(self, x, edges):
        h = self.net(x)
        return h + torch.zeros_like(h).index_add(0, edges[1], h[edges[0]])

    model = Given(forward, net=net())
    return model, CE, ((X, edges), Y), lambda: CE(model(X, edges), Y)


COUPLED = {"batch statistics": batch_statistics, "contrastive": contrastive, "full graph": full_graph}


@pytest.mark.parametrize("name", COUPLED)
def test_coupled_samples_are_measured_as_one_batch_and_have_no_noise(name, generator):
    model, loss, data, whole = COUPLED[name]()
    with pytest.raises(NotMeasurableError, match="coupled=True"):
        Problem(model, loss, data)
    data = [data] if name == "full graph" else [(X[:5], Y[:5]), (X[5:], Y[5:])]
    problem = Problem(model, loss, data, coupled=True, chunk=4)
    assert len(problem.chunks) == 1
    H, parameters = hessian(problem), parameters_of(problem)
    assert close(H.to_dense(), difference_hessian(whole, parameters))
    assert "The samples are coupled" in top_eigenpairs(H, 1, generator=generator).note
    for measure in (noise_covariance, fisher, noise_trace, lambda p: list(sample_gradients(p))):
        with pytest.raises(NotMeasurableError, match="the noise of a batch of them is not defined"):
            measure(problem)


def test_outputs_that_cannot_be_taken_apart_have_no_gauss_newton_matrix():
    problem, _ = RIGHT["outputs of a class of their own"]()
    with pytest.raises(NotMeasurableError, match="The outputs hold a Answer, which cannot be taken apart"):
        ggn(problem)
