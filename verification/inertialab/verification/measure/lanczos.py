"""Extreme eigenpairs of a symmetric operator by Lanczos iteration, each with its residual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from inertialab.verification.measure.conditions import unrounded
from inertialab.verification.measure.operators import Operator

Which = Literal["LA", "SA", "LM"]
CHECK_EVERY = 2  # products between two looks at the residuals


@dataclass(frozen=True)
class Eigenpairs:
    """Eigenpairs with their errors.

    Attributes:
        values: Eigenvalues in the order asked for, shape (k,), units of the operator.
        vectors: Orthonormal eigenvectors as columns, shape (P, k).
        residuals: |A v - λ v| of each, shape (k,); an eigenvalue of A lies within it of every value.
        matvecs: Number of products used.
        converged: Whether every residual is within the tolerance asked for.
        resolution: Rounding error of an eigenvalue: eight units of rounding of the largest magnitude seen.
        record: What was measured, and how.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    matvecs: int
    converged: bool
    resolution: float
    record: Mapping[str, Any]

    @property
    def signs_known(self) -> Tensor:
        """Whether the sign of each value is beyond its residual and the rounding error, shape (k,)."""
        return self.values.abs() > self.residuals.clamp(min=self.resolution)

    @property
    def note(self) -> str:
        """What must be known before the numbers are used; empty when there is nothing to say."""
        sentences = [self.record["note"]] if "note" in self.record else []
        if not self.converged:
            sentences.append(f"Not converged: a residual of {float(self.residuals.max()):.1e} remains.")
        if not self.signs_known.all():
            sentences.append(
                f"In {self.record.get('dtype', 'this precision')} the sign of an eigenvalue below "
                f"{self.resolution:.1e}, or below its residual, is not known."
            )
        return " ".join(sentences)


@unrounded
def top_eigenpairs(
    operator: Operator,
    k: int,
    which: Which = "LA",
    rtol: float = 1e-3,
    *,
    generator: torch.Generator,
    start: Tensor | None = None,
    max_matvecs: int | None = None,
) -> Eigenpairs:
    """Extreme eigenpairs by Lanczos iteration with two-pass full reorthogonalisation and a residual stop.

    The basis is kept orthogonal to rounding, so no ghost copies appear; where an invariant subspace ends the
    iteration early, it goes on from a random direction orthogonal to it until that adds no pair, so repeated
    eigenvalues are found as often as they occur where their subspace is small. Copies inside a spectrum that is
    not exhausted are found only slowly. The whole projection QᵀAQ is kept instead of its tridiagonal part, so the
    residuals hold without further products, and hold also for what rounding adds.
    Source: parlett1998symmetric, chapter 13.

    Args:
        operator: Symmetric operator.
        k: Number of pairs, 1 <= k <= P.
        which: "LA" largest, "SA" smallest, "LM" largest in magnitude.
        rtol: Largest residual relative to |λ| of the pair; for pairs under a hundredth of the largest
            |eigenvalue| seen, relative to that hundredth.
        generator: Source of the start vector.
        start: Start vector, shape (P,), in the place of a random one: a sum of earlier eigenvectors saves products.
        max_matvecs: Most products; by default P, or as many as vectors fit into the operator's memory.

    Returns:
        Pairs with residuals; `converged` says whether the tolerance is met.

    Raises:
        ValueError: If k or which is out of range, a product is not finite, or the operator is not symmetric.

    Example:
        >>> A = Operator.of_matrix(torch.diag(torch.tensor([3.0, 1.0, -4.0], dtype=torch.float64)))
        >>> pairs = top_eigenpairs(A, 1, "LM", generator=torch.Generator().manual_seed(0))
        >>> round(float(pairs.values), 9), pairs.matvecs
        (-4.0, 3)
    """
    if not 1 <= k <= operator.size:
        raise ValueError(f"k must be between 1 and the number of parameters, {operator.size}; got {k}.")
    if which not in ("LA", "SA", "LM"):
        raise ValueError(f"which must be 'LA', 'SA' or 'LM', got {which!r}.")
    limit = operator.vectors(min(operator.size, max_matvecs or operator.size))
    if limit < k:
        raise ValueError(f"{k} pairs need as many vectors; products or memory suffice for {limit}. Allow more.")
    krylov = Krylov(operator, generator, start)
    ritz, chosen, converged = _iterated(krylov, k, which, rtol, limit)
    return Eigenpairs(
        ritz.values[chosen].to(operator.device),
        krylov.lift(ritz.vectors[:, chosen]).T,
        ritz.residuals[chosen].to(operator.device),
        krylov.products,
        converged,
        8 * torch.finfo(operator.dtype).eps * ritz.scale,
        {**operator.record, "estimator": "Lanczos", "which": which, "rtol": rtol, "matvecs": krylov.products},
    )


