"""Regions on real data: errors beside IWAL's, and what splits gain by sums over all rows."""

from dataclasses import replace

import numpy as np
import torch

from inertialab.experiments.arbal.curve import of_model
from inertialab.experiments.arbal.estimator import ARBAL
from inertialab.experiments.arbal.hypotheses import quantile_cuts, warm_hypotheses
from inertialab.experiments.arbal.learner import Learner, Settings
from inertialab.experiments.arbal.sets import SETS, Stream, shuffled
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.active.streams import losses, taught
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

WARM = 50
EARLY = 0.1
"""Factor of the slack of splits: with the whole slack nothing splits at these sizes."""


def errors(points: Points, more: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Error of ARBAL over that of IWAL at as many labels, on the half of the rows that is not streamed.

    Args:
        points: A data `set`, a number of `labels`, the `rows` streamed for them, the `slack` of splits, and `shuffles`,
            the number of orders of the rows.
        more: By how many times the shuffles are more.
        rng: Source of the orders.
        device: Not used.
        tick: Called after each shuffle.
    """
    found = []
    for point in points:
        X, y = SETS[point["set"]].read()
        pairs, regions = [], []
        for seed in rng.integers(2**31, size=more * int(point["shuffles"])).tolist():
            stream = shuffled(X, y, seed)
            rows = int(point["rows"])
            stream = replace(stream, X=stream.X[:rows], y=stream.y[:rows], rows=stream.rows[:rows])
            ours, end = of_model(_model(10, point["slack"], seed), stream, [int(point["labels"])])
            theirs, _ = of_model(_model(1, point["slack"], seed), stream, [int(point["labels"])])
            pairs.append((ours[0], theirs[0]))
            regions.append(end["regions"])
            tick()
        split = {"total_gain": 0.0, "risk": 1.0} if max(regions) == 1 else {}
        about = {**point, **split, "regions": float(np.mean(regions))}
        found.append(Measurement("error-ratio", about, Estimate.quotient(*np.array(pairs).T)))
    return Findings(tuple(found))


def _model(regions: int, slack: float, seed: int) -> ARBAL:
    return ARBAL(regions=regions, split_slack=slack, split_phase=1.0, refit=True, random_state=seed)


class Remembering(Learner):
    """Keeps the box and the cut of every split."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.made: list[tuple[np.ndarray, np.ndarray, int]] = []

    def _split(self, k: int, rows: np.ndarray, cut: int) -> None:
        self.made.append((self.regions[k].low, self.regions[k].high, cut))
        super()._split(k, rows, cut)


def gains(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Risk of the best hypothesis of each region over that of the best single one, by sums over all rows streamed.

    What each split gains is summed over the rows in its box.

    Args:
        points: A data `set`.
        rng: Source of order, hypotheses and coins.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        X, y = SETS[point["set"]].read()
        stream = shuffled(X, y, int(rng.integers(2**31)))
        learner = _streamed(stream, rng)
        rows = stream.X[WARM:]
        each = losses(learner.weights, rows, stream.y[WARM:])
        where = learner.places(rows)
        pieces = sum(_least(each[where == k]) for k in range(len(learner.regions)))
        whole = _least(each)
        gained = sum(_gain(each, rows, *made, learner.cuts) for made in learner.made)
        about = {**point, "risk": whole / len(rows), "total_gain": gained / len(rows), "regions": len(learner.regions)}
        found.append(Measurement("risk-ratio", about, Estimate(pieces / whole)))
        tick()
    return Findings(tuple(found))


def _streamed(stream: Stream, rng: np.random.Generator) -> Remembering:
    warm, labels = stream.X[:WARM], stream.y[:WARM]
    cuts = quantile_cuts(warm, 3)
    weights = warm_hypotheses(200, warm, labels, cuts, rng)
    learner = Remembering(weights, cuts, Settings(0.05, 10, 0.005, len(stream.y) // 2, EARLY))
    taught(learner, stream.X[WARM:], stream.y[WARM:], rng)
    return learner


def _least(each: np.ndarray) -> float:
    return float(each.sum(axis=0).min())


def _gain(
    each: np.ndarray, X: np.ndarray, low: np.ndarray, high: np.ndarray, cut: int, cuts: tuple[np.ndarray, np.ndarray]
) -> float:
    """Least sum of losses in a box, minus those of its two parts."""
    inside = ((low < X) & (high >= X)).all(axis=1)
    below = inside & (X[:, cuts[0][cut]] <= cuts[1][cut])
    return _least(each[inside]) - _least(each[below]) - _least(each[inside & ~below])
