"""How fast particles leave a well: counted with immediate rebirth, or timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, stats

from inertialab.experiments.checkpoint import Checkpoint
from inertialab.experiments.particles import Particles
from inertialab.experiments.passage import diffusion_passage
from inertialab.experiments.system import Noise, System

CHUNK = 1000
"""Steps between two looks at the particles."""
SUMMING = ("heavy-ball", "momentum-torch")
"""Rows whose momentum sums gradients, which multiplies the learning rate of a slow motion by 1/(1 - β)."""
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


def checked(system: System, start: np.ndarray, *ends: tuple[float, int]) -> None:
    """Refuse what could never give an escape time, before anything runs.

    Args:
        system: What is simulated.
        start: Where particles start, shape (d,).
        ends: Boundaries, each with 1 if it is passed upwards, -1 downwards.

    Raises:
        ValueError: If a boundary lies on the wrong side, the step is unstable where particles start, no noise
            drives them, or bounded noise does not carry them there.
    """
    for boundary, sign in ends:
        if sign * (boundary - start[0]) <= 0:
            side, way = ("above", "upwards") if sign > 0 else ("below", "downwards")
            raise ValueError(
                f"A particle at {start[0]:g} has already passed {boundary:g} {way}; "
                f"the boundary must lie {side} the start."
            )
    eta, limit = float(system.settings["eta"]), _limit(system)
    curvature = float(np.linalg.eigvalsh(system.landscape.hessian(list(start))).max())
    if limit and eta * curvature >= limit:
        raise ValueError(
            f"eta times the curvature at the start is {eta * curvature:.3g}: {system.optimizer} is unstable from "
            f"{limit:g} on, and leaves without any noise. Take eta below {limit / curvature:.3g}."
        )
    _reachable(system, float(start[0]), ends)
    numbers = dict(zip(system.landscape.coordinates, start, strict=True))
    if all(float(v.subs(numbers)) <= 0 for v in system.noise.variances):
        raise ValueError("There is no noise where the particles start, so nothing drives them over the barrier.")


def _limit(system: System) -> float:
    """Learning rate times curvature from which a minimum is unstable; 0 where it is not known."""
    if system.optimizer == "sgd":
        return 2.0
    if system.optimizer not in ("momentum-ema", *SUMMING):
        return 0.0
    beta = float(system.settings["beta"])
    return 2 * (1 + beta) / (1 if system.optimizer in SUMMING else 1 - beta)


def _reachable(system: System, start: float, ends: Sequence[tuple[float, int]]) -> None:
    """Refuse bounded noise that is too weak against the slope, for SGD in one dimension.

    The farthest place is found by steps with the most favourable noise from everywhere that was reached.
    """
    law = system.law
    if not law.ends or system.optimizer != "sgd" or len(system.landscape.coordinates) != 1:
        return
    eta = float(system.settings["eta"])
    reach, found = {-1: start, 1: start}, {}
    while reach != found:
        if any(sign * (reach[sign] - boundary) >= 0 for boundary, sign in ends):
            return
        found = reach
        x = np.linspace(reach[-1], reach[1], 2001)
        moved = [x - eta * (system.slope(x) + np.sqrt(system.variance(x)) * z) for z in law.ends]
        reach = {-1: min(found[-1], float(np.min(moved))), 1: max(found[1], float(np.max(moved)))}
    boundary, sign = ends[0]
    raise ValueError(
        f"Noise of the law {system.noise.law!r} is bounded, and the slope lets no particle go beyond "
        f"{reach[sign]:.4g}; the boundary {boundary:g} is never reached. Take more noise or a larger step."
    )


def _worthwhile(system: System, start: np.ndarray, boundary: float, sign: int, exposure: int) -> None:
    """Refuse a count that would see nothing, where the time can be known beforehand.

    Raises:
        ValueError: If less than one passage in a thousand such runs is to be expected.
    """
    logarithm = _expected(system, start, boundary, sign)
    if logarithm > np.log(1e3 * exposure):
        raise ValueError(
            f"An escape takes at least about 1e{logarithm / np.log(10):.0f} steps, and {exposure:.1g} particle-steps "
            "would see none; lower the barrier, or use forward_flux (--method flux)."
        )


def _expected(system: System, start: np.ndarray, boundary: float, sign: int) -> float:
    """Logarithm of what the number of steps to an escape is not below, but for a prefactor; 0 where nothing is known.

    A path of SGD costs the exponent Σ|Δθ + η∇L|²/(2η²Λ), with Λ the largest eigenvalue of the covariance times the
    proxy of the law. Where curvatures are at most M, here on the straight way up, a step costs at least
    (1 - ηM/2)(L(θ + Δθ) - L(θ))/(ηΛ/2), since |Δθ + η∇L|² - 4ηc(∇L·Δθ + M|Δθ|²/2) is a square for c = 1 - ηM/2; so
    neither noise that differs by direction nor a detour makes an escape cheaper than the rise over the temperature
    ηΛ/2. Momentum changes that temperature and the greatest stable ηM by known factors, and inertia only slows
    particles down (Kramers). On a line the passage of the diffusion says more, for noise that depends on the position
    too. One jump of a heavy-tailed law carries a particle over any barrier: no exponent is known.
    """
    proxy, limit, eta = system.law.proxy, _limit(system), float(system.settings["eta"])
    if not np.isfinite(proxy) or not limit:
        return 0.0
    landscape, C = system.landscape, proxy * system.noise.matrix
    if system.optimizer == "sgd" and len(start) == 1 and sign > 0:
        even = replace(system, noise=Noise((C[0, 0],)))
        steps = diffusion_passage(even, float(start[0]), boundary).log_steps
        return _narrowed(system, start, np.array([boundary])) * steps
    if not landscape.saddle or C.free_symbols:
        return 0.0
    saddle = landscape.numbers(landscape.saddle)
    if not sign * (boundary - saddle[0]) > 0 > sign * (start[0] - saddle[0]):
        return 0.0
    heat = 1 / (1 - float(system.settings["beta"])) if system.optimizer in SUMMING else 1.0
    temperature = eta * heat * float(np.linalg.eigvalsh(np.array(C, dtype=float)).max()) / 2
    rise = float(landscape.value(list(saddle)) - landscape.value(list(start)))
    return _narrowed(system, start, saddle) * rise / temperature


def _narrowed(system: System, start: np.ndarray, end: np.ndarray) -> float:
    """Share of the exponent that steps leave over: 1 - ηM/2, or with the limit of momentum; 0 where none is left."""
    way = start[:, None] + np.linspace(0, 1, 101) * (end - start)[:, None]
    curvature = np.linalg.eigvalsh(np.moveaxis(system.landscape.hessian(list(way)), -1, 0)).max()
    return float(np.clip(1 - float(system.settings["eta"]) * curvature / _limit(system), 0, 1))


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
        _worthwhile(system, place, boundary, sign, particles * steps)
    crowd = Particles(
        system,
        particles,
        place,
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
