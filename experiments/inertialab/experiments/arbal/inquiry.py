"""What was shown, asked and answered so far: the first rows outright, then a learner of standardised rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from inertialab.experiments.arbal import checks
from inertialab.experiments.arbal.hypotheses import quantile_cuts, random_hypotheses, warm_hypotheses
from inertialab.experiments.arbal.learner import Learner, Settings

HORIZON = 2000
"""Rounds that a fraction of the split phase is a fraction of where nobody said how long the stream is."""


class Inquiry:
    """A stream of rows and the labels that were given.

    Args:
        settings: Parameters of the estimator, checked.
        warm: First labels, before there are hypotheses.
        length: Rows of the whole stream, if known.

    Attributes:
        random: Source of resampling and coins.
        classes: The two classes in order, once they are known.
        x: First rows, of which labels were given.
        y: Their labels.
        shown: Rows shown before there was a learner, those to which no label came left out.
        waiting: Rows asked for whose labels have not come, with the chances with which they were.
        learner: Once the first labels show both classes.
    """

    def __init__(self, settings: dict[str, Any], warm: int, length: int | None):
        self.settings, self.warm, self.length = settings, warm, length
        self.random = checks.generator(settings["random_state"])
        self.classes: np.ndarray | None = None
        self.x: list[np.ndarray] = []
        self.y: list[Any] = []
        self.shown = 0
        self.waiting: list[tuple[np.ndarray, float]] = []
        self.learner: Learner | None = None

    @property
    def labels(self) -> int:
        """Labels given."""
        return len(self.y) + (self.learner.labels.count if self.learner else 0)

    @property
    def rounds(self) -> int:
        """Rows shown."""
        return self.shown + (self.learner.rounds if self.learner else 0)

    @property
    def ready(self) -> bool:
        """Whether the first labels are there and show both classes."""
        return len(self.y) >= self.warm and len(set(self.y)) == 2

    def know(self, classes: Any) -> None:
        """Say what the two classes are.

        Raises:
            ValueError: If they are not two, or others than before.
        """
        found = checks.two_classes(classes)
        seen = set(self.y) if self.classes is None else set(self.classes.tolist())
        if not seen <= set(found.tolist()):
            raise ValueError(f"The classes are {found.tolist()}, but labels so far were of {checks.in_order(seen)}.")
        self.classes = found if self.classes is None else self.classes

    def ask(self, x: np.ndarray) -> tuple[bool, float]:
        """Show a row, shape (d,); whether its label is wanted, and the chance with which it was."""
        if self.learner is None and self.ready:
            self.begin()
        if self.learner is None:
            self.shown += 1
            asked, p = True, 1.0
        else:
            asked, p = self.learner.ask(self.scaled(x), self.random.random())
        if asked:
            self.waiting.append((np.array(x), p))
        return asked, p

    def tell(self, x: np.ndarray, y: Any, p: float) -> None:
        """Give the label of a row that was asked for.

        Raises:
            ValueError: If it was not asked for with this chance, or the label is none of two classes.
        """
        place = next((i for i, (row, q) in enumerate(self.waiting) if p == q and np.array_equal(row, x)), None)
        if place is None:
            raise ValueError(
                f"The label of this row was not asked for with chance {p}; give tell(x, y, p) the row and the chance "
                "of ask(x) as they were, once."
            )
        label, known = self._recognised(y)
        del self.waiting[place]
        if self.learner is None:
            self.x.append(np.array(x))
            self.y.append(label)
        else:
            self.learner.tell(self.scaled(x), known.index(label), p)

    def _recognised(self, y: Any) -> tuple[Any, list[Any]]:
        """A label as a plain value, and the classes so far."""
        label = checks.one_label(y)
        known = checks.in_order({*self.y, label}) if self.classes is None else self.classes.tolist()
        if label not in known or len(known) > 2:
            others = [c for c in known if c != label]
            raise ValueError(f"ARBAL tells two classes apart, {others[0]!r} and {others[1]!r}; got {label!r} as well.")
        return label, known

    def begin(self) -> None:
        """Make hypotheses and cuts of the first rows.

        Raises:
            ValueError: If their labels are of one class.
        """
        if len(set(self.y)) < 2:
            raise ValueError(
                f"The {len(self.y)} labels so far are of one class; ARBAL needs both before it can predict."
            )
        if self.classes is None:
            self.know(self.y)
        X, given = np.array(self.x), not isinstance(self.settings["hypotheses"], str)
        self.center, self.scale = _no_standard(X) if given else _standard(X)
        X, y = self.scaled(X), self._numbered(self.y)
        cuts = quantile_cuts(X, self.settings["cuts"])
        self.learner = Learner(self._hypotheses(X, y, cuts), cuts, self._rule(len(X)))
        # First rows whose labels come late are not among those that hypotheses were made of: rounds like any other.
        self.learner.rounds = self.learner.asked = len(self.waiting)
        self.shown -= len(self.waiting)

    def _hypotheses(self, X: np.ndarray, y: np.ndarray, cuts: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        kind, number = self.settings["hypotheses"], self.settings["n_hypotheses"]
        if not isinstance(kind, str):
            return checks.given_hypotheses(kind, X.shape[1])
        if kind == "random":
            return random_hypotheses(number, X.shape[1], self.random)
        return warm_hypotheses(number, X, y, cuts, self.random)

    def _rule(self, warm: int) -> Settings:
        told, phase = self.settings, self.settings["split_phase"]
        whole = isinstance(phase, int | np.integer) or phase > 1
        length = HORIZON if self.length is None else self.length - warm
        rounds = int(phase) if whole else int(phase * length)
        return Settings(told["delta"], int(told["regions"]), told["gain"], rounds, told["split_slack"])

    def begun(self) -> Learner:
        """The learner.

        Raises:
            NotFittedError: If there is none yet.
        """
        if self.learner is None:
            raise NotFittedError(
                f"There are {len(self.y)} labels so far; ARBAL predicts after the first {self.warm}, once they show "
                "both classes."
            )
        return self.learner

    def scaled(self, X: np.ndarray) -> np.ndarray:
        """Rows as the learner sees them."""
        return (X - self.center) / self.scale

    def _numbered(self, y: list[Any]) -> np.ndarray:
        assert self.classes is not None
        return np.searchsorted(self.classes, y)

    def log_odds(self, X: np.ndarray, refit: bool) -> np.ndarray:
        """Log-odds of the second class, shape (n,), by the best hypothesis of each box or by its labels fitted anew."""
        learner, X = self.begun(), self.scaled(X)
        if not refit:
            return learner.log_odds(X)
        first, told, n = self.scaled(np.array(self.x)), learner.labels, learner.labels.count
        rows, y = np.vstack([told.x[:n], first]), np.append(told.y[:n], self._numbered(self.y))
        weight = np.append(1 / told.p[:n], np.ones(len(first)))
        mine, its = np.append(told.region[:n], learner.places(first)), learner.places(X)
        odds = np.zeros(len(X))
        for k in np.unique(its):
            odds[its == k] = _logistic(rows[mine == k], y[mine == k], weight[mine == k], X[its == k])
        return odds


def _standard(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of each feature; squares must neither overflow nor vanish."""
    size = np.abs(X).max(axis=0)
    size = np.where(size > 0, size, 1.0)
    spread = (X / size).std(axis=0) * size
    return (X / size).mean(axis=0) * size, np.where(spread > 0, spread, 1.0)


def _no_standard(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(X.shape[1]), np.ones(X.shape[1])


def _logistic(X: np.ndarray, y: np.ndarray, weight: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Log-odds at rows; of labels of one class, those of that class."""
    if len(np.unique(y)) < 2:
        return np.full(len(at), 2.0 * y[0] - 1 if len(y) else 0.0)
    return LogisticRegression(max_iter=1000).fit(X, y, sample_weight=weight).decision_function(at)
