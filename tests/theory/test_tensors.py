"""Every closed form as a function of tensors: the same numbers, and gradients."""

from itertools import islice

import numpy as np
import pytest
import torch
from regimes import inside

from inertialab.theory import CLAIMS, claim
from inertialab.theory.evaluation import evaluated, tensor_function

NOT_CLOSED = {"momentum.bias-correction", "adashift.net-update", "adashift.net-factor-order"}
CLOSED = [c for c in CLAIMS if not (c.id in NOT_CLOSED or c.functional)]


def numbers(subject):
    """A few points at which the formula has a size that differences can resolve, and does not cancel."""
    points = (p for p in inside(subject) if 1e-12 < abs(value(subject, p)) < 1e12 and not cancels(subject, p))
    chosen = list(islice(points, 8))
    assert len(chosen) == 8
    return chosen


def cancels(subject, point):
    """Whether the printed formula loses digits that the claim's own numerics keep."""
    if subject.numerics is None:
        return False
    if subject.change:  # its numerics know entries of matrices
        exact = subject.numerics(**{str(s): np.asarray(point[str(s)]) for s in subject.formula.free_symbols})
    else:
        exact = subject.evaluate(**{str(s): point[str(s)] for s in subject.arguments})
    return abs(value(subject, point) / exact - 1) > 1e-12


def value(subject, point):
    with np.errstate(all="ignore"):
        return float(np.real(evaluated(subject.formula, {k: np.asarray(x, complex) for k, x in point.items()})))


@pytest.mark.parametrize("subject", CLOSED, ids=lambda c: c.id)
def test_tensors_give_the_numbers_of_arrays_and_their_gradients_are_differences(subject):
    function = subject.formula_in(torch)
    if not subject.formula.free_symbols:  # asked here and not above: collecting the tests derives nothing
        assert function() == pytest.approx(float(subject.formula), rel=1e-15)
        return
    for point in numbers(subject):
        names = sorted({str(s) for s in subject.formula.free_symbols})
        tensors = {k: torch.tensor(point[k], dtype=torch.float64, requires_grad=True) for k in names}
        result = function(**tensors)
        assert result.dtype == torch.float64
        assert result.item() == pytest.approx(value(subject, point), rel=1e-12)
        continuous = [str(s) for s in subject.formula.free_symbols if not s.is_integer]
        for name, slope in zip(continuous, torch.autograd.grad(result, [tensors[k] for k in continuous]), strict=True):
            noise = 1e-8 * abs(result.item() / point[name])
            assert slope.item() == pytest.approx(difference(subject, point, name), rel=1e-5, abs=noise)


def difference(subject, point, name, step=2e-4):
    """Central differences of fourth order in the relative step, which stays well below what a decay lacks to 1."""
    step *= min(1.0, 30 * (1 - point[name])) if name in ("beta", "beta2") else 1.0
    at = {i: value(subject, {**point, name: point[name] * (1 + i * step)}) for i in (-2, -1, 1, 2)}
    return (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step * point[name])


def test_tensors_broadcast_and_gradients_flow_to_each():
    function = claim("momentum.saddle-msd").formula_in(torch)
    h = torch.tensor([-0.2, 0.3, 3.0], dtype=torch.float64, requires_grad=True)
    rest = {"eta": 0.5, "C": 2.0, "beta": 0.9, "T": 7.0, "v0sq": 0.1}
    spread = function(h=h, **{k: torch.tensor(x, dtype=torch.float64) for k, x in rest.items()})
    assert spread.tolist() == pytest.approx(claim("momentum.saddle-msd").predict(h=h.detach().numpy(), **rest))
    spread.sum().backward()
    assert h.grad.shape == (3,)


def test_a_gradient_that_is_a_thousandth_off_would_be_noticed():
    formula, h = claim("sgd.stationary-variance").formula, torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    rest = {"eta": torch.tensor(0.1, dtype=torch.float64), "C": torch.tensor(0.5, dtype=torch.float64)}
    right, wrong = (
        torch.autograd.grad(tensor_function(f, torch)(h=h, **rest), h)[0] for f in (formula, 1.001 * formula)
    )
    assert wrong.item() != pytest.approx(right.item(), rel=1e-5)


@pytest.mark.parametrize("id", sorted(NOT_CLOSED))
def test_without_a_closed_form_there_is_a_sentence(id):
    with pytest.raises(ValueError, match="no closed form to differentiate"):
        claim(id).formula_in(torch)
