"""Streams of rows whose law is known, learners on them, and risks by exact sums."""

from collections.abc import Sequence

import numpy as np

from inertialab.experiments.arbal.hypotheses import probabilities
from inertialab.experiments.arbal.learner import LEAST, Learner, Settings

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


def swiftly_taught(learner: Learner, X: np.ndarray, y: np.ndarray, coins: np.ndarray) -> np.ndarray:
    """Teach a new learner of one region a stream, and give the chances with which it asked, shape (n,).

    It ends as it would by `ask` and `tell` row by row, bit for bit: between two looks at what to give up, the chances
    depend on no label, so that all rows until the next look are asked about at once.

    Args:
        learner: Its hypotheses are thresholds of one slope in order, so that the outermost alive differ most anywhere.
        X: Rows on the line, shape (n, 1).
        y: 0 or 1, shape (n,).
        coins: Uniform between 0 and 1, shape (n,).
    """
    region, chances, begin = learner.regions[0], np.empty(len(X)), 0
    block = 64
    while begin < len(X):
        here = slice(begin, begin + block)
        ones = probabilities(learner.weights[np.flatnonzero(region.alive)[[0, -1]]], X[here])
        chances[here] = np.maximum(ones[:, 0] - ones[:, 1], LEAST)
        asked = begin + np.flatnonzero(coins[here] < chances[here])[: _until_look(learner)]
        full = len(asked) == _until_look(learner)
        end = int(asked[-1]) + 1 if full else min(begin + block, len(X))
        _told(learner, X, y, chances, asked, end)
        begin, block = end, int(1.2 * _until_look(learner) / chances[end - 1 : end].mean()) + 16
    return chances


def _until_look(learner: Learner) -> int:
    """Labels until hypotheses are given up again; at least the next one."""
    return max(learner.regions[0].trim_due - learner.labels.count, 1)


def _told(learner: Learner, X: np.ndarray, y: np.ndarray, chances: np.ndarray, asked: np.ndarray, end: int) -> None:
    """Take in labels of which only the last one may bring about a look; there the learner says the chance itself."""
    rows = asked[:-1]
    for i, weighted in zip(rows, losses(learner.weights, X[rows], y[rows]) / chances[rows, None], strict=True):
        learner.labels.add(X[i], int(y[i]), float(chances[i]), 0, weighted)
        learner.regions[0].losses += weighted
    learner.asked += len(asked)
    if len(asked):
        last = int(asked[-1])
        learner.rounds = last + 1
        assert learner.chance(X[last]) == chances[last], "What was worked out is not what the learner does."
        learner.tell(X[last], int(y[last]), float(chances[last]))
    learner.rounds = end
