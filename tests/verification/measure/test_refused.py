"""What cannot be measured rightly is refused in a sentence that names the thing; what only looks so is not."""

import warnings

import pytest
import torch
from kinds import CE, Given, X, Y, close, net, seeded
from torch import nn
from torch.nn.utils import parametrizations

from inertialab.verification.measure import (
    NotMeasurableError,
    Problem,
    ggn,
    hessian,
    noise_covariance,
)
from inertialab.verification.measure.samples import sample_gradients

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
        lambda: Problem(
            Given(lambda self, i: self.net(self.table(i)), table=nn.Embedding(3, 4, max_norm=0.1).double(), net=net()),
            CE,
            (Y, Y),
        ),
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


def test_what_training_left_without_a_number_is_said_as_that():
    """And not as a model that mixes its samples, since NaN differs from itself."""
    model = net()
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(torch.nan)
    with pytest.raises(NotMeasurableError, match=r"not finite at these parameters.*Has training diverged"):
        Problem(model, CE, (X, Y))
