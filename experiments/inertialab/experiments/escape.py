"""How fast particles leave a well: counted with immediate rebirth, or timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, stats

from inertialab.experiments.checkpoint import Checkpoint
from inertialab.experiments.particles import Particles
from inertialab.experiments.reach import checked, worthwhile
from inertialab.experiments.system import System

CHUNK = 1000
"""Steps between two looks at the particles."""
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Escapes:
    """Events counted while particles were at risk.

    Attributes:
        events: Number of passages through the boundary.
        exposure: Particle-steps at risk.
    """

    events: int
    exposure: int

    @property
    def steps(self) -> float:
        """Mean number of steps to a passage; infinite without any."""
        return self.exposure / self.events if self.events else float("inf")

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Interval of the mean number of steps, for exponential waiting times, exact for any count.

        That of Garwood (1936) for a Poisson number, given that it is not zero: a mean is told only when something was
        seen, and then the interval must cover as well. From one event alone there is no upper end; without any event
        the lower end is a bound of confidence (1 + confidence)/2.

        Args:
            confidence: Of the interval, between 0 and 1.
        """
        tail = (1 - confidence) / 2
        if not self.events:
            return float(self.exposure / -np.log(tail)), float("inf")
        below = _mean_for(lambda mean: stats.poisson.sf(self.events - 1, mean) / -np.expm1(-mean), tail, self.events)
        above = _mean_for(
            lambda mean: 1 - (stats.poisson.cdf(self.events, mean) - np.exp(-mean)) / -np.expm1(-mean),
            1 - tail,
            self.events,
        )
        return self.exposure / above, self.exposure / below if below > 0 else float("inf")


def _mean_for(probability: Callable[[float], float], value: float, events: int) -> float:
    """The mean at which a probability that rises with it takes a value; 0 where it is above it from the start."""
    low, high = 1e-12, events + 10 * events**0.5 + 20.0
    if probability(low) >= value:
        return 0.0
    root: Any = optimize.brentq(lambda mean: probability(mean) - value, low, high)
    return float(root)


def count_escapes(
    system: System,
    *,
    start: Sequence[float],
    boundary: float,
    particles: int,
    steps: int,
    seed: int,
    sign: int = 1,
    behind: float | None = None,
    burn_in: int = 0,
    states: Mapping[str, Any] | None = None,
    age: int = 0,
    precision: type = np.float32,
    threads: int | None = None,
    tick: Tick = lambda steps: None,
    checkpoint: Path | None = None,
) -> Escapes:
    """Escape rate as events over time at risk; who passes the boundary starts again at once.

    Costs as many steps as particles times steps, whatever the rate: no masks, no waiting for the last one. The boundary
    is sharp and seen only after whole steps, which delays passages by about 0.58 standard deviations of one step.

    Args:
        system: What is simulated.
        start: Where particles start, at rest, shape (d,).
        boundary: Position of the first coordinate.
        particles: Number of particles.
        steps: Number of steps that count.
        seed: Of the random numbers.
        sign: 1 if the boundary is passed upwards, -1 downwards.
        behind: Another end, on the other side of the start, where particles leave as well.
        burn_in: Steps before counting, to forget the common start.
        states: Values of other states of the optimizer where particles start, zero else.
        age: Steps behind them when they start, for bias corrections.
        precision: np.float32 or np.float64.
        threads: Number of threads, all cores by default; it changes no result.
        tick: Called with the number of steps made.
        checkpoint: File from which an interrupted run goes on, with the same result.

    Raises:
        ValueError: As `checked` says.
        FloatingPointError: If particles run away.
    """
    place = np.asarray(start, dtype=float)
    ends = [(boundary, sign)] + ([] if behind is None else [(behind, -sign)])
    checked(system, place, *ends)
    if behind is None:
        worthwhile(system, place, boundary, sign, particles * steps)
    crowd = Particles(
        system,
        particles,
        place,
        states=states,
        age=age,
        precision=precision,
        passage="respawn" if behind is None else "leave",
        boundary=boundary,
        lower=0.0 if behind is None else behind,
        sign=sign,
        threads=threads,
    )
    kept = Checkpoint(checkpoint, crowd, seed=seed, burn_in=burn_in)
    tick(kept.resume())
    advanced(crowd, burn_in - crowd.steps, seed, tick, kept)
    if crowd.steps == burn_in:
        kept.extra["before"] = crowd.events
    advanced(crowd, burn_in + steps - crowd.steps, seed, tick, kept)
    kept.done()
    return Escapes(crowd.events - int(kept.extra["before"]), crowd.total * steps)


def first_passages(
    system: System,
    *,
    start: Sequence[float],
    boundary: float,
    particles: int,
    steps: int,
    seed: int,
    sign: int = 1,
    precision: type = np.float32,
    threads: int | None = None,
    tick: Tick = lambda steps: None,
) -> np.ndarray:
    """First-passage times of single particles, for pictures of survival; -1 where it did not happen (censored).

    Args: As for `count_escapes`.

    Returns:
        Steps, shape (particles,).
    """
    place = np.asarray(start, dtype=float)
    checked(system, place, (boundary, sign))
    crowd = Particles(
        system, particles, place, precision=precision, passage="first", boundary=boundary, sign=sign, threads=threads
    )
    advanced(crowd, steps, seed, tick)
    return crowd.times.ravel()[:particles]


def advanced(crowd: Particles, steps: int, seed: int, tick: Tick, kept: Checkpoint | None = None) -> None:
    """Move particles in chunks, none where there is nothing left to do.

    Raises:
        FloatingPointError: If a particle is no longer at a finite place.
    """
    for first in range(0, steps, CHUNK):
        crowd.advance(min(CHUNK, steps - first), seed, crowd.chunks)
        if not np.isfinite(crowd.state[:, 0]).all():
            raise FloatingPointError(
                f"Particles ran away within {crowd.steps} steps; the landscape does not hold them at this eta, noise."
            )
        tick(min(CHUNK, steps - first))
        if kept is not None:
            kept.save()
