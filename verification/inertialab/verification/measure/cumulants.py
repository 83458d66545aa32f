"""Third cumulants of gradient noise in given directions: how far it is from Gaussian to lowest order."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from torch import Tensor

from inertialab.verification.measure.bootstrap import Intervals, bootstrap
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.samples import project_gradients


def third_cumulants(
    problem: Problem,
    basis: Tensor,
    *,
    rng: np.random.Generator,
    batch: int = 1,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Intervals:
    """Third cumulants of the gradient of a batch drawn with replacement, along given directions.

    Args:
        problem: What is measured.
        basis: Directions as columns, shape (P, k).
        rng: Source of the resamples.
        batch: Batch size, B; cumulants of a mean of B independent samples are those of one over B².
        confidence: Of each interval.
        resamples: Number of resamples.

    Returns:
        Value and ends, shape (k, k, k) each, units (L/θ)³; the intervals are for the population that the samples stand
        for, see `cumulants_of_samples`.
    """
    projected = project_gradients(problem, basis).double().cpu().numpy()
    return cumulants_of_samples(projected, rng=rng, batch=batch, confidence=confidence, resamples=resamples)


def cumulants_of_samples(
    gradients: np.ndarray,
    *,
    rng: np.random.Generator,
    batch: int = 1,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Intervals:
    """Third cumulants of independent vectors, with bootstrap intervals.

    An interval for a third moment needs the sixth, so many samples: 95% intervals of 1000 cover in 93% of cases for
    beta-distributed or normal components, in 91% for exponential ones, and in 82% for successes with a chance of 0.2,
    near which their cumulant does not change with the chance.

    Args:
        gradients: One row for each sample, shape (N, k), units L/θ.
        rng: Source of the resamples.
        batch: Batch size, B.
        confidence: Of each interval.
        resamples: Number of resamples.

    Returns:
        Value and ends, shape (k, k, k) each, units (L/θ)³.

    Example:
        One success in four tries, p(1 - p)(1 - 2p):

        >>> found = cumulants_of_samples(np.array([[0.0], [0.0], [0.0], [1.0]]), rng=np.random.default_rng(0))
        >>> found.value.item()
        0.09375
    """
    x = gradients - gradients.mean(0)  # a large mean would swallow what is sought
    k = x.shape[1]
    triples = np.array(list(combinations_with_replacement(range(k), 3)))
    a, b, c = triples.T
    pairs = x[:, :, None] * x[:, None, :]

    def statistic(weights: np.ndarray) -> np.ndarray:
        mean, second = weights @ x, (weights @ pairs.reshape(len(x), -1)).reshape(-1, k, k)
        third = weights @ (x[:, a] * x[:, b] * x[:, c])
        mixed = second[:, a, b] * mean[:, c] + second[:, a, c] * mean[:, b] + second[:, b, c] * mean[:, a]
        return (third - mixed + 2 * mean[:, a] * mean[:, b] * mean[:, c]) / batch**2

    found = bootstrap(statistic, len(x), rng=rng, confidence=confidence, resamples=resamples)
    # Every order of three directions has the cumulant of the sorted one.
    place = np.zeros((k, k, k), dtype=int)
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        place[tuple(triples[:, order].T)] = np.arange(len(triples))
    return Intervals(found.value[place], found.low[place], found.high[place], confidence)
