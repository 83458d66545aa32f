"""Error on held-out rows against labels: ARBAL, IWAL, margin sampling, and rows as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from inertialab.experiments.arbal.estimator import ARBAL
from inertialab.experiments.arbal.sets import Stream

BUDGETS = (75, 100, 150, 200, 300, 400, 600, 800, 1200)
"""Numbers of labels at which the error is looked at; those above the length of a stream are left out."""
EVERY = 10
"""Labels after which margin sampling learns anew."""
Curve = list[float]
Predict = Callable[[np.ndarray], np.ndarray]
Score = Callable[[Predict, Stream], float]


def budgets_of(rows: int) -> list[int]:
    """Numbers of labels that a stream of so many rows can give."""
    return [b for b in BUDGETS if b < rows]


def error(predict: Predict, stream: Stream) -> float:
    """Share of the rows held out whose class is told wrong."""
    return float(np.mean(predict(stream.X_test) != stream.y_test))


def of_model(
    estimator: ARBAL, stream: Stream, budgets: Sequence[int], score: Score = error
) -> tuple[Curve, dict[str, Any]]:
    """Errors of a model as it asks; where its stream ends before a budget, its last error stands for the rest.

    Args:
        estimator: Fitted here.
        stream: Rows.
        budgets: Numbers of labels, rising.
        score: How a model is judged; at each budget that is reached, and at the end.

    Returns:
        Errors, one a budget; and what it came to: labels, rounds, regions, error at the end, places in the stream of
        the rows asked for.
    """
    errors: Curve = []
    asked: list[int] = []

    def oracle(_: Any) -> Any:
        while len(errors) < len(budgets) and estimator.n_labels_ >= budgets[len(errors)]:
            errors.append(score(estimator.predict, stream))
        asked.append(estimator.n_rounds_ - 1)
        return stream.y[asked[-1]]

    estimator.fit(stream.X, oracle, classes=(0, 1))
    last = score(estimator.predict, stream)
    end = {
        "labels": estimator.n_labels_,
        "rounds": estimator.n_rounds_,
        "regions": len(estimator.regions_),
        "error": last,
        "asked": asked,
    }
    return errors + [last] * (len(budgets) - len(errors)), end


def of_margin(stream: Stream, budgets: Sequence[int], score: Score = error, warm: int = 50) -> Curve:
    """Errors of logistic regression that asks for the rows it is least sure of, out of all."""
    asked = list(range(warm))
    errors: Curve = []
    for budget in budgets:
        while len(asked) < budget:
            model = _fitted(stream, asked)
            unsure = np.abs(_odds(model, stream.X))
            unsure[asked] = np.inf
            asked += np.argsort(unsure, kind="stable")[: min(EVERY, budget - len(asked))].tolist()
        errors.append(score(_classes(_fitted(stream, asked)), stream))
    return errors


def of_rows(stream: Stream, budgets: Sequence[int], score: Score = error) -> Curve:
    """Errors of logistic regression of the first rows, as many as there are labels."""
    return [score(_classes(_fitted(stream, list(range(b)))), stream) for b in budgets]


def of_forest(stream: Stream, budgets: Sequence[int], seed: int, score: Score = error) -> Curve:
    """Errors of a random forest of the same first rows: what a model that is not linear makes of them."""
    errors: Curve = []
    for b in budgets:
        forest = RandomForestClassifier(50, random_state=seed).fit(stream.X[:b], stream.y[:b])
        errors.append(score(forest.predict, stream))
    return errors


def _fitted(stream: Stream, rows: list[int]) -> LogisticRegression | int:
    y = stream.y[rows]
    return LogisticRegression(max_iter=1000).fit(stream.X[rows], y) if len(np.unique(y)) == 2 else int(y[0])


def _odds(model: LogisticRegression | int, X: np.ndarray) -> np.ndarray:
    return np.full(len(X), 2.0 * model - 1) if isinstance(model, int) else model.decision_function(X)


def _classes(model: LogisticRegression | int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda X: (_odds(model, X) > 0).astype(int)


def model(settings: dict[str, Any], regions: int, seed: int) -> ARBAL:
    """An estimator with these settings and its own stream."""
    return ARBAL(**{**settings, "regions": regions, "random_state": seed})
