"""Adai at the ends of the numbers: gradients that have died, that are tiny, and whose squares overflow."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inertialab.optim import Adai

PATHS = {
    "native": {"fused": True},
    "blocks": {"foreach": True},
    "plain": {"foreach": False},
    "capturable": {"capturable": True},
    "dampened": {"foreach": True, "dampening": 0.5},
    "dampened, plain": {"foreach": False, "dampening": 0.5},
}
every_path = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
LIVE = 1e-2 * torch.tensor([0.0, 1.0, 0.5, 0.1])
SIZES = st.floats(-(2.0**100), 2.0**100, width=32)


def run(sequence, lr=0.1, **settings):
    """Weights after each step, from zero; shape (steps, n)."""
    p = torch.zeros_like(sequence[0]).requires_grad_()
    optimizer, weights = Adai([p], lr=lr, **settings), []
    for g in sequence:
        p.grad = g.clone()
        optimizer.step()
        weights.append(p.detach().clone())
    return torch.stack(weights)


@every_path
def test_gradients_that_die_leave_the_weights_finite(path):
    """A coordinate that never saw any, while second moments fall through the smallest numbers."""
    weights = run([LIVE] * 20 + [torch.zeros(4)] * 600, betas=(0.1, 0.5), **path)
    assert weights.isfinite().all()
    assert torch.equal(weights[-1], weights[300]) or (weights[-1] - weights[300]).abs().max() < 1e-6


def test_gradients_that_die_leave_the_weights_finite_with_the_default_memory():
    assert run([LIVE] * 20 + [torch.zeros(4)] * 8500).isfinite().all()


def test_gradients_that_die_leave_compiled_steps_finite():
    weights = run([x.bfloat16() for x in [LIVE] * 20 + [torch.zeros(4)] * 400], betas=(0.1, 0.5), fused=True)
    assert weights.isfinite().all()


def test_a_fitted_softmax_stays_fitted():
    """Its gradients fall below 1e-19 after some thousand steps."""
    torch.manual_seed(0)
    model, x, y = torch.nn.Linear(4, 3), 20 * torch.eye(4)[:3], torch.arange(3)
    optimizer = Adai(model.parameters(), lr=1.0, betas=(0.1, 0.9))
    for _ in range(2000):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert all(p.isfinite().all() for p in model.parameters())


@every_path
@pytest.mark.parametrize("size", [1e-15, 1e-18, 1e-19, 3e-20, 1e-21, 1e-22, 1e-30, 1e-40, 1e20, 1e30])
def test_gradients_of_any_size_leave_the_weights_finite(path, size):
    g = torch.tensor([0.0, 1.0, -2.0, 0.1]) * size
    assert run([g, g, -g], lr=0.1, **path).isfinite().all()


@every_path
@given(sequence=st.lists(st.lists(SIZES, min_size=3, max_size=3), min_size=1, max_size=6))
def test_any_finite_gradients_leave_the_weights_finite(path, sequence):
    assert run([torch.tensor(g) for g in sequence], lr=1e-3, betas=(0.1, 0.3), **path).isfinite().all()


@every_path
def test_scaling_the_loss_scales_the_step_down_to_the_smallest_numbers(path):
    """Squares of 1e-20 are not normal numbers any more, and the inverse of their mean is no float32."""
    torch.manual_seed(1)
    sequence, c = [torch.randn(50).sign() * (1 + torch.rand(50)) for _ in range(20)], 2.0**-62
    scaled = run([c * g for g in sequence], lr=0.1 / c, **path)
    assert torch.allclose(scaled, run(sequence, **path), rtol=1e-3, atol=1e-3)


@every_path
def test_double_precision_goes_as_far(path):
    """Squares of 1e-160 are the smallest double numbers."""
    torch.manual_seed(1)
    sequence, c = [torch.randn(50).sign() * (1 + torch.rand(50)).double() for _ in range(20)], 2.0**-530
    scaled = run([c * g for g in sequence], lr=0.1 / c, **path)
    assert torch.allclose(scaled, run(sequence, **path), rtol=1e-2, atol=1e-2)


@every_path
def test_where_all_second_moments_are_zero_they_are_equal(path):
    """The share of each is one, as for equal second moments of any size: alpha is beta0."""
    first, second = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([-1.0, 1.0, 4.0])
    weights = run([1e-30 * first, 1e-30 * second], lr=1e30, **path)
    alpha = 0.1
    m = [alpha ** path.get("dampening", 1) * first]
    m.append((1 - alpha) * m[0] + alpha ** path.get("dampening", 1) * second)
    q = [alpha, 1 - (1 - alpha) ** 2]
    scale = alpha ** (1 - path.get("dampening", 1))
    assert torch.allclose(weights[1], -scale * (m[0] / q[0] + m[1] / q[1]), rtol=1e-5)


@every_path
def test_an_overflow_of_all_squares_is_a_step_of_plain_gradients(path):
    g = torch.tensor([1e25, -2e25])
    weights = run([g, g], lr=1e-25, **path)
    assert torch.allclose(weights[0], -1e-25 * g * 0.1 ** (1 - path.get("dampening", 1)))
    assert weights.isfinite().all()


@every_path
def test_a_tiny_inertia_bound_divides_by_no_zero(path):
    g = torch.tensor([0.0, 0.0, 1.0])
    assert run([g, g], eps=1e-60, **path).isfinite().all()


@pytest.mark.parametrize("dampening", [1.0, 0.5])
def test_derivatives_at_zero_gradients_are_finite(dampening):
    lr, g = torch.tensor(0.1, requires_grad=True), torch.zeros(3, requires_grad=True)
    p = torch.ones(3, requires_grad=True).clone()
    optimizer = Adai([p], lr=lr, differentiable=True, dampening=dampening)
    p.grad = g
    optimizer.step()
    by_rate, by_gradient = torch.autograd.grad(p.sum(), [lr, g])
    assert by_rate == 0
    assert torch.allclose(by_gradient, torch.full((3,), -0.1))
