"""CProp's scale under noise, and what it does to the spread about a minimum: many coordinates of one tensor."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

RELAXED = 2.5
"""Relaxation times before the spread is looked at; it starts as that of SGD."""
LOOKED = 6
"""Relaxation times over which it is."""


def scales(
    settings: Mapping[str, float], mean: float, coordinates: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """Scale of every step under Gaussian gradients of variance one, from the step over the gradient."""
    theta = torch.zeros(coordinates, dtype=torch.float64, device=generator.device)
    stepper = OPTIMIZERS["cprop-sgd"].make([theta], eta=1.0, **settings)
    while True:
        noise = torch.randn(theta.shape, dtype=theta.dtype, device=theta.device, generator=generator)
        theta.grad = mean + noise
        theta.zero_()
        stepper.step()
        yield -theta / theta.grad


def floors(
    points: Points,
    looks: Sequence[int],
    coordinates: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean scale and its mean square after `looks` steps; `beta` and `snr` of each point."""
    rows = []
    for point in points:
        run = scales({"beta": point["beta"]}, point["snr"], coordinates, torch_generator(rng, device))
        for step in range(1, max(looks) + 1):
            scale = next(run)
            if step in looks:
                found, conditions = scale.cpu().numpy(), {**point, "T": step}
                rows.append(Measurement("scale", conditions, Estimate.mean(found)))
                rows.append(Measurement("square", conditions, Estimate.mean(found**2)))
            tick()
    return Findings(tuple(rows))


def heats(
    points: Points, particles: int, looks: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Variance of CProp on a parabola over that of SGD in the same noise.

    Args:
        points: `eta`, `h`, `C`, and CProp's `beta` and `c`; where eta·h is not small beside 1 - beta the quantity is
            `fast`.
        particles: Number of particles.
        looks: At each particle.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for point in points:
        gated, plain = _spreads(point, particles, looks, torch_generator(rng, device), tick)
        name = "heat" if point["eta"] * point["h"] < 1 - point["beta"] else "fast"
        rows.append(Measurement(name, point, over(gated, plain)))
    return Findings(tuple(rows))


def _spreads(
    point: Mapping[str, Any], particles: int, looks: int, generator: torch.Generator, tick: Tick
) -> list[np.ndarray]:
    """Each particle's mean square over the looks, under CProp and under SGD."""
    eta, h, spread = point["eta"], point["h"], point["C"] ** 0.5
    start = torch.randn(particles, dtype=torch.float64, device=generator.device, generator=generator)
    start *= (eta / (2 * h)) ** 0.5 * spread
    places = [start.clone(), start.clone()]
    gated = {name: point[name] for name in ("beta", "c")}
    steppers = [
        OPTIMIZERS[name].make([theta], eta=eta, **settings)
        for name, theta, settings in zip(("cprop-sgd", "sgd"), places, (gated, {}), strict=True)
    ]
    # On fast directions it is the memory of the scale that is waited for.
    relaxation = max(1 / (eta * h), 1 / (1 - point["beta"]))
    wait, between = int(RELAXED * relaxation), max(1, int(LOOKED * relaxation / looks))
    squares = [torch.zeros_like(start), torch.zeros_like(start)]
    for step in range(wait + looks * between):
        noise = spread * torch.randn(start.shape, dtype=start.dtype, device=start.device, generator=generator)
        for theta, stepper in zip(places, steppers, strict=True):
            theta.grad = h * theta + noise
            stepper.step()
        if step >= wait and (step - wait) % between == 0:
            for total, theta in zip(squares, places, strict=True):
                total += theta**2
        tick()
    return [(total / looks).cpu().numpy() for total in squares]


def over(upper: np.ndarray, lower: np.ndarray) -> Estimate:
    """Ratio of two means over the same particles, its error to first order."""
    ratio = upper.mean() / lower.mean()
    influence = (upper - ratio * lower) / lower.mean()
    return Estimate(float(ratio), float(influence.std() / len(upper) ** 0.5), len(upper))
