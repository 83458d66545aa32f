"""Adam with decoupled weight decay at rest between a minimum and the origin; each particle is a model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import matrix_root, torch_generator
from inertialab.experiments.training.rows import optimizer_of_rows
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.particles.turned import FORGOTTEN, relaxation
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, lower

MEMORIES = 3
"""Burn-in in memories of the second moment, whose start is corrected, beside FORGOTTEN relaxation times."""
LONGER = 1
"""How many times as long is measured."""
Units = dict[str, np.ndarray]


def decayed(
    optimizer: str, problems: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Stationary covariance about the mean, and the L2 penalty that would have that mean, minus gradient over place.

    Args:
        optimizer: adamw.
        problems: Settings, H, C and `minimum`, the place of the minimum.
        particles: Number of particles.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for point in problems:
        own = _averages(optimizer, point, particles, rng, device, tick)
        centre, slope = own["place"].mean(0), own["gradient"].mean(0)
        noise = own["square"].mean(0) - slope**2
        for i in range(len(centre)):
            alone = {"C": float(noise[i]), "decay": point["decay"], "theta_rest": float(centre[i])}
            strength = Estimate.quotient(-own["gradient"][:, i], own["place"][:, i])
            rows.append(Measurement("penalty", alone, strength))
        at = {**point, "theta_rest": centre.tolist()}
        for i, j in lower(len(centre)):
            # The error of the mean of all particles is smaller than that of one by their number.
            shift = own["place"][:, i] * centre[j] + own["place"][:, j] * centre[i] - centre[i] * centre[j]
            rows.append(Measurement("covariance", at, Estimate.mean(own["product"][:, i, j] - shift), entry=(i, j)))
    return Findings(tuple(rows))


def _averages(
    optimizer: str,
    point: Mapping[str, Any],
    particles: int,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Units:
    """Each particle's means over time, of its place, its minibatch gradient, and products of either."""
    H, C, minimum = (
        torch.as_tensor(np.array(point[name]), dtype=torch.float64, device=device) for name in ("H", "C", "minimum")
    )
    root, generator = matrix_root(C), torch_generator(rng, device)
    theta = minimum.repeat(particles, 1)
    settings = {k: x for k, x in point.items() if k not in ("H", "C", "minimum")}
    stepper = optimizer_of_rows(optimizer, theta, settings)
    begin = int(FORGOTTEN * relaxation(optimizer, point, H, C) + MEMORIES / (1 - point["beta2"]))
    end = (1 + LONGER) * begin
    place, gradient, square = (torch.zeros_like(theta) for _ in range(3))
    product = torch.zeros(*theta.shape, len(H), dtype=theta.dtype, device=device)
    for step in range(end):
        noise = torch.randn(theta.shape, dtype=theta.dtype, device=device, generator=generator)
        theta.grad = torch.addmm(noise @ root.T, theta - minimum, H)
        if step >= begin:
            place += theta
            gradient += theta.grad
            square.addcmul_(theta.grad, theta.grad)
            product += theta[:, :, None] * theta[:, None, :]
        stepper.step()
        tick()
    sums = {"place": place, "gradient": gradient, "square": square, "product": product}
    return {name: (x / (end - begin)).cpu().numpy() for name, x in sums.items()}
