"""Every kind of model, loss and data that users bring: measured rightly, or refused in a sentence that names the thing.

What is right is taken from the model itself: differences of the gradient that training would use.
"""

import contextlib
import gc
import warnings

import numpy as np
import pytest
import torch
from networks import difference_hessian, training_gradient
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset, TensorDataset

from inertialab.verification.measure import (
    NotMeasurableError,
    Problem,
    fisher,
    ggn,
    hessian,
    noise_covariance,
    noise_ratio,
    noise_trace,
    products,
    top_eigenpairs,
)
from inertialab.verification.measure.batches import piece
from inertialab.verification.measure.samples import sample_gradients

CE, MSE, embed = nn.functional.cross_entropy, nn.functional.mse_loss, nn.functional.embedding
X = torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
Y = torch.arange(12) % 3
OTHER = torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
SORTED = torch.argsort(Y, stable=True)


def seeded(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().double()


def net():
    return seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)))


class Given(nn.Module):
    """A network whose forward pass is given, beside layers of the names `net`, `other` and `table`."""

    def __init__(self, forward, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.called = forward

    def forward(self, *args, **kwargs):
        return self.called(self, *args, **kwargs)


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


def close(A, B, tolerance=1e-7):
    return float((A - B).abs().max()) <= tolerance * float(B.abs().max())


def parameters_of(problem):
    named = dict(problem.model.named_parameters())
    return [named[name] for name in problem.names]


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


# --- what is refused --------------------------------------------------------------------------------------------------


class Cubed(torch.autograd.Function):
    """Right once, wrong twice: an intermediate that is kept does not know where it comes from."""

    @staticmethod
    def forward(ctx, x):
        ctx.square = x * x
        return ctx.square * x

    @staticmethod
    def backward(ctx, g):
        return 3 * g * ctx.square


class Unit(nn.Module):
    """Normalises its weight at every call, as prototypes are."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3, 4, dtype=torch.float64) + torch.eye(3, 4))

    def forward(self, x):
        with torch.no_grad():
            self.w.div_(self.w.norm(dim=1, keepdim=True))
        return x @ self.w.T


class Cast(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(4, 3)

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.net(x).float()


def kept_parameters():
    m = net()
    kept = list(m.parameters())
    return Problem(m, lambda o, y: CE(o, y) + kept[2].square().sum(), (X, Y))


def packed():
    rows = nn.utils.rnn.pack_padded_sequence(torch.randn(12, 5, 4).double(), torch.full((12,), 5), batch_first=True)
    return Problem(net(), CE, (rows, Y))


def scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Problem(torch.jit.script(net()), CE, (X, Y))


def connectionist():
    model = Given(lambda self, x: self.net(x).log_softmax(-1), net=net())

    def loss(o, y):
        long, short = (torch.full((len(y),), n) for n in (8, 2))
        return nn.functional.ctc_loss(o.transpose(0, 1), y, long, short, reduction="sum") / (2 * len(y))

    return Problem(model, loss, (torch.randn(6, 8, 4).double(), torch.randint(1, 3, (6, 2))))


def weight_norm():
    return seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), parametrizations.weight_norm(nn.Linear(5, 3))))


def bags():
    model = Given(lambda self, i: self.net(self.table(i)), table=nn.EmbeddingBag(9, 4).double(), net=net())
    return Problem(model, CE, (torch.randint(9, (12, 3)), Y))


def norm_at_zero():
    model = Given(lambda self, x: self.net(x) + self.other.weight.norm(), net=net(), other=nn.Linear(2, 2).double())
    nn.init.zeros_(model.other.weight)
    return Problem(model, CE, (X, Y))


STRAIGHT = Given(lambda self, x: (h := self.net(x)) + ((4 * h).round() / 4 - h).detach(), net=net())
TARGET = Given(lambda self, x: torch.cat([self.net(x), self.net(x).tanh().detach()], 1), net=net())

REFUSED = {
    "table out of its norm": (
        lambda: table(max_norm=0.5)()[0],
        "writes into its parameter 'table.weight'",
    ),
    "normalised in place": (lambda: Problem(Unit(), CE, (X, Y)), "writes into its parameter 'w'"),
    "parameters kept aside": (kept_parameters, "The parameter '2.weight' is used by a reference"),
    "automatic casting": (lambda: Problem(Cast(), CE, (X.float(), Y)), r"computes in torch.bfloat16 \(aten"),
    "sum after one sample": (
        lambda: Problem(net(), nn.CrossEntropyLoss(reduction="sum"), [(X[:1], Y[:1]), (X[1:], Y[1:])]),
        "the sum over its samples.*Use reduction='mean'",
    ),
    "sum of single samples": (
        lambda: Problem(net(), nn.CrossEntropyLoss(reduction="sum"), (X, Y), chunk=1),
        "the sum over its samples",
    ),
    "shapes that broadcast": (
        lambda: Problem(nn.Linear(4, 1).double(), lambda o, y: (o - y).square().mean(), (X, X[:, 0].clone())),
        "Check that outputs and targets have the same shape",
    ),
    "weights inside the model": (
        lambda: Problem(
            Given(lambda self, x, y: CE(self.net(x), y, weight=torch.tensor([1.0, 2, 9]).double()), net=net()),
            lambda o, _: o,
            ((X, Y), Y),
        ),
        "Use reduction='mean' without class weights",
    ),
    "three parts": (lambda: Problem(net(), CE, (X, X, Y)), r"A chunk must be \(inputs, targets\), got 3 parts"),
    "one tensor": (lambda: Problem(net(), CE, X), r"The data are a Tensor; pass \(inputs, targets\)"),
    "packed sequence": (packed, "The inputs are a PackedSequence"),
    "sequence first": (
        lambda: Problem(net(), CE, (X.expand(5, 12, 4), Y)),
        "got 5 inputs and 12 targets. The first dimension of every tensor must be the sample",
    ),
    "sparse inputs": (lambda: Problem(net(), CE, (X.to_sparse(), Y)), "a sparse_coo tensor.*make it dense"),
    "scalar input": (lambda: Problem(net(), CE, ((X, torch.tensor(1.0)), Y)), "no dimension for the samples"),
    "words": (lambda: Problem(net(), CE, ({"x": X, "w": object()}, Y)), "A chunk holds a object; pass tensors"),
    "keyword that is not taken": (
        lambda: Problem(Given(lambda self, x: self.net(x), net=net()), CE, {"y": X, "labels": Y}),
        "Calling the model and its loss on these data fails with TypeError",
    ),
    "scripted": (scripted, "is compiled by TorchScript"),
    "lazy": (lambda: Problem(nn.Sequential(nn.LazyLinear(3)), CE, (X, Y)), "lazy parameters without a shape"),
    "a loss that is no tensor": (
        lambda: Problem(net(), lambda o, y: 1.0, (X, Y)),
        "one number as a tensor, got a float",
    ),
}

NO_CURVATURE = {
    "weight norm": (lambda: Problem(weight_norm(), CE, (X, Y)), r"concerns the parameters 2\.parametrizations\.weight"),
    "custom function": (
        lambda: Problem(Given(lambda self, x: Cubed.apply(self.net(x)), net=net()), CE, (X, Y)),
        "Its graph has custom functions: Cubed",
    ),
    "straight through": (lambda: Problem(STRAIGHT, CE, (X, Y)), "The gradient is not the derivative of the loss"),
    "target without gradient": (
        lambda: Problem(TARGET, lambda o, _: (o[:, :3] - o[:, 3:]).square().mean(), (X, Y)),
        "The gradient is not the derivative of the loss",
    ),
    "connectionist": (connectionist, "_ctc_loss_backward is not implemented"),
    "bags": (bags, "_embedding_bag_backward"),
    "norm at zero": (norm_at_zero, "not finite at this point.*a norm at zero"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_right_is_refused_by_name(name):
    make, sentence = REFUSED[name]
    with pytest.raises(NotMeasurableError, match=sentence):
        make()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", NO_CURVATURE)
def test_second_derivatives_that_are_wrong_are_refused_by_name(name, dtype):
    make, sentence = NO_CURVATURE[name]
    problem = make()
    problem = Problem(problem.model, problem.loss, problem.chunks, dtype=dtype)
    with pytest.raises(NotMeasurableError, match=sentence):
        hessian(problem)


def test_what_takes_first_derivatives_alone_is_measured_all_the_same():
    problem = connectionist()
    assert close(torch.cat(list(sample_gradients(problem))).mean(0), problem.gradient(), 1e-12)
    normed = Problem(weight_norm(), CE, (X, Y))
    assert torch.linalg.eigvalsh(ggn(normed).to_dense()).min() > -1e-12


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_kinks_and_scales_are_not_taken_for_wrong_derivatives(dtype, scale):
    m = seeded(lambda: nn.Sequential(nn.Linear(4, 300), nn.ReLU(), nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, 3)))
    with torch.no_grad():
        m[0].weight.mul_(scale)
    for make in (hessian, ggn, noise_covariance):
        make(Problem(m.to(dtype), CE, (X.to(dtype), Y)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_units_that_stand_exactly_on_their_kink_are_not_taken_for_wrong_derivatives(dtype):
    """Blank inputs and biases of zero, as at the start of many trainings."""
    images = torch.randn(12, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    images[:, :, 2:] = 0
    images[::2] = 0
    blocks = [nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)]
    m = seeded(lambda: nn.Sequential(*blocks, nn.Flatten(), nn.Linear(36, 6), nn.ReLU(), nn.Linear(6, 3))).eval()
    nn.init.zeros_(m[5].bias)
    problem = Problem(m.to(dtype), CE, (images.to(dtype), Y))
    for make in (hessian, ggn, noise_covariance):
        make(problem)


# --- a problem is a snapshot ------------------------------------------------------------------------------------------


def _normalised():
    m = seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 3)))
    m(X)
    return m.eval()


def _in_train_mode(model, inputs):
    model.train()


def _other_statistics(model, inputs):
    model.train()(inputs + 3)


def _other_parameters(model, inputs):
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(2)


def _other_data(model, inputs):
    inputs.mul_(2)


def _other_attributes(model, inputs):
    model[1].eps = 0.5
    model[2] = nn.ReLU()


@pytest.mark.parametrize(
    "change", [_in_train_mode, _other_statistics, _other_parameters, _other_data, _other_attributes]
)
def test_what_becomes_of_the_model_later_changes_nothing(change):
    model, inputs = _normalised(), X.clone()
    problem = Problem(model, CE, (inputs, Y), parameters=["0.weight"])
    H, anew, C = hessian(problem).to_dense(), hessian(problem, keep=False), noise_covariance(problem).to_dense()
    change(model, inputs)
    assert torch.equal(hessian(problem).to_dense(), H)
    assert torch.equal(anew.to_dense(), H)
    assert torch.equal(noise_covariance(problem).to_dense(), C)


class Remembering(nn.Module):
    """Keeps what it has seen in attributes of all sorts."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls, self.last, self.plain = nn.Linear(4, 3).double(), [], None, torch.zeros(2)

    def forward(self, x):
        self.calls.append(len(x))
        self.plain += 1
        self.last = self.layer(x)
        return self.last


def test_what_a_model_remembers_of_being_measured_is_dropped():
    model = Remembering()
    problem = Problem(model, CE, (X, Y))
    start = problem.start.clone()
    hessian(problem).matvec(start)
    noise_covariance(problem)
    assert (model.calls, model.last, model.plain.tolist()) == ([], None, [0, 0])
    assert torch.equal(problem.start, start)
    with pytest.raises(NotMeasurableError):
        Problem(Unit(), CE, (X, Y))


@pytest.mark.parametrize(
    "context",
    [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", dtype=torch.bfloat16), contextlib.nullcontext],
)
def test_the_callers_contexts_change_nothing(context, generator):
    m, expected = net(), hessian(Problem(net(), CE, (X, Y))).to_dense()
    with context():
        problem = Problem(m.float(), CE, (X.float(), Y))
        H = hessian(problem)
        dense, pairs = H.to_dense(), top_eigenpairs(H, 2, generator=generator)
        C = noise_covariance(problem).to_dense()
    assert close(dense.double(), expected, 1e-5)
    assert pairs.values.double().tolist() == pytest.approx(
        torch.linalg.eigvalsh(expected).flip(0)[:2].tolist(), rel=1e-4
    )
    assert close(C.double(), noise_covariance(Problem(net(), CE, (X, Y))).to_dense(), 1e-4)


def test_measurements_leave_nothing_to_the_collector(monkeypatch, generator):
    """With graphs kept, recorded, and made anew; what is reachable in circles would stay until it runs."""
    monkeypatch.setattr(products, "TAPE_BYTES", 0)
    m = net()

    def measure():
        for keep in (True, False):
            H = hessian(Problem(m, CE, (X, Y), chunk=5), keep=keep)
            assert H.record["recorded graphs"] == 3
            top_eigenpairs(H, 2, generator=generator)
        noise_covariance(Problem(m, CE, (X, Y))).matvec(torch.ones(43, dtype=torch.float64))

    measure()
    gc.collect()
    gc.disable()
    try:
        before = _tensors()
        for _ in range(3):
            measure()
        assert _tensors() <= before
    finally:
        gc.enable()


def _tensors():
    return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())


def test_a_loader_of_more_than_the_memory_is_refused_before_it_is_read_to_its_end():
    read = []

    def batches():
        for i in range(1000):
            read.append(i)
            yield X, Y

    with pytest.raises(NotMeasurableError, match="The data take more than max_bytes=2000"):
        Problem(net(), CE, batches(), max_bytes=2000)
    assert len(read) < 10


def test_the_record_names_what_rounds_products():
    record = Problem(net().float(), CE, (X.float(), Y)).record
    assert record["matmul precision"] == torch.get_float32_matmul_precision()
    assert record["tf32"] is False
    assert "tf32" not in Problem(net(), CE, (X, Y)).record
