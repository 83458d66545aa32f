"""Expected error of a penalised fit in one dimension, exactly: bias and variance at every node of a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit


@dataclass(frozen=True)
class Line:
    """Labels along [0, 1], many at every node, and the function that they are scattered about.

    The fit minimises Σ_i q_i [H_i (f_i - y_i)²/2 + λ_i f_i'²]/m over its values at m nodes, f' being the difference of
    neighbours times m; an edge has the mean strength of its ends. y_i is the mean of n q_i/m labels, each of variance
    V_i/H_i².

    Attributes:
        truth: Values of the true function, shape (m,).
        curvature: H, of the loss by the output, shape (m,).
        variance: V, of the derivative of the loss by the output, shape (m,).
        density: q, of the examples, shape (m,).
        n: Number of examples for a density of 1.
    """

    truth: np.ndarray
    curvature: np.ndarray
    variance: np.ndarray
    density: np.ndarray
    n: float

    def error(self, strengths: np.ndarray) -> np.ndarray:
        """Expected squared error of the fit at each node, over the labels, shape (m,).

        Args:
            strengths: λ of an example at each node, shape (m,).
        """
        m, pull = len(self.truth), self.density * self.curvature
        penalty = self.density * strengths
        edges = (penalty[1:] + penalty[:-1]) * m**2
        diagonal = pull.copy()
        diagonal[:-1] += edges
        diagonal[1:] += edges
        noise = self.variance * self.density * m / self.n
        mean, variance = _solved(diagonal, edges, pull * self.truth, noise)
        return (mean - self.truth) ** 2 + variance


@njit(cache=True)
def _solved(
    diagonal: np.ndarray, edges: np.ndarray, right: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Solution of a symmetric tridiagonal system M f = right, and the diagonal of M⁻¹ diag(noise) M⁻¹.

    Off the diagonal stand minus the edges. With the pivots of elimination from either end, an entry of the inverse is
    the one on its row's diagonal times a product of ratios edge/pivot, so that both follow in one pass each way.
    """
    m = len(diagonal)
    down, up = np.empty(m), np.empty(m)
    down[0], up[m - 1] = diagonal[0], diagonal[m - 1]
    for i in range(1, m):
        down[i] = diagonal[i] - edges[i - 1] ** 2 / down[i - 1]
    for i in range(m - 2, -1, -1):
        up[i] = diagonal[i] - edges[i] ** 2 / up[i + 1]
    before, after = noise.copy(), np.zeros(m)
    found = right.copy()
    for i in range(1, m):
        ratio = edges[i - 1] / down[i - 1]
        before[i] += ratio**2 * before[i - 1]
        found[i] += ratio * found[i - 1]
    found[m - 1] /= down[m - 1]
    for i in range(m - 2, -1, -1):
        ratio = edges[i] / up[i + 1]
        after[i] = ratio**2 * (noise[i + 1] + after[i + 1])
        found[i] = (found[i] + edges[i] * found[i + 1]) / down[i]
    return found, (before + after) / (down + up - diagonal) ** 2
