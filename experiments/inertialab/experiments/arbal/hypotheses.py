"""Finite sets of linear classifiers with logistic probabilities, from a few labels or from none."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

NEWTON = 6
"""Steps of Newton's method for one hypothesis: it need not be the optimum of anything."""


def probabilities(weights: np.ndarray, X: np.ndarray) -> np.ndarray:
    """P(1|x) of each hypothesis.

    Args:
        weights: Slopes and, last, the intercept of each, shape (M, d + 1).
        X: Shape (n, d) or (d,).

    Returns:
        Shape (n, M) or (M,).
    """
    return expit(X @ weights[:, :-1].T + weights[:, -1])


def random_hypotheses(number: int, dimensions: int, rng: np.random.Generator) -> np.ndarray:
    """Half-spaces of random directions through the middle of standardised features, shape (number, dimensions + 1)."""
    slopes = 3 * rng.standard_normal((number, dimensions)) / np.sqrt(dimensions)
    return np.column_stack([slopes, 1.5 * rng.standard_normal(number)])


def warm_hypotheses(
    number: int, X: np.ndarray, y: np.ndarray, cuts: tuple[np.ndarray, np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Ridge-logistic classifiers of resampled labels, most of them from one side of a cut.

    Args:
        number: M.
        X: Rows with known labels, standardised, shape (n, d).
        y: 0 or 1, both present, shape (n,).
        cuts: Feature and threshold of each cut.
        rng: Source of the resampling.

    Returns:
        Shape (number, d + 1).
    """
    found = [_both(X, y)]
    while len(found) < number:
        inside = np.ones(len(y), bool)
        if rng.random() < 0.7 and len(cuts[0]):
            c = rng.integers(len(cuts[0]))
            inside = (X[:, cuts[0][c]] <= cuts[1][c]) == (rng.random() < 0.5)
        rows = np.flatnonzero(inside)
        if len(rows) < 6:
            rows = np.arange(len(y))
        rows = rng.choice(rows, len(rows))
        found.append(_ridge(X[rows], y[rows], 10 ** rng.uniform(-2, 1)))
    return np.array(found)


def _both(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The classifier of all known labels: a set that lacks it would be worse than none."""
    return _ridge(X, y, 0.3)


def _ridge(X: np.ndarray, y: np.ndarray, strength: float) -> np.ndarray:
    """A few Newton steps of logistic regression; of one class alone, the constant that says so."""
    if len(set(y.tolist())) < 2:
        return np.append(np.zeros(X.shape[1]), 3.0 * (2 * y[0] - 1))
    A = np.column_stack([X, np.ones(len(X))])
    ridge = np.append(np.full(X.shape[1], strength), 1e-3)
    w = np.zeros(A.shape[1])
    for _ in range(NEWTON):
        p = expit(np.clip(A @ w, -20, 20))
        hessian = (A * (p * (1 - p) + 1e-4)[:, None]).T @ A + np.diag(ridge)
        w -= np.linalg.solve(hessian, A.T @ (p - y) + ridge * w)
    return w


def quantile_cuts(X: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Features and thresholds of the cuts: quantiles of each feature, shape (C,) each."""
    levels = np.linspace(0, 1, number + 2)[1:-1]
    found = [np.unique(np.quantile(column, levels)) for column in X.T]
    features = np.repeat(np.arange(len(found)), [len(f) for f in found])
    return features, np.concatenate(found)
