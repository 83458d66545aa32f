"""Networks to measure, and the dense matrices they must give."""

import pytest
import torch
from networks import PROBLEMS

from inertialab.experiments import data, models, training
from inertialab.experiments.problem import Problem as TrainingProblem


@pytest.fixture(params=PROBLEMS)
def problem(request):
    """One small problem of each kind."""
    return PROBLEMS[request.param]()


@pytest.fixture(scope="session")
def trained():
    """A tanh network with 122 parameters on 300 digits, and a minimum of its loss."""
    digits = data.load("digits")
    pixels = digits.inputs.std(0).argsort(descending=True)[:8]
    net = models.tanh_mlp(8, 10, torch.Generator().manual_seed(0), hidden=6)
    problem = TrainingProblem(net, digits.inputs[:300, pixels], digits.targets[:300], l2=0.01)
    return problem, training.minimise(problem)[0]
