"""SGD on noisy labels along the valley of the product model uv, by particles under the package's own optimizer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import torch_generator
from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.labels import place, relaxation
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

FORGOTTEN, MEASURED = 6.0, 8.0
"""Times of relaxation across the valley before anything is measured, and in which the drift is."""
LEAST = 8
"""Steps that are measured at least."""


def drifts(points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean velocity along the valley uv = target, per dynamical time, and the place half-way.

    Every particle draws its own labels, B in a step. How far it came along the valley is told by u² - v², which does
    not depend on where it is across.

    Args:
        points: `eta`, `sigma`, `B` labels in a batch, and place `u`, `v` of the start, on the valley.
        particles: Number of independent particles.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    found = []
    for point in points:
        relaxed = relaxation(point)
        wait, steps = int(np.ceil(FORGOTTEN * relaxed)) + 1, int(np.ceil(MEASURED * relaxed)) + LEAST
        before, after = _imbalances(point, particles, (wait, wait + steps), torch_generator(rng, device), tick)
        about = {**point, **place(point, float((before.mean() + after.mean()) / 2))}
        velocity = (after - before) / (2 * about["h"] ** 0.5) / (steps * point["eta"])
        found.append(Measurement("velocity", about, Estimate.mean(velocity)))
    return Findings(tuple(found))


def _imbalances(
    point: Mapping[str, Any], particles: int, times: tuple[int, int], generator: torch.Generator, tick: Tick
) -> list[np.ndarray]:
    """u² - v² of every particle at two times."""
    start = torch.tensor([point["u"], point["v"]], dtype=torch.float64, device=generator.device)
    theta = start.repeat(particles, 1).requires_grad_()
    stepper = OPTIMIZERS["sgd"].make([theta], eta=point["eta"])
    recorded = []
    for step in range(1, times[1] + 1):
        noise = torch.randn(particles, int(point["B"]), dtype=torch.float64, device=theta.device, generator=generator)
        labels = start.prod() + point["sigma"] * noise
        theta.grad = None
        ((theta.prod(1, keepdim=True) - labels) ** 2 / 2).mean(1).sum().backward()
        stepper.step()
        if step in times:
            u, v = theta.detach().T
            recorded.append((u**2 - v**2).cpu().numpy())
        tick()
    return recorded


def drifts_scatter(
    seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any
) -> Findings:
    """Scatter of drifts over their claimed errors."""
    return scatter(drifts, seeds, rng=rng, device=device, tick=tick, **config)
