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
    """What was seen of the particles.

    Attributes:
        times: Steps at which moments were taken, shape (t,).
        particles: Number of particles.
        mean: Mean displacement from the start, shape (t, d), units θ.
        square: Mean squared displacement from the start, shape (t, d), units θ².
        fourth: Mean fourth power of it, shape (t, d): what the error of `square` needs.
        edges: Edges of the histogram of the first coordinate at the end, shape (BINS + 1,).
        counts: Particles in each bin, shape (BINS,); the outermost bins also hold what lies beyond.
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
        """Variance of the position, shape (t, d)."""
        return self.square - self.mean**2

    @property
    def square_error(self) -> np.ndarray:
        """Standard error of the mean squared displacement, shape (t, d)."""
        return np.sqrt((self.fourth - self.square**2) / self.particles)


def simulate(
    system: System,
    *,
    particles: int,
    times: Sequence[int],
    seed: int,
    start: np.ndarray | Sequence[float] | None = None,
    states: Mapping[str, Any] | None = None,
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
        precision: np.float32 or np.float64.
        threads: Number of threads, all cores by default; it changes no result.
        tick: Called with the number of steps made.
        checkpoint: File from which an interrupted run goes on, with the same result.

    Raises:
        ValueError: If times are not ascending, there is no start, or a state is unknown.
        FloatingPointError: If particles run away.
    """
    when = [int(t) for t in times]
    if not when or when[0] < 1 or any(b <= a for a, b in pairwise(when)):
        raise ValueError(f"times must be ascending step numbers from 1, got {list(times)[:5]}.")
    if start is None and not system.landscape.minimum:
        raise ValueError(f"{system.landscape.name} has no minimum to start from; give start.")
    place = np.asarray(system.landscape.numbers(system.landscape.minimum) if start is None else start, dtype=float)
    crowd = Particles(system, particles, place, states=dict(states or {}), precision=precision, threads=threads)
    origin = place[:, None] if place.ndim == 1 else place
    kept = Checkpoint(checkpoint, crowd, seed=seed, times=when, start=place.sum(-1).tolist(), states=repr(states))
    tick(kept.resume())
    moments = [tuple(row) for row in kept.extra.get("moments", [])]
    for until in when:
        if until > crowd.steps or len(moments) < when.index(until) + 1:
            advanced(crowd, until - crowd.steps, seed, tick, kept)
            moments.append(tuple(_moments(crowd, origin)))
            kept.extra["moments"] = np.array(moments)
            kept.save()
    kept.done()
    last = crowd.values()[0]
    low, high = (float(np.quantile(last, q)) for q in (1e-4, 1 - 1e-4))
    edges = np.linspace(low, high, BINS + 1)
    counts, _ = np.histogram(np.clip(last, low, high), edges)
    mean, square, fourth = np.array(moments).swapaxes(0, 1)
    return Seen(np.array(when), particles, mean, square, fourth, edges, counts)


def _moments(crowd: Particles, origin: np.ndarray) -> np.ndarray:
    """Mean first, second and fourth power of the displacement, shape (3, d), a few blocks at a time."""
    total = np.zeros((3, len(origin)))
    values = crowd.values()
    for part in np.array_split(np.arange(crowd.count), max(1, crowd.count // 65536)):
        moved = values[:, part].astype(float) - (origin if origin.shape[1] == 1 else origin[:, part])
        total += np.stack([(moved**power).sum(1) for power in (1, 2, 4)])
    return total / crowd.count
