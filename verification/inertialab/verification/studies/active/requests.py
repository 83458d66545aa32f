"""Chances to ask and weighted losses: all coins of short streams, and gradients of rows asked for."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from inertialab.experiments.arbal.hypotheses import probabilities
from inertialab.experiments.arbal.learner import LEAST, Learner, Settings
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.active.streams import NO_CUTS, constants, iwal, losses, steps, taught, thresholds
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick


class Hasty(Learner):
    """Gives hypotheses up far too early, so that the chances of short streams depend on their coins."""

    def pair_excess(self, k: int, rows: np.ndarray, best: int) -> np.ndarray:
        """A tenth of the slack."""
        return 0.1 * super().pair_excess(k, rows, best)


class Known(Learner):
    """Asks with chances that are known, for many rows at once."""

    def __init__(self, chances: np.ndarray):
        super().__init__(constants([0.4, 0.6], 1), NO_CUTS, Settings())
        self.chances = chances

    def chance(self, x: np.ndarray) -> Any:
        """Of the rows whose numbers are given."""
        return self.chances[x]


def all_coins(points: Points, rows: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean weighted loss of each hypothesis over all coins of a short stream, over its mean loss.

    Args:
        points: `steep` hypotheses and share of `flips`.
        rows: Length of the stream; all 2^rows ways are gone.
        rng: Source of the rows.
        device: Not used.
        tick: Called after each point.

    Raises:
        ValueError: If no chance depended on a coin, so that nothing would be shown.
    """
    found = []
    for point in points:
        weights = thresholds(np.array([-2.0, 0.0, 1.0]), point["steep"])
        X, y = steps(rows, point["flips"], 4.0, rng)
        learner = Hasty(weights, NO_CUTS, Settings(delta=0.9))
        learner.regions[0].trim_due = 1
        ends = list(_ways(learner, X, y, 1.0))
        if len({way.regions[0].alive.tobytes() for way, _ in ends}) < 2:
            raise ValueError("No hypothesis was given up on any way; take more rows.")
        mean = np.sum([chance * way.regions[0].losses for way, chance in ends], axis=0)
        plain = losses(weights, X, y).sum(axis=0)
        found += [Measurement("weighted", dict(point), Estimate(float(r))) for r in mean / plain]
        tick()
    return Findings(tuple(found))


def _ways(learner: Learner, X: np.ndarray, y: np.ndarray, chance: float) -> Iterator[tuple[Learner, float]]:
    """The learner at the end of every way that its coins may fall, with its chance."""
    if not len(X):
        yield learner, chance
        return
    for coin in (0.0, 1.0):
        way = copy.deepcopy(learner)
        asked, p = way.ask(X[0], coin)
        if asked:
            way.tell(X[0], int(y[0]), p)
        if (p if asked else 1 - p) > 0:
            yield from _ways(way, X[1:], y[1:], chance * (p if asked else 1 - p))


def ranges(points: Points, rows: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Largest difference of losses over pairs of hypotheses alive and labels, and the chance to ask, after a stream.

    Args:
        points: `steep` hypotheses, share of `flips`, and `x`, where the next row lies.
        rows: Length of the stream.
        rng: Source of the rows.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        weights = thresholds(np.linspace(-2, 2, 21), point["steep"])
        learner = taught(iwal(weights, 0.5), *steps(rows, point["flips"], 6.0, rng), rng)
        x, alive = np.array([[point["x"]]]), learner.regions[0].alive
        apart = [
            np.abs(np.subtract.outer(loss, loss)).max()
            for loss in (losses(weights[alive], x, np.array([label]))[0] for label in (0, 1))
        ]
        ones = probabilities(weights, x)[0][alive]
        about = {**point, "P_high": float(ones.max()), "P_low": float(ones.min()), "alive": int(alive.sum())}
        asked = learner.chance(x[0])
        if asked <= LEAST:
            raise ValueError(f"At x = {point['x']} the hypotheses hardly differ; take a row nearer to 0.")
        found += [Measurement("range", about, Estimate(float(value))) for value in (max(apart), asked)]
        tick()
    return Findings(tuple(found))


def gradients(points: Points, draws: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean square of the gradient of logistic regression, weighted by what the learner asked for.

    Args:
        points: `steep` hypotheses, share of `flips`, number of `rows` that are drawn from, `seen` rows before.
        draws: Rows drawn, each with its coin.
        rng: Source of rows and coins.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        weights = thresholds(np.linspace(-2, 2, 21), point["steep"])
        learner = taught(iwal(weights, 0.5), *steps(int(point["seen"]), point["flips"], 6.0, rng), rng)
        X, y = steps(int(point["rows"]), point["flips"], 2.0, rng)
        p = np.array([learner.chance(x) for x in X])
        slope = (1 / (1 + np.exp(-X[:, 0])) - y) * X[:, 0]
        row = rng.integers(len(X), size=draws)
        asked, said = Known(p).ask(row, rng.random(draws))  # type: ignore[arg-type]
        square = np.where(asked, slope[row] / said, 0.0) ** 2
        about: dict[str, Any] = {**point, "slopes": slope.tolist(), "chances": p.tolist()}
        found.append(Measurement("square", about, Estimate.mean(square)))
        tick()
    return Findings(tuple(found))


def wastes(points: Points, draws: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean square of weighted gradients times share of labels, over the square of the mean size.

    Args:
        points: `size_power` b of the sizes u^b, and `ask_power` a: a label is asked for with chance size^a.
        draws: Rows.
        rng: Source of rows and coins.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        size = rng.random(draws) ** point["size_power"]
        chance = size ** point["ask_power"]
        asked, said = Known(chance).ask(np.arange(draws), rng.random(draws))  # type: ignore[arg-type]
        square = np.where(asked, size / said, 0.0) ** 2
        found.append(Measurement("waste", dict(point), _product(square, np.asarray(asked, float), size)))
        tick()
    return Findings(tuple(found))


def _product(square: np.ndarray, asked: np.ndarray, size: np.ndarray) -> Estimate:
    """Of the means of three numbers of a row: first times second over the third squared."""
    means = square.mean(), asked.mean(), size.mean()
    value = means[0] * means[1] / means[2] ** 2
    linear = square / means[0] + asked / means[1] - 2 * size / means[2]
    return Estimate(float(value), float(value * linear.std(ddof=1) / len(size) ** 0.5), len(size))
