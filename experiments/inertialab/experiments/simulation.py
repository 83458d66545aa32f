"""Millions of particles of a system; what is seen of them is summed up on the way, and memory does not grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from inertialab.experiments.checkpoint import Checkpoint
from inertialab.experiments.escape import Tick, advanced
from inertialab.experiments.particles import Particles
from inertialab.experiments.system import System

BINS = 200


@dataclass(frozen=True)
class Seen:
    """What was seen of the particles; under noise without a variance only the histograms mean anything.

    Attributes:
        times: Steps at which particles were looked at, shape (t,).
        particles: Number of particles.
        mean: Mean displacement from the start along each direction, shape (t, p), units θ.
        square: Mean squared displacement from the start, shape (t, p), units θ².
        fourth: Mean fourth power of it, shape (t, p): what the error of `square` needs.
        edges: Edges of the histograms of the position along each direction, shape (t, p, BINS + 1).
        counts: Particles in each bin, shape (t, p, BINS); the outermost bins also hold what lies beyond.
    """

    times: np.ndarray
    particles: int
    mean: np.ndarray
    square: np.ndarray
    fourth: np.ndarray
    edges: np.ndarray
    counts: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """Variance of the position, shape (t, p)."""
        return self.square - self.mean**2

    @property
    def square_error(self) -> np.ndarray:
        """Standard error of the mean squared displacement, shape (t, p)."""
        return np.sqrt((self.fourth - self.square**2) / self.particles)


def simulate(
    system: System,
    *,
    particles: int,
    times: Sequence[int],
    seed: int,
    start: np.ndarray | Sequence[float] | None = None,
    states: Mapping[str, Any] | None = None,
    directions: np.ndarray | Sequence[Sequence[float]] | None = None,
    precision: type = np.float32,
    threads: int | None = None,
    tick: Tick = lambda steps: None,
    checkpoint: Path | None = None,
) -> Seen:
    """Simulate independent particles, each under its own optimizer and noise.

    Cold starts are the default. A warm start gives positions and states drawn elsewhere, a ballistic one a momentum
    buffer: `states={"m": 0.3}`.

    Args:
        system: What is simulated.
        particles: Number of particles.
        times: Steps at which moments are taken, ascending, from 1.
        seed: Of the random numbers.
        start: Position, shape (d,) or (d, particles); the landscape's minimum by default.
        states: Values of the optimizer's other states at the start: numbers, or shape (d, particles).
        directions: On which particles are looked at, shape (p, d), of any length; the coordinates by default.
        precision: np.float32 or np.float64.
        threads: Number of threads, all cores by default; it changes no result.
        tick: Called with the number of steps made.
        checkpoint: File from which an interrupted run goes on, with the same result.

    Raises:
        ValueError: If times are not ascending, there is no start, a state is unknown, or directions have another
            number of coordinates.
        FloatingPointError: If particles run away.
    """
    when = [int(t) for t in times]
    if not when or when[0] < 1 or any(b <= a for a, b in pairwise(when)):
        raise ValueError(f"times must be ascending step numbers from 1, got {list(times)[:5]}.")
    if start is None and not system.landscape.minimum:
        raise ValueError(f"{system.landscape.name} has no minimum to start from; give start.")
    place = np.asarray(system.landscape.numbers(system.landscape.minimum) if start is None else start, dtype=float)
    d = len(system.landscape.coordinates)
    axes = np.eye(d) if directions is None else np.asarray(directions, dtype=float)
    if axes.ndim != 2 or axes.shape[1] != d:
        raise ValueError(f"directions must have shape (any number, {d}), got {axes.shape}.")
    crowd = Particles(system, particles, place, states=dict(states or {}), precision=precision, threads=threads)
    origin = axes @ (place[:, None] if place.ndim == 1 else place)
    key: dict[str, Any] = {"start": place.sum(-1).tolist(), "states": repr(states), "directions": axes.tolist()}
    kept = Checkpoint(checkpoint, crowd, seed=seed, times=when, **key)
    tick(kept.resume())
    looks = {name: list(kept.extra.get(name, [])) for name in ("moments", "edges", "counts")}
    for until in when[len(looks["moments"]) :]:
        advanced(crowd, until - crowd.steps, seed, tick, kept)
        along = axes @ crowd.values() if directions is not None else crowd.values()
        for name, value in zip(looks, (_moments(along, origin), *_histograms(along)), strict=True):
            looks[name].append(value)
            kept.extra[name] = np.array(looks[name])
        kept.save()
    kept.done()
    mean, square, fourth = np.array(looks["moments"]).swapaxes(0, 1)
    return Seen(np.array(when), particles, mean, square, fourth, np.array(looks["edges"]), np.array(looks["counts"]))


def _moments(along: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Mean first, second and fourth power of the displacement, shape (3, p), some particles at a time."""
    total, count = np.zeros((3, len(origin))), along.shape[1]
    for first in range(0, count, 65536):
        part = slice(first, first + 65536)
        moved = along[:, part].astype(float) - (origin if origin.shape[1] == 1 else origin[:, part])
        total += np.stack([(moved**power).sum(1) for power in (1, 2, 4)])
    return total / count


def _histograms(along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges and counts along each direction; one particle in ten thousand lies beyond on either side."""
    edges, counts = [], []
    for row in along:
        low, high = (float(np.quantile(row, q)) for q in (1e-4, 1 - 1e-4))
        edges.append(np.linspace(low, high if high > low else low + 1e-6 * max(abs(low), 1.0), BINS + 1))
        counts.append(np.histogram(np.clip(row, low, high), edges[-1])[0])
    return np.array(edges), np.array(counts)
