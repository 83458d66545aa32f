"""Bootstrap intervals over samples, corrected for bias and skewness."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

GROUPS = 500  # most groups of the jackknife: beyond it the acceleration is known well enough
BLOCK = 2**22  # weights that are held at once


@dataclass(frozen=True)
class Intervals:
    """Numbers with their confidence intervals.

    Attributes:
        value: Estimates from all samples, shape (m,).
        low: Lower ends, shape (m,).
        high: Upper ends, shape (m,).
        confidence: Of each interval on its own.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    confidence: float

    def __getitem__(self, part: slice) -> "Intervals":
        return Intervals(self.value[part], self.low[part], self.high[part], self.confidence)


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray],
    samples: int,
    *,
    rng: np.random.Generator,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Intervals:
    """BCa intervals of statistics of independent samples. Source: efron1987better.

    For variances and their ratios 95% intervals of 400 samples cover within 93 to 97%; of 250 heavy-tailed ones they
    cover a little less.

    Args:
        statistic: Maps weights of the samples, shape (r, N) with rows that sum to 1, to statistics, shape (r, m).
        samples: Number of samples, N >= 2.
        rng: Source of the resamples.
        confidence: Of each interval.
        resamples: Number of resamples; the ends lie in the tails, so take at least 1000.

    Returns:
        The statistics of all samples with their intervals.

    Example:
        The mean of samples that are all alike has an interval of no width:

        >>> found = bootstrap(lambda w: w @ np.ones((20, 1)), 20, rng=np.random.default_rng(0))
        >>> found.value.round(12).item(), (found.high - found.low).round(12).item()
        (1.0, 0.0)
    """
    if samples < 2:
        raise ValueError(f"A bootstrap over samples needs at least 2 of them, got {samples}.")
    value = statistic(np.full((1, samples), 1 / samples))[0]
    step = max(1, BLOCK // samples)
    draws = [
        statistic(rng.multinomial(samples, np.full(samples, 1 / samples), min(step, resamples - s)) / samples)
        for s in range(0, resamples, step)
    ]
    replicas = np.sort(np.concatenate(draws), axis=0)
    # Half of the ties count as below, so that a statistic that cannot vary is not taken for a biased one.
    below = ((replicas < value).sum(0) + (replicas <= value).sum(0)) / 2
    bias = special.ndtri(np.clip(below / resamples, 0.5 / resamples, 1 - 0.5 / resamples))
    skewness = _acceleration(statistic, samples)
    ends = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = bias + special.ndtri(tail)
        level = special.ndtr(bias + z / (1 - skewness * z))
        ends.append(_quantiles(replicas, level))
    return Intervals(value, ends[0], ends[1], confidence)


def _acceleration(statistic: Callable[[np.ndarray], np.ndarray], samples: int) -> np.ndarray:
    """Skewness of the influence of (groups of) samples, by the jackknife."""
    groups = min(samples, GROUPS)
    member = np.arange(samples) * groups // samples
    left = []
    for part in np.array_split(np.arange(groups), max(1, groups * samples // BLOCK)):
        weights = (member[None] != part[:, None]).astype(float)
        left.append(statistic(weights / weights.sum(1, keepdims=True)))
    influence = -(np.concatenate(left) - np.concatenate(left).mean(0))
    size = (influence**2).sum(0) ** 1.5
    return np.divide((influence**3).sum(0), 6 * size, out=np.zeros_like(size), where=size > 0)


def _quantiles(replicas: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The quantile of each column at its own level; replicas are sorted."""
    place = np.clip(level * (len(replicas) + 1) - 1, 0, len(replicas) - 1)
    lower = np.floor(place).astype(int)
    upper = np.minimum(lower + 1, len(replicas) - 1)
    columns = np.arange(replicas.shape[1])
    share = place - lower
    return (1 - share) * replicas[lower, columns] + share * replicas[upper, columns]
