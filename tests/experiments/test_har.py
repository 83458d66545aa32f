"""Penalties beside Jacobians of single examples: forms, layers, models, what is refused, and what a step costs."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from har_cases import Words, drawn
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.func import jacrev
from torch.utils.flop_counter import FlopCounterMode

from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.har import JacobianPenalty
from inertialab.experiments.har.penalty import example_losses


class Twice(nn.Module):
    """One layer used two times."""

    def __init__(self):
        super().__init__()
        self.inner, self.last = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x):
        return self.last(torch.tanh(self.inner(torch.tanh(self.inner(x)))))


class Overwriting(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.first(x).relu_())


def tower():
    return drawn(nn.Sequential(nn.Linear(3, 5), nn.ReLU(inplace=True), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)))


def images():
    layers = [nn.Conv2d(1, 2, 3, padding=1), nn.GroupNorm(1, 2), nn.Softplus(), nn.Conv2d(2, 2, 3), nn.Flatten()]
    return drawn(nn.Sequential(*layers, nn.Linear(8, 2)))


X = torch.randn(7, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
IMAGES = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
CLASSES = torch.tensor([0, 1, 1, 0, 1, 0, 0])


def norms(model, x, y, of, layers):
    """Squared norms of the Jacobians of one example by layer, each layer's result shifted and differentiated."""
    shapes, found = {}, []
    for name in layers:
        handle = model.get_submodule(name).register_forward_hook(lambda m, i, o, n=name: shapes.update({n: o.shape}))
        model(x[None].clone())
        handle.remove()
    for name in layers:

        def value(shift, name=name):
            handle = model.get_submodule(name).register_forward_hook(lambda m, i, o: o + shift)
            try:
                out = model(x[None].clone())
            finally:
                handle.remove()
            return out[0] if of == "output" else example_losses(out, y[None])[0]

        found.append(jacrev(value)(torch.zeros(shapes[name], dtype=x.dtype)).square().sum().item())
    return np.array(found)


FORMS = {
    "squared": lambda s: s.sum(),
    "rootsum": lambda s: np.sqrt(s.sum()),
    "sumnorm": lambda s: np.sqrt(s).sum(),
}


@pytest.mark.parametrize("of", ["output", "loss"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("make", "x", "hidden"), [(tower, X, ("0", "2")), (images, IMAGES, ("0", "3"))])
def test_a_penalty_is_the_jacobian_of_each_example_alone(make, x, hidden, form, of):
    """By default over all hidden linear and convolutional layers, however the next operation treats what they give."""
    model, y = make(), CLASSES[: len(x)]
    found = JacobianPenalty(model, of=of, form=form)(x, y)
    expected = [FORMS[form](norms(model, a, b, of, hidden)) for a, b in zip(x, y, strict=True)]
    assert np.allclose(found.detach().numpy(), expected, rtol=1e-10)
    assert np.allclose(JacobianPenalty(model, hidden, of, form)(x, y).detach(), expected, rtol=1e-10)


def test_the_input_is_a_layer():
    model = tower()
    found = JacobianPenalty(model, ["input"])(X)
    expected = [jacrev(lambda v: model(v[None])[0])(x).square().sum() for x in X]
    assert torch.allclose(found, torch.stack(expected), rtol=1e-12)


def test_a_layer_that_is_used_twice_counts_twice():
    model = drawn(Twice())
    found = JacobianPenalty(model, ["inner"])(X)
    first = [model.inner(x) for x in X]
    one = [jacrev(lambda z: model.last(torch.tanh(model.inner(torch.tanh(z)))))(z).square().sum() for z in first]
    other = [jacrev(lambda z: model.last(torch.tanh(z)))(model.inner(torch.tanh(z))).square().sum() for z in first]
    assert torch.allclose(found, torch.stack(one) + torch.stack(other), rtol=1e-12)


@given(size=st.integers(1, 7), of=st.sampled_from(["output", "loss"]), form=st.sampled_from(list(FORMS)))
def test_other_examples_and_their_number_change_nothing(size, of, form):
    penalty = JacobianPenalty(tower(), of=of, form=form)
    assert torch.allclose(penalty(X, CLASSES)[:size], penalty(X[:size], CLASSES[:size]), rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_its_derivative_by_the_parameters_is_that_of_finite_differences(form):
    model = images()
    penalty, weights = JacobianPenalty(model, of="loss", form=form), dict(model.named_parameters())
    value = penalty(IMAGES, CLASSES[:5]).mean()
    name, step = "3.weight", 1e-6
    (slope,) = torch.autograd.grad(value, weights[name])
    direction = torch.randn(slope.shape, generator=torch.Generator().manual_seed(3), dtype=slope.dtype)
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            weights[name].add_(sign * step * direction)
        ends.append(penalty(IMAGES, CLASSES[:5]).mean().item())
        with torch.no_grad():
            weights[name].sub_(sign * step * direction)
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx((slope * direction).sum().item(), rel=1e-6)


@pytest.mark.parametrize("form", ["rootsum", "sumnorm"])
def test_where_nothing_changes_a_root_has_no_infinite_slope(form):
    model = drawn(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)))
    with torch.no_grad():
        model.get_parameter("2.weight").zero_()
    value = JacobianPenalty(model, form=form)(X).mean()
    value.backward()
    assert value == 0
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_frozen_weights_and_the_outputs_of_the_same_pass():
    model = tower().requires_grad_(False)
    outputs, found = JacobianPenalty(model).with_outputs(X)
    assert torch.equal(outputs, model(X))
    assert torch.allclose(found, JacobianPenalty(tower())(X), rtol=1e-12)
    assert not model[0]._forward_hooks


