"""Rates of events too rare to wait for: forward flux sampling on the full state of the optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
from scipy import stats

from inertialab.experiments.escape import Tick, advanced
from inertialab.experiments.heights import heights_in
from inertialab.experiments.lanes import LANES
from inertialab.experiments.looks import looks
from inertialab.experiments.loops import text
from inertialab.experiments.particles import Particles
from inertialab.experiments.reach import checked
from inertialab.experiments.store import fingerprint, read_sealed, sealed, write_json
from inertialab.experiments.system import System

FORGET = 1000
"""Steps of the first stage before rises are counted, and as many while they are."""
REPLICATES = 24
"""Enough for an error of the error of a seventh."""
SCOUTS = 4096
"""Particles that place the levels, at most."""
Replicate = tuple[float, list[float]]
"""Rate of rising over the first level, and the chances to reach each next one."""


@dataclass(frozen=True)
class Flux:
    """Result of forward flux sampling.

    Attributes:
        steps: Mean number of steps to an escape.
        log_steps: Its logarithm.
        interval: Of `steps`, from the spread of the replicates.
        levels: Heights of the levels, the lowest first.
        chances: Mean chance to reach each next level before going home.
        cost: Particle-steps used, pilot included.
        error: Relative standard error of `steps`, from the spread of the replicates.
        replicates: How many there were.
        share: Of the error probability of an interval, what the look at which sampling ended may spend.
        log_rates: Logarithm of each replicate's rate; where an exponent is large they scatter by several, and their
            mean says more than that of the rates.
    """

    steps: float
    log_steps: float
    interval: tuple[float, float]
    levels: tuple[float, ...]
    chances: tuple[float, ...]
    cost: int
    error: float = float("nan")
    replicates: int = 0
    share: float = 1.0
    log_rates: tuple[float, ...] = ()


def forward_flux(
    system: System,
    *,
    start: Sequence[float],
    boundary: float,
    seed: int,
    particles: int = 65536,
    replicates: int = REPLICATES,
    families: int = 1,
    scouts: int = SCOUTS,
    wanted: float = 0.0,
    chance: float = 0.3,
    sign: int = 1,
    height: sp.Expr | None = None,
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
        boundary: Position of the first coordinate that ends an escape, or the height where one is given.
        seed: Of the random numbers.
        particles: Trials at each level of a run.
        replicates: Number of independent replicates, at least 2; at most so many where an error is wanted.
        families: Replicates that one run makes side by side, from starts of their own and never mixed: many of them
            tell the error well, and cost no more loops.
        scouts: Particles that place the levels, at most.
        wanted: Relative standard error with which no more replicates are made; all are made with 0.
        chance: Wanted chance between two levels.
        sign: 1 if the boundary is passed upwards, -1 downwards.
        height: What levels are placed in and boundaries compared with after every step, in the coordinates and the
            optimizer's other states by the names of their rows, as x and m_0; the first coordinate by default. At weak
            friction, where particles turn round many times on their way up, their energy; whoever is beyond a place
            may have the height of the boundary, by a `Piecewise`.
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
        ValueError: As `checked` says, if no particle rises at all, if families do not add up to the replicates, or if
            the height depends on what is no state.
    """
    place = np.asarray(start, dtype=float)
    if replicates % families:
        raise ValueError(f"{replicates} replicates are no whole number of runs of {families} families.")
    run = _Flux(system, place, boundary, sign, particles, families, threads, height)
    run.states, run.age, run.forget, run.precision = dict(states or {}), age, forget, precision
    run.scouts = scouts
    checked(system, place, (boundary, sign), height=None if height is None else run.lowest())
    plan = looks(replicates, families) if wanted else {replicates: 1.0}
    levels, found = run.replicates(seed, chance, plan, wanted, tick, checkpoint)
    mean, error = _mean_rate(found)
    share = plan[len(found)]
    half = error * stats.t.ppf(1 - (1 - confidence) / 2 * share, len(found) - 1)
    low = float(1 / (mean - half)) if mean > half else float("inf")
    return Flux(
        float(1 / mean),
        float(-np.log(mean)),
        (float(1 / (mean + half)), low),
        tuple(map(float, [*levels, boundary])),
        tuple(np.mean([chances for _, chances in found], axis=0).tolist()),
        run.cost,
        float(error / mean),
        len(found),
        share,
        tuple(float(np.log([first, *chances]).sum()) for first, chances in found),
    )


