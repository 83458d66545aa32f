"""An orthonormal basis of Krylov spaces, and what a symmetric operator does on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from inertialab.verification.measure.batches import NotFiniteError
from inertialab.verification.measure.operators import Operator


@dataclass(frozen=True)
class Ritz:
    """Approximate eigenpairs in the coordinates of a basis.

    Attributes:
        values: Shape (m,), ascending, float64 on the CPU.
        vectors: Coordinates as columns, shape (m, m).
        residuals: Shape (m,).
        scale: Largest magnitude of a value.
        outside: Values of the last sequence alone, of the operator on what is orthogonal to all earlier ones.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    scale: float
    outside: Tensor


class Krylov:
    """An orthonormal basis, grown by one product at a time, and the operator's projection on it.

    The basis is made of sequences, each from a direction of its own that is orthogonal to all before. A sequence is
    left for another by `turn` or `resume`, or when its space is exhausted.

    Args:
        operator: Symmetric operator.
        generator: Source of directions.
        start: First direction, shape (P,); random by default. Of several rows, the second is mixed into the others.
    """

    def __init__(self, operator: Operator, generator: torch.Generator, start: Tensor | None = None):
        self.operator, self.generator = operator, generator
        given = None if start is None else torch.atleast_2d(start.to(operator.device, operator.dtype))
        self.next = operator.random(1, generator)[0] if given is None else given[0]
        self._hint = None if given is None or len(given) == 1 else given[1]
        self.beta = float(self.next.norm())
        if not 0 < self.beta < float("inf"):
            raise ValueError("A start vector must be finite and not zero; pass start=None for a random one.")
        self.products, self.scale, self.begun, self.share = 0, 0.0, 0, 1.0
        self._turning: float | None = None
        self._resumed: Tensor | None = None
        self._left: list[tuple[int, Tensor]] = []  # products' parts outside the basis that no sequence follows
        self._rows = self.next[None][:0]
        self._projected = torch.zeros(0, 0, dtype=torch.float64)

    @property
    def closed(self) -> bool:
        """Whether the last sequence spans an invariant subspace, together with the others, to rounding."""
        return self.beta <= torch.finfo(self.operator.dtype).eps ** 0.75 * self.scale

    @property
    def basis(self) -> Tensor:
        """The basis as rows, shape (m, P)."""
        return self._rows[: self.products]

    def turn(self, share: float = 1.0) -> None:
        """Let the next direction be a random one, or hold a share of one.

        Args:
            share: Square of its length in the direction, 0 < share <= 1; the rest goes on with the sequence, whose
                own next direction stays outside by about as much.
        """
        self._turning = share

    def resume(self, pair: Tensor, tolerance: float) -> None:
        """Where a part left behind, and not the last sequence, keeps a pair from its tolerance, let it be the next.

        Args:
            pair: Coordinates in the basis, shape (m,).
            tolerance: Residual that the pair may have.
        """
        held = [float(pair[place].abs() * part.norm()) for place, part in self._left]
        if held and max(held) > tolerance / 2 > self.beta * float(pair[-1].abs()):
            self._resumed, self._turning = self._left[held.index(max(held))][1].clone(), 0.0

    def grow(self) -> None:
        """Add a direction: a product, and its part orthogonal to all directions as the next one."""
        m = self.products
        self._make_room()
        if m and (self._turning is not None or self.closed):
            self._begin()
        elif m:
            self._projected[m, m - 1] = self.beta
        q = self.next / self.beta
        self._rows[m] = q
        for place, part in self._left:
            along = q @ part
            part -= along * q
            self._projected[m, place] = float(along)
        self.products = m + 1
        product = self.operator.matvec(q)
        if not torch.isfinite(product).all():
            raise NotFiniteError(
                "A product with the operator is not finite; the loss or its derivatives overflow here."
            )
        self.next, coordinates = orthogonal(product, self.basis)
        self._projected[: m + 1, m] = coordinates.double().cpu()
        self.beta = float(self.next.norm())
        self.scale = max(self.scale, float(coordinates.norm()), self.beta)

    def ritz(self) -> Ritz:
        """Approximate eigenpairs; their residuals are exact up to the rounding of the orthogonalisation.

        Each product is known to be AQ = QB + R with B = QᵀAQ and R the parts outside the basis, in the columns where a
        sequence ends. So the residual of Qs is that of s in B, and |Rs|. B is symmetric but for rounding, which the
        residuals thereby include.

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
        places, parts = zip(*self._left, (m - 1, self.next), strict=True)
        outside = torch.stack(parts)
        gram = (outside @ outside.T).double().cpu()
        ends = vectors[list(places)]
        residuals = ((defect @ vectors).square().sum(0) + (ends * (gram @ ends)).sum(0).clamp(min=0)).sqrt()
        own = torch.linalg.eigvalsh(whole[self.begun :, self.begun :]) if self.begun else values
        return Ritz(values, vectors, residuals, float(values.abs().max()), own)

    def lift(self, vectors: Tensor) -> Tensor:
        """Vectors of the basis' coordinates, columns, as orthonormal rows of the full space, shape (k, P)."""
        return torch.linalg.qr(self.basis.T @ vectors.to(self.basis))[0].T.contiguous()

    def _begin(self) -> None:
        """Leave the last sequence for another direction."""
        self.share = 1.0 if self.closed or self._turning is None else self._turning
        direction = self._random() if self._resumed is None else self._resumed
        if 0 < self.share < 1:
            direction *= math.sqrt(self.share)
            direction += math.sqrt(1 - self.share) * self.next / self.beta
        if not self.closed:
            self._left.append((self.products - 1, self.next))
        self.next, self.beta = direction, float(direction.norm())
        self.begun, self._turning, self._resumed = self.products, None, None

    def _random(self) -> Tensor:
        """A random direction orthogonal to the basis, of length one."""
        direction = self.operator.random(1, self.generator)[0]
        if self._hint is not None:
            direction = direction / direction.norm() + self._hint / self._hint.norm()
        direction = orthogonal(direction, self.basis)[0]
        return direction / direction.norm()

    def _make_room(self) -> None:
        """Space for one more direction; doubled when it is full, so that growing costs little."""
        if self.products == len(self._rows):
            more = max(32, self.products)
            more = max(1, min(more, self.operator.vectors(self.products + more) - self.products))
            self._rows = torch.cat([self._rows, self._rows.new_empty(more, self.operator.size)])
            self._projected = torch.nn.functional.pad(self._projected, (0, more, 0, more))


def orthogonal(w: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
    """Part of w orthogonal to the rows of Q, and its coordinates on them.

    The last two are taken out first, on which a product has most of its length, and leave rounding for the pass over
    all. Where that pass takes out more, another one is made (Daniel, Gragg, Kaufman and Stewart 1976).
    """
    coordinates = torch.zeros(len(Q), dtype=w.dtype, device=w.device)
    coordinates[-2:] = Q[-2:] @ w
    w = w - coordinates[-2:] @ Q[-2:]
    for _ in range(3):
        before, along = w.norm(), Q @ w
        w = w - along @ Q
        coordinates += along
        if w.norm() >= 0.7 * before:
            break
    return w, coordinates
