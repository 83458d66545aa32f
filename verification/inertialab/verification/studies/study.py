"""A study: what is measured, with which configuration, and what it finds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from inertialab.verification.measure.estimate import Estimate

if TYPE_CHECKING:
    import pandas

Tick = Callable[[], None]
"""Called after each step of a study's work, to show that it goes on."""

Points = Sequence[Mapping[str, Any]]
"""Conditions to measure under, by the names of `inertialab.theory.notation`."""


def written_at() -> str:
    """File and line, `PATH:LINE`, of the top-level statement that makes the object whose class calls this."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


NOT_SETTINGS = ("h", "C", "v0sq", "m0", "start")


def settings_of(point: Mapping[str, Any]) -> dict[str, float]:
    """The optimizer's settings among the conditions of a point."""
    return {k: x for k, x in point.items() if k not in NOT_SETTINGS}


def portable(value: Any) -> Any:
    """Settings with their numbers to twelve digits: the last bits of exp and log differ from processor to processor.

    A configuration is part of its record's key; without this, records made on one machine would be stale on another.

    >>> portable({"eta": 0.1 + 0.2, "C": [[1 / 3]], "B": 4})
    {'eta': 0.3, 'C': [[0.333333333333]], 'B': 4}
    """
    match value:
        case dict():
            return {key: portable(part) for key, part in value.items()}
        case list() | tuple():
            return type(value)(portable(part) for part in value)
        case float():
            return float(f"{value:.12g}")
    return value


def lower(size: int) -> list[tuple[int, int]]:
    """Places of the lower triangle of a symmetric matrix, the diagonal among them."""
    return [(i, j) for i in range(size) for j in range(i + 1)]


@dataclass(frozen=True)
class Measurement:
    """One measured number and the conditions it was measured under.

    Attributes:
        quantity: What was measured: variance, msd, covariance ...
        point: Conditions, by the names of `inertialab.theory.notation`.
        estimate: The number with its error.
        entry: Which entry of a matrix, for matrix-valued quantities.
        group: Name of the run it belongs to; numbers of one run may be correlated.
    """

    quantity: str
    point: Mapping[str, Any]
    estimate: Estimate
    entry: tuple[int, int] | None = None
    group: str = ""


@dataclass(frozen=True)
class Findings:
    """What a study gives.

    Attributes:
        measurements: Numbers that claims can be confronted with.
        facts: Further results worth keeping, JSON-able.
        shared: Conditions common to all measurements of a group, such as a Hessian.
        correlations: Correlation matrix of the estimates of a group, in order of measurement.
    """

    measurements: tuple[Measurement, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    correlations: Mapping[str, list[list[float]]] = field(default_factory=dict)

    def conditions(self, m: Measurement) -> dict[str, Any]:
        """Everything that one of the measurements was made under."""
        return {**self.shared.get(m.group, {}), **m.point}

    def frame(self) -> pandas.DataFrame:
        """One row a measurement: quantity, value, standard error, number of units, entry, group, and its conditions."""
        import pandas

        return pandas.DataFrame(
            {
                "quantity": m.quantity,
                "value": m.estimate.value,
                "se": m.estimate.se,
                "n": m.estimate.n,
                "entry": m.entry,
                "group": m.group,
                **self.conditions(m),
            }
            for m in self.measurements
        )


@dataclass(frozen=True)
class Study:
    """A measurement with its configuration; judges nothing.

    Attributes:
        id: Names its record and its random stream.
        measure: Called with the configuration, `rng`, `device` and `tick`.
        config: Keyword arguments of `measure` in the quick tier, JSON-able.
        full: What the full tier changes.
        data: Data set it needs, a row of `inertialab.experiments.data.DATASETS`; empty for none.
        place: File and line of its row.
    """

    id: str
    measure: Callable[..., Findings]
    config: Mapping[str, Any]
    full: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""
    place: str = field(default_factory=written_at, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "config", portable(self.config))
        object.__setattr__(self, "full", portable(self.full))

    def settings(self, tier: str = "quick") -> dict[str, Any]:
        """Configuration in a tier, quick or full.

        Raises:
            ValueError: For another tier.
        """
        if tier not in ("quick", "full"):
            raise ValueError(f"A tier is quick or full, got {tier!r}.")
        return {**self.config, **(self.full if tier == "full" else {})}

    def run(
        self, *, tier: str = "quick", seed: int = 0, device: str = "cpu", tick: Tick = lambda: None, **changes: Any
    ) -> Findings:
        """Measure, without leaving a record.

        Args:
            tier: quick or full.
            seed: Seed of the whole verification; the study's own stream is [seed, *id].
            device: Where to run, a name that torch knows.
            tick: Called after each step of the work.
            **changes: Configuration to use in the place of the study's.

        Raises:
            ValueError: For another tier, or a setting that the study does not have.
        """
        unknown = sorted(set(changes) - set(self.settings(tier)))
        if unknown:
            raise ValueError(f"{self.id} has {', '.join(self.settings(tier))} to change; got {', '.join(unknown)}.")
        import torch

        rng = np.random.default_rng([seed, *self.id.encode()])
        settings = {**self.settings(tier), **changes}
        return self.measure(**settings, rng=rng, device=torch.device(device), tick=tick)


def to_json(findings: Findings) -> dict[str, Any]:
    """Findings as plain JSON."""
    return asdict(findings)


def from_json(content: Mapping[str, Any]) -> Findings:
    """The inverse of `to_json`."""
    measurements = tuple(
        Measurement(
            row["quantity"],
            row["point"],
            Estimate(**row["estimate"]),
            None if row["entry"] is None else (row["entry"][0], row["entry"][1]),
            row["group"],
        )
        for row in content["measurements"]
    )
    return Findings(measurements, content["facts"], content["shared"], content["correlations"])
