"""Every kind of model, loss and data that users bring: measured rightly, or refused in a sentence that names the thing.

What is right is taken from the model itself: differences of the gradient that training would use.
"""

import numpy as np
import pytest
import torch
from kinds import CE, SORTED, Given, X, Y, close, net, parameters_of
from kinds_of_input import INPUTS
from kinds_of_loss import LOSSES, class_weights, ignored
from networks import difference_hessian, training_gradient
from torch.utils.checkpoint import checkpoint

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
)
from inertialab.verification.measure.batches import piece
from inertialab.verification.measure.samples import sample_gradients

RIGHT = {**LOSSES, **INPUTS}


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


def test_outputs_that_cannot_be_taken_apart_have_no_gauss_newton_matrix():
    problem, _ = RIGHT["outputs of a class of their own"]()
    with pytest.raises(NotMeasurableError, match="The outputs hold a Answer, which cannot be taken apart"):
        ggn(problem)
