"""Logistic fits along a line to drawn labels, with a penalty of the output's or of the loss's derivative."""

from __future__ import annotations

import numpy as np
from numba import njit

STEPS, CLOSE = 100, 1e-8
"""Newton steps, and the largest change of a logit at which they end."""


def penalised_logits(
    ones: np.ndarray, trials: np.ndarray, start: np.ndarray, *, output: float = 0.0, loss: float = 0.0
) -> np.ndarray:
    """Logits f that minimise the logistic loss of all labels plus output·f'² and loss·((p - y)f')² of each example.

    f' is the difference of neighbouring nodes times their number; what stands beside it is the mean over the examples
    at both ends of an edge.

    Args:
        ones: Labels 1 at each node, shape (m,).
        trials: Labels at each node, shape (m,).
        start: Logits to start from, shape (m,).
        output: Strength of the penalty of the output's derivative.
        loss: Strength of that of the loss's.

    Raises:
        FloatingPointError: If Newton's method does not settle.
    """
    found, change = _newton(ones.astype(float), trials.astype(float), start, output, loss)
    if not change < CLOSE:
        raise FloatingPointError(f"A penalised logistic fit still changes by {change:.2g} after {STEPS} steps.")
    return found


@njit(cache=True)
def _newton(
    ones: np.ndarray, trials: np.ndarray, start: np.ndarray, output: float, loss: float
) -> tuple[np.ndarray, float]:
    """Logits, and the largest change of the last step.

    The residuals' own dependence on f enters the gradient and not the matrix, which stays positive definite and
    tridiagonal.
    """
    m = len(ones)
    f, change = start.copy(), np.inf
    square, slope = np.empty(m), np.empty(m)
    diagonal, right, edges = np.empty(m), np.empty(m), np.empty(m - 1)
    for _ in range(STEPS):
        for i in range(m):
            p = 1 / (1 + np.exp(-f[i]))
            diagonal[i], right[i] = trials[i] * p * (1 - p), ones[i] - trials[i] * p
            square[i] = ones[i] * (1 - p) ** 2 + (trials[i] - ones[i]) * p**2
            slope[i] = -2 * p * (1 - p) * right[i]
        for i in range(m - 1):
            rise = f[i + 1] - f[i]
            edges[i] = m**2 * (output * (trials[i] + trials[i + 1]) + loss * (square[i] + square[i + 1]))
            own = m**2 * loss * rise**2 / 2
            diagonal[i] += edges[i]
            diagonal[i + 1] += edges[i]
            right[i] += edges[i] * rise - own * slope[i]
            right[i + 1] -= edges[i] * rise + own * slope[i + 1]
        for i in range(1, m):
            ratio = edges[i - 1] / diagonal[i - 1]
            diagonal[i] -= ratio * edges[i - 1]
            right[i] += ratio * right[i - 1]
        right[m - 1] /= diagonal[m - 1]
        for i in range(m - 2, -1, -1):
            right[i] = (right[i] + edges[i] * right[i + 1]) / diagonal[i]
        change = np.abs(right).max()
        f += right
        if change < CLOSE:
            break
    return f, change
