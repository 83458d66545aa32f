"""CSV files with a header, and what is wrong with one, in a sentence."""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inertialab.experiments.errors import WrongInputError

TRUTH = {"true": 1.0, "false": 0.0}
"""Words that are numbers all the same."""


@dataclass(frozen=True)
class Table:
    """A CSV file.

    Attributes:
        path: Named in sentences.
        names: Of the columns; "column 1" for one without a name.
        columns: Words of each, without spaces around them.
    """

    path: Path
    names: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.columns[0])

    def _column(self, name: str) -> tuple[str, ...]:
        if name not in self.names:
            hint = " Fields are separated by commas." if len(self.names) == 1 else ""
            columns = ", ".join(self.names)
            raise WrongInputError(f"--data {self.path}: there is no column {name!r}; its columns are {columns}.{hint}")
        return self.columns[self.names.index(name)]

    def require(self, names: Collection[str]) -> None:
        """Refuse names that are of no column.

        Raises:
            WrongInputError: If there is one.
        """
        for name in names:
            self._column(name)

    def words(self, name: str) -> tuple[str, ...]:
        """A column without gaps.

        Raises:
            WrongInputError: If it is not there, or a field is empty.
        """
        found = self._column(name)
        if "" in found:
            row = found.index("") + 2
            raise WrongInputError(f"--data {self.path}: column {name!r} is empty in row {row}; fill it in or drop it.")
        return found

    def numbers(self, name: str, leave_out: str = "") -> np.ndarray:
        """A column of finite numbers, shape (N,); true and false are 1 and 0.

        Args:
            name: Of the column.
            leave_out: How a column is left out.

        Raises:
            WrongInputError: If it is not there, or a field is not one.
        """
        words = self._column(name)
        found = np.array([number(word) for word in words])
        if np.isfinite(found).all():
            return found
        row = int(np.flatnonzero(~np.isfinite(found))[0])
        other = f", or leave the column out by {leave_out}" if leave_out else " or take another column"
        raise WrongInputError(
            f"--data {self.path}: column {name!r} holds {words[row]!r} in row {row + 2}, which is no finite number; "
            f"change it, drop the row{other}."
        )

    def inputs(self, leave: Collection[str], leave_out: str) -> tuple[list[str], np.ndarray]:
        """All columns but some, as numbers.

        Args:
            leave: Columns that are no inputs.
            leave_out: How a column is left out.

        Returns:
            Names, and numbers, shape (N, d).

        Raises:
            WrongInputError: If none is left, one has no name, or a field is not a finite number.
        """
        names = [name for name in self.names if name not in leave]
        if not names:
            raise WrongInputError(f"--data {self.path}: no column is left that could be an input.")
        for place, name in enumerate(self.names, 1):
            if name in names and name == _unnamed(place):
                raise WrongInputError(
                    f"--data {self.path}: {name} has no name; give it one, or leave it out by {leave_out}."
                )
        return names, np.column_stack([self.numbers(name, leave_out) for name in names])


def number(word: str) -> float:
    """A word as a number, nan if it is none."""
    try:
        return float(word)
    except ValueError:
        return TRUTH.get(word.lower(), float("nan"))


def read_table(path: Path) -> Table:
    """A CSV file with a header.

    Raises:
        WrongInputError: If it is not there, not text, empty, or its rows are of different lengths.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise WrongInputError(f"--data {path}: cannot be read as a CSV file ({why}).") from None
    if len(rows) < 2:
        raise WrongInputError(f"--data {path}: it needs a header and rows below it.")
    names = [word.strip() or _unnamed(place) for place, word in enumerate(rows[0], 1)]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise WrongInputError(f"--data {path}: two columns have the name {name!r}; give each one of its own.")
    for place, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise WrongInputError(f"--data {path}: row {place} has {len(row)} fields, the header {len(names)}.")
    return Table(path, tuple(names), tuple(tuple(w.strip() for w in column) for column in zip(*rows[1:], strict=True)))


def _unnamed(place: int) -> str:
    return f"column {place}"
