"""A symmetric matrix known by its products with vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse.linalg
import torch
from torch import Tensor


@dataclass(frozen=True)
class Operator:
    """A symmetric matrix known by its products.

    Attributes:
        size: Number of rows, P.
        rows: Maps k vectors as rows, shape (k, P), to their products, shape (k, P).
        dtype: Of the vectors.
        device: Of the vectors.
        max_bytes: Memory that an estimator may take for vectors; None for no bound.
        record: What is measured and how: operator, mode of the model, dtype and the like.
        start: A vector rich in the eigenvectors of large eigenvalues, shape (P,), where one is known without a product.
    """

    size: int
    rows: Callable[[Tensor], Tensor]
    dtype: torch.dtype = torch.float64
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    max_bytes: int | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    start: Tensor | None = None

    @classmethod
    def of_matrix(cls, matrix: Tensor) -> Operator:
        """A symmetric matrix of shape (P, P) as an operator.

        Example:
            >>> Operator.of_matrix(2 * torch.eye(3)).matvec(torch.ones(3))
            tensor([2., 2., 2.])
        """
        record = {"operator": "matrix", "dtype": str(matrix.dtype).removeprefix("torch.")}
        return cls(len(matrix), lambda rows: rows @ matrix, matrix.dtype, matrix.device, record=record)

    def matvec(self, vector: Tensor) -> Tensor:
        """Product with a vector of shape (P,)."""
        return self.rows(vector[None])[0]

    def matmat(self, columns: Tensor) -> Tensor:
        """Products with vectors as columns, shape (P, k)."""
        return self.rows(columns.T.contiguous()).T

    def to_dense(self) -> Tensor:
        """The whole matrix, shape (P, P); P products."""
        identity = torch.eye(self.size, dtype=self.dtype, device=self.device)
        return torch.cat([self.rows(part) for part in identity.split(64)])

    def to_scipy(self) -> scipy.sparse.linalg.LinearOperator:
        """The operator for SciPy's solvers, on NumPy vectors."""
        return _OnNumpy(self)

    def random(self, count: int, generator: torch.Generator) -> Tensor:
        """Standard normal vectors as rows, shape (count, P); the same on every device."""
        drawn = torch.randn(count, self.size, dtype=self.dtype, device=generator.device, generator=generator)
        return drawn.to(self.device)

    def vectors(self, wanted: int) -> int:
        """How many vectors, at most as many as wanted, fit into the memory."""
        if self.max_bytes is None:
            return wanted
        return min(wanted, self.max_bytes // (self.size * self.dtype.itemsize))


class _OnNumpy(scipy.sparse.linalg.LinearOperator):
    def __init__(self, operator: Operator):
        dtype = np.dtype(str(operator.dtype).removeprefix("torch."))
        super().__init__(dtype, (operator.size, operator.size))
        self.operator = operator

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        given = torch.as_tensor(np.ascontiguousarray(X)).to(self.operator.device, self.operator.dtype)
        return self.operator.matmat(given).cpu().numpy()

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        return self._matmat(x.reshape(-1, 1))
