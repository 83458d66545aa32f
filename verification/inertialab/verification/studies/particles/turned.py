"""Adam and Adai at rest where Hessian and noise fit neither each other nor the axes; each particle is a model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import matrix_root, torch_generator
from inertialab.experiments.training.rows import optimizer_of_rows
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, lower

FORGOTTEN = 7.0
"""Relaxation times before anything is measured."""
LONGER = 2
"""How many times as long products are averaged."""


def turned_spread(
    optimizer: str, problems: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Stationary covariance of particles, each with an optimizer of its own.

    Args:
        optimizer: adam, radam or adai.
        problems: Settings, H and C.
        particles: Number of particles.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for point in problems:
        products = _products(optimizer, point, particles, rng, device, tick)
        for entry in lower(len(point["H"])):
            rows.append(Measurement("covariance", point, Estimate.mean(products[(slice(None), *entry)]), entry=entry))
    return Findings(tuple(rows))


def _products(
    optimizer: str,
    point: Mapping[str, Any],
    particles: int,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> np.ndarray:
    """Each particle's mean products of coordinates over time, shape (particles, d, d)."""
    H, C = (torch.as_tensor(np.array(point[name]), dtype=torch.float64, device=device) for name in ("H", "C"))
    root, generator = matrix_root(C), torch_generator(rng, device)
    theta = torch.zeros(particles, len(H), dtype=torch.float64, device=device)
    stepper = optimizer_of_rows(optimizer, theta, {k: x for k, x in point.items() if k not in ("H", "C")})
    wait = _wait(optimizer, point, H, C)
    total = torch.zeros(particles, len(H), len(H), dtype=torch.float64, device=device)
    for step in range((1 + LONGER) * wait):
        noise = torch.randn(theta.shape, dtype=theta.dtype, device=device, generator=generator)
        theta.grad = torch.addmm(noise @ root.T, theta, H)
        stepper.step()
        if step >= wait:
            total += theta[:, :, None] * theta[:, None, :]
        tick()
    return (total / (LONGER * wait)).cpu().numpy()


def _wait(optimizer: str, point: Mapping[str, Any], H: torch.Tensor, C: torch.Tensor) -> int:
    """Steps until the slowest mode and the second moments have forgotten the start."""
    return int(np.ceil(FORGOTTEN * (relaxation(optimizer, point, H, C) + 1 / (1 - point["beta2"]))))


def relaxation(optimizer: str, point: Mapping[str, Any], H: torch.Tensor, C: torch.Tensor) -> float:
    """Steps in which the slowest mode relaxes, second moments at those of the noise."""
    scale = torch.ones(len(H), dtype=H.dtype) if optimizer == "adai" else C.diagonal().cpu() ** -0.25
    slowest = float(torch.linalg.eigvalsh(scale[:, None] * H.cpu() * scale).min())
    return 1 / (point["eta"] * (slowest + point.get("decay", 0.0)))
