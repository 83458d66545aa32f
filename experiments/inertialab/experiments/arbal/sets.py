"""Two-class data: six real sets, and tables of the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from inertialab.experiments.data import DataMissingError, data_folder, load
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.tabular import Table, read_table

LEAST_ROWS = 200
"""Rows below which half of them, streamed, say nothing about asking."""
COMPONENTS = 10
"""Features that are kept: a box in more has no rows."""
FAR = 6.0
Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class TwoClasses:
    """One data set.

    Attributes:
        title: What is told apart.
        read: Gives features, shape (N, d), and labels 0 or 1, shape (N,).
        file: Its file in the data folder; empty for one that scikit-learn carries.
    """

    title: str
    read: Callable[[], Rows]
    file: str = ""


def _loaded(name: str, positive: Callable[[np.ndarray], np.ndarray], keep: tuple[int, ...] = ()) -> Rows:
    """A row of `DATASETS` with its classes put together to two."""
    found = load(name)
    X, y = found.inputs.numpy(), found.targets.numpy()
    chosen = np.isin(y, keep) if keep else np.ones(len(y), bool)
    return X[chosen], positive(y[chosen]).astype(int)


def _avila() -> Rows:
    """Copyist A of the Avila bible against all others."""
    path = (data_folder() or Path()) / "avila.csv"
    if data_folder() is None or not path.is_file():
        raise DataMissingError(
            "avila.csv is not in the data folder; set INERTIALAB_DATA to a folder that holds it (UCI Avila: split, ten "
            "features and the class, with a header), or leave this set out."
        )
    table = read_table(path)
    target = table.names[-1]
    _, X = features(table, {"split": "a split into two parts", target: "the target"})
    return X, (np.array(table.words(target)) == "A").astype(int)


SETS = {
    "digits-odd": TwoClasses("odd and even digits", partial(_loaded, "digits", lambda y: y % 2 == 1)),
    "digits-3-5": TwoClasses("digits 3 and 5", partial(_loaded, "digits", lambda y: y == 5, (3, 5))),
    "breast-cancer": TwoClasses("benign and malignant tumours", partial(_loaded, "breast-cancer", lambda y: y == 1)),
    "banknote": TwoClasses(
        "forged and genuine banknotes", partial(_loaded, "banknote", lambda y: y == 1), "banknote.csv"
    ),
    "cardiotocography": TwoClasses(
        "normal and other heartbeats", partial(_loaded, "cardiotocography", lambda y: y > 0), "cardiotocography.csv"
    ),
    "avila": TwoClasses("copyist A of the Avila bible and the others", _avila, "avila.csv"),
}
"""Every set by name."""


@dataclass(frozen=True)
class Stream:
    """Rows to ask about, in order, and rows to test on.

    Attributes:
        X: Rows that are streamed, shape (n, d).
        y: Their labels, 0 or 1, shape (n,).
        X_test: Rows held out.
        y_test: Their labels.
        rows: Which rows of the data those streamed are, shape (n,).
        rows_test: Which rows those held out are.
    """

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    rows: np.ndarray
    rows_test: np.ndarray


def shuffled(X: np.ndarray, y: np.ndarray, seed: int, most: int = 4000, test: int = 8000) -> Stream:
    """Half of the rows as a stream, the others to test on; standardised, and at most ten principal components.

    Args:
        X: Shape (N, d).
        y: 0 or 1, shape (N,).
        seed: Of the order.
        most: Rows streamed at most.
        test: Rows tested on at most.
    """
    order = np.random.default_rng([seed, *b"arbal"]).permutation(len(y))
    n = min(len(y) // 2, most)
    X, y = X[order], y[order]
    # Unlabelled rows cost nothing: scales and components are those of the stream.
    scale = X[:n].std(axis=0)
    X = (X - X[:n].mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    if X.shape[1] > COMPONENTS:
        _, s, axes = np.linalg.svd(X[:n], full_matrices=False)
        X = X @ axes[:COMPONENTS].T / (np.maximum(s[:COMPONENTS], 1e-9) / np.sqrt(n))
    X = np.clip(X, -FAR, FAR)
    end = n + test
    return Stream(X[:n], y[:n], X[n:end], y[n:end], order[:n], order[n:end])


def features(table: Table, leave: Mapping[str, str], columns: tuple[str, ...] = ()) -> tuple[list[str], np.ndarray]:
    """Numeric features of a table.

    Args:
        table: The table.
        leave: Columns that are no features, and what each is instead.
        columns: Features to take; all others by default.

    Returns:
        Names, and numbers, shape (N, d).

    Raises:
        WrongInputError: If a column is not there, or a field is not a finite number.
    """
    table.require([*columns, *leave])
    if both := sorted(leave.keys() & set(columns)):
        raise WrongInputError(f"--columns: {both[0]!r} is {leave[both[0]]} and cannot be a feature.")
    if columns:
        return list(columns), np.column_stack([table.numbers(name) for name in columns])
    return table.inputs(leave, "naming the others by --columns")


def from_file(path: Path, target: str, columns: tuple[str, ...] = (), group: str = "") -> tuple[Rows, tuple[str, str]]:
    """Features and labels of a table of two classes.

    Args:
        path: CSV file with a header.
        target: Column of the class.
        columns: Features; all other columns by default.
        group: A column that is no feature either, if there is one.

    Returns:
        Features (N, d), labels 0 or 1 (N,); and the names of the classes.

    Raises:
        WrongInputError: With a sentence that says what is wrong with the file.
    """
    table = read_table(path)
    _, X = features(table, {target: "the target"} | ({group: "the group"} if group else {}), columns)
    words = table.words(target)
    classes = sorted(set(words))
    if len(classes) != 2:
        shown = ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")
        raise WrongInputError(
            f"--target {target}: it must hold two classes, and holds {len(classes)} ({shown}); put classes together "
            "before."
        )
    if len(words) < LEAST_ROWS:
        raise WrongInputError(f"--data {path}: {len(words)} rows; half of at least {LEAST_ROWS} are streamed.")
    return (X, np.array([classes.index(word) for word in words])), (classes[0], classes[1])
