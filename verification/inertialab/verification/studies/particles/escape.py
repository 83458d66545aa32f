"""Escape counted: particles under the package's own update rules leave a double well, events over time at risk.

The loops are compiled for the CPU, whatever the device.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.escape import Escapes, count_escapes
from inertialab.experiments.passage import diffusion_passage
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import LANDSCAPES, quadratic
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

WELL = LANDSCAPES["double-well"].at(barrier=1.0)


POTENTIAL = [1.0, 0.0, -2.0, 0.0, 1.0]
"""The same well by its coefficients, minima at ±1."""


PARTICLES = 50_000


def _sgd(eta: float, D: Sequence[float]) -> System:
    """SGD whose noise has diffusion D, a polynomial in the position."""
    (x,) = WELL.coordinates
    diffusion = sum((d * x**power for power, d in enumerate(D)), 0 * x)
    return System(WELL, Noise((2 / eta * diffusion,)), "sgd", {"eta": eta})


def _counted(
    system: System, boundary: float, events: int, rng: np.random.Generator, tick: Tick, particles: int = PARTICLES
) -> tuple[Estimate, float]:
    """Mean time η·steps from the left minimum, with about as many events as wanted, and that of SGD's diffusion."""
    eta = float(system.settings["eta"])
    plain = System(WELL, system.noise, "sgd", {"eta": eta})
    mean = diffusion_passage(plain, -1.0, boundary).steps
    found = count_escapes(
        system,
        start=[-1.0],
        boundary=boundary,
        particles=particles,
        steps=int(np.ceil(events * mean / particles)),
        seed=int(rng.integers(2**62)),
        burn_in=int(10 / eta),  # many times the slowest relaxation within the well
        tick=lambda _: tick(),
    )
    return _mean_time(found, eta), eta * mean


def _mean_time(found: Escapes, eta: float) -> Estimate:
    """Mean time η·steps; counted events are a Poisson number."""
    value = eta * found.steps
    return Estimate(value, value / found.events**0.5, found.events)


def passages(
    points: Points,
    events: int,
    particles: int = PARTICLES,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """First-passage times of SGD at so small a rate that it is a diffusion."""
    rows = []
    for point in points:
        system, end = _sgd(point["eta"], point["D"]), point["boundaries"][0]
        time, _ = _counted(system, end, events, rng, tick, particles)
        rows.append(Measurement("time", point, time))
    return Findings(tuple(rows))


def finite_steps(
    points: Points, events: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Counted first-passage times over those of the diffusion."""
    rows = []
    for point in points:
        time, flow = _counted(_sgd(point["eta"], point["D"]), 0.9, events, rng, tick)
        rows.append(Measurement("ratio", {**point, "potential": POTENTIAL}, time.scaled(1 / flow)))
    return Findings(tuple(rows))


def slowing(
    points: Points, D: float, events: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Escape time of EMA momentum over that of SGD's diffusion, at one learning rate and one temperature."""
    rows = []
    for point in points:
        system = System(WELL, _sgd(point["eta"], [D]).noise, "momentum-ema", point)
        time, flow = _counted(system, 1.0, events, rng, tick)
        more = {"Hb": 4.0, "potential": POTENTIAL, "D": D, "kappa": 1 - point["beta"]}
        rows.append(Measurement("ratio", {**point, **more}, time.scaled(1 / flow)))
    return Findings(tuple(rows))


def jumps(
    points: Points,
    steepness: Sequence[float],
    steps: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Exit times of SGD under stable noise from parabolas of several heights, which one jump ends.

    Noise of scale σ in the gradient moves a particle in unit time by ε = ση^{1 - 1/α} times a standard stable number.
    """
    rows = []
    for point in points:
        alpha, eta = point["alpha"], point["eta"]
        scale = point["eps"] * eta ** (1 / alpha - 1)
        for h in steepness:
            place = quadratic([[h]])
            noise = Noise.constant(place, scale**2, f"stable-{alpha:g}")
            found = count_escapes(
                System(place, noise, "sgd", {"eta": eta}),
                start=[0.0],
                boundary=point["b"],
                behind=-point["a"],
                particles=PARTICLES,
                steps=steps,
                seed=int(rng.integers(2**62)),
                burn_in=int(5 / eta / h),
                tick=lambda _: tick(),
            )
            rows.append(Measurement("time", {**point, "h": h}, _mean_time(found, eta)))
    return Findings(tuple(rows))


def passage_scatter(
    seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any
) -> Findings:
    """Scatter of counted first-passage times over their claimed errors."""
    return scatter(passages, seeds, rng=rng, device=device, tick=tick, **config)
