"""Finite sets of linear classifiers with logistic probabilities, from a few labels or from none."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

NEWTON = 6
"""Steps of Newton's method for one hypothesis: it need not be the optimum of anything."""


MANY = 2**20
"""Entries of hessians that are held at once."""


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
    # The classifier of all known labels comes first: a set that lacks it would be worse than none.
    counts, strengths = np.ones((number, len(y))), np.full(number, 0.3)
    for m in range(1, number):
        inside = np.ones(len(y), bool)
        if rng.random() < 0.7 and len(cuts[0]):
            c = rng.integers(len(cuts[0]))
            inside = (X[:, cuts[0][c]] <= cuts[1][c]) == (rng.random() < 0.5)
        rows = np.flatnonzero(inside)
        if len(rows) < 6:
            rows = np.arange(len(y))
        counts[m] = np.bincount(rng.choice(rows, len(rows)), minlength=len(y))
        strengths[m] = 10 ** rng.uniform(-2, 1)
    return _ridges(X, y, counts, strengths)


def _ridges(X: np.ndarray, y: np.ndarray, counts: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """A few Newton steps of logistic regression for many samples at once; of one class alone, the constant of it.

    Args:
        X: Rows, shape (n, d).
        y: 0 or 1, shape (n,).
        counts: How often each row is in each sample, shape (M, n).
        strengths: Of the ridge, one a sample, shape (M,).

    Returns:
        Shape (M, d + 1).
    """
    A = np.column_stack([X, np.ones(len(X))])
    ridge = np.column_stack([np.repeat(strengths[:, None], X.shape[1], axis=1), np.full(len(counts), 1e-3)])
    block = max(MANY // A.shape[1] ** 2, 1)
    found = [_newton(A, y, counts[i : i + block], ridge[i : i + block]) for i in range(0, len(counts), block)]
    w, ones = np.vstack(found), counts @ y
    for label, alone in ((0, ones == 0), (1, ones == counts.sum(axis=1))):
        w[alone] = np.append(np.zeros(X.shape[1]), 3.0 * (2 * label - 1))
    return w


def _newton(A: np.ndarray, y: np.ndarray, counts: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """The steps, from 0, for as many samples as fit; `A` has a column of ones, `ridge` the shape of the answer."""
    w = np.zeros(ridge.shape)
    for _ in range(NEWTON):
        p = expit(np.clip(w @ A.T, -20, 20))
        hessians = (A.T * (counts * (p * (1 - p) + 1e-4))[:, None, :]) @ A
        hessians += ridge[:, :, None] * np.eye(A.shape[1])
        gradients = (counts * (p - y)) @ A + ridge * w
        w -= np.linalg.solve(hessians, gradients[:, :, None])[:, :, 0]
    return w


def quantile_cuts(X: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Features and thresholds of the cuts: quantiles of each feature, shape (C,) each."""
    levels = np.linspace(0, 1, number + 2)[1:-1]
    found = [np.unique(np.quantile(column, levels)) for column in X.T]
    features = np.repeat(np.arange(len(found)), [len(f) for f in found])
    return features, np.concatenate(found)
