"""Streams of rows whose law is known, learners on them, and risks by exact sums."""

from collections.abc import Sequence

import numpy as np

from inertialab.experiments.arbal.hypotheses import probabilities
from inertialab.experiments.arbal.learner import Learner, Settings

Cuts = tuple[np.ndarray, np.ndarray]
NO_CUTS: Cuts = (np.zeros(0, dtype=int), np.zeros(0))


def thresholds(places: np.ndarray, steep: float) -> np.ndarray:
    """Hypotheses on the line: P(1|x) rises around a place; slope and intercept, shape (M, 2)."""
    return np.column_stack([np.full(len(places), steep), -steep * places])


def constants(chances: Sequence[float] | np.ndarray, dimensions: int) -> np.ndarray:
    """Hypotheses that say the same everywhere, shape (M, dimensions + 1)."""
    p = np.asarray(chances, dtype=float)
    return np.column_stack([np.zeros((len(p), dimensions)), np.log(p / (1 - p))])


def losses(weights: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Loss 1 - P(y|x) of every hypothesis on every row, shape (n, M)."""
    ones = probabilities(weights, X)
    return np.where(y[:, None] == 1, 1 - ones, ones)


def steps(n: int, flips: float, width: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows uniform on a line around 0, label 1 above 0, some of them flipped."""
    x = rng.uniform(-width / 2, width / 2, (n, 1))
    return x, ((x[:, 0] > 0) ^ (rng.random(n) < flips)).astype(int)


def risks(weights: np.ndarray, flips: float, width: float) -> np.ndarray:
    """Risk of hypotheses on the line under the law of `steps`, by the midpoint rule, shape (M,)."""
    x = (np.arange(20_000) + 0.5) / 20_000 * width - width / 2
    ones = probabilities(weights, x[:, None])
    up = np.where(x > 0, 1 - flips, flips)[:, None]
    return (up * (1 - ones) + (1 - up) * ones).mean(axis=0)


def iwal(weights: np.ndarray, delta: float) -> Learner:
    """A learner of one region."""
    return Learner(weights, NO_CUTS, Settings(delta=delta))


def taught(learner: Learner, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Learner:
    """A learner after a stream."""
    for x, label, coin in zip(X, y, rng.random(len(X)), strict=True):
        asked, p = learner.ask(x, coin)
        if asked:
            learner.tell(x, int(label), p)
    return learner
