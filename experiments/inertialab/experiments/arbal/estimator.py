"""ARBAL as a scikit-learn classifier: `fit` with labels or with someone to ask, or `ask` and `tell` row by row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from inertialab.experiments.arbal import checks, saving
from inertialab.experiments.arbal.inquiry import Inquiry

Oracle = Callable[[Any], Any]


class ARBAL(ClassifierMixin, BaseEstimator):
    """Region-based active learning for two classes, with linear classifiers (arXiv:2002.07348).

    The first rows are labelled outright and give the hypotheses. From then on a label is asked for with the chance p
    that the hypotheses still alive disagree, and counts 1/p. In the split phase the feature space is cut into boxes
    wherever a classifier for either side is certainly better by `gain`; after it every box gives up hypotheses that
    are certainly worse than its best. With `regions=1` it is IWAL (Beygelzimer, Dasgupta and Langford 2009).

    Args:
        hypotheses: "warm" (ridge-logistic classifiers of the first labels), "random" half-spaces, or an array of slopes
            and intercepts for the features as they are, shape (M, d + 1).
        delta: Chance that any comparison that the method rests on is wrong.
        regions: Largest number of boxes.
        gain: Least gain of the risk by which a split is worth it, in units of the risk of the whole.
        split_phase: Fraction of the rounds in which boxes may be split, or their number. Of a stream of unknown length
            the fraction is one of 2000.
        split_slack: Factor of the slack of splits. Below 1 they come earlier, and `certificate_` is withdrawn.
        cuts: Thresholds for each feature, quantiles of the first rows.
        random_state: Seed, `numpy.random.Generator` or `RandomState`.
        n_hypotheses: M, of those that are made here.
        n_warm: Rows labelled outright; fewer where `fit` gets fewer than twice as many.
        refit: Predict by a logistic regression of the labels of each box, weighted by 1/p, and not by its best
            hypothesis. Errs less, and has no certificate.

    Attributes:
        classes_: The two classes.
        regions_: One dictionary a box: `low`, `high` (d,), `labels` asked for in it, `alive` hypotheses.
        n_labels_: Labels used, those of the first rows included. To keep to a number of labels, stop asking at it.
        n_rounds_: Rows seen, the first ones included.
        certificate_: With a chance of 1 - delta, the risk of the predictions (mean chance 1 - P(y|x) to err) exceeds
            that of the best single hypothesis by no more than this, whatever the labels are that were asked for and
            have not come; None where there is no such bound.

    Raises:
        ValueError: With a sentence, for settings, rows or labels that cannot be used.

    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 2))
    >>> y = (X[:, 0] > 0) ^ (X[:, 1] > 0)
    >>> model = ARBAL(split_slack=0.1, random_state=0).fit(X, y)
    >>> len(model.regions_) > 1, model.n_labels_ < 1000, model.score(X, y) > 0.9
    (True, True, True)
    """

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        hypotheses: Literal["warm", "random"] | np.ndarray = "warm",
        delta: float = 0.05,
        regions: int = 10,
        gain: float = 0.005,
        split_phase: float = 0.5,
        split_slack: float = 1.0,
        cuts: int = 3,
        random_state: Any = None,
        n_hypotheses: int = 200,
        n_warm: int = 50,
        refit: bool = False,
    ):
        self.hypotheses = hypotheses
        self.delta = delta
        self.regions = regions
        self.gain = gain
        self.split_phase = split_phase
        self.split_slack = split_slack
        self.cuts = cuts
        self.random_state = random_state
        self.n_hypotheses = n_hypotheses
        self.n_warm = n_warm
        self.refit = refit

    def fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Go once through the rows, asking for labels.

        If the oracle raises, what was learnt stays; `partial_fit` with the rows that are left goes on.

        Args:
            X: Rows in the order in which they come, shape (n, d), n >= 2; a table of pandas is welcome.
            y: All labels, of which only those asked for are used, shape (n,); or an oracle, called with a row as it
                stands in `X`, that returns its label.
            classes: The two classes, shape (2,); needed with an oracle unless the first rows show both.

        Raises:
            ValueError: If the labels are not of two classes, or a row is not of finite numbers.
        """
        rows = self._rows(X, ensure_min_samples=2)
        if y is None:
            raise ValueError("ARBAL requires y to be passed, but the target y is None; give labels or an oracle.")
        answer = y if callable(y) else checks.answers_by_place(y, len(rows), classes)
        inquiry = self._anew(min(self.n_warm, max(len(rows) // 2, 2)), len(rows))
        if classes is not None or not callable(y):
            inquiry.know(np.unique(column_or_1d(y)) if classes is None else classes)
        self._go_through(rows, lambda i: answer(_row(X, i) if callable(y) else i))
        if inquiry.learner is None:
            inquiry.begin()
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Go on with more rows of a stream; like `fit`, without forgetting.

        Raises:
            ValueError: As for `fit`.
        """
        fresh = not hasattr(self, "_inquiry")
        rows = self._rows(X, reset=fresh)
        answer = y if callable(y) else checks.answers_by_place(y, len(rows), classes, whole=False)
        inquiry = self._anew(self.n_warm, None) if fresh else self._inquiry
        if classes is not None:
            inquiry.know(classes)
        self._go_through(rows, lambda i: answer(_row(X, i) if callable(y) else i))
        if inquiry.learner is None and inquiry.ready:
            inquiry.begin()
        return self

    def ask(self, x: Any) -> tuple[bool, float]:
        """Show the next row of a stream.

        Args:
            x: Row, shape (d,).

        Returns:
            Whether its label is wanted, and the chance with which it was; pass both to `tell` with the label.
        """
        fresh = not hasattr(self, "_inquiry")
        row = self._rows(_as_rows(x), reset=fresh)[0]
        inquiry = self._anew(self.n_warm, None) if fresh else self._inquiry
        return inquiry.ask(row)

    def tell(self, x: Any, y: Any, p: float) -> Self:
        """Give the label of a row that `ask` wanted, with the chance that it said. Other rows may be shown between.

        Raises:
            ValueError: If the row was not asked for with this chance, or the label is of a third class.
        """
        if not hasattr(self, "_inquiry"):
            raise ValueError("Nothing was asked yet; call ask(x) first and pass on the chance that it returns.")
        self._inquiry.tell(self._rows(_as_rows(x), reset=False)[0], y, p)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Log-odds of the second class, shape (n,).

        There is no `predict_proba`: hypotheses are chosen by the loss 1 - P(y|x), which rewards overconfidence.
        """
        check_is_fitted(self, "_inquiry")
        return self._inquiry.log_odds(self._rows(X, reset=False), self.refit)

    def predict(self, X: Any) -> np.ndarray:
        """The likelier class of each row, shape (n,)."""
        odds = self.decision_function(X)
        return self.classes_[(odds > 0).astype(int)]

    @property
    def classes_(self) -> np.ndarray:
        """The two classes in order."""
        check_is_fitted(self, "_inquiry")
        if self._inquiry.classes is None:
            raise NotFittedError("The labels so far do not show both classes; give them as classes.")
        return self._inquiry.classes

    @property
    def regions_(self) -> list[dict[str, Any]]:
        """The boxes, in the units of the features."""
        check_is_fitted(self, "_inquiry")
        learner, center, scale = self._inquiry.begun(), self._inquiry.center, self._inquiry.scale
        return [
            {
                "low": r.low * scale + center,
                "high": r.high * scale + center,
                "labels": len(learner.labels.of(k)),
                "alive": int(r.alive.sum()),
            }
            for k, r in enumerate(learner.regions)
        ]

    @property
    def n_labels_(self) -> int:
        """Labels used so far."""
        check_is_fitted(self, "_inquiry")
        return self._inquiry.labels

    @property
    def n_rounds_(self) -> int:
        """Rows seen so far."""
        check_is_fitted(self, "_inquiry")
        return self._inquiry.rounds

    @property
    def certificate_(self) -> float | None:
        """Bound of the risk over that of the best single hypothesis, or None."""
        check_is_fitted(self, "_inquiry")
        return None if self.refit else self._inquiry.begun().risk_bound()

    def save(self, path: str | Path) -> None:
        """Write the state to an .npz file, without pickle.

        Args:
            path: Where; replaced whole. Class labels must be numbers or text.
        """
        check_is_fitted(self, "_inquiry")
        saving.save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The estimator that `save` wrote; goes on as the other would have, bit for bit.

        Raises:
            ValueError: If the file is not one of `save`.
        """
        return saving.load(cls, Path(path))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _rows(self, X: Any, **about: Any) -> np.ndarray:
        """Finite numbers, shape (n, d); names and number of features as before."""
        found: Any = validate_data(self, X, dtype=np.float64, **about)
        return found

    def _anew(self, warm: int, length: int | None) -> Inquiry:
        """Check the settings and forget everything."""
        settings = self.get_params(deep=False)
        checks.check_settings(settings)
        if not isinstance(self.hypotheses, str):  # before anyone is asked for a label
            checks.given_hypotheses(self.hypotheses, self.n_features_in_)
        self._inquiry = Inquiry(settings, warm, length)
        return self._inquiry

    def _go_through(self, rows: np.ndarray, answer: Oracle) -> None:
        for i, x in enumerate(rows):
            asked, p = self._inquiry.ask(x)
            if asked:
                self._inquiry.tell(x, answer(i), p)


def _row(X: Any, i: int) -> Any:
    """A row as it stands in what was given."""
    return X.iloc[i] if hasattr(X, "iloc") else np.asarray(X[i])


def _as_rows(x: Any) -> Any:
    """One row as a table of one, with its names if it has any."""
    if np.ndim(x) != 1:
        raise ValueError(f"ask and tell take one row, shape (d,), got shape {np.shape(x)}.")
    return x.to_frame().T if hasattr(x, "to_frame") else np.asarray(x)[None, :]
