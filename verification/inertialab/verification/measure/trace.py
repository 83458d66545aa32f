"""Trace and diagonal of a symmetric operator, with the error of the estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.density import rademacher
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.measure.operators import Operator

FEWEST = 10
"""Probes below which a standard error is too uncertain to stop at."""


@dataclass(frozen=True)
class TraceEstimate:
    """A trace with its error.

    Attributes:
        estimate: Value, standard error and number of probes; exact when the whole range was projected out.
        matvecs: Number of products used.
        converged: Whether the standard error is within the tolerance asked for.
        record: What was measured, and how.
    """

    estimate: Estimate
    matvecs: int
    converged: bool
    record: Mapping[str, Any]


@dataclass(frozen=True)
class DiagonalEstimate:
    """A diagonal with its errors.

    Attributes:
        values: Shape (P,).
        errors: Standard error of each, shape (P,).
        matvecs: Number of products used.
        record: What was measured, and how.
    """

    values: Tensor
    errors: Tensor
    matvecs: int
    record: Mapping[str, Any]


@unrounded
def trace(
    operator: Operator,
    rtol: float = 0.01,
    *,
    generator: torch.Generator,
    rank: int | None = None,
    max_matvecs: int = 200,
) -> TraceEstimate:
    """Trace by Hutch++: exact on the range of a random sketch, sampled on the rest.

    With Q an orthonormal basis of A S for r random vectors S, Tr A = Tr QᵀAQ + Tr (I - QQᵀ)A(I - QQᵀ). The first
    part is exact; for the second each probe z gives an independent value zᵀ(I - QQᵀ)A(I - QQᵀ)z, so its standard error
    is known and a t interval covers. Probes are added until it is within the tolerance. The relative error of a trace
    whose parts cancel cannot be promised; what is not reached is reported. Source: meyer2021hutch.

    Args:
        operator: Symmetric operator.
        rtol: Standard error relative to the trace.
        generator: Source of the random vectors.
        rank: Vectors of the sketch, r; each takes two products. By default a quarter of max_matvecs.
        max_matvecs: Most products.

    Returns:
        The trace with its standard error.

    Raises:
        ValueError: If too few products are allowed, or one is not finite.

    Example:
        >>> A = Operator.of_matrix(torch.diag(torch.tensor([5.0, 2.0, 0.0, 0.0], dtype=torch.float64)))
        >>> found = trace(A, generator=torch.Generator().manual_seed(0))
        >>> round(found.estimate.value, 9), found.matvecs
        (7.0, 8)
    """
    rank = min(max_matvecs // 4 if rank is None else rank, operator.size, operator.vectors(max_matvecs) // 2)
    if rank < 0 or max_matvecs - 2 * rank < FEWEST:
        raise ValueError(
            f"A standard error needs {FEWEST} probes beside the two products of each sketched vector: "
            f"max_matvecs must be at least {2 * max(rank, 0) + FEWEST}, got {max_matvecs}."
        )
    Q, known = _sketch(operator, rank, generator)
    record = {**operator.record, "estimator": "Hutch++", "rank": rank, "rtol": rtol}
    if len(Q) == operator.size:
        return TraceEstimate(Estimate(known), 2 * len(Q), True, record)
    units = torch.zeros(0, dtype=torch.float64)
    while True:
        room = max_matvecs - 2 * rank - len(units)
        units = torch.cat([units, _samples(operator, Q, min(room, max(FEWEST, len(units) // 2)), generator)])
        rest = Estimate.mean(units.numpy())
        estimate = Estimate(known + rest.value, rest.se, rest.n)
        converged = estimate.se <= rtol * abs(estimate.value)
        used = 2 * rank + len(units)
        if converged or used == max_matvecs:
            return TraceEstimate(estimate, used, converged, {**record, "matvecs": used})


def _sketch(operator: Operator, rank: int, generator: torch.Generator) -> tuple[Tensor, float]:
    """Orthonormal rows that span the range of a sketch, and the trace on it."""
    if rank == 0:
        return torch.zeros(0, operator.size, dtype=operator.dtype, device=operator.device), 0.0
    Q = torch.linalg.qr(products(operator, rademacher(operator, rank, generator)).T)[0].T.contiguous()
    return Q, float((products(operator, Q) * Q).sum(dtype=torch.float64))


def _samples(operator: Operator, Q: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Independent unbiased values of the trace outside the span of the rows of Q, shape (count,)."""
    z = rademacher(operator, count, generator)
    z = z - (z @ Q.T) @ Q
    return (products(operator, z) * z).sum(1, dtype=torch.float64).cpu()


def products(operator: Operator, rows: Tensor) -> Tensor:
    """A times each row.

    Raises:
        ValueError: If one is not finite.
    """
    found = operator.rows(rows)
    if not torch.isfinite(found).all():
        raise ValueError("A product with the operator is not finite; the loss or its derivatives overflow here.")
    return found


@unrounded
def diagonal(operator: Operator, probes: int, *, generator: torch.Generator, rank: int = 0) -> DiagonalEstimate:
    """Diagonal by Hutchinson's estimator, with the range of a sketch taken out exactly.

    diag A = diag(Q QᵀA + A QQᵀ - Q QᵀAQ Qᵀ) + diag of the rest (I - QQᵀ)A(I - QQᵀ), for which every probe of signs z
    gives an independent estimate z ∘ (rest z). Source: bekas2007estimator; the deflation as in meyer2021hutch.

    Args:
        operator: Symmetric operator.
        probes: Number of probes, at least 2.
        generator: Source of the random vectors.
        rank: Vectors of the sketch; each takes two products.

    Returns:
        The diagonal with a standard error for each entry.

    Raises:
        ValueError: If there are too few probes for an error, or a product is not finite.

    Example:
        The signs cancel nothing but themselves on a diagonal matrix:

        >>> A = Operator.of_matrix(torch.diag(torch.tensor([5.0, 2.0, 1.0], dtype=torch.float64)))
        >>> diagonal(A, 2, generator=torch.Generator().manual_seed(0)).values.tolist()
        [5.0, 2.0, 1.0]
    """
    if probes < 2:
        raise ValueError(f"A standard error needs at least 2 probes, got {probes}.")
    Q, _ = _sketch(operator, rank, generator)
    AQ = products(operator, Q) if len(Q) else Q
    inner = AQ @ Q.T
    known = 2 * (Q * AQ).sum(0) - (Q * (inner @ Q)).sum(0)
    mean, spread = torch.zeros_like(known), torch.zeros_like(known)
    for n in range(1, probes + 1):
        z = rademacher(operator, 1, generator)
        w = products(operator, z - (z @ Q.T) @ Q)
        sample = (z * (w - (w @ Q.T) @ Q))[0]
        step = sample - mean
        mean += step / n
        spread += step * (sample - mean)
    record = {**operator.record, "estimator": "deflated Hutchinson", "rank": rank, "probes": probes}
    return DiagonalEstimate(known + mean, (spread / (probes - 1) / probes).sqrt(), probes + 3 * len(Q), record)
