"""Gradients of single samples: all of them block by block, or their projections on directions."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.func import grad, vmap

from inertialab.verification.measure.measurable import Chunk, piece
from inertialab.verification.measure.problem import Problem, flatten
from inertialab.verification.measure.products import kept_jacobian, pull

FEW = 16
"""Directions up to which one directional derivative each is cheaper than all per-sample gradients."""


def sample_gradients(problem: Problem, most: int | None = None) -> Iterator[Tensor]:
    """Gradient of each sample's own loss without the penalty, in blocks of rows (n, P), in order.

    Args:
        problem: What is measured.
        most: Most samples in a block; by default what fits into a quarter of the memory, 512 at most.
    """
    room = problem.max_bytes // 4 // (problem.size * problem.dtype.itemsize)
    width = max(1, min(most or 512, room))
    for chunk in problem.chunks:
        for s in range(0, len(chunk[1]), width):
            yield _block(problem, piece(chunk, slice(s, s + width)))


def _block(problem: Problem, chunk: Chunk) -> Tensor:
    point = tuple(problem.parts(problem.start))
    inputs, targets = chunk

    def loss(parameters: tuple[Tensor, ...], inputs: Tensor | tuple[Tensor, ...], target: Tensor) -> Tensor:
        one = tuple(i[None] for i in inputs) if isinstance(inputs, tuple) else inputs[None]
        return problem.mean_loss(parameters, (one, target[None]))

    with problem.conditions():
        try:
            parts = vmap(grad(loss), in_dims=(None, 0, 0))(point, inputs, targets)
        except RuntimeError:  # an operation without a batching rule
            leaves = problem.leaves()
            losses = problem.linear_losses(problem.outputs(leaves, inputs), targets)
            return torch.stack([flatten(pull((one,), leaves, (torch.ones_like(one),))) for one in losses])
    return torch.cat([part.reshape(len(targets), -1) for part in parts], dim=1)


def project_gradients(problem: Problem, basis: Tensor) -> Tensor:
    """Per-sample gradients, without the penalty, along given directions.

    Few directions take a directional derivative each, many take the per-sample gradients block by block.

    Args:
        problem: What is measured.
        basis: Directions as columns, shape (P, k).

    Returns:
        Shape (N, k), units L/θ.
    """
    basis = basis.to(problem.device, problem.dtype)
    if basis.shape[1] > FEW:
        return torch.cat([block @ basis for block in sample_gradients(problem)])
    rows = []
    for chunk in problem.chunks:
        leaves = problem.leaves()
        with problem.conditions():
            losses = problem.linear_losses(problem.outputs(leaves, chunk[0]), chunk[1])
            push = kept_jacobian(losses, leaves)
        rows.append(torch.stack([push(problem.parts(direction)) for direction in basis.T], dim=1))
    return torch.cat(rows)