def _mean_rate(found: Sequence[Replicate]) -> tuple[float, float]:
    """Mean of the replicates' rates, and its standard error."""
    rates = np.array([first * np.prod(chances) for first, chances in found])
    return float(rates.mean()), float(rates.std(ddof=1) / len(rates) ** 0.5)


def _precise(found: Sequence[Replicate], wanted: float) -> bool:
    mean, error = _mean_rate(found)
    return error <= wanted * mean


def _derived(*words: int) -> int:
    """A seed made of several numbers."""
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(1))


class _Flux:
    """The stages of forward flux sampling."""

    def __init__(
        self,
        system: System,
        start: np.ndarray,
        boundary: float,
        sign: int,
        particles: int,
        families: int,
        threads: int | None,
        height: sp.Expr | None = None,
    ):
        self.system, self.start, self.boundary, self.sign = system, start, boundary, sign
        self.particles, self.families, self.threads, self.cost = particles, families, threads, 0
        self.each = -(-particles // (LANES * families)) * LANES
        self.states: dict[str, Any] = {}
        self.heights = heights_in(system, height)
        self.programs = {passage: text(system, passage, height=height) for passage in ("flux", "trial")}
        self.age, self.forget, self.precision, self.scouts = 0, FORGET, np.float32, SCOUTS

    def replicates(
        self, seed: int, chance: float, plan: Mapping[int, float], wanted: float, tick: Tick, checkpoint: Path | None
    ) -> tuple[list[float], list[Replicate]]:
        """Levels, and what every replicate found between them, those on disk not made again.

        The last is at the first of the plan's looks with the wanted relative error.
        """
        key = fingerprint(
            self.programs["flux"][0], self.start.tolist(), self.boundary, seed, self.particles, chance, self.sign
        )
        own = (
            repr(sorted(self.states.items())),
            self.age,
            self.forget,
            self.precision.__name__,
            self.families,
            self.scouts,
        )
        key = fingerprint(key, *own)
        kept = (read_sealed(checkpoint) if checkpoint else None) or {}
        if kept.get("key") != key:
            scout = self._scout()
            kept = {"key": key, "levels": scout.pilot(seed, chance), "found": [], "cost": scout.cost}
        count = max(plan)
        levels, found, self.cost = kept["levels"], kept["found"][:count], kept["cost"]
        tick(len(found))
        while len(found) < count and not (len(found) in plan and _precise(found, wanted)):
            run = len(found) // self.families
            found += self.run(_derived(seed, 1, run), levels)
            if checkpoint:
                write_json(checkpoint, sealed({**kept, "found": found, "cost": self.cost}))
            tick(self.families)
        if checkpoint:
            checkpoint.unlink(missing_ok=True)
        return levels, found

    def _scout(self) -> _Flux:
        """A run of fewer particles, which is enough to place levels."""
        scout = copy(self)
        scout.particles, scout.families = min(self.particles, self.scouts), 1
        scout.each = -(-scout.particles // LANES) * LANES
        return scout

    def lowest(self) -> float:
        """Height of the start."""
        return float(self.heights(self._scout()._crowd("flux", self.boundary, self.boundary).fresh[None])[0])

    def pilot(self, seed: int, chance: float) -> list[float]:
        """Levels: one above which particles are a fiftieth of the time, then by how far trials get."""
        crowd = self._crowd("flux", self.boundary, self.boundary)
        advanced(crowd, 2 * self.forget, seed, lambda _: None)
        self.cost += crowd.total * 2 * self.forget
        rising = self.sign * self.heights(crowd.state)
        levels = [float(self.sign * np.quantile(rising, 0.98))]
        states = self._rises(seed, levels[0])[1]
        while self.sign * (self.boundary - levels[-1]) > 0:
            reached = self._farthest(_derived(seed, 3, len(levels)), levels[0], states)
            step = self.sign * np.quantile(reached, 1 - chance)  # how far they come is counted towards the boundary
            nearest = levels[-1] + self.sign * 1e-3 * abs(self.boundary - levels[0])
            step = float(max(step, nearest) if self.sign > 0 else min(step, nearest))
            if self.sign * (self.boundary - step) <= 0:
                break
            levels.append(step)
            states = self._trial(_derived(seed, 4, len(levels)), levels[0], step, states)[1]
            if len(states) < 10:
                raise ValueError(f"No trial gets from {levels[-2]:g} to {step:g}; take more particles.")
        return levels

    def run(self, seed: int, levels: list[float]) -> list[Replicate]:
        """Rate of rising over the first level, and chances between levels, of each family."""
        first, states = self._rises(seed, levels[0])
        chances = []
        for i, level in enumerate([*levels[1:], self.boundary]):
            shares, states = self._trial(_derived(seed, 2, i), levels[0], level, states)
            chances.append(shares)
        return list(zip(first.tolist(), np.transpose(chances).tolist(), strict=True))

    def _crowd(self, passage: str, boundary: float, lower: float) -> Particles:
        return Particles(
            self.system,
            self.each * self.families,
            self.start,
            passage=passage,
            boundary=boundary,
            lower=lower,
            sign=self.sign,
            states=self.states,
            age=self.age,
            precision=self.precision,
            threads=self.threads,
            tagged=passage == "trial",
            program=self.programs[passage],
        )

    def _rises(self, seed: int, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Rate of each family's rising over a level, once the start is forgotten, and states just after with tags."""
        crowd = self._crowd("flux", self.boundary, level)
        families = np.arange(len(crowd.state)) // (self.each // LANES)
        states = []
        for part in range(2 * self.forget // 100):
            crowd.advance(100, seed, part)
            tags = np.repeat(families, crowd.filled)
            rose = crowd.handed_over()
            if part >= self.forget // 100:
                states.append(np.column_stack([rose, tags.astype(rose.dtype)]))
        self.cost += crowd.total * 2 * self.forget
        found = np.concatenate(states)
        if not len(found):
            raise ValueError(f"No particle rises over {level:g}.")
        return self._counted(found) / (self.each * self.forget), found

    def _counted(self, states: np.ndarray) -> np.ndarray:
        """Number of states of each family."""
        return np.bincount(states[:, -1].astype(int), minlength=self.families)

    def _chosen(self, seed: int, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As many starts for each family, from its own states, and which starts belong to one that has none."""
        rng = np.random.default_rng([seed, 1])
        chosen = np.zeros((self.families, self.each, states.shape[1]), states.dtype)
        none = self._counted(states) == 0
        for family in np.flatnonzero(~none):
            own = states[states[:, -1] == family]
            chosen[family] = own[rng.choice(len(own), self.each)]
        return chosen.reshape(-1, states.shape[1]), np.repeat(none, self.each)

    def _trial(self, seed: int, home: float, level: float, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Share of each family's trials that reach a level before going home, and their states there."""
        chosen, none = self._chosen(seed, states)
        there = (self.sign * (self.heights(chosen) - level) >= 0) & ~none
        crowd = self._crowd("trial", level, home)
        crowd.put(chosen)
        # Who already is there when it starts has reached it; a family that is no more reaches nothing.
        arrived = chosen[there]
        crowd.times[there.reshape(crowd.times.shape)] = 1
        crowd.times[none.reshape(crowd.times.shape)] = 0
        kept = [arrived]
        while (crowd.times == -1).any():
            crowd.advance(self.forget // 20, seed, crowd.chunks)
            kept.append(crowd.handed_over())
            self.cost += int((crowd.times == -1).sum()) * (self.forget // 20)
            crowd.compact(crowd.times == -1)
        found = np.concatenate(kept)
        return self._counted(found) / self.each, found

    def _farthest(self, seed: int, home: float, states: np.ndarray) -> np.ndarray:
        """How far each of some trials gets before going home, towards the boundary and at most to it."""
        chosen, _ = self._chosen(seed, states)
        crowd = self._crowd("trial", self.boundary, home)
        crowd.put(chosen)
        best = self.sign * self.heights(chosen).reshape(crowd.times.shape).astype(float)
        while (crowd.times == -1).any():
            undecided = crowd.times == -1
            crowd.advance(self.forget // 100, seed, crowd.chunks)  # a look now and then will do to place levels
            self.cost += int(undecided.sum()) * (self.forget // 100)
            # Behind the boundary some run away, beyond all numbers: that far they have come.
            reached = np.nan_to_num(self.sign * self.heights(crowd.state), nan=np.inf)
            reached = np.minimum(reached, self.sign * self.boundary)
            best = np.where(undecided, np.maximum(best, reached), best)
            crowd.handed_over()
        return best.ravel()