@pytest.mark.parametrize(
    ("make", "options", "sentence"),
    [
        (
            lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double(),
            {},
            "Layer '1' normalises",
        ),
        (lambda: nn.Linear(3, 2).double(), {}, r"no hidden linear or convolutional layer; give layers=\('input',\)"),
        (Overwriting, {}, "overwrites what a layer gives"),
        (tower, {"layers": ["9"]}, "The model has no layer '9'; it has 0, 1, 2, 3, 4"),
        (tower, {"layers": []}, "A penalty needs a layer"),
        (tower, {"of": "losses"}, "of is one of output, loss, got 'losses'"),
        (tower, {"form": "sum"}, "form is one of squared, rootsum, sumnorm"),
        (tower, {"of": "loss"}, "needs the targets"),
        (lambda: nn.LSTM(3, 2).double(), {"layers": ["", "input"]}, "gives no single tensor"),
        (lambda: nn.LSTM(3, 2).double(), {"layers": ["input"]}, "takes a model that gives one tensor"),
    ],
)
def test_what_cannot_be_penalised_is_refused_in_a_sentence(make, options, sentence):
    with pytest.raises(WrongInputError, match=sentence):
        JacobianPenalty(make().double(), **options)(X)


def test_running_statistics_mix_nothing():
    model = drawn(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)))
    model.eval()
    penalty = JacobianPenalty(model)
    assert torch.allclose(penalty(X)[:2], penalty(X[:2]), rtol=1e-12)
    model[1].train()
    with pytest.raises(WrongInputError, match="mixes examples"):
        penalty(X)


class Picked(nn.Module):
    """Gives its last layer's result in another shape, as regressions do."""

    def __init__(self, pick, name="first"):
        super().__init__()
        self.add_module(name, nn.Linear(3, 4))
        self.last, self.pick, self.name = nn.Linear(4, 1), pick, name

    def forward(self, x):
        return self.pick(self.last(torch.tanh(self.get_submodule(self.name)(x))))


@pytest.mark.parametrize(
    "pick",
    [lambda o: o, lambda o: o[:, 0], lambda o: o[..., 0], lambda o: o[:, :1], lambda o: o.squeeze(-1), torch.flatten],
)
@pytest.mark.parametrize("frozen", [False, True])
def test_the_layer_that_is_the_output_is_none_of_the_hidden_ones_however_it_is_picked(pick, frozen):
    model = drawn(Picked(pick)).requires_grad_(not frozen)
    expected = JacobianPenalty(model, ["first"])(X)
    assert torch.allclose(JacobianPenalty(model)(X), expected, rtol=1e-12)
    with pytest.raises(WrongInputError, match="no hidden linear or convolutional layer"):
        JacobianPenalty(Linear(pick).double().requires_grad_(not frozen))(X)


class Linear(nn.Module):
    def __init__(self, pick):
        super().__init__()
        self.only, self.pick = nn.Linear(3, 1), pick

    def forward(self, x):
        return self.pick(self.only(x))


