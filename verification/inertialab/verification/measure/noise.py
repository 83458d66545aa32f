"""Covariance of the minibatch gradient: as an operator, in a basis, and its exact spectrum for few samples.

The data set is the population that batches are drawn from, so Σ, the centred covariance of the per-sample gradients
normalised by N, is known and not estimated. A batch of B samples has covariance Σ/B when drawn with replacement and
Σ/B (N - B)/(N - 1) without; see `sampling_factor`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch.func import grad, vmap

from inertialab.verification.measure.lanczos import Eigenpairs
from inertialab.verification.measure.operators import Operator
from inertialab.verification.measure.problem import Chunk, NotMeasurableError, Problem, flatten, piece
from inertialab.verification.measure.products import ChunkSum, has_forward_rules, kept_jacobian, pull
from inertialab.verification.measure.tape import Product

Sampling = Literal["with replacement", "without replacement", "epochs"]

FEW = 16
"""Directions up to which one directional derivative each is cheaper than all per-sample gradients."""


def sampling_factor(samples: int, batch: int, sampling: Sampling = "with replacement") -> float:
    """Covariance of a batch's mean gradient in units of Σ.

    Args:
        samples: Number of samples, N.
        batch: Batch size, B.
        sampling: "with replacement": 1/B. "without replacement", and any one step of shuffled "epochs":
            (N - B)/(B (N - 1)). Two steps of one epoch are anticorrelated, see `epoch_covariance`.

    Returns:
        The factor, dimensionless.

    Raises:
        ValueError: If B is not between 1 and what the sampling allows.

    Example:
        >>> sampling_factor(100, 100, "without replacement"), sampling_factor(100, 4)
        (0.0, 0.25)
    """
    if sampling not in ("with replacement", "without replacement", "epochs"):
        raise ValueError(f"sampling must be 'with replacement', 'without replacement' or 'epochs', got {sampling!r}.")
    if batch < 1 or (sampling != "with replacement" and batch > samples):
        raise ValueError(f"A batch {sampling} needs between 1 and {samples} samples, got {batch}.")
    if sampling == "with replacement":
        return 1 / batch
    return (samples - batch) / (batch * (samples - 1)) if samples > 1 else 0.0


def epoch_covariance(samples: int) -> float:
    """Covariance between the gradients of two steps of one shuffled epoch, in units of Σ: -1/(N - 1).

    It does not depend on the batch size: any two different samples of a permutation have this covariance.
    """
    return -1 / (samples - 1)


def noise_covariance(
    problem: Problem, *, batch: int = 1, sampling: Sampling = "with replacement", keep: bool = True
) -> Operator:
    """The centred covariance C of the minibatch gradient as an operator.

    With J the Jacobian of the N per-sample losses, Cv = JᵀPJv/N with P the projection that takes the mean away. The
    mean of Jv is the gradient along v, so it is subtracted before anything is squared. No per-sample gradient is made.

    Args:
        problem: What is measured.
        batch: Batch size, B.
        sampling: How batches are drawn.
        keep: Whether to keep graphs that fit into the memory.

    Returns:
        C, units (L/θ)².

    Example:
        For a linear loss the samples are the gradients:

        >>> X = torch.tensor([[1.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
        >>> model = torch.nn.Linear(2, 1, bias=False).double()
        >>> problem = Problem(model, lambda outputs, targets: outputs.mean(), (X, torch.zeros(2)))
        >>> torch.allclose(noise_covariance(problem).to_dense(), torch.cov(X.T, correction=0))
        True
    """
    factor = sampling_factor(problem.samples, batch, sampling)
    record = {"batch": batch, "sampling": sampling}
    return _second_moment(problem, problem.gradient(), factor, keep).operator("noise covariance", **record)


def fisher(problem: Problem) -> Operator:
    """The uncentred second moment of the per-sample gradients, also called empirical Fisher matrix.

    It is Σ plus the outer product of the full gradient, penalty included. The Fisher information itself, an
    expectation over the model's own targets, is `ggn` for the cross-entropy.

    Args:
        problem: What is measured.
    """
    gradient = problem.gradient()
    centred = _second_moment(problem, gradient, 1.0)

    def rows(rows: Tensor) -> Tensor:
        return centred.rows(rows) + torch.outer(rows @ gradient, gradient)

    operator = centred.operator("fisher")
    return Operator(operator.size, rows, operator.dtype, operator.device, operator.max_bytes, operator.record)


def _second_moment(problem: Problem, gradient: Tensor, factor: float, keep: bool = True) -> ChunkSum:
    mean = gradient - problem.l2 * problem.start  # of the per-sample gradients without penalty
    scale = factor / problem.samples

    def make(chunk: Chunk) -> Product:
        leaves = problem.leaves()
        losses = problem.linear_losses(problem.outputs(leaves, chunk[0]), chunk[1])
        push = kept_jacobian(losses, leaves)

        def product(v: Tensor) -> Tensor:
            centred = push(problem.parts(v)) - mean @ v
            return scale * flatten(pull((losses,), leaves, (centred,)))

        return product

    def ahead(chunk: Chunk, v: Tensor) -> Tensor:
        """One forward pass that carries the tangent, one backward pass."""
        leaves = problem.leaves()
        with problem.conditions(), forward_ad.dual_level():
            pairs = zip(leaves, problem.parts(v), strict=True)
            outputs = problem.outputs([forward_ad.make_dual(leaf, part) for leaf, part in pairs], chunk[0])
            losses, along = forward_ad.unpack_dual(problem.linear_losses(outputs, chunk[1]))
            along = torch.zeros_like(losses) if along is None else along
        # Outside the level, or the backward pass would carry tangents too, at the cost of a second derivative.
        return scale * flatten(pull((losses,), leaves, ((along - mean @ v).detach(),)))

    return ChunkSum(problem, make, ahead if has_forward_rules(problem, ahead) else None, keep=keep)


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


def noise_covariance_in(
    problem: Problem, basis: Tensor, *, batch: int = 1, sampling: Sampling = "with replacement"
) -> Tensor:
    """Covariance of the minibatch gradient in given directions.

    Args:
        problem: What is measured.
        basis: Directions as columns, shape (P, k).
        batch: Batch size, B.
        sampling: How batches are drawn.

    Returns:
        C, shape (k, k), units (L/θ)².
    """
    projected = project_gradients(problem, basis)
    return sampling_factor(problem.samples, batch, sampling) * covariance(projected)


def covariance(projected: Tensor) -> Tensor:
    """Centred second moment of the rows of (N, k), normalised by N, shape (k, k)."""
    centred = projected - projected.mean(0)
    return centred.T @ centred / len(centred)


def noise_trace(problem: Problem, *, batch: int = 1, sampling: Sampling = "with replacement") -> float:
    """Trace of the covariance of the minibatch gradient, exact: the mean squared deviation of a sample's gradient.

    Args:
        problem: What is measured.
        batch: Batch size, B.
        sampling: How batches are drawn.

    Returns:
        Tr C, units (L/θ)².
    """
    mean = problem.gradient() - problem.l2 * problem.start
    squares = sum(float((block - mean).square().sum()) for block in sample_gradients(problem))
    return sampling_factor(problem.samples, batch, sampling) * squares / problem.samples


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