def _iterated(krylov: Krylov, k: int, which: Which, rtol: float, limit: int) -> tuple[Ritz, Tensor, bool]:
    """Grow the basis until k pairs are found or the products are used up: all pairs, which are meant, whether found."""
    found = torch.full((k,), torch.inf, dtype=torch.float64)
    while True:
        krylov.grow()
        last = krylov.products == limit
        if not (last or krylov.closed or (krylov.products >= k and krylov.products % CHECK_EVERY == 0)):
            continue
        ritz = krylov.ritz()
        chosen = _select(ritz.values, which)[:k]
        tolerance = rtol * ritz.values[chosen].abs().clamp(min=0.01 * ritz.scale)
        converged = len(chosen) == k and bool((ritz.residuals[chosen] <= tolerance).all())
        if last or (converged and krylov.products >= 2 * k and not krylov.closed):
            return ritz, chosen, converged
        if krylov.closed and len(chosen) == k:
            # An invariant subspace: another start may hold further copies, until one adds nothing to the k pairs.
            if torch.allclose(ritz.values[chosen], found, rtol=0, atol=float(tolerance.max())):
                return ritz, chosen, converged
            found = ritz.values[chosen]


@dataclass(frozen=True)
class Ritz:
    """Approximate eigenpairs in the coordinates of a basis.

    Attributes:
        values: Shape (m,), ascending, float64 on the CPU.
        vectors: Coordinates as columns, shape (m, m).
        residuals: Shape (m,).
        scale: Largest magnitude of a value.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    scale: float


class Krylov:
    """An orthonormal basis, grown by one product at a time, and the operator's projection on it.

    Args:
        operator: Symmetric operator.
        generator: Source of directions.
        start: First direction, shape (P,); random by default.
    """

    def __init__(self, operator: Operator, generator: torch.Generator, start: Tensor | None = None):
        self.operator, self.generator = operator, generator
        self.next = operator.random(1, generator)[0] if start is None else start.to(operator.device, operator.dtype)
        self.beta = float(self.next.norm())
        if not 0 < self.beta < float("inf"):
            raise ValueError("A start vector must be finite and not zero; pass start=None for a random one.")
        self.products, self.scale = 0, 0.0
        self._rows = self.next[None][:0]
        self._projected = torch.zeros(0, 0, dtype=torch.float64)

    @property
    def closed(self) -> bool:
        """Whether the basis spans an invariant subspace, to rounding."""
        return self.beta <= torch.finfo(self.operator.dtype).eps ** 0.75 * self.scale

    @property
    def basis(self) -> Tensor:
        """The basis as rows, shape (m, P)."""
        return self._rows[: self.products]

    def grow(self) -> None:
        """Add a direction: a product, and its part orthogonal to all directions as the next one."""
        m = self.products
        self._make_room()
        if m and self.closed:
            self.next = orthogonal(self.operator.random(1, self.generator)[0], self.basis)[0]
            self.beta = float(self.next.norm())
        elif m:
            self._projected[m, m - 1] = self.beta
        self._rows[m] = self.next / self.beta
        self.products = m + 1
        product = self.operator.matvec(self._rows[m])
        if not torch.isfinite(product).all():
            raise ValueError("A product with the operator is not finite; the loss or its derivatives overflow here.")
        self.next, coordinates = orthogonal(product, self.basis)
        self._projected[: m + 1, m] = coordinates.double().cpu()
        self.beta = float(self.next.norm())
        self.scale = max(self.scale, float(coordinates.norm()), self.beta)

    def ritz(self) -> Ritz:
        """Approximate eigenpairs; their residuals are exact up to the rounding of the orthogonalisation.

        Each product is known to be AQ = QB + β q eᵀ with B = QᵀAQ, so the residual of Qs is that of s in B, and βs's
        last component. B is tridiagonal and symmetric but for rounding, which the residuals thereby include.

        Raises:
            ValueError: If B is far from symmetric.
        """
        m = self.products
        B = self._projected[:m, :m]
        whole = (B + B.T) / 2
        defect = B - whole
        if float(defect.abs().max()) > torch.finfo(self.operator.dtype).eps ** 0.5 * self.scale:
            raise ValueError(
                "The operator is not symmetric, or gives different products for the same vector: Lanczos iteration "
                "does not apply."
            )
        values, vectors = torch.linalg.eigh(whole)
        residuals = ((defect @ vectors).square().sum(0) + (self.beta * vectors[-1]).square()).sqrt()
        return Ritz(values, vectors, residuals, float(values.abs().max()))

    def lift(self, vectors: Tensor) -> Tensor:
        """Vectors of the basis' coordinates, columns, as orthonormal rows of the full space, shape (k, P)."""
        return torch.linalg.qr(self.basis.T @ vectors.to(self.basis))[0].T.contiguous()

    def _make_room(self) -> None:
        """Space for one more direction; doubled when it is full, so that growing costs little."""
        if self.products == len(self._rows):
            more = max(32, self.products)
            more = max(1, min(more, self.operator.vectors(self.products + more) - self.products))
            self._rows = torch.cat([self._rows, self._rows.new_empty(more, self.operator.size)])
            self._projected = torch.nn.functional.pad(self._projected, (0, more, 0, more))


def orthogonal(w: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
    """Part of w orthogonal to the rows of Q, and its coordinates on them; two passes make it so to rounding."""
    coordinates = torch.zeros(len(Q), dtype=w.dtype, device=w.device)
    for _ in range(2):
        along = Q @ w
        w = w - along @ Q
        coordinates += along
    return w, coordinates


def _select(values: Tensor, which: Which) -> Tensor:
    key = {"LA": values, "SA": -values, "LM": values.abs()}[which]
    return key.argsort(descending=True)
