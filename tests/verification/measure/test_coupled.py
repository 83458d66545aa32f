"""Losses of samples that depend on each other: one batch, curvature only."""

import pytest
import torch
from kinds import CE, Given, X, Y, close, net, parameters_of, seeded
from networks import difference_hessian
from torch import nn

from inertialab.verification.measure import (
    NotMeasurableError,
    Problem,
    fisher,
    hessian,
    noise_covariance,
    noise_trace,
    top_eigenpairs,
)
from inertialab.verification.measure.samples import sample_gradients


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
