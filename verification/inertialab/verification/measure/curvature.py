"""Hessian and Gauss-Newton matrix of a full-data loss as operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from inertialab.verification.measure.batches import Chunk, mapped, tensors_in
from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.operators import Operator
from inertialab.verification.measure.problem import Problem, flatten
from inertialab.verification.measure.products import ChunkSum, kept_jacobian, pull
from inertialab.verification.measure.selfcheck import Sides, gradient_difference, verify
from inertialab.verification.measure.tape import Product


@unrounded
def hessian(problem: Problem, *, keep: bool = True) -> Operator:
    """The Hessian of the full-data loss, penalty included.

    The graph of the gradient is kept, so that a product costs one backward pass through it; chunks whose graphs do
    not fit into the memory are recomputed for every product. Source: pearlmutter1994fast.

    Args:
        problem: What is measured.
        keep: Whether to keep graphs that fit into the memory.

    Raises:
        NotMeasurableError: If the graph of one sample does not fit into the memory.

    Example:
        A loss without curvature in one of its parameters:

        >>> model = torch.nn.Linear(1, 1).double()
        >>> square = lambda outputs, targets: (outputs - targets).square().mean()
        >>> data = (torch.tensor([[1.0], [3.0]], dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64))
        >>> hessian(Problem(model, square, data)).to_dense()
        tensor([[10.,  4.],
                [ 4.,  2.]], dtype=torch.float64)
    """
    return ChunkSum(
        problem,
        lambda chunk: _second_derivative(problem, chunk),
        check=lambda chunk: verify(problem, chunk, _second_derivative, gradient_difference, "Hessian"),
        keep=keep,
        shift=problem.l2,
    ).operator("hessian")


def _second_derivative(problem: Problem, chunk: Chunk) -> Product:
    leaves = problem.leaves()
    loss = problem.weight(chunk) * problem.mean_loss(leaves, chunk)
    gradients = torch.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)
    return lambda v: flatten(pull(gradients, leaves, problem.parts(v)))


@unrounded
def ggn(problem: Problem) -> Operator:
    """The generalised Gauss-Newton matrix, mean of JᵀHJ with H the loss' Hessian in the outputs, plus l2.

    It is the Fisher information where the loss is a negative log-likelihood in its natural parameters, as the
    cross-entropy of logits and the squared error are. Source: schraudolph2002fast.

    Args:
        problem: What is measured.

    Raises:
        NotMeasurableError: If the graph of one sample does not fit into the memory.

    Example:
        For a linear model it is the Hessian:

        >>> model = torch.nn.Linear(2, 3).double()
        >>> data = (torch.eye(2, dtype=torch.float64), torch.tensor([0, 2]))
        >>> problem = Problem(model, torch.nn.functional.cross_entropy, data)
        >>> torch.allclose(ggn(problem).to_dense(), hessian(problem).to_dense())
        True
    """
    return ChunkSum(
        problem,
        lambda chunk: _gauss_newton(problem, chunk),
        check=lambda chunk: verify(problem, chunk, _gauss_newton, _differences, "Gauss-Newton matrix"),
        shift=problem.l2,
    ).operator("ggn")


def _gauss_newton(problem: Problem, chunk: Chunk) -> Product:
    leaves = problem.leaves()
    outputs = problem.outputs(leaves, chunk.inputs)
    ends = _differentiable(outputs)
    push = kept_jacobian(ends, leaves)
    inner, slopes = _slopes(problem, chunk, outputs, problem.parts(problem.start))

    def product(v: Tensor) -> Tensor:
        parts = problem.parts(v)
        curved = pull(slopes, inner, (*push(parts), *parts[: len(inner) - len(ends)]))
        product = flatten(pull(ends, leaves, curved[: len(ends)]))
        return product + flatten(curved[len(ends) :]) if problem.structure.direct else product

    return product


def _slopes(
    problem: Problem, chunk: Chunk, outputs: Any, point: Sequence[Tensor]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """What the loss is a function of, and its slopes, with a graph.

    What it takes from the parameters directly counts as an output of its own, the parameter itself.
    """
    free = mapped(lambda t: t.detach().requires_grad_(t.is_floating_point()), outputs)
    taken = tuple(p.detach().clone().requires_grad_() for p in point) if problem.structure.direct else ()
    inner = (*_differentiable(free), *taken)
    loss = problem.weight(chunk) * problem.loss_of(taken or point, free, chunk.targets)
    if not loss.requires_grad:
        return inner, tuple(torch.zeros_like(t) for t in inner)
    return inner, torch.autograd.grad(loss, inner, create_graph=True, materialize_grads=True)


def _differences(problem: Problem, chunk: Chunk, v: Tensor, step: float, sides: Sides) -> Tensor:
    """A product with the Gauss-Newton matrix from differences of outputs and slopes."""
    leaves = problem.leaves()
    outputs = problem.outputs(leaves, chunk.inputs)
    ahead, back = (
        [t.detach() for t in _differentiable(problem.outputs(problem.parts(problem.start + s * v), chunk.inputs))]
        for s in (step, -step)
    )
    slopes = []
    for sign in (1, -1):
        changes = iter([sign * (a - b) / 2 for a, b in zip(ahead, back, strict=True)])
        shifted = mapped(lambda t, c=changes: t.detach() + next(c) if t.is_floating_point() else t, outputs)
        slopes.append(_slopes(problem, chunk, shifted, problem.parts(problem.start + sign * step * v))[1])
    curved = [(a - b).detach() / (2 * step) for a, b in zip(*slopes, strict=True)]
    ends = _differentiable(outputs)
    product = flatten(pull(ends, leaves, curved[: len(ends)]))
    return product + flatten(curved[len(ends) :]) if problem.structure.direct else product


def _differentiable(outputs: Any) -> list[Tensor]:
    return [tensor for tensor in tensors_in(outputs) if tensor.is_floating_point()]
