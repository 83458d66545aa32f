"""Errors and labels asked for by the values of a column: what asking is worth to each group of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inertialab.experiments.arbal.curve import Predict
from inertialab.experiments.arbal.sets import Stream
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.tabular import read_table

LEAST = 5
"""Rows of a group held out in a shuffle below which its error is not told: it could only be one of a few numbers."""


@dataclass(frozen=True)
class Groups:
    """To which group each row of a table belongs.

    Attributes:
        column: Its name.
        names: Of the groups, in order.
        codes: Place in `names` for each row, shape (N,).
    """

    column: str
    names: tuple[str, ...]
    codes: np.ndarray

    def require(self, streams: Sequence[Stream]) -> None:
        """Refuse groups of which a shuffle holds out hardly a row.

        Raises:
            WrongInputError: With a sentence that names the group.
        """
        for k, name in enumerate(self.names):
            held = min(int((self.codes[stream.rows_test] == k).sum()) for stream in streams)
            if held < LEAST:
                rows = int((self.codes == k).sum())
                raise WrongInputError(
                    f"--group {self.column}: of {name!r} there are {rows} rows, of which a shuffle holds out {held} to "
                    f"test on, and {LEAST} are needed; put small groups together before."
                )


def from_file(path: Path, column: str) -> Groups:
    """The groups of a table.

    Raises:
        WrongInputError: If the column is not there, has gaps, or holds one value.
    """
    words = read_table(path).words(column)
    names = tuple(sorted(set(words)))
    if len(set(words)) < 2:
        raise WrongInputError(f"--group {column}: it holds {words[0]!r} in every row; leave it out.")
    return Groups(column, names, np.array([names.index(word) for word in words]))


class Tally:
    """A score that keeps the errors of each group beside the one of all rows.

    Args:
        groups: Of all rows.
        stream: Of which those held out are looked at.
    """

    def __init__(self, groups: Groups, stream: Stream):
        codes = groups.codes[stream.rows_test]
        self.members = [codes == k for k in range(len(groups.names))]
        self.found: list[list[float]] = []

    def __call__(self, predict: Predict, stream: Stream) -> float:
        """Error on all rows held out; that of each group is noted."""
        wrong = predict(stream.X_test) != stream.y_test
        self.found.append([float(wrong[mine].mean()) for mine in self.members])
        return float(wrong.mean())

    def curve(self, budgets: Sequence[int]) -> list[list[float]]:
        """Errors of each group at each budget; where the stream ended before, the last ones."""
        return [self.found[min(i, len(self.found) - 1)] for i in range(len(budgets))]


class Account:
    """What a run tells of each group, over all shuffles and ways of asking.

    Args:
        groups: Of all rows.
        streams: One a shuffle.

    Raises:
        WrongInputError: If a group is too small to be tested on.
    """

    def __init__(self, groups: Groups, streams: Sequence[Stream]):
        groups.require(streams)
        self.groups = groups
        self.streamed = [self._count(stream.rows) for stream in streams]
        self.errors: dict[str, list[list[list[float]]]] = {}
        self.labels: dict[str, list[list[int]]] = {}

    def add(self, way: str, errors: list[list[float]], asked: np.ndarray | None) -> None:
        """One way of asking on the next shuffle.

        Args:
            way: Its name.
            errors: By budget and group.
            asked: Rows whose labels were given, where they are known.
        """
        self.errors.setdefault(way, []).append(errors)
        if asked is not None:
            self.labels.setdefault(way, []).append(self._count(asked))

    def _count(self, rows: np.ndarray) -> list[int]:
        """Rows of each group."""
        return np.bincount(self.groups.codes[rows], minlength=len(self.groups.names)).tolist()

    def result(self) -> dict[str, Any]:
        """What the record holds: errors by way, shuffle, budget and group; labels and rows by shuffle and group."""
        return {
            "column": self.groups.column,
            "groups": list(self.groups.names),
            "errors": self.errors,
            "labels": self.labels,
            "streamed": self.streamed,
        }
