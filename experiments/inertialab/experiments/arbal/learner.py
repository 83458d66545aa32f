"""The rule itself: which labels are asked for, which region is split, which hypotheses are given up.

Source: cortes2020region for regions, beygelzimer2009importance for weighted requests; slacks of `bounds`. The loss of
a hypothesis is 1 - P(y|x), so the chance to ask, the range of P(1|x) over the hypotheses alive, is the largest
difference of two losses for either label.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from inertialab.experiments.arbal import bounds
from inertialab.experiments.arbal.hypotheses import probabilities

LEAST = 0.005
"""Chance below which no label is asked for less: a weight above its inverse would rule every later fit."""
FIRST, SPLIT_GROWTH, TRIM_GROWTH = 10, 1.1, 1.05
"""Labels before a region is first looked at, and growth of their number from one look to the next. The slacks hold at
all rounds at once, so that any schedule is allowed."""


@dataclass(frozen=True)
class Settings:
    """What the rule is told.

    Attributes:
        delta: Chance that any of its comparisons is wrong.
        regions: Largest number of regions; one is IWAL.
        gain: Least gain of the risk by which a split is worth it.
        split_rounds: Rounds of the split phase, in which nothing is given up.
        split_slack: Factor of the slack of splits; below 1 a split is no longer certified.
    """

    delta: float = 0.05
    regions: int = 1
    gain: float = 0.005
    split_rounds: int = 0
    split_slack: float = 1.0


@dataclass
class Region:
    """A box and what is known of the hypotheses in it.

    Attributes:
        low: Ends that do not belong to it, shape (d,).
        high: Ends that do, shape (d,).
        depth: Number of cuts that made it.
        alive: Hypotheses that may still be the best, shape (M,).
        losses: Sums of weighted losses, shape (M,).
        split_due: Number of labels at which it is next looked at for a split.
        trim_due: Number of labels at which hypotheses are next given up.
    """

    low: np.ndarray
    high: np.ndarray
    depth: int
    alive: np.ndarray
    losses: np.ndarray
    split_due: int = FIRST
    trim_due: int = FIRST

    @property
    def best(self) -> int:
        """The hypothesis alive of the smallest weighted loss."""
        return int(np.where(self.alive, self.losses, np.inf).argmin())


@dataclass
class Labels:
    """Labels that were asked for, in order; rows grow by doubling.

    Attributes:
        count: Their number n.
        x: Rows, shape (capacity, d).
        weighted: Weighted losses l/p of every hypothesis, shape (capacity, M).
        y: 0 or 1.
        p: Chance with which each was asked for.
        region: Region of each.
    """

    dimensions: int
    hypotheses: int
    count: int = 0
    x: np.ndarray = field(init=False)
    weighted: np.ndarray = field(init=False)
    y: np.ndarray = field(init=False)
    p: np.ndarray = field(init=False)
    region: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self._allot(16)

    def _allot(self, capacity: int) -> None:
        shapes = {"x": (self.dimensions,), "weighted": (self.hypotheses,), "y": (), "p": (), "region": ()}
        for name, shape in shapes.items():
            new = np.zeros((capacity, *shape), dtype=int if name in ("y", "region") else float)
            if self.count:
                new[: self.count] = getattr(self, name)[: self.count]
            setattr(self, name, new)

    def add(self, x: np.ndarray, y: int, p: float, region: int, weighted: np.ndarray) -> None:
        """One more label."""
        if self.count == len(self.y):
            self._allot(2 * self.count)
        i = self.count
        self.x[i], self.y[i], self.p[i], self.region[i], self.weighted[i] = x, y, p, region, weighted
        self.count += 1

    def of(self, region: int) -> np.ndarray:
        """Places of the labels of a region."""
        return np.flatnonzero(self.region[: self.count] == region)


class Learner:
    """Asks for labels of a stream and learns from those it gets.

    Args:
        weights: Hypotheses, shape (M, d + 1), chosen without looking at the stream.
        cuts: Feature and threshold of each cut, chosen likewise.
        settings: What the rule is told.
    """

    def __init__(self, weights: np.ndarray, cuts: tuple[np.ndarray, np.ndarray], settings: Settings):
        self.weights = np.ascontiguousarray(weights, dtype=float)
        self.cuts = (np.asarray(cuts[0], dtype=int), np.asarray(cuts[1], dtype=float))
        self.settings = settings
        number, width = self.weights.shape
        self.rounds = self.asked = 0
        self.labels = Labels(width - 1, number)
        ends = np.full(width - 1, np.inf)
        self.regions = [Region(-ends, ends, 0, np.ones(number, bool), np.zeros(number))]

    def where(self, x: np.ndarray) -> int:
        """The region of a row, shape (d,)."""
        if len(self.regions) == 1:
            return 0
        return next(k for k, r in enumerate(self.regions) if (x > r.low).all() and (x <= r.high).all())

    def places(self, X: np.ndarray) -> np.ndarray:
        """The regions of rows, shape (n,)."""
        found = np.zeros(len(X), dtype=int)
        for k, r in enumerate(self.regions):
            found[((r.low < X) & (r.high >= X)).all(axis=1)] = k
        return found

    def chance(self, x: np.ndarray) -> float:
        """Chance to ask for the label of a row: the range of P(1|x) over the hypotheses alive in its region."""
        here = probabilities(self.weights, x)[self.regions[self.where(x)].alive]
        return float(max(here.max() - here.min(), LEAST))

    def ask(self, x: np.ndarray, coin: float) -> tuple[bool, float]:
        """Begin a round: whether the label is wanted, and the chance with which it was.

        Args:
            x: Row, shape (d,).
            coin: Uniform between 0 and 1.
        """
        self.rounds += 1
        p = self.chance(x)
        self.asked += coin < p
        return coin < p, p

    def tell(self, x: np.ndarray, y: int, p: float) -> None:
        """Take in a label that was asked for with chance p, y being 0 or 1."""
        k = self.where(x)
        ones = probabilities(self.weights, x)
        weighted = (1 - ones if y else ones) / p
        self.labels.add(x, y, p, k, weighted)
        self.regions[k].losses += weighted
        if self.splitting:
            self._look_for_split(k)
        else:
            self._trim(k)

    @property
    def waiting(self) -> int:
        """Labels asked for that have not come. Each may turn a weighted difference of losses by 1, and its square."""
        return self.asked - self.labels.count

    @property
    def splitting(self) -> bool:
        """Whether regions may still be split; until then nothing is given up, as every region needs all hypotheses."""
        return self.rounds <= self.settings.split_rounds and len(self.regions) < self.settings.regions

    def _look_for_split(self, k: int) -> None:
        rows = self.labels.of(k)
        if len(rows) < self.regions[k].split_due:
            return
        self.regions[k].split_due = int(len(rows) * SPLIT_GROWTH) + 1
        found = self._best_cut(k, rows)
        if found is not None and self.certain_gain(k, rows, *found) > self.settings.gain:
            self._split(k, rows, found[0])

    def _best_cut(self, k: int, rows: np.ndarray) -> tuple[int, int, int] | None:
        """The cut of the largest gain by the labels, and the best hypotheses on its sides; None if it is too small."""
        region, (features, thresholds) = self.regions[k], self.cuts
        inside = np.flatnonzero((region.low[features] < thresholds) & (thresholds < region.high[features]))
        if not len(inside):
            return None
        left = self.labels.x[rows][:, features[inside]] <= thresholds[inside]
        sums = left.T.astype(float) @ self.labels.weighted[rows]
        gains = region.losses.min() - sums.min(axis=1) - (region.losses - sums).min(axis=1)
        best = int(gains.argmax())
        if gains[best] <= self.settings.gain * self.rounds:
            return None
        return int(inside[best]), int(sums[best].argmin()), int((region.losses - sums[best]).argmin())

    def certain_gain(self, k: int, rows: np.ndarray, cut: int, left: int, right: int) -> float:
        """Lower bound of what a split gains: risk of the best hypothesis before, minus that of the best pair after.

        Args:
            k: Region.
            rows: Places of its labels.
            cut: Which cut.
            left: Hypothesis below it.
            right: Hypothesis above it.

        Returns:
            In units of the risk of the whole, so that a region counts by how often it is met.
        """
        weighted = self.labels.weighted[rows]
        below = self.labels.x[rows, self.cuts[0][cut]] <= self.cuts[1][cut]
        pieces = np.where(below, weighted[:, left], weighted[:, right])
        differences = weighted - pieces[:, None]
        squares = (differences**2).sum(axis=0) + self.waiting
        slack = self.settings.split_slack * bounds.excess(squares, self._log_triples(k)) + self.waiting
        return float((differences.sum(axis=0) - slack).min() / self.rounds)

    def _log_triples(self, k: int) -> float:
        cuts = len(self.cuts[0])
        boxes = bounds.log_boxes(self.regions[k].depth, cuts)
        return bounds.log_triples(len(self.weights), cuts, self.settings.delta / 2, boxes)

    def _log_pairs(self, k: int) -> float:
        number, delta = len(self.weights), self.settings.delta
        if self.settings.regions == 1:
            return bounds.log_pairs(number, delta)
        return bounds.log_pairs(number, delta / 2, bounds.log_boxes(self.regions[k].depth, len(self.cuts[0])))

    def _split(self, k: int, rows: np.ndarray, cut: int) -> None:
        feature, threshold = self.cuts[0][cut], self.cuts[1][cut]
        above = rows[self.labels.x[rows, feature] > threshold]
        self.labels.region[above] = len(self.regions)
        parent = self.regions[k]
        low, high = parent.low.copy(), parent.high.copy()
        high[feature] = low[feature] = threshold
        boxes = ((k, parent.low, high), (len(self.regions), low, parent.high))
        for place, bottom, top in boxes:
            mine = self.labels.of(place)
            losses = self.labels.weighted[mine].sum(axis=0)
            due = max(int(len(mine) * SPLIT_GROWTH) + 1, FIRST)
            child = Region(bottom, top, parent.depth + 1, np.ones(len(self.weights), bool), losses, due)
            self.regions[place : place + 1] = [child]

    def _trim(self, k: int) -> None:
        """Give up hypotheses that are certainly worse than another one in this region."""
        region, rows = self.regions[k], self.labels.of(k)
        if len(rows) < region.trim_due:
            return
        region.trim_due = int(len(rows) * TRIM_GROWTH) + 1
        best = region.best
        slack = self.pair_excess(k, rows, best)
        region.alive &= region.losses - region.losses[best] <= slack

    def pair_excess(self, k: int, rows: np.ndarray, best: int) -> np.ndarray:
        """How much more a hypothesis may have lost than another one by chance, in sums of losses, shape (M,)."""
        weighted = self.labels.weighted[rows]
        squares = ((weighted - weighted[:, best : best + 1]) ** 2).sum(axis=0) + self.waiting
        return bounds.excess(squares, self._log_pairs(k)) + self.waiting

    def risk_bound(self) -> float | None:
        """Upper bound of the risk of the best hypotheses by region minus that of the best single hypothesis.

        Certain up to `delta`. What the chosen pieces may have lost to the best of their region, minus what the splits
        have gained at least. None while nothing was asked, and where splits are not certified.
        """
        if self.settings.split_slack < 1 or not self.rounds:
            return None
        lost = 0.0
        for k, region in enumerate(self.regions):
            best = region.best
            behind = region.losses[best] - region.losses + self.pair_excess(k, self.labels.of(k), best)
            behind[best] = 0.0
            lost += max(float(behind[region.alive].max()), 0.0)
        return min(lost / self.rounds - self.settings.gain * (len(self.regions) - 1), 1.0)

    def log_odds(self, X: np.ndarray) -> np.ndarray:
        """Log-odds of class 1 by the best hypothesis of each row's region, shape (n,)."""
        chosen = self.weights[[region.best for region in self.regions]][self.places(X)]
        return (X * chosen[:, :-1]).sum(axis=1) + chosen[:, -1]
