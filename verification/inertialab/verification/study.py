"""Studies: what is measured, with which configuration, and the record it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inertialab.experiments import store
from inertialab.verification.interval import Estimate


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


@dataclass(frozen=True)
class Study:
    """A measurement with its configuration; judges nothing.

    Attributes:
        id: Names its record and its random stream.
        measure: Called with the configuration, `rng`, `device` and `tick`.
        config: Keyword arguments of `measure` in the quick tier, JSON-able.
        full: What the full tier changes.
        data: Data set it needs.
    """

    id: str
    measure: Callable[..., Findings]
    config: Mapping[str, Any]
    full: Mapping[str, Any] = field(default_factory=dict)
    data: str = "digits"

    def settings(self, tier: str) -> dict[str, Any]:
        """Configuration in a tier, quick or full."""
        return {**self.config, **(self.full if tier == "full" else {})}


def run_study(
    study: Study,
    *,
    tier: str,
    seed: int,
    device: torch.device,
    folder: Path,
    tick: Callable[[], None] = lambda: None,
) -> Findings:
    """Measure, or take the record of the same measurement by the same code.

    Args:
        study: What to measure.
        tier: quick or full.
        seed: Seed of the whole verification; the study's own stream is [seed, *id].
        device: Where to run.
        folder: Where the record goes, as `ID.json`.
        tick: Called after each step of the work.
    """
    settings = study.settings(tier)

    def work() -> dict[str, Any]:
        rng = np.random.default_rng([seed, *study.id.encode()])
        return to_json(study.measure(**settings, rng=rng, device=device, tick=tick))

    key = {
        "study": study.id,
        "config": settings,
        "seed": seed,
        "device": device_name(device),
        "dtype": "float64",
    }
    return from_json(store.record(folder / f"{study.id}.json", key, work)["result"])


def device_name(device: torch.device) -> str:
    """`cpu`, or the name of the accelerator."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


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
