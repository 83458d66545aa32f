"""When the whole is split, how many regions there can be, and how often a split gains less than is certain."""

from typing import Any

import numpy as np
import torch

from inertialab.experiments.arbal import bounds
from inertialab.experiments.arbal.hypotheses import probabilities
from inertialab.experiments.arbal.learner import Learner, Settings
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.active.streams import constants, losses, taught
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

LOW, HIGH = 0.02, 0.98
"""Chances of class 1 by the outermost hypotheses."""
GOLDEN = (5**0.5 - 1) / 2
BLOCK = 256
"""Rows whose looks are worked out at once, at first; then as many as there were."""


class Watchful(Learner):
    """Looks for a split after every label, and remembers the slack of the one that it made."""

    rate = 0.0

    def _look_for_split(self, k: int) -> None:
        self.regions[k].split_due = 0
        super()._look_for_split(k)

    def _split(self, k: int, rows: np.ndarray, cut: int) -> None:
        """As of the learner; notes at which rate the slack of the best hypothesis was least."""
        weighted, below = self.labels.weighted[rows], self.labels.x[rows, self.cuts[0][cut]] <= self.cuts[1][cut]
        left, right = (int(weighted[side].sum(axis=0).argmin()) for side in (below, ~below))
        apart = weighted[:, self.regions[k].best] - np.where(below, weighted[:, left], weighted[:, right])
        count = self._log_triples(k) + np.log(len(bounds.RATES))
        slacks = [bounds.excess(np.sum(apart**2), count, (r,)) for r in bounds.RATES]
        self.rate = bounds.RATES[int(np.argmin(slacks))]
        super()._split(k, rows, cut)


