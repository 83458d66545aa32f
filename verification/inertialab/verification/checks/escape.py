"""Escape counted: particles under the package's own update rules leave a double well, events over time at risk.

The loops are compiled for the CPU, whatever the device.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.escape import Escapes, count_escapes
from inertialab.experiments.passage import diffusion_passage
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import LANDSCAPES, quadratic
from inertialab.verification.check import BaseCheck, Check
from inertialab.verification.checks.saddle import Tick
from inertialab.verification.interval import Estimate
from inertialab.verification.study import Findings, Measurement, Study
from inertialab.verification.verdict import Verdict

Points = Sequence[Mapping[str, Any]]
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
    system: System, boundary: float, events: int, rng: np.random.Generator, tick: Tick
) -> tuple[Estimate, float]:
    """Mean time η·steps from the left minimum, with about as many events as wanted, and that of SGD's diffusion."""
    eta = float(system.settings["eta"])
    plain = System(WELL, system.noise, "sgd", {"eta": eta})
    mean = diffusion_passage(plain, -1.0, boundary).steps
    found = count_escapes(
        system,
        start=[-1.0],
        boundary=boundary,
        particles=PARTICLES,
        steps=int(np.ceil(events * mean / PARTICLES)),
        seed=int(rng.integers(2**62)),
        burn_in=int(10 / eta),  # many times the slowest relaxation within the well
        tick=lambda _: tick(),
    )
    return _mean_time(found, eta), eta * mean


def _mean_time(found: Escapes, eta: float) -> Estimate:
    """Mean time η·steps; counted events are a Poisson number."""
    value = eta * found.steps
    return Estimate(value, value / found.events**0.5, found.events)


def passages(points: Points, events: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """First-passage times of SGD at so small a rate that it is a diffusion."""
    rows = []
    for point in points:
        time, _ = _counted(_sgd(point["eta"], point["D"]), point["boundaries"][0], events, rng, tick)
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
        rows.append(Measurement("ratio", {**point, "Hb": 4.0}, time.scaled(1 / flow)))
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


ENDS = {"potential": POTENTIAL, "x0": -1.0, "boundaries": [0.9, -2.5]}
SLOW = [{"eta": 0.0025, "D": D, **ENDS} for D in ([0.3], [0.2, 0.0, 0.1])]
STEPS = [{"eta": 0.01, "D": D} for D in ([0.25], [0.2, 0.0, 0.1])]
MOMENTA = [{"eta": eta, "beta": 0.9} for eta in (0.03, 0.06)]
JUMPS = [{"alpha": alpha, "eps": eps, "eta": 0.2, "a": 0.8, "b": 2.0} for alpha, eps in ((1.3, 0.02), (1.6, 0.03))]

STUDIES = (
    Study("counted-passage", passages, {"points": SLOW, "events": 150_000}, full={"events": 600_000}),
    Study("counted-steps", finite_steps, {"points": STEPS, "events": 700_000}, full={"events": 2_800_000}),
    Study("counted-momentum", slowing, {"points": MOMENTA, "D": 0.25, "events": 20_000}, full={"events": 200_000}),
    Study("counted-jumps", jumps, {"points": JUMPS, "steepness": [1.0, 4.0], "steps": 1000}, full={"steps": 20_000}),
)

CHECKS: tuple[BaseCheck, ...] = (
    Check("langevin.mean-first-passage", "simulation", "counted-passage", "time", 0.02),
    Check("sgd.escape-finite-step", "simulation", "counted-steps", "ratio", 0.01),
    # Inertia slows EMA momentum by half and more here.
    Check("momentum.only-rescales", "simulation", "counted-momentum", "ratio", 0.1, expected=Verdict.REFUTED),
    # Steps and noise of this size change the time by about a hundredth; the height of the well by nothing.
    Check("levy.exit", "simulation", "counted-jumps", "time", 0.05),
)
