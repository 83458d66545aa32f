"""Rates of events too rare to wait for: forward flux sampling on the full state of the optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from inertialab.experiments.escape import Tick, advanced
from inertialab.experiments.lanes import LANES
from inertialab.experiments.loops import text
from inertialab.experiments.particles import Particles
from inertialab.experiments.reach import checked
from inertialab.experiments.store import fingerprint, read_json, write_json
from inertialab.experiments.system import System

FORGET = 1000
"""Steps of the first stage before rises are counted, and as many while they are."""
REPLICATES = 24
"""Enough for an error of the error of a seventh."""


@dataclass(frozen=True)
class Flux:
    """Result of forward flux sampling.

    Attributes:
        steps: Mean number of steps to an escape.
        log_steps: Its logarithm.
        interval: Of `steps`, from the spread of the replicates.
        levels: Positions of the levels, the lowest first.
        chances: Mean chance to reach each next level before going home.
        cost: Particle-steps used, pilot included.
        error: Relative standard error of `steps`, from the spread of the replicates.
    """

    steps: float
    log_steps: float
    interval: tuple[float, float]
    levels: tuple[float, ...]
    chances: tuple[float, ...]
    cost: int
    error: float = float("nan")


def forward_flux(
    system: System,
    *,
    start: Sequence[float],
    boundary: float,
    seed: int,
    particles: int = 65536,
    replicates: int = REPLICATES,
    chance: float = 0.3,
    sign: int = 1,
    states: Mapping[str, Any] | None = None,
    age: int = 0,
    forget: int = FORGET,
    precision: type = np.float32,
    confidence: float = 0.95,
    threads: int | None = None,
    tick: Tick = lambda replicates: None,
    checkpoint: Path | None = None,
) -> Flux:
    """Escape rate of a rare event on the full optimizer state (Allen, Warren and ten Wolde 2005).

    The rate is that of rising over a first level, times the chances to reach each next one before falling below the
    first again. Levels are placed by a pilot and then frozen, since levels placed by the data that they judge bias the
    rate; particles that escape while the first rate is measured start again. The error is the spread of independent
    replicates. Under heavy tails one jump passes all levels: the rate is right, but `count_escapes` finds it sooner.

    Args:
        system: What is simulated.
        start: Where particles start, at rest, shape (d,).
        boundary: Position of the first coordinate that ends an escape.
        seed: Of the random numbers.
        particles: Trials at each level of a replicate.
        replicates: Number of independent replicates, at least 2.
        chance: Wanted chance between two levels.
        sign: 1 if the boundary is passed upwards, -1 downwards.
        states: Values of other states of the optimizer where particles start, zero else.
        age: Steps behind them when they start, for bias corrections.
        forget: Steps of the first stage before rises are counted and over which they are: several times the longest
            memory, of the well or of an average of the optimizer.
        precision: np.float32 or np.float64.
        confidence: Of the interval.
        threads: Number of threads.
        tick: Called with the number of replicates done.
        checkpoint: File from which an interrupted run goes on after its last whole replicate, with the same result.

    Raises:
        ValueError: As `checked` says, or if no particle rises at all.
    """
    place = np.asarray(start, dtype=float)
    checked(system, place, (boundary, sign))
    run = _Flux(system, place, boundary, sign, particles, threads)
    run.states, run.age, run.forget, run.precision = dict(states or {}), age, forget, precision
    levels, found = run.replicates(seed, chance, replicates, tick, checkpoint)
    rates = np.array([first * np.prod(chances) for first, chances in found])
    mean, error = rates.mean(), rates.std(ddof=1) / replicates**0.5
    half = error * stats.t.ppf((1 + confidence) / 2, replicates - 1)
    low = float(1 / (mean - half)) if mean > half else float("inf")
    return Flux(
        float(1 / mean),
        float(-np.log(mean)),
        (float(1 / (mean + half)), low),
        tuple(map(float, [*levels, boundary])),
        tuple(np.mean([chances for _, chances in found], axis=0).tolist()),
        run.cost,
        float(error / mean),
    )


def _derived(*words: int) -> int:
    """A seed made of several numbers."""
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(1))


class _Flux:
    """The stages of forward flux sampling."""

    def __init__(
        self, system: System, start: np.ndarray, boundary: float, sign: int, particles: int, threads: int | None
    ):
        self.system, self.start, self.boundary, self.sign = system, start, boundary, sign
        self.particles, self.threads, self.cost = particles, threads, 0
        self.whole = -(-particles // LANES) * LANES
        self.states: dict[str, Any] = {}
        self.age, self.forget, self.precision = 0, FORGET, np.float32

    def replicates(
        self, seed: int, chance: float, count: int, tick: Tick, checkpoint: Path | None
    ) -> tuple[list[float], list[tuple[float, list[float]]]]:
        """Levels, and what every replicate found between them; those on disk are not made again."""
        source = text(self.system, "flux")[0]
        key = fingerprint(source, self.start.tolist(), self.boundary, seed, self.particles, chance, self.sign)
        own = repr(sorted(self.states.items())), self.age, self.forget, self.precision.__name__
        key = fingerprint(key, *own)
        kept = (read_json(checkpoint) if checkpoint else None) or {}
        if kept.get("key") != key:
            kept = {"key": key, "levels": self.pilot(seed, chance), "found": [], "cost": self.cost}
        levels, found, self.cost = kept["levels"], kept["found"][:count], kept["cost"]
        tick(len(found))
        for replicate in range(len(found), count):
            found.append(self.replicate(_derived(seed, 1, replicate), levels))
            if checkpoint:
                write_json(checkpoint, {**kept, "found": found, "cost": self.cost})
            tick(1)
        if checkpoint:
            checkpoint.unlink(missing_ok=True)
        return levels, found

    def pilot(self, seed: int, chance: float) -> list[float]:
        """Levels: one above which particles are a fiftieth of the time, then by how far trials get."""
        crowd = self._crowd("flux", self.boundary, self.boundary)
        advanced(crowd, 2 * self.forget, seed, lambda _: None)
        self.cost += crowd.total * 2 * self.forget
        rising = self.sign * crowd.values()[0]
        levels = [float(self.sign * np.quantile(rising, 0.98))]
        states = self._rises(seed, levels[0])[1]
        while self.sign * (self.boundary - levels[-1]) > 0:
            reached = self._farthest(_derived(seed, 3, len(levels)), levels[0], states)
            step = self.sign * (self.sign * np.quantile(reached, 1 - chance))
            nearest = levels[-1] + self.sign * 1e-3 * abs(self.boundary - levels[0])
            step = float(max(step, nearest) if self.sign > 0 else min(step, nearest))
            if self.sign * (self.boundary - step) <= 0:
                break
            levels.append(step)
            states = self._trial(_derived(seed, 4, len(levels)), levels[0], step, states)[1]
            if len(states) < 10:
                raise ValueError(f"No trial gets from {levels[-2]:g} to {step:g}; take more particles.")
        return levels

    def replicate(self, seed: int, levels: list[float]) -> tuple[float, list[float]]:
        """Rate of rising over the first level, and chances between levels."""
        first, states = self._rises(seed, levels[0])
        chances = []
        for i, level in enumerate([*levels[1:], self.boundary]):
            share, states = self._trial(_derived(seed, 2, i), levels[0], level, states)
            chances.append(share)
            if not len(states):
                return 0.0, chances + [0.0] * (len(levels) - len(chances))
        return first, chances

    def _crowd(self, passage: str, boundary: float, lower: float) -> Particles:
        return Particles(
            self.system,
            self.particles,
            self.start,
            passage=passage,
            boundary=boundary,
            lower=lower,
            sign=self.sign,
            states=self.states,
            age=self.age,
            precision=self.precision,
            threads=self.threads,
        )

    def _rises(self, seed: int, level: float) -> tuple[float, np.ndarray]:
        """Rate of rising over a level, and the states just after, once the common start is forgotten."""
        crowd = self._crowd("flux", self.boundary, level)
        states = []
        for part in range(2 * self.forget // 100):
            crowd.advance(100, seed, part)
            rose = crowd.handed_over()
            if part >= self.forget // 100:
                states.append(rose)
        self.cost += crowd.total * 2 * self.forget
        found = np.concatenate(states)
        if not len(found):
            raise ValueError(f"No particle rises over {level:g}.")
        return len(found) / (crowd.total * self.forget), found

    def _trial(self, seed: int, home: float, level: float, states: np.ndarray) -> tuple[float, np.ndarray]:
        """Share of trials from these states that reach a level before going home, and their states there."""
        chosen = np.random.default_rng([seed, 1]).choice(len(states), self.whole)
        there = self.sign * (states[:, 0] - level) >= 0
        crowd = self._crowd("trial", level, home)
        crowd.put(states[chosen])
        # Who already is there when it starts has reached it.
        arrived = states[chosen][there[chosen]]
        crowd.times[there[chosen].reshape(crowd.times.shape)] = 1
        kept = [arrived]
        while (crowd.times == -1).any():
            crowd.advance(self.forget // 20, seed, crowd.chunks)
            kept.append(crowd.handed_over())
            self.cost += int((crowd.times == -1).sum()) * (self.forget // 20)
            crowd.compact(crowd.times == -1)
        found = np.concatenate(kept)
        return len(found) / self.whole, found

    def _farthest(self, seed: int, home: float, states: np.ndarray) -> np.ndarray:
        """How far each of some trials gets before going home, towards the boundary and at most to it."""
        chosen = states[np.random.default_rng([seed, 1]).choice(len(states), self.whole)]
        crowd = self._crowd("trial", self.boundary, home)
        crowd.put(chosen)
        best = self.sign * chosen[:, 0].reshape(crowd.times.shape).astype(float)
        while (crowd.times == -1).any():
            undecided = crowd.times == -1
            crowd.advance(self.forget // 100, seed, crowd.chunks)  # a look now and then will do to place levels
            self.cost += int(undecided.sum()) * (self.forget // 100)
            # Behind the boundary some run away, beyond all numbers: that far they have come.
            reached = np.minimum(np.nan_to_num(self.sign * crowd.state[:, 0], nan=np.inf), self.sign * self.boundary)
            best = np.where(undecided, np.maximum(best, reached), best)
            crowd.handed_over()
        return best.ravel()
