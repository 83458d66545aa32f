"""Covariance of the minibatch gradient in given directions, from per-sample gradients."""

import torch
from torch import Tensor

from inertialab.experiments.problem import Problem


def noise_covariance_in(problem: Problem, at: Tensor, basis: Tensor, *, batch: int, chunk: int = 512) -> Tensor:
    """Covariance of the gradient of a batch drawn with replacement, projected on a basis.

    C = Σ/B with Σ the centred covariance of the per-sample gradients over the whole data set, normalised by
    N: the data set is the population that batches are drawn from, so nothing is estimated.

    Args:
        problem: What is trained.
        at: Parameters, shape (P,).
        basis: Directions as columns, shape (P, k).
        batch: Batch size B.
        chunk: Samples whose gradients are held at once.

    Returns:
        C, shape (k, k), units (L/θ)².
    """
    indices = torch.arange(len(problem.inputs), device=at.device)
    projected = torch.cat([problem.sample_gradients(at, part) @ basis for part in indices.split(chunk)])
    centred = projected - projected.mean(0)
    return centred.T @ centred / (len(centred) * batch)
