"""Exact spectrum of the gradient noise of few samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.lanczos import Eigenpairs
from inertialab.verification.measure.measurable import NotMeasurableError
from inertialab.verification.measure.noise import Sampling, sampling_factor
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.samples import sample_gradients


@unrounded
def noise_spectrum(
    problem: Problem, k: int | None = None, *, batch: int = 1, sampling: Sampling = "with replacement"
) -> Eigenpairs:
    """Exact eigenpairs of C through the N x N Gram matrix of the centred per-sample gradients, for few samples.

    GGᵀ/N and GᵀG/N share their non-zero eigenvalues. When the N gradients do not fit into the memory they are made
    block by block, once for every pair of blocks.

    Args:
        problem: What is measured.
        k: Number of pairs, largest first; by default all that are not zero to rounding.
        batch: Batch size, B.
        sampling: How batches are drawn.

    Returns:
        Pairs; the residuals bound what rounding makes of them.

    Raises:
        NotMeasurableError: If the Gram matrix does not fit into the memory.
    """
    n, bytes_each = problem.samples, problem.dtype.itemsize
    if 4 * n * n * bytes_each > problem.max_bytes:
        raise NotMeasurableError(
            f"The Gram matrix of {n} samples does not fit into max_bytes={problem.max_bytes}; take the top of "
            "noise_covariance(problem) with top_eigenpairs instead."
        )
    mean = problem.gradient() - problem.l2 * problem.start
    blocks = _Blocks(problem, mean)
    gram = blocks.gram() * (sampling_factor(n, batch, sampling) / n)
    values, coordinates = torch.linalg.eigh(gram)
    values, coordinates = values.flip(0), coordinates.flip(1)
    resolution = n * torch.finfo(problem.dtype).eps * float(values[0])
    rank = int((values > resolution).sum())
    k = rank if k is None else min(k, rank)
    vectors = blocks.combine(coordinates[:, :k])
    record = {**problem.record, "operator": "noise covariance", "estimator": "Gram matrix"}
    # The combination of gradients that makes a small pair is as wrong as its coordinates, on the scale of the top.
    residuals = resolution * (values[0] / values[:k]).sqrt()
    return Eigenpairs(values[:k], vectors / vectors.norm(dim=0), residuals, 0, True, resolution, record)


class _Blocks:
    """Centred per-sample gradients in blocks: held together if half of the memory suffices, else made anew."""

    def __init__(self, problem: Problem, mean: Tensor):
        self.problem, self.mean = problem, mean
        whole = problem.samples * problem.size * problem.dtype.itemsize <= problem.max_bytes // 2
        self.held: Sequence[Tensor] | None = list(self._made()) if whole else None

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.held) if self.held is not None else self._made()

    def gram(self) -> Tensor:
        """Inner products of all gradients, shape (N, N)."""
        return torch.cat([torch.cat([a @ b.T for b in self], dim=1) for a in self])

    def combine(self, coordinates: Tensor) -> Tensor:
        """Linear combinations of the gradients, shape (P, k), from coordinates of shape (N, k)."""
        total, begin = self.mean.new_zeros(self.problem.size, coordinates.shape[1]), 0
        for block in self:
            total += block.T @ coordinates[begin : begin + len(block)]
            begin += len(block)
        return total

    def _made(self) -> Iterator[Tensor]:
        # Two blocks are in hand at once.
        room = self.problem.max_bytes // 8 // (self.problem.size * self.problem.dtype.itemsize)
        return (block - self.mean for block in sample_gradients(self.problem, max(1, min(512, room))))
