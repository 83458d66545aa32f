"""Escape counted under noise of any law, and thresholds: particles under SGD, events over time at risk.

The loops are compiled for the CPU, whatever the device.
"""

from collections.abc import Sequence

import numpy as np
import torch

from inertialab.experiments.escape import count_escapes
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import quadratic
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.any_law import conditions, constant_noise, skewed_conditions
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.wells import EDGE

PARTICLES = 50_000
SLOWER = 0.6
"""Second learning rate, in units of a point's."""


def _logarithm(system: System, steps: int, rng: np.random.Generator, tick: Tick) -> Estimate:
    """ln(η·steps) of the mean time; counted events are a Poisson number."""
    eta = float(system.settings["eta"])
    found = count_escapes(
        system,
        start=[-1.0],
        boundary=EDGE,
        particles=PARTICLES,
        steps=steps,
        seed=int(rng.integers(2**62)),
        burn_in=int(5 / eta),
        tick=lambda _: tick(),
    )
    return Estimate(float(np.log(eta * found.steps)), found.events**-0.5, found.events)


def exponents(points: Points, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Exponents at a learning rate, from counted times at it and at a smaller one: ratio, C, law and eta of a point."""
    rows = []
    for point in points:
        rates = point["eta"] * np.array([1.0, SLOWER])
        first, second = (
            _logarithm(constant_noise({**point, "eta": float(eta)}, point["law"]), steps, rng, tick) for eta in rates
        )
        lever = point["eta"] * (1 / rates[1] - 1 / rates[0])
        se = float(np.hypot(first.se, second.se))
        found = Estimate((second.value - first.value) / lever, se / lever, min(first.n, second.n))
        given = conditions(constant_noise(point, point["law"]))
        rows.append(Measurement("exponent", {**point, **given}, found))
    return Findings(tuple(rows))


def changes(points: Points, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Logarithm of the counted escape time over that in Gaussian noise of the same variance."""
    rows = []
    for point in points:
        system = constant_noise(point, point["law"])
        own = _logarithm(system, steps, rng, tick)
        plain = _logarithm(constant_noise(point, "gaussian"), steps, rng, tick)
        change = Estimate(own.value - plain.value, float(np.hypot(own.se, plain.se)), min(own.n, plain.n))
        rows.append(Measurement("change", {**point, **skewed_conditions(system)}, change))
    return Findings(tuple(rows))


def thresholds(
    rates: Sequence[float], D: float, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """How far two thresholds of a free diffusion must be moved to give the counted exit time of SGD without a slope.

    The diffusion leaves (-b, b) from its middle after b²/2D on average. The shift follows from the difference of two
    widths, four and eight standard deviations of a step, in which effects of the start drop out.
    """
    rows = []
    flat = quadratic([[0.0]])
    for eta in rates:
        step = (2 * D * eta) ** 0.5
        system = System(flat, Noise.constant(flat, 2 * D / eta), "sgd", {"eta": eta})
        squares, errors, events = [], [], []
        for width in (4 * step, 8 * step):
            found = count_escapes(
                system,
                start=[0.0],
                boundary=width,
                behind=-width,
                particles=PARTICLES,
                steps=steps,
                seed=int(rng.integers(2**62)),
                burn_in=500,
                tick=lambda _: tick(),
            )
            squares.append(2 * D * eta * found.steps)
            errors.append(squares[-1] / found.events**0.5)  # waiting times spread less than exponential ones
            events.append(found.events)
        shift = (squares[1] - squares[0] - 48 * step**2) / (8 * step)  # (8 + s)² - (4 + s)² = 48 + 8s
        se = float(np.hypot(*errors)) / (8 * step)
        rows.append(Measurement("shift", {"eta": eta, "D": D}, Estimate(shift, se, min(events))))
    return Findings(tuple(rows))
