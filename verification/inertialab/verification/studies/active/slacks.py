"""How often slacks are exceeded: streams of rare losses, and every pair of hypotheses of learners at work."""

import numpy as np
import torch

from inertialab.experiments.arbal import bounds
from inertialab.experiments.arbal.learner import Learner
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.active.streams import iwal, risks, steps, thresholds
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

JUMPS = 20_000
FORGOTTEN = 60.0


def rare(points: Points, streams: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Share of streams in which a slack is ever exceeded by a sum of losses that are -1 with a small chance, else 0.

    Between two losses the sum stays and its mean falls, so that a slack is exceeded, if at all, just before a loss.
    Streams whose sum has fallen far behind are not followed further.

    Args:
        points: `delta`, the rate `r`, the factor `shrink` of the slack, and the chance `rare` of a loss.
        streams: Number of streams.
        rng: Source of the waiting times.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        over = _ever(point["delta"], point["r"], point["shrink"], point["rare"], streams, rng)
        found.append(Measurement("exceeded", dict(point), Estimate.mean(over.astype(float))))
        tick()
    return Findings(tuple(found))


def _ever(delta: float, r: float, shrink: float, rare: float, streams: int, rng: np.random.Generator) -> np.ndarray:
    """Whether each stream exceeds its slack."""
    slack = shrink * bounds.excess(np.arange(JUMPS, dtype=float), -np.log(delta), (r,))
    over, rounds, left = np.zeros(streams, bool), np.zeros(streams), np.arange(streams)
    for losses in range(JUMPS):
        rounds[left] += rng.geometric(rare, len(left))
        before = -losses + rare * (rounds[left] - 1)
        over[left[before >= slack[losses]]] = True
        left = left[(before < slack[losses]) & (before > slack[losses] - FORGOTTEN)]
        if not len(left):
            return over
    raise ValueError(f"{len(left)} of {streams} streams are still near their slack after {JUMPS} losses.")


def covered(
    points: Points, runs: int, rows: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Share of runs of IWAL in which a pair of hypotheses alive ever differs from its risks by more than the slack.

    Args:
        points: `delta`, number `M` and `steep` slope of the hypotheses, share of `flips`.
        runs: Runs.
        rows: Rows of each.
        rng: Source of rows and coins.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        weights = thresholds(np.linspace(-2, 2, int(point["M"])), point["steep"])
        truth = risks(weights, point["flips"], 6.0)
        over = np.zeros(runs)
        for i in range(runs):
            X, y = steps(rows, point["flips"], 6.0, rng)
            over[i] = _exceeds(iwal(weights, point["delta"]), truth, X, y, rng)
        found.append(Measurement("share", dict(point), Estimate.mean(over)))
        tick()
    return Findings(tuple(found))


def _exceeds(learner: Learner, truth: np.ndarray, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> bool:
    """Whether any pair does in any round; looked at before and after each label."""
    apart = truth[:, None] - truth
    squares = np.zeros_like(apart)
    region, count = learner.regions[0], learner._log_pairs(0)

    def exceeded(rounds: int) -> bool:
        alive = np.ix_(region.alive, region.alive)
        sums = np.subtract.outer(region.losses, region.losses)[alive] - rounds * apart[alive]
        return bool((sums > bounds.excess(squares[alive], count)).any())

    for x, label, coin in zip(X, y, rng.random(len(X)), strict=True):
        asked, p = learner.ask(x, coin)
        if not asked:
            continue
        if exceeded(learner.rounds - 1):
            return True
        learner.tell(x, int(label), p)
        new = learner.labels.weighted[learner.labels.count - 1]
        squares += np.subtract.outer(new, new) ** 2
        if exceeded(learner.rounds):
            return True
    # What was watched is what the learner uses.
    assert np.allclose(learner.pair_excess(0, learner.labels.of(0), 0), bounds.excess(squares[:, 0], count))
    return exceeded(learner.rounds)
