"""Which claim is confronted with which measurement, and how closely they must agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from inertialab.theory import Claim, OutsideRegimeError, claim
from inertialab.theory.statement import Layer
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Study, written_at

Point = Mapping[str, Any]


def _everywhere(point: Point) -> bool:
    return True


@dataclass(frozen=True)
class Comparison:
    """A measured and a predicted number, ready to be judged.

    Attributes:
        check: The check it belongs to.
        point: Conditions of the measurement, matrices included.
        entry: Entry of a matrix-valued quantity.
        predicted: The claim's number.
        measured: The estimate.
        scale: Unit of the difference; the prediction itself when a ratio is judged, never 0.
        in_regime: Whether the claim makes a statement here; outside it is a control or a map of failure.
        group: Run it comes from.
        instead: Claim that is true where the check's own is refuted, whose number `predicted` then is; else empty.
    """

    check: BaseCheck
    point: Point
    entry: tuple[int, int] | None
    predicted: float
    measured: Estimate
    scale: float
    in_regime: bool
    group: str = ""
    instead: str = ""

    @property
    def expected(self) -> Verdict:
        """The verdict that is expected of it."""
        return Verdict.CONFIRMED if self.instead else self.check.expected

    @property
    def ratio(self) -> Estimate:
        """1 + (measured - predicted)/scale: measured/predicted when the scale is the prediction."""
        return self.measured.scaled(1 / self.scale, 1 - self.predicted / self.scale)

    def against(self, predicted: float) -> Estimate:
        """The ratio for another prediction in the place of the claim's; not finite if the prediction is not."""
        scale = predicted if self.scale == self.predicted else self.scale
        if not np.isfinite(predicted) or scale == 0:
            return Estimate(float("inf"))
        return self.measured.scaled(1 / scale, 1 - predicted / scale)


@dataclass(frozen=True)
class BaseCheck:
    """A claim, the measurements it is confronted with, and how closely they must agree.

    Attributes:
        claim: Id of the claim.
        layer: numerics, simulation or real.
        study: What measures it.
        quantity: Which of its measurements.
        margin: Equivalence margin of measured/predicted, stated before measuring.
        where: Which points.
        expected: Verdict that these points must get.
        off_diagonal: Judge entries i != j of a matrix, by their difference in units of sqrt(S_ii S_jj).
        instead: Claim that holds where this one is refuted; it must be confirmed by the same measurements.
        place: File and line of its row.
    """

    claim: str
    layer: Layer
    study: Study
    quantity: str
    margin: float
    where: Callable[[Point], bool] = _everywhere
    expected: Verdict = Verdict.CONFIRMED
    off_diagonal: bool = False
    instead: str = ""
    place: str = field(default_factory=written_at, compare=False, repr=False)

    def points(self, findings: Findings, other: str = "") -> list[Comparison]:
        """Every measurement that is meant, beside its prediction or that of another claim."""
        subject = claim(other or self.claim)
        rows = [self._one(subject, findings, m) for m in findings.measurements if self._wants(m, findings)]
        return [replace(row, instead=other) for row in rows]

    def _wants(self, m: Measurement, findings: Findings) -> bool:
        wanted = m.entry is None or self.quantity != "covariance" or (m.entry[0] != m.entry[1]) == self.off_diagonal
        return m.quantity == self.quantity and wanted and self.where(findings.conditions(m))

    def _one(self, subject: Claim, findings: Findings, m: Measurement) -> Comparison:
        point = findings.conditions(m) if subject.change else along(findings.conditions(m), m.entry)
        value = looked_at(np.asarray(subject.evaluate(**arguments(subject, point))), point)
        predicted = float(value if m.entry is None or not value.ndim else value[m.entry])
        scale = predicted or _unit(subject.id, point)
        if self.off_diagonal and m.entry is not None and value.ndim:
            i, j = m.entry
            scale = float(np.sqrt(value[i, i] * value[j, j]))
        return Comparison(self, point, m.entry, predicted, m.estimate, scale, in_regime(subject, point), m.group)

    def compare(self, findings: Findings) -> list[Comparison]:
        """The comparisons to judge; empty when no measurement is meant."""
        return self.points(findings)


class Check(BaseCheck):
    """Every measurement of one quantity in one study against one claim, point by point."""

    def compare(self, findings: Findings) -> list[Comparison]:
        """The comparisons to judge, and what is true in the claim's place where that is said.

        Raises:
            ValueError: If what is said to be true instead says nothing at one of the points.
        """
        others = self.points(findings, self.instead) if self.instead else []
        for row in others:
            if not row.in_regime:
                raise ValueError(
                    f"{self.instead} cannot hold instead of {self.claim} at {row.point}: not in its regime."
                )
        return self.points(findings) + others


def _unit(id: str, point: Point) -> float:
    """What a measurement of nothing is compared with.

    Raises:
        ValueError: If the study does not say.
    """
    if "unit" not in point:
        raise ValueError(
            f"{id} predicts 0, to which nothing has a ratio; the study must give the condition `unit`, the size the "
            "measured quantity would have if the claim were wrong."
        )
    return float(point["unit"])


def looked_at(value: np.ndarray, point: Point) -> np.ndarray:
    """A matrix in all parameters along the directions that were measured, the condition `basis`, shape (P, k)."""
    if value.ndim < 2 or "basis" not in point:
        return value
    basis = np.asarray(point["basis"], dtype=float)
    return basis.T @ value @ basis


def along(point: Point, entry: tuple[int, int] | None) -> Point:
    """Conditions for a law of one direction: of a diagonal entry the curvature and the noise along it, as h and C."""
    if entry is None or entry[0] != entry[1] or "H" not in point:
        return point
    given = {name: np.asarray(point[key], dtype=float) for name, key in (("h", "H"), ("C", "C")) if key in point}
    found = {name: float(looked_at(x, point)[entry]) for name, x in given.items() if x.ndim == 2}
    return {**point, **found}


def arguments(subject: Claim, point: Point) -> dict[str, Any]:
    """The claim's arguments among the conditions of a measurement."""
    return {str(s): point[str(s)] for s in subject.arguments}


def in_regime(subject: Claim, point: Point) -> bool:
    """Whether the claim makes a statement at this point, by its arguments and by what else is known of it."""
    # Numerics may find that there is nothing to compute; a formula is not needed to know where it holds.
    ask = subject.require if subject.numerics is None else subject.predict
    try:
        ask(**arguments(subject, point))
    except OutsideRegimeError:
        return False
    return subject.regime.allows(point)


def inside(id: str) -> Callable[[Point], bool]:
    """The points at which a claim makes a statement, as a row's `where`."""
    return lambda point: in_regime(claim(id), point)
