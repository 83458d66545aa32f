"""Hessian and Gauss-Newton matrix of a full-data loss as operators."""

from __future__ import annotations

import torch
from torch import Tensor

from inertialab.verification.measure.measurable import Chunk
from inertialab.verification.measure.operators import Operator
from inertialab.verification.measure.problem import Problem, flatten
from inertialab.verification.measure.products import ChunkSum, kept_jacobian, pull
from inertialab.verification.measure.tape import Product


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

    def make(chunk: Chunk) -> Product:
        leaves = problem.leaves()
        loss = problem.weight(chunk) * problem.mean_loss(leaves, chunk)
        gradients = torch.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)
        return lambda v: flatten(pull(gradients, leaves, problem.parts(v)))

    return ChunkSum(problem, make, keep=keep, shift=problem.l2).operator("hessian")


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

    def make(chunk: Chunk) -> Product:
        leaves = problem.leaves()
        outputs = problem.outputs(leaves, chunk[0])
        push = kept_jacobian(outputs, leaves)
        free = outputs.detach().requires_grad_()
        loss = problem.weight(chunk) * problem.loss(free, chunk[1])
        (slope,) = torch.autograd.grad(loss, free, create_graph=True)

        def product(v: Tensor) -> Tensor:
            (curved,) = pull((slope,), (free,), (push(problem.parts(v)),))
            return flatten(pull((outputs,), leaves, (curved,)))

        return product

    return ChunkSum(problem, make, shift=problem.l2).operator("ggn")
