"""Closed forms of minibatch gradients beside automatic differentiation, and what they are not used for."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.func import grad, vmap

from inertialab.experiments import gradients
from inertialab.experiments.data import load
from inertialab.experiments.models import MODELS
from inertialab.experiments.problem import Problem


def chains(problem, generator, count=7, batch=5):
    flats = problem.start.repeat(count, 1)
    flats = flats + 0.3 * torch.randn(flats.shape, generator=generator, dtype=flats.dtype)
    return flats, torch.randint(len(problem.inputs), (count, batch), generator=generator)


def differentiated(problem, flats, indices):
    return vmap(grad(problem.value))(flats, problem.inputs[indices], problem.targets[indices])


@pytest.mark.parametrize("model", ["softmax-regression", "tanh-mlp", "narrow-tanh-mlp"])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_the_formula_is_the_gradient(model, l2, generator, monkeypatch):
    digits = load("digits")
    net = MODELS[model](digits.inputs.shape[1], digits.classes, generator)
    problem = Problem(net, digits.inputs, digits.targets, l2)
    flats, indices = chains(problem, generator)
    assert gradients.closed_form(net, problem.loss) is not None
    expected = differentiated(problem, flats, indices)
    assert (problem.batch_gradients(flats, indices) - expected).abs().max() < 1e-14
    monkeypatch.setattr(gradients, "_slope", lambda outputs, targets: torch.softmax(outputs, -1) / targets.shape[1])
    assert (problem.batch_gradients(flats, indices) - expected).abs().max() > 1e-3  # the comparison can fail


OTHERS = {
    "another activation": (nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), nn.functional.cross_entropy),
    "no bias": (nn.Linear(4, 2, bias=False), nn.functional.cross_entropy),
    "another loss": (nn.Linear(4, 2), partial(nn.functional.cross_entropy, label_smoothing=0.1)),
}


@pytest.mark.parametrize(("model", "loss"), OTHERS.values(), ids=OTHERS)
def test_other_models_and_losses_are_differentiated(model, loss, generator):
    data = torch.randn(20, 4, generator=generator, dtype=torch.float64), torch.arange(20) % 2
    problem = Problem(model.double(), *data, 0.1, loss)
    flats, indices = chains(problem, generator)
    assert gradients.closed_form(model, loss) is None
    assert torch.equal(problem.batch_gradients(flats, indices), differentiated(problem, flats, indices))


def test_classes_with_probabilities_are_differentiated(generator):
    inputs = torch.randn(20, 4, generator=generator, dtype=torch.float64)
    problem = Problem(nn.Linear(4, 2).double(), inputs, torch.softmax(inputs[:, :2], 1))
    flats, indices = chains(problem, generator)
    assert torch.equal(problem.batch_gradients(flats, indices), differentiated(problem, flats, indices))


def test_in_single_precision_the_gradient_is_the_same_to_its_rounding_and_the_problem_another(generator):
    wine = load("wine")
    problem = Problem(MODELS["tanh-mlp"](wine.inputs.shape[1], wine.classes, generator), wine.inputs, wine.targets, 0.1)
    flats, indices = chains(problem, generator)
    double, single = problem.batch_gradients(flats, indices), problem.single().batch_gradients(flats.float(), indices)
    assert single.dtype == torch.float32
    assert 0 < (double - single).abs().max() < 3e-6
    assert problem.start.dtype == problem.inputs.dtype == torch.float64  # the one that was asked is as it was
