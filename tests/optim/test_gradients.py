"""Gradients and parameters that are more than plain memory, for every row."""

import pytest
import torch
from rows import every_row, settings
from torch.testing._internal.two_tensor import TwoTensor

from inertialab.optim import Adai
from inertialab.optim.blocks import BLOCK

SIZES = [(4,), (2, BLOCK + 3)]
GRADIENTS = {
    "negative view": lambda g: torch._neg_view(-g),
    "expanded": lambda g: g[..., :1].expand(g.shape),
    "strided": lambda g: torch.stack([g, g], -1)[..., 0],
    "transposed": lambda g: g.t().contiguous().t(),
    "zeros without memory": lambda g: torch._efficientzerotensor(g.shape),
    "imaginary part of a conjugate": lambda g: torch.complex(g, -g).conj().imag,
}


def moved(row, gradient, shape):
    """Positions after some steps with a kind of gradient, and with its numbers written out."""
    out = []
    for form in (lambda g: g, lambda g: g + torch.zeros(g.shape)):
        p = torch.ones(shape, requires_grad=True)
        optimizer, generator = row.make([p], **settings(row)), torch.Generator().manual_seed(0)
        for _ in range(row.idle + 3):
            p.grad = form(gradient(torch.randn(shape, generator=generator)))
            optimizer.step()
        out.append(p.detach())
    return out


@every_row
@pytest.mark.parametrize("shape", SIZES, ids=["small", "large"])
@pytest.mark.parametrize("gradient", GRADIENTS.values(), ids=GRADIENTS)
def test_what_a_gradient_stands_for_is_descended(row, gradient, shape):
    lazy, plain = moved(row, gradient, shape)
    assert torch.allclose(lazy, plain, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("path", [{}, {"fused": True}, {"foreach": True}, {"foreach": False}], ids=str)
@pytest.mark.parametrize("size", [4, 300_000])
def test_adai_descends_gradients_without_memory_and_with_a_lazy_sign_on_every_path(path, size):
    p, q = (torch.ones(size, requires_grad=True) for _ in range(2))
    lazy, plain = Adai([p], lr=0.1, **path), Adai([q], lr=0.1, **path)
    for k in range(6):
        if k % 2:
            p.grad, q.grad = torch._efficientzerotensor((size,)), torch.zeros(size)
        else:
            p.grad, q.grad = torch._neg_view(torch.full((size,), -1.0)), torch.ones(size)
        lazy.step()
        plain.step()
    assert torch.equal(p, q)


@every_row
def test_parameters_of_another_tensor_type_stay_of_it(row):
    """Also beside plain ones, which share Adai's mean."""
    p = torch.nn.Parameter(TwoTensor(torch.ones(3), torch.full((3,), 2.0)))
    q, r, s = (torch.ones(3, requires_grad=True) for _ in range(3))
    optimizer, plain = row.make([p, q], **settings(row)), row.make([r, s], **settings(row))
    for _ in range(row.idle + 3):
        p.grad, q.grad = TwoTensor(torch.arange(1.0, 4), torch.arange(1.0, 4)), torch.ones(3)
        r.grad, s.grad = torch.arange(1.0, 4), torch.ones(3)
        optimizer.step()
        plain.step()
    assert type(p) is TwoTensor
    assert type(q) is torch.Tensor
    assert torch.allclose(p.a, r, rtol=1e-6)
    assert torch.allclose(q, s, rtol=1e-6)


@every_row
def test_a_class_of_parameters_of_somebodys_own_is_moved_as_a_plain_one(row):
    class Marked(torch.nn.Parameter):
        pass

    p, q = Marked(torch.ones(3)), torch.ones(3, requires_grad=True)
    optimizer, plain = row.make([p], **settings(row)), row.make([q], **settings(row))
    for _ in range(row.idle + 3):
        p.grad, q.grad = torch.arange(1.0, 4), torch.arange(1.0, 4)
        optimizer.step()
        plain.step()
    assert torch.allclose(p.detach(), q, rtol=1e-6)


@every_row
def test_steps_in_inference_mode_are_steps(row):
    p, q = torch.ones(BLOCK + 3), torch.ones(BLOCK + 3)
    optimizer, plain = row.make([p], **settings(row)), row.make([q], **settings(row))
    for _ in range(row.idle + 3):
        p.grad, q.grad = torch.ones(BLOCK + 3), torch.ones(BLOCK + 3)
        with torch.inference_mode():
            optimizer.step()
        plain.step()
    assert torch.allclose(p, q)