def until_split(points: Points, more: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Rows until the whole is split where a line divides two classes and no single hypothesis says so.

    The hypotheses say the same everywhere; class 1 lies above `share` in the first feature.

    Args:
        points: Number `M` of hypotheses, `cuts` that are tried, `delta`, `gain`, `share` of class 0, `flips`, and
            `runs`, the number of streams.
        more: By how many times the streams are more.
        rng: Source of rows and coins.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        weights, cuts = _parts(point)
        learner = _watchful(weights, cuts, point)
        _confirm(_watchful(weights, cuts, point), *_first_split(learner, point, rng))
        found_in = [_first_split(learner, point, rng)[:2] for _ in range(more * int(point["runs"]))]
        ends, rates = np.array(found_in).T
        used, counts = np.unique(rates, return_counts=True)
        about = {**point, "r": float(used[counts.argmax()]), **_law(point, weights)}
        found.append(Measurement("rows", about, Estimate.mean(ends)))
        tick()
    return Findings(tuple(found))


def _watchful(weights: np.ndarray, cuts: tuple[np.ndarray, np.ndarray], point: Any) -> Watchful:
    return Watchful(weights, cuts, Settings(point["delta"], 2, point["gain"], 10**9, 1.0))


Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def _first_split(learner: Watchful, point: Any, rng: np.random.Generator) -> tuple[int, float, list[Rows]]:
    """Round in which a new learner splits, the rate at which its slack is least then, and the rows up to there.

    All looks of a block of rows at once: the hypotheses say the same everywhere, so that sums of losses are counts of
    labels on the sides of the cuts.
    """
    seen: list[Rows] = []
    sides, whole, chance = (
        np.zeros((len(learner.cuts[0]), 2)),
        np.zeros(2),
        learner.chance(np.zeros(len(learner.cuts[0]))),
    )
    while True:
        before = sum(len(y) for _, y, _ in seen)
        seen.append(_rows(max(before, BLOCK), len(learner.cuts[0]), point, rng))
        X, y, coins = seen[-1]
        asked = np.flatnonzero(coins < chance)
        each = np.eye(2)[y[asked]]
        below = sides + np.cumsum((X[asked] <= learner.cuts[1])[:, :, None] * each[:, None], axis=0)
        counts = whole + np.cumsum(each, axis=0)
        rounds = before + asked + 1
        certain, rates = _certain(learner, below, counts, rounds)
        if (certain > learner.settings.gain).any():
            first = int((certain > learner.settings.gain).argmax())
            return int(rounds[first]), float(rates[first]), seen
        sides, whole = below[-1], counts[-1]


def _rows(n: int, features: int, point: Any, rng: np.random.Generator) -> Rows:
    """Rows, labels and coins: class 1 above the share in the first feature, unless it is flipped."""
    X = rng.random((n, features))
    return X, ((X[:, 0] > point["share"]) ^ (rng.random(n) < point["flips"])).astype(int), rng.random(n)


def _confirm(learner: Watchful, rounds: int, rate: float, seen: list[Rows]) -> None:
    """Give the learner the rows one by one.

    Raises:
        AssertionError: If it does not split in this round, at this rate.
    """
    for x, y, coin in zip(*map(np.concatenate, zip(*seen, strict=True)), strict=True):
        asked, p = learner.ask(x, coin)
        if asked:
            learner.tell(x, int(y), p)
        if len(learner.regions) > 1:
            break
    assert (learner.rounds, learner.rate) == (rounds, rate), "What was worked out is not what the learner does."


def _certain(
    learner: Watchful, below: np.ndarray, counts: np.ndarray, rounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Certain gain of the best cut at each look, and the rate of the least slack of the best hypothesis, shape (n,).

    What `certain_gain` of the learner gives, by counts of labels.

    Args:
        learner: Its hypotheses, chance to ask, and slack.
        below: Labels 0 and 1 below each cut so far, shape (n, cuts, 2).
        counts: The same of all rows, shape (n, 2).
        rounds: Rows so far, shape (n,).
    """
    x = np.zeros(len(learner.cuts[0]))
    ones, gain = probabilities(learner.weights, x), learner.settings.gain
    loss = np.array([ones, 1 - ones]) / learner.chance(x)
    left, whole = _sums(loss, below), _sums(loss, counts)
    drops = whole.min(axis=0)[:, None] - left.min(axis=0) - (whole[:, :, None] - left).min(axis=0)
    cut = drops.argmax(axis=1)
    # No slack is less than this: most looks need no more.
    least = learner.settings.split_slack * learner._log_triples(0) / max(bounds.RATES)
    look = np.flatnonzero(drops.max(axis=1) > gain * rounds + least)
    sides = below[look, cut[look]]
    sure, rates = np.full(len(cut), -np.inf), np.zeros(len(cut))
    certain, rates[look] = _of_looks(learner, loss, sides, counts[look] - sides)
    sure[look] = certain / rounds[look]
    return sure, rates


def _sums(loss: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Losses of each hypothesis, shape (M, ...), of numbers of labels 0 and 1, shape (..., 2)."""
    return np.multiply.outer(loss[0], labels[..., 0]) + np.multiply.outer(loss[1], labels[..., 1])


def _of_looks(
    learner: Watchful, loss: np.ndarray, below: np.ndarray, above: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Certain gains times rounds, and rates of the least slack of the best hypothesis, by labels on either side."""
    left, right = below @ loss, above @ loss
    apart = (loss[:, None] - loss[:, :, None]) ** 2
    squares = np.zeros_like(left)
    for labels, best in ((below, left.argmin(axis=1)), (above, right.argmin(axis=1))):
        squares += labels[:, :1] * apart[0, best] + labels[:, 1:] * apart[1, best]
    slack = learner.settings.split_slack * bounds.excess(squares, learner._log_triples(0))
    whole = left + right
    pieces = left.min(axis=1) + right.min(axis=1)
    count = learner._log_triples(0) + np.log(len(bounds.RATES))
    of_best = squares[np.arange(len(squares)), whole.argmin(axis=1)]
    rate = np.argmin([bounds.excess(of_best, count, (r,)) for r in bounds.RATES], axis=0)
    return (whole - pieces[:, None] - slack).min(axis=1), np.array(bounds.RATES)[rate]


def _parts(point: Any) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Hypotheses, and cuts: the one that matters, and others in features that mean nothing."""
    number = int(point["cuts"])
    weights = constants(np.linspace(LOW, HIGH, int(point["M"])), number)
    return weights, (np.arange(number), np.append(point["share"], np.full(number - 1, 0.5)))


def _one_more(learner: Learner, point: Any, rng: np.random.Generator) -> None:
    """One row: class 1 above the share in the first feature, unless it is flipped."""
    x = rng.random(learner.weights.shape[1] - 1)
    asked, p = learner.ask(x, rng.random())
    if asked:
        learner.tell(x, int((x[0] > point["share"]) ^ (rng.random() < point["flips"])), p)


def _law(point: Any, weights: np.ndarray) -> dict[str, float]:
    """True gain of the split and mean square of the weighted difference, by summing over side and label."""
    share, flips = point["share"], point["flips"]
    chance = np.array([share * (1 - flips), share * flips, (1 - share) * flips, (1 - share) * (1 - flips)])
    y = np.array([0, 1, 0, 1])
    each = losses(weights, np.zeros((4, weights.shape[1] - 1)), y)
    risk = chance @ each
    best = int(risk.argmin())
    left, right = (int((chance[side] @ each[side]).argmin()) for side in ([0, 1], [2, 3]))
    apart = each[:, best] - np.append(each[:2, left], each[2:, right])
    asked = each.max() - each.min()
    return {"true_gain": float(chance @ apart), "square_rate": float(chance @ apart**2 / asked)}


def stairs(points: Points, rows: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Regions where every split removes the same risk but for a hundredth: cells of alternate labels.

    The learner must be certain of half of a step, so that it finds every one. Rows are spread evenly, so that the
    order of steps that hardly differ is not left to chance.

    Args:
        points: Number of `cells` and the `gain` of the least split.
        rows: Rows streamed.
        rng: Source of the coins.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        steps = point["gain"] * (1 + 0.01 * np.arange(int(point["cells"]) - 1)[::-1])
        widths = np.append(steps[:-1] + steps[1:], steps[-1])
        edges = 1 - np.cumsum(widths[::-1])[::-1]
        cuts = (np.zeros(len(edges), int), edges)
        learner = Learner(constants([1e-9, 1 - 1e-9], 1), cuts, Settings(0.05, 50, point["gain"] / 2, rows))
        X = np.arange(rows)[:, None] * GOLDEN % 1
        taught(learner, X, np.searchsorted(edges, X[:, 0]) % 2, rng)
        ones = widths[::2].sum()
        about = {**point, "risk": float(min(ones, 1 - ones))}
        found.append(Measurement("regions", about, Estimate(float(len(learner.regions)))))
        tick()
    return Findings(tuple(found))


def false_gains(
    points: Points, runs: int, rows: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Share of streams in which the certain gain of a split is ever above what the split truly gains.

    The same hypotheses and cuts as of `until_split`, but class 1 is as likely everywhere: no split gains anything, and
    any that is made was not certain.

    Args:
        points: As of `until_split`.
        runs: Streams of each.
        rows: Rows of each.
        rng: Source of rows and coins.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        weights, cuts = _parts(point)
        over = np.zeros(runs)
        for i in range(runs):
            learner = Watchful(weights, cuts, Settings(point["delta"], 2, 1e-9, 10**9, 1.0))
            while learner.rounds < rows and len(learner.regions) == 1:
                _one_more(learner, {**point, "share": -1.0}, rng)
            over[i] = len(learner.regions) > 1
        found.append(Measurement("share", dict(point), Estimate.mean(over)))
        tick()
    return Findings(tuple(found))
