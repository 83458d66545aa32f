"""Covariance of the minibatch gradient: as an operator, in a basis, and its trace.

The data set is the population that batches are drawn from, so Σ, the centred covariance of the per-sample gradients
normalised by N, is known and not estimated. A batch of B samples has covariance Σ/B when drawn with replacement and
Σ/B (N - B)/(N - 1) without; see `sampling_factor`.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor

from inertialab.verification.measure.batches import Chunk, NotMeasurableError, piece
from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.coordinates import flatten
from inertialab.verification.measure.likelihood import Likelihood, drawn
from inertialab.verification.measure.operators import Operator
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.products import ChunkSum, has_forward_rules, kept_jacobian, pull
from inertialab.verification.measure.samples import project_gradients, refuse_noise, sample_gradients, sample_losses
from inertialab.verification.measure.selfcheck import gradient_at
from inertialab.verification.measure.tape import Product

Sampling = Literal["with replacement", "without replacement", "epochs"]


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


@unrounded
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


@unrounded
def fisher(
    problem: Problem,
    likelihood: Likelihood | None = None,
    *,
    draws: int = 1,
    generator: torch.Generator | None = None,
) -> Operator:
    """The uncentred second moment of the per-sample gradients, also called empirical Fisher matrix.

    It is Σ plus the outer product of the full gradient, penalty included. The Fisher information itself is an
    expectation over the model's own targets: with a declared likelihood they are drawn from it, and the penalty is left
    out. Without error it is `ggn(problem, likelihood)`.

    Args:
        problem: What is measured.
        likelihood: Distribution of the targets that are drawn, as of `ggn`; by default the targets are those given.
        draws: Targets drawn for each sample.
        generator: Source of the targets that are drawn.

    Raises:
        ValueError: If targets are to be drawn without a generator.
        NotMeasurableError: If the samples have no losses of their own.
    """
    if likelihood is not None:
        if generator is None or draws < 1:
            raise ValueError(f"Drawing targets needs a generator and draws >= 1, got {generator} and {draws}.")
        others = drawn(problem, likelihood, draws, generator)
        return _second_moment(others, torch.zeros_like(problem.start), 1.0).operator("fisher of drawn targets")
    gradient = problem.gradient()
    centred = _second_moment(problem, gradient, 1.0)

    @unrounded
    def rows(rows: Tensor) -> Tensor:
        return centred.rows(rows) + torch.outer(rows @ gradient, gradient)

    operator = centred.operator("fisher")
    return Operator(operator.size, rows, operator.dtype, operator.device, operator.max_bytes, operator.record)


def _second_moment(problem: Problem, gradient: Tensor, factor: float, keep: bool = True) -> ChunkSum:
    refuse_noise(problem)
    mean = gradient - problem.l2 * problem.start  # of the per-sample gradients without penalty
    scale = factor / problem.samples

    def make(chunk: Chunk) -> Product:
        leaves = problem.leaves()
        losses = sample_losses(problem, leaves, chunk)
        push = kept_jacobian((losses,), leaves)

        def product(v: Tensor) -> Tensor:
            centred = push(problem.parts(v))[0] - mean @ v
            return scale * flatten(pull((losses,), leaves, (centred,)))

        return product

    def ahead(chunk: Chunk, v: Tensor) -> Tensor:
        """One forward pass that carries the tangent, one backward pass."""
        leaves = problem.leaves()
        with problem.conditions(), forward_ad.dual_level():
            pairs = zip(leaves, problem.parts(v), strict=True)
            duals = [forward_ad.make_dual(leaf, part) for leaf, part in pairs]
            losses, along = forward_ad.unpack_dual(sample_losses(problem, duals, chunk))
            along = torch.zeros_like(losses) if along is None else along
        # Outside the level, or the backward pass would carry tangents too, at the cost of a second derivative.
        return scale * flatten(pull((losses,), leaves, ((along - mean @ v).detach(),)))

    def check(chunk: Chunk) -> None:
        """Beside the gradients of single samples, each taken on its own."""
        few = chunk if chunk.samples <= 4 else piece(chunk, slice(0, 4))
        if problem.structure.weighted:
            return  # what a sample adds is known only beside the others
        v = torch.randn(mean.shape, generator=torch.Generator().manual_seed(0)).to(mean)
        with problem.conditions():
            alone = [gradient_at(problem, piece(few, slice(i, i + 1)), problem.start)[1] for i in range(few.samples)]
            product = make(few)(v)
        expected = scale * torch.stack([g * (g @ v - mean @ v) for g in alone]).sum(0)
        largest = scale * max(float(g.norm() * ((g @ v).abs() + (mean @ v).abs())) for g in alone)
        if float((product - expected).norm()) > problem.eps**0.4 * largest + 1e-300:
            raise NotMeasurableError(
                "The noise by automatic differentiation is not that of the gradients of single samples: a derivative "
                "is wrong or missing. Layers whose backward pass is not differentiable cannot be measured."
            )

    forward = ahead if has_forward_rules(problem, ahead) else None
    return ChunkSum(problem, make, forward, check=check, keep=keep)


@unrounded
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


@unrounded
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
