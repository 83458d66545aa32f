"""Logistic fits along a line to drawn labels, with a penalty of the output's or of the loss's derivative."""

from __future__ import annotations

import numpy as np
from numba import njit

STEPS, CLOSE = 100, 1e-8
"""Newton steps, and the largest change of a logit at which they end."""


def penalised_logits(
    ones: np.ndarray,
    trials: np.ndarray,
    start: np.ndarray,
    *,
    output: float | np.ndarray = 0.0,
    loss: float | np.ndarray = 0.0,
) -> np.ndarray:
    """Logits f that minimise the logistic loss of all labels plus output·f'² and loss·((p - y)f')² of each example.

    f' is the difference of neighbouring nodes times their number; what stands beside it is the mean over the examples
    at both ends of an edge. Several strengths are fitted to the same labels at once.

    Args:
        ones: Labels 1 at each node, shape (m,).
        trials: Labels at each node, shape (m,).
        start: Logits to start from, shape (m,).
        output: Strength of the penalty of the output's derivative, or several, shape (s,).
        loss: Strength of that of the loss's, or several, shape (s,).

    Returns:
        Shape (m,), or (s, m) for several strengths.

    Raises:
        FloatingPointError: If Newton's method does not settle.
    """
    outer, inner = np.broadcast_arrays(np.asarray(output, float), np.asarray(loss, float))
    found, change = _newton(
        ones.astype(float), trials.astype(float), start, np.atleast_1d(outer).copy(), np.atleast_1d(inner).copy()
    )
    if not change < CLOSE:
        raise FloatingPointError(f"A penalised logistic fit still changes by {change:.2g} after {STEPS} steps.")
    return found.T if outer.ndim else found[:, 0]


@njit(cache=True, error_model="numpy")
def _newton(
    ones: np.ndarray, trials: np.ndarray, start: np.ndarray, output: np.ndarray, loss: np.ndarray
) -> tuple[np.ndarray, float]:
    """Logits, shape (m, s), and the largest change of the last step.

    The residuals' own dependence on f enters the gradient and not the matrix, which stays positive definite and
    tridiagonal. Strengths are the inner loop: a division waits for the one at the node before, not for its neighbour's.
    """
    m, s = len(ones), len(output)
    f, change = np.empty((m, s)), np.inf
    for i in range(m):
        f[i] = start[i]
    square, slope = np.empty((m, s)), np.empty((m, s))
    diagonal, right, edges = np.empty((m, s)), np.empty((m, s)), np.empty((m - 1, s))
    for _ in range(STEPS):
        for i in range(m):
            for j in range(s):
                p = 1 / (1 + np.exp(-f[i, j]))
                diagonal[i, j], right[i, j] = trials[i] * p * (1 - p), ones[i] - trials[i] * p
                square[i, j] = ones[i] * (1 - p) ** 2 + (trials[i] - ones[i]) * p**2
                slope[i, j] = -2 * p * (1 - p) * right[i, j]
        for i in range(m - 1):
            for j in range(s):
                rise = f[i + 1, j] - f[i, j]
                both = square[i, j] + square[i + 1, j]
                edge = m**2 * (output[j] * (trials[i] + trials[i + 1]) + loss[j] * both)
                own = m**2 * loss[j] * rise**2 / 2
                diagonal[i, j] += edge
                diagonal[i + 1, j] += edge
                right[i, j] += edge * rise - own * slope[i, j]
                right[i + 1, j] -= edge * rise + own * slope[i + 1, j]
                edges[i, j] = edge
        _eliminate(diagonal, edges, right)
        change = np.abs(right).max()
        f += right
        if change < CLOSE:
            break
    return f, change


@njit(cache=True, error_model="numpy")
def _eliminate(diagonal: np.ndarray, edges: np.ndarray, right: np.ndarray) -> None:
    """Put the solutions of symmetric tridiagonal systems, off whose diagonals stand minus the edges, into `right`.

    Args:
        diagonal: Shape (m, s); overwritten.
        edges: Shape (m - 1, s).
        right: Shape (m, s).
    """
    m, s = right.shape
    for i in range(1, m):
        for j in range(s):
            ratio = edges[i - 1, j] / diagonal[i - 1, j]
            diagonal[i, j] -= ratio * edges[i - 1, j]
            right[i, j] += ratio * right[i - 1, j]
    for j in range(s):
        right[m - 1, j] /= diagonal[m - 1, j]
    for i in range(m - 2, -1, -1):
        for j in range(s):
            right[i, j] = (right[i, j] + edges[i, j] * right[i + 1, j]) / diagonal[i, j]
