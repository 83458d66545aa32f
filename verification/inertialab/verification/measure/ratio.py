"""Gradient noise beside curvature: C/H in each direction, its law, and the subspaces they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.verification.measure.batches import Chunk, mapped, tensors_in
from inertialab.verification.measure.bootstrap import Intervals, bootstrap
from inertialab.verification.measure.budget import fitting
from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.noise import Sampling, sampling_factor
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.products import kept_jacobian, pull
from inertialab.verification.measure.samples import project_gradients, sample_losses


@dataclass(frozen=True)
class NoiseRatio:
    """Noise and curvature along fixed directions, with intervals over the samples.

    Attributes:
        ratio: C_i/H_i for each direction, units of the loss.
        slope: Slope of ln C_i against ln H_i over the directions with positive curvature, dimensionless; one number;
            None when fewer than two have.
        noise: C_i, shape (k,), units (L/θ)².
        curvature: H_i, penalty included, shape (k,), units L/θ².
        record: What was measured, and how.
    """

    ratio: Intervals
    slope: Intervals | None
    noise: np.ndarray
    curvature: np.ndarray
    record: Mapping[str, Any]


@unrounded
def noise_ratio(
    problem: Problem,
    basis: Tensor,
    *,
    rng: np.random.Generator,
    batch: int = 1,
    sampling: Sampling = "with replacement",
    confidence: float = 0.95,
    resamples: int = 2000,
) -> NoiseRatio:
    """Ratio of gradient noise to curvature along given directions.

    Each resample of the data changes the gradients and the curvatures together, so their correlation is in the
    intervals; the directions stay fixed. They answer how the ratio would vary for another data set of the same
    origin: for the data set at hand the values are exact.

    Args:
        problem: What is measured.
        basis: Directions as columns, shape (P, k), as a rule eigenvectors of the Hessian.
        rng: Source of the resamples.
        batch: Batch size, B.
        sampling: How batches are drawn.
        confidence: Of each interval.
        resamples: Number of resamples.
    """
    gradients = project_gradients(problem, basis).double().cpu().numpy()
    curvatures = project_curvature(problem, basis).double().cpu().numpy()
    penalty = problem.l2 * basis.square().sum(0).double().cpu().numpy()
    factor = sampling_factor(problem.samples, batch, sampling)
    return ratio_of_samples(
        gradients,
        curvatures + penalty,
        factor,
        rng=rng,
        confidence=confidence,
        resamples=resamples,
        record={**problem.record, "batch": batch, "sampling": sampling, "resamples": resamples},
    )


def ratio_of_samples(
    gradients: np.ndarray,
    curvatures: np.ndarray,
    factor: float = 1.0,
    *,
    rng: np.random.Generator,
    confidence: float = 0.95,
    resamples: int = 2000,
    record: Mapping[str, Any] | None = None,
) -> NoiseRatio:
    """The ratio from what every sample contributes.

    Args:
        gradients: Per-sample gradients along the directions, shape (N, k).
        curvatures: Per-sample second derivatives along them, shape (N, k).
        factor: Covariance of the batch gradient in units of that of one sample.
        rng: Source of the resamples.
        confidence: Of each interval.
        resamples: Number of resamples.
        record: What was measured.
    """
    # Deviations from the mean: the square of a large mean would swallow a small variance.
    centred = gradients - gradients.mean(0)

    def moments(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return factor * (weights @ centred**2 - (weights @ centred) ** 2), weights @ curvatures

    C, H = (moment[0] for moment in moments(np.full((1, len(gradients)), 1 / len(gradients))))
    lawful = np.flatnonzero((H > 0) & (C > 0))

    def statistics(weights: np.ndarray) -> np.ndarray:
        C, H = moments(weights)
        return np.concatenate([C / H, _slopes(C[:, lawful], H[:, lawful])], axis=1)

    found = bootstrap(statistics, len(gradients), rng=rng, confidence=confidence, resamples=resamples)
    return NoiseRatio(found[:-1], found[-1:] if len(lawful) > 1 else None, C, H, record or {})


def _slopes(C: np.ndarray, H: np.ndarray) -> np.ndarray:
    """Slopes of ln C against ln H in every row, shape (r, 1); zero when there are fewer than two columns."""
    if C.shape[1] < 2:
        return np.zeros((len(C), 1))
    x, y = np.log(np.maximum(H, 1e-300)), np.log(np.maximum(C, 1e-300))
    x = x - x.mean(1, keepdims=True)
    return (x * y).sum(1, keepdims=True) / (x**2).sum(1, keepdims=True)


@unrounded
def project_curvature(problem: Problem, basis: Tensor) -> Tensor:
    """Second derivative of each sample's own loss, without the penalty, along given directions.

    For a direction v it is the loss' curvature along the change Jv of the outputs, plus the loss' slope times the
    curvature of the outputs.

    Args:
        problem: What is measured.
        basis: Directions as columns, shape (P, k).

    Returns:
        Shape (N, k), units L/θ²; the mean over samples is vᵀHv.
    """
    directions = [problem.parts(v) for v in basis.to(problem.device, problem.dtype).T]
    rows = []
    for chunk in problem.chunks:
        if not problem.weight(chunk):
            rows.append(problem.start.new_zeros(chunk.samples, len(directions)))
            continue
        room = problem.max_bytes // 2
        for part in fitting(problem, chunk, lambda c: _second_derivatives(problem, c, directions[:1]), room):
            rows.append(_second_derivatives(problem, part, directions))
    return torch.cat(rows)


def _second_derivatives(problem: Problem, chunk: Chunk, directions: Sequence[list[Tensor]]) -> Tensor:
    leaves, n = problem.leaves(), chunk.samples
    with problem.conditions():
        # Weights of the samples: the derivative in one of them is that sample's share.
        u = torch.ones(n, dtype=problem.dtype, device=problem.device, requires_grad=True)
        weighted = (u * sample_losses(problem, leaves, chunk)).sum()
        gradients = pull((weighted,), leaves, (torch.ones_like(weighted),), create_graph=True)
        bend = _bend_of_loss(problem, chunk, leaves) if problem.structure.separable else None
    columns = []
    for v in directions:
        bent = pull(gradients, leaves, v, create_graph=True)
        column = pull(bent, (u,), v)[0]
        columns.append((column if bend is None else column + bend(v)).detach())
    return torch.stack(columns, dim=1)


def _bend_of_loss(problem: Problem, chunk: Chunk, leaves: Sequence[Tensor]) -> Callable[[Sequence[Tensor]], Tensor]:
    """Curvature of the loss itself, which its tangent lacks, along the change of each sample's outputs, shape (n,)."""
    outputs = list(tensors_in(whole := problem.outputs(leaves, chunk.inputs)))
    free = mapped(lambda t: t.detach().requires_grad_(t.is_floating_point()), whole)
    ends = [t for t in tensors_in(free) if t.requires_grad]
    scale = problem.samples * problem.weight(chunk)
    loss = scale * problem.loss_of(problem.parts(problem.start), free, chunk.targets)
    slopes = torch.autograd.grad(loss, ends, create_graph=True, materialize_grads=True)
    push = kept_jacobian([t for t in outputs if t.is_floating_point()], leaves)

    def bend(v: Sequence[Tensor]) -> Tensor:
        changes = push(v)
        curved = pull(slopes, ends, changes)
        pairs = zip(curved, changes, strict=True)
        return torch.stack([(c * change).reshape(chunk.samples, -1).sum(1) for c, change in pairs]).sum(0)

    return bend


def subspace_overlap(first: Tensor, second: Tensor) -> float:
    """Share of the smaller of two subspaces that lies in the other, between 0 and 1.

    Args:
        first: Orthonormal columns, shape (P, k).
        second: Orthonormal columns, shape (P, l).

    Returns:
        |UᵀV|²/min(k, l), dimensionless; random subspaces have max(k, l)/P.

    Example:
        >>> I = torch.eye(4)
        >>> subspace_overlap(I[:, :2], I[:, 1:3])
        0.5
    """
    return float((first.T @ second).square().sum() / min(first.shape[1], second.shape[1]))
