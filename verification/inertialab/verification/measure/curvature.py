"""Eigenpairs of the Hessian by Hessian-vector products, each with its residual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from inertialab.experiments.problem import Problem

Which = Literal["LA", "SA", "LM"]


@dataclass(frozen=True)
class Operator:
    """A symmetric matrix known by its products.

    Attributes:
        size: Number of rows, P.
        matvec: Maps a vector of shape (P,) to one of shape (P,).
        like: A tensor of the dtype and device the vectors have.
    """

    size: int
    matvec: Callable[[Tensor], Tensor]
    like: Tensor


@dataclass(frozen=True)
class Eigenpairs:
    """Eigenpairs with their errors.

    Attributes:
        values: Eigenvalues in the order asked for, shape (k,), units of the operator.
        vectors: Orthonormal eigenvectors as columns, shape (P, k).
        residuals: |A v - λ v| of each, computed with one more product, shape (k,).
        matvecs: Number of products used, those of the residuals included.
        converged: Whether every residual is within the tolerance asked for.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    matvecs: int
    converged: bool


def hessian(problem: Problem, at: Tensor | None = None) -> Operator:
    """The Hessian of the full-data loss as an operator.

    The graph of the gradient is kept, so that a product costs one backward pass through it.

    Args:
        problem: What is trained.
        at: Parameters, shape (P,); the model's own by default.
    """
    point = (problem.start if at is None else at).detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(problem.value(point), point, create_graph=True)

    def product(vector: Tensor) -> Tensor:
        return torch.autograd.grad(gradient, point, vector, retain_graph=True)[0]

    return Operator(point.numel(), product, point.detach())


def top_eigenpairs(
    operator: Operator,
    k: int,
    which: Which = "LA",
    rtol: float = 1e-3,
    *,
    generator: torch.Generator,
    max_matvecs: int | None = None,
) -> Eigenpairs:
    """Extreme eigenpairs by Lanczos iteration with two-pass full reorthogonalisation and a residual stop.

    The basis is kept orthogonal to rounding, so no ghost copies appear; where an invariant subspace ends the
    iteration early, it goes on from a random direction orthogonal to it until that adds no pair, so repeated
    eigenvalues are found as often as they occur where their subspace is small. Copies inside a spectrum that is
    not exhausted are found only slowly.
    Source: parlett1998symmetric, chapter 13.

    Args:
        operator: Symmetric operator.
        k: Number of pairs, 1 <= k <= P.
        which: "LA" largest, "SA" smallest, "LM" largest in magnitude.
        rtol: Residual relative to the largest |eigenvalue| seen; what float rounding forbids is reported as
            not converged.
        generator: Source of the start vector.
        max_matvecs: Most products of the iteration; P by default.

    Returns:
        Pairs with residuals; `converged` says whether the tolerance is met.

    Raises:
        ValueError: If k or which is out of range, or a product is not finite.
    """
    if not 1 <= k <= operator.size:
        raise ValueError(f"k must be between 1 and the number of parameters, {operator.size}; got {k}.")
    if which not in ("LA", "SA", "LM"):
        raise ValueError(f"which must be 'LA', 'SA' or 'LM', got {which!r}.")
    limit = min(operator.size, max_matvecs or operator.size)
    krylov = _Lanczos(operator, generator)
    found = torch.full((k,), torch.inf, dtype=torch.float64)
    while True:
        values, vectors, beta = krylov.grow()
        chosen = _select(values, which)[:k]
        tolerance = rtol * krylov.scale
        if krylov.products == limit:
            break
        if krylov.closed:
            # An invariant subspace: another start may hold further copies, until one adds nothing to the k pairs.
            if len(chosen) == k:
                if torch.allclose(values[chosen], found, atol=tolerance):
                    break
                found = values[chosen]
        # The residual of a Ritz pair is the coupling to the next direction times its last component.
        elif krylov.products >= 2 * k and (beta * vectors[-1, chosen].abs() <= tolerance).all():
            break
    return _with_residuals(operator, krylov.lift(vectors[:, chosen]), tolerance, krylov.products)


class _Lanczos:
    """An orthonormal basis of the Krylov space, grown by one product at a time."""

    def __init__(self, operator: Operator, generator: torch.Generator):
        self.operator, self.generator = operator, generator
        self.alphas: list[float] = []
        self.betas: list[float] = []
        self.scale, self.beta = 0.0, 0.0
        self.next = _random(operator, generator)
        self.Q = self.next[None][:0]

    @property
    def products(self) -> int:
        """Number of products so far."""
        return len(self.alphas)

    @property
    def closed(self) -> bool:
        """Whether the basis spans an invariant subspace, to rounding."""
        return self.beta <= 1e-12 * self.scale

    def grow(self) -> tuple[Tensor, Tensor, float]:
        """Add a direction; Ritz values, their vectors in the basis, and the coupling to the next direction."""
        if self.alphas:
            if self.closed:
                self.next, self.beta = _orthogonal(_random(self.operator, self.generator), self.Q)[0], 0.0
            self.betas.append(self.beta)
        self.Q = torch.cat([self.Q, (self.next / self.next.norm())[None]])
        product = self.operator.matvec(self.Q[-1])
        if not torch.isfinite(product).all():
            raise ValueError("A product with the operator is not finite; the loss or its derivatives overflow here.")
        self.alphas.append(float(product @ self.Q[-1]))
        self.next, self.beta = _orthogonal(product, self.Q)
        values, vectors = torch.linalg.eigh(_tridiagonal(self.alphas, self.betas))
        self.scale = float(values.abs().max())
        return values, vectors, self.beta

    def lift(self, vectors: Tensor) -> Tensor:
        """Vectors of the basis' coordinates, columns, as rows of the full space."""
        return vectors.to(self.Q).T @ self.Q


def _random(operator: Operator, generator: torch.Generator) -> Tensor:
    return torch.randn(operator.size, dtype=operator.like.dtype, device=operator.like.device, generator=generator)


def _orthogonal(w: Tensor, Q: Tensor) -> tuple[Tensor, float]:
    """Part of w orthogonal to the rows of Q, and its norm; two passes make it so to rounding."""
    for _ in range(2):
        w = w - (Q @ w) @ Q
    return w, float(w.norm())


def _tridiagonal(alphas: list[float], betas: list[float]) -> Tensor:
    off = torch.tensor(betas, dtype=torch.float64)
    return torch.diag(torch.tensor(alphas, dtype=torch.float64)) + torch.diag(off, 1) + torch.diag(off, -1)


def _select(values: Tensor, which: Which) -> Tensor:
    key = {"LA": values, "SA": -values, "LM": values.abs()}[which]
    return key.argsort(descending=True)


def _with_residuals(operator: Operator, vectors: Tensor, tolerance: float, used: int) -> Eigenpairs:
    vectors = torch.linalg.qr(vectors.T)[0].T
    products = torch.stack([operator.matvec(v) for v in vectors])
    values = (products * vectors).sum(1)
    residuals = (products - values[:, None] * vectors).norm(dim=1)
    return Eigenpairs(values, vectors.T, residuals, used + len(values), bool((residuals <= tolerance).all()))
