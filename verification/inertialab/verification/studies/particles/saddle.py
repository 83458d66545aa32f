"""Leaving a critical point, at saddles and at minima, by particles under the real optimizers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import simulate
from inertialab.verification.measure.moments import mean_square
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, settings_of


def spread(
    optimizer: str,
    points: Points,
    times: Sequence[int],
    particles: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean squared displacement of particles under the real optimizer, started at the critical point.

    A point's `start` says how its initial buffers have mean square v0sq: "thermal" draws them from a
    Gaussian, "ballistic" gives all of them the same value.
    """
    found = []
    for point in points:
        speed = float(np.sqrt(point.get("v0sq", 0.0)))
        ballistic = point.get("start") == "ballistic"
        positions = simulate(
            optimizer,
            settings_of(point),
            hessian=point["h"],
            noise_covariance=point["C"],
            particles=particles,
            times=times,
            rng=rng,
            device=device,
            buffer_std=0.0 if ballistic else speed,
            buffer_mean=speed if ballistic else 0.0,
            tick=tick,
        )
        for T, at in zip(times, positions, strict=True):
            found.append(Measurement("msd", {**point, "T": T}, mean_square(at[:, 0])))
    return Findings(tuple(found))


def spread_scatter(
    seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any
) -> Findings:
    """Scatter of mean squared displacements over their claimed errors."""
    return scatter(spread, seeds, rng=rng, device=device, tick=tick, **config)
