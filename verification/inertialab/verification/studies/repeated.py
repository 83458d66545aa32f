"""A measurement repeated under many seeds: how much its numbers scatter, over the errors that it claims for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement


def scatter(measure: Callable[..., Findings], seeds: int, *, rng: np.random.Generator, **about: Any) -> Findings:
    """Standard deviation between seeds over the claimed standard error, of all numbers that a measurement gives.

    Their variances between seeds over their mean claimed squared errors are averaged; the error of the root of that
    comes from leaving out one seed at a time, whatever the correlation of numbers of one seed.

    Args:
        measure: What is repeated.
        seeds: How often, at least 3.
        rng: Source of the seeds' own streams.
        **about: Its other arguments.

    Returns:
        One measurement, `scatter`, dimensionless: 1 when the errors are what they say.
    """
    runs = [measure(rng=child, **about).measurements for child in rng.spawn(seeds)]
    values = np.array([[m.estimate.value for m in run] for run in runs])
    claimed = np.array([[m.estimate.se for m in run] for run in runs])
    ratio = _ratio(values, claimed)
    left_out = [_ratio(np.delete(values, i, 0), np.delete(claimed, i, 0)) for i in range(seeds)]
    se = float(np.sqrt((seeds - 1) / seeds * np.sum((np.array(left_out) - np.mean(left_out)) ** 2)))
    return Findings((Measurement("scatter", {"numbers": values.shape[1]}, Estimate(ratio, se, seeds)),))


def _ratio(values: np.ndarray, claimed: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values.var(0, ddof=1) / np.mean(claimed**2, 0))))
