"""Gradients of single samples: all of them block by block, or their projections on directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import grad, vmap

from inertialab.verification.measure.batches import Chunk, NotMeasurableError, mapped, piece, tensors_in
from inertialab.verification.measure.conditions import quietly, unrounded
from inertialab.verification.measure.coordinates import flatten
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.products import kept_jacobian, pull

FEW = 16
"""Directions up to which one directional derivative each is cheaper than all per-sample gradients."""


def sample_losses(problem: Problem, leaves: Sequence[Tensor], chunk: Chunk) -> Tensor:
    """Numbers with the gradients, in the parameters, of what the single samples add to the loss, shape (n,).

    Their mean over all samples has the gradient of the loss. Where the loss takes nothing but the outputs it is
    replaced by its tangent at them: every sample's outputs times the slope in them, from one derivative for all.

    Raises:
        NotMeasurableError: If the samples have no losses of their own.
    """
    refuse_noise(problem)
    if problem.structure.separable:
        outputs = problem.outputs(leaves, chunk.inputs)
        slopes = output_slopes(problem, outputs, chunk)
        pairs = zip(slopes, _differentiable(outputs), strict=True)
        return torch.stack([(slope * end).reshape(len(end), -1).sum(1) for slope, end in pairs]).sum(0)

    def loss(*tensors: Tensor) -> Tensor:
        return problem.mean_loss(leaves, _single(chunk, tensors)).reshape(())

    tensors = list(tensors_in(tuple(chunk)))
    try:
        with quietly():
            return vmap(loss)(*tensors)
    except RuntimeError:  # an operation without a batching rule
        return torch.stack([loss(*one) for one in zip(*tensors, strict=True)])


def output_slopes(problem: Problem, outputs: Any, chunk: Chunk) -> list[Tensor]:
    """Derivative in its outputs of what each sample adds to the loss, for each tensor of the outputs."""
    free = mapped(lambda t: t.detach().requires_grad_(t.is_floating_point()), outputs)
    loss = problem.loss_of(problem.parts(problem.start), free, chunk.targets)
    ends = _differentiable(free)
    if not loss.requires_grad:
        return [torch.zeros_like(end) for end in ends]
    scale = problem.samples * problem.weight(chunk)
    return [slope.detach() for slope in torch.autograd.grad(scale * loss, ends, materialize_grads=True)]


def refuse_noise(problem: Problem) -> None:
    """Refuse to speak of single samples where there are none."""
    if problem.coupled:
        raise NotMeasurableError(
            "The samples are coupled: they have no losses of their own, and the noise of a batch of them is not "
            "defined. Measure curvature alone, or the noise of a loss that is a mean over samples."
        )
    if problem.structure.weighted and not problem.structure.separable:
        raise NotMeasurableError(
            "The loss weighs its samples and takes parameters beside the outputs, so what one sample adds to it is not "
            "known; take the part that needs no data out of the loss (l2=... is a penalty)."
        )


def sample_gradients(problem: Problem, most: int | None = None) -> Iterator[Tensor]:
    """Gradient of what each sample adds to the loss without the penalty, in blocks of rows (n, P), in order.

    Args:
        problem: What is measured.
        most: Most samples in a block; by default what fits into a quarter of the memory, 512 at most.
    """
    refuse_noise(problem)
    room = problem.max_bytes // 4 // (problem.size * problem.dtype.itemsize)
    width = max(1, min(most or 512, room))
    for chunk in problem.chunks:
        for s in range(0, chunk.samples, width):
            part = piece(chunk, slice(s, s + width))
            if problem.weight(part):
                yield _block(problem, part)
            else:
                yield torch.zeros(part.samples, problem.size, dtype=problem.dtype, device=problem.device)


@unrounded
def _block(problem: Problem, chunk: Chunk) -> Tensor:
    point = tuple(problem.parts(problem.start))
    with problem.conditions():
        slopes: list[Tensor] = []
        if problem.structure.weighted:
            slopes = output_slopes(problem, problem.outputs(point, chunk.inputs), chunk)

        def loss(parameters: tuple[Tensor, ...], *tensors: Tensor) -> Tensor:
            one = _single(chunk, tensors[len(slopes) :])
            if not slopes:
                return problem.mean_loss(parameters, one).reshape(())
            ends = _differentiable(problem.outputs(parameters, one.inputs))
            return torch.stack([(s * end[0]).sum() for s, end in zip(tensors, ends, strict=False)]).sum()

        tensors = (*slopes, *tensors_in(tuple(chunk)))
        try:
            with quietly():
                parts = vmap(grad(loss), in_dims=(None, *(0 for _ in tensors)))(point, *tensors)
        except RuntimeError:  # an operation without a batching rule
            leaves = problem.leaves()
            losses = sample_losses(problem, leaves, chunk)
            return torch.stack([flatten(pull((one,), leaves, (torch.ones_like(one),))) for one in losses])
    return torch.cat([part.reshape(chunk.samples, -1) for part in parts], dim=1)


def _single(chunk: Chunk, tensors: Sequence[Tensor]) -> Chunk:
    """One sample as a chunk, from its tensors without a dimension for the sample."""
    given = iter(tensors)
    return Chunk(*(mapped(lambda _: next(given)[None], values) for values in chunk))


def _differentiable(outputs: Any) -> list[Tensor]:
    return [tensor for tensor in tensors_in(outputs) if tensor.is_floating_point()]


@unrounded
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
        if not problem.weight(chunk):
            rows.append(basis.new_zeros(chunk.samples, basis.shape[1]))
            continue
        leaves = problem.leaves()
        with problem.conditions():
            losses = sample_losses(problem, leaves, chunk)
            push = kept_jacobian((losses,), leaves)
        rows.append(torch.stack([push(problem.parts(direction))[0] for direction in basis.T], dim=1))
    return torch.cat(rows)
