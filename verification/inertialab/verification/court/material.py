"""The measurements that formulas are tried against, as arrays: what they refute, and what a formula says at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy as sp

from inertialab.theory import Claim
from inertialab.theory.evaluation import evaluated
from inertialab.verification.court.check import arguments, looked_at
from inertialab.verification.court.judgement import Judgement

Arrays = Mapping[str, np.ndarray]
Changes = Mapping[str, Callable[[Arrays, np.ndarray], np.ndarray]]
"""New values of symbols by name, from the values of all symbols and a size."""

NONE = np.zeros(1)
"""The size of no change."""


@dataclass(frozen=True)
class _Batch:
    """Points whose symbols stand in arrays of one shape.

    Attributes:
        arrays: Values by symbol, broadcasting to `shape`.
        back: Map of a result to the basis of the measurements.
        places: For every measurement its index and where its number stands in the result.
    """

    arrays: Arrays
    back: Callable[[np.ndarray], np.ndarray]
    places: tuple[tuple[int, tuple[int, ...]], ...]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(*(x.shape for x in self.arrays.values()))

    def changed(self, changes: Changes, sizes: np.ndarray) -> dict[str, np.ndarray]:
        e = sizes.reshape(-1, *(1 for _ in self.shape))
        new = {name: change(self.arrays, e) for name, change in changes.items()}
        # What the result broadcasts to, whatever the formula contains.
        whole = {"": np.zeros((len(sizes), *self.shape))}
        return {name: np.asarray(x).astype(complex) for name, x in {**self.arrays, **new, **whole}.items()}


class Material:
    """Point-by-point measurements of one claim, each with the level that it was judged at."""

    def __init__(self, subject: Claim, judgements: Sequence[Judgement]):
        self.subject = subject
        self._judgements = judgements
        rows = [j.comparison for j in judgements]
        self.predicted = np.array([c.predicted for c in rows], dtype=float)
        self._measured = np.array([c.measured.value for c in rows], dtype=float)
        self._margin = np.array([c.check.margin for c in rows], dtype=float)
        self.scale = np.array([c.scale for c in rows], dtype=float)
        self._relative = self.scale == self.predicted
        ends = np.array([j.interval for j in judgements], dtype=float).reshape(-1, 2)
        self._half = (ends[:, 1] - ends[:, 0]) / 2 * np.abs(self.scale)

    def __len__(self) -> int:
        return len(self._judgements)

    def refutes(self, predictions: np.ndarray) -> np.ndarray:
        """Which of several sets of predictions at least one measurement refutes.

        Args:
            predictions: Shape (sets, measurements).

        Returns:
            Booleans, shape (sets,). A prediction that is no number is refuted, as by `Comparison.against`.
        """
        with np.errstate(all="ignore"):
            scale = np.where(self._relative, predictions, self.scale)
            middle, half = 1 + (self._measured - predictions) / scale, self._half / np.abs(scale)
            apart = (middle - half > 1 + self._margin) | (middle + half < 1 - self._margin)
            return np.any(apart | ~np.isfinite(middle) | ~np.isfinite(half), axis=1)

    @property
    def symbols(self) -> list[str]:
        """Names of the numbers that predictions are made from, entries of matrices in the eigenbasis among them."""
        return sorted({name for batch in self._batches for name in batch.arrays if name})

    def values(self, symbol: str) -> np.ndarray:
        """A symbol's value at each measurement, shape (measurements,)."""
        return self._at_measurements(
            lambda batch: np.broadcast_to(np.real(batch.arrays[symbol]), batch.shape)[None], 1
        )[0]

    def given(self, argument: str) -> np.ndarray | None:
        """An argument of the claim at each measurement, shape (measurements,); None unless it is a number."""
        values = [j.comparison.point[argument] for j in self._judgements]
        return np.array(values, dtype=float) if all(isinstance(x, int | float) for x in values) else None

    def again(self, argument: str, values: np.ndarray) -> np.ndarray:
        """What the claim says with other values of an argument, evaluated point by point; no number where it refuses.

        Args:
            argument: Name of a scalar argument.
            values: Shape (measurements,).
        """
        result = self.predicted.copy()
        for i, (j, x) in enumerate(zip(self._judgements, values, strict=True)):
            c = j.comparison
            if np.isclose(x, c.point[argument], rtol=1e-12, atol=0):
                continue  # the same value up to rounding
            try:
                given = arguments(self.subject, c.point) | {argument: float(x)}
                value = looked_at(np.asarray(self.subject.evaluate(**given)), c.point)
                result[i] = value if c.entry is None or not value.ndim else value[c.entry]
            except ValueError:
                result[i] = np.nan
        return result

    def predictions(self, expression: sp.Expr, changes: Changes | None = None, sizes: np.ndarray = NONE) -> np.ndarray:
        """What another expression says at the measurements.

        Where the claim's own formula does not give the claim's number, because two of its roots coincide, no variant of
        it would; the claim's number stands there, so that such a point refutes nothing.

        Args:
            expression: In the symbols of the claim's formula and in those of `changes`.
            changes: New values of symbols.
            sizes: Sizes of the changes, shape (sets,).

        Returns:
            Shape (sets, measurements).
        """
        if self.subject.functional:  # functions cannot be put into an expression, but multiples of it are known
            return float(sp.simplify(expression / self.subject.formula)) * self.predicted[None].repeat(len(sizes), 0)
        return np.where(self._reproduced, self._evaluated(expression, changes or {}, sizes), self.predicted)

    @cached_property
    def _reproduced(self) -> np.ndarray:
        difference = np.abs(self._evaluated(self.subject.formula, {}, NONE)[0] - self.predicted)
        return difference <= 1e-6 * np.abs(self.scale)

    def _evaluated(self, expression: sp.Expr, changes: Changes, sizes: np.ndarray) -> np.ndarray:
        def value(batch: _Batch) -> np.ndarray:
            with np.errstate(all="ignore"):
                return np.real(batch.back(_evaluated(expression, batch.changed(changes, sizes))))

        return self._at_measurements(value, len(sizes))

    def _at_measurements(self, value: Callable[[_Batch], np.ndarray], sets: int) -> np.ndarray:
        result = np.empty((sets, len(self)))
        for batch in self._batches:
            numbers = value(batch)
            for row, place in batch.places:
                result[:, row] = numbers[(slice(None), *place)]
        return result

    @cached_property
    def _batches(self) -> list[_Batch]:
        points = [arguments(self.subject, j.comparison.point) for j in self._judgements]
        if self.subject.change is None:
            names = [str(s) for s in self.subject.arguments]
            arrays = {name: np.array([point[name] for point in points], dtype=float) for name in names}
            return [_Batch({"": np.zeros(len(self)), **arrays}, _as_it_is, tuple((i, (i,)) for i in range(len(self))))]
        together: dict[bytes, list[int]] = {}
        for i, point in enumerate(points):
            basis = self._judgements[i].comparison.point.get("basis", ())
            together.setdefault(b"|".join(np.asarray(x).tobytes() for x in (*point.values(), basis)), []).append(i)
        return [self._batch(points[rows[0]], rows) for rows in together.values()]

    def _batch(self, point: Mapping[str, object], rows: Iterable[int]) -> _Batch:
        assert self.subject.change is not None
        given = {name: np.asarray(x, dtype=float) for name, x in point.items()}
        arrays, back = self.subject.change(self.subject.id, **given)
        places = tuple((i, self._judgements[i].comparison.entry or ()) for i in rows)
        measured = self._judgements[places[0][0]].comparison.point
        return _Batch(arrays, lambda matrix: looked_at(back(matrix), measured), places)


def _evaluated(expression: sp.Expr, arrays: Arrays) -> np.ndarray:
    """Value of an expression, no number where it has a pole."""
    try:
        return evaluated(expression, arrays)
    except (ArithmeticError, ValueError):
        whole = np.broadcast_arrays(*arrays.values())
        if whole[0].size == 1:
            return np.full(whole[0].shape, np.nan)
        single = zip(*(a.ravel() for a in whole), strict=True)
        flat = [_evaluated(expression, dict(zip(arrays, values, strict=True))) for values in single]
        return np.reshape(flat, whole[0].shape)


def _as_it_is(array: np.ndarray) -> np.ndarray:
    return array