def test_a_layer_of_the_name_input_is_a_layer_by_default():
    model = drawn(Picked(lambda o: o, "input"))
    expected = [norms(model, x, x, "output", ["input"])[0] for x in X]
    assert np.allclose(JacobianPenalty(model)(X).detach(), expected, rtol=1e-10)
    by_input = torch.stack([jacrev(lambda v: model(v[None])[0])(x).square().sum() for x in X])
    assert torch.allclose(JacobianPenalty(model, ["input"])(X), by_input, rtol=1e-12)


@pytest.mark.parametrize("of", ["output", "loss"])
def test_without_gradients_it_is_a_number_without_a_graph(of):
    penalty = JacobianPenalty(tower(), of=of)
    expected = penalty.with_outputs(X, CLASSES)
    with torch.no_grad():
        found = penalty.with_outputs(X, CLASSES)
    for a, b in zip(found, expected, strict=True):
        assert not a.requires_grad
        assert torch.equal(a, b)


def test_a_first_layer_that_overwrites_the_input_does_not_keep_its_derivative_away():
    model = drawn(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2)))
    before = X.clone()
    expected = (X > 0).double() @ model.get_parameter("1.weight").square().sum(0)
    assert torch.allclose(JacobianPenalty(model, ["input"])(X), expected, rtol=1e-12)
    assert torch.equal(before, X)


def test_inputs_without_a_derivative_are_penalised_at_their_embedding():
    model, words = drawn(Words()), torch.arange(14).reshape(7, 2) % 9
    alone = [jacrev(lambda z: model.last(torch.tanh(model.inner(z.mean(0)))))(model.table(w)) for w in words]
    expected = torch.stack([a.square().sum() for a in alone])
    assert torch.allclose(JacobianPenalty(model, ["table"])(words), expected, rtol=1e-10)
    with pytest.raises(WrongInputError, match=r"Inputs of torch\.int64 have no derivative; name layers"):
        JacobianPenalty(model, ["input"])(words)


class Failing(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 4)

    def forward(self, x):
        raise ArithmeticError(self.inner(x).shape)


def test_a_model_that_fails_is_left_without_hooks():
    model = Failing().double()
    with pytest.raises(ArithmeticError):
        JacobianPenalty(model)(X)
    assert not model.inner._forward_hooks


def test_no_examples_have_no_penalties():
    assert JacobianPenalty(tower())(X[:0]).shape == (0,)
    assert JacobianPenalty(tower(), of="loss")(X[:0], X[:0, :2]).shape == (0,)


@pytest.mark.parametrize(
    ("outputs", "targets", "sentence"),
    [
        (X[:, :2], X[:, 0], r"Outputs are of shape \[7, 2\] and targets of \[7\]"),
        (X[:, :1], X[:, :2], "Outputs are of shape"),
        (X[:, :1], X[:3, 0], "Outputs are of shape"),
        (X[:, :1], CLASSES, r"need outputs of shape \(B, K\), K at least 2; got \[7, 1\] for targets of \[7\]"),
        (X[:, 0], CLASSES, "need outputs of shape"),
        (X, CLASSES[:3], "need outputs of shape"),
    ],
)
def test_outputs_and_targets_that_would_be_broadcast_are_refused(outputs, targets, sentence):
    with pytest.raises(WrongInputError, match=sentence):
        example_losses(outputs, targets)


def test_classes_may_be_any_whole_numbers():
    assert torch.equal(example_losses(X, CLASSES.int()), example_losses(X, CLASSES))


@pytest.mark.parametrize("of", ["output", "loss"])
def test_a_step_takes_six_products_for_a_layer_after_the_first_where_a_plain_one_takes_three(of):
    """And two for the first, whose inputs need no derivative, in both. Of outputs the last takes one less."""
    widths, batch = (6, 5, 4, 2 if of == "loss" else 1), 8
    layers = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.Tanh())]
    model = drawn(nn.Sequential(*layers[:-1]))
    x, y = torch.ones(batch, 6).double(), torch.arange(batch) % 2
    y = y if of == "loss" else y.double()

    def products(penalised):
        with FlopCounterMode(display=False) as counter:
            outputs, sizes = (
                JacobianPenalty(model, of=of).with_outputs(x, y) if penalised else (model(x), torch.zeros(1))
            )
            (example_losses(outputs, y).mean() + sizes.mean()).backward()
        return counter.get_total_flops() / (2 * batch)

    first, *others = (a * b for a, b in pairwise(widths))
    assert products(False) == 2 * first + 3 * sum(others)
    assert products(True) == 2 * first + 6 * sum(others) - (others[-1] if of == "output" else 0)
