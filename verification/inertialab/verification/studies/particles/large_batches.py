"""Adam on a slope with a small and with a large batch, by particles under the package's own optimizer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import torch_generator
from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

FORGOTTEN = 8.0
"""Memories of the second moment before anything is measured."""
MEASURED = 8.0
"""Memories that are measured."""


def travels(points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Way on a slope with batch ϰB, rate √ϰ η, ϰ(1 - β), ϰ(1 - β₂), over that with batch B, on as many samples.

    Particles go in pairs whose Gaussian noises are opposite; the mean of a pair is one independent number.

    Args:
        points: `eta`, `beta`, `beta2` and standard deviation `g_std` of the gradient of the small batch, slope `L1`,
            factor `k_batch` of the batch.
        particles: Number of pairs.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    found = []
    for point in points:
        factor = int(point["k_batch"])
        steps = int(np.ceil(MEASURED / (factor * (1 - point["beta2"]))))
        generator = torch_generator(rng, device)
        small = _ways(point, particles, steps * factor, generator, tick)
        large = _ways(scaled(point), particles, steps, generator, tick)
        found.append(Measurement("travel", point, Estimate.mean(large).over(Estimate.mean(small))))
    return Findings(tuple(found))


def scaled(point: Mapping[str, Any]) -> dict[str, Any]:
    """Settings and noise of the large batch."""
    factor = point["k_batch"]
    memories = {name: 1 - factor * (1 - point[name]) for name in ("beta", "beta2")}
    return {**point, **memories, "eta": factor**0.5 * point["eta"], "g_std": point["g_std"] / factor**0.5}


def _ways(point: Mapping[str, Any], pairs: int, steps: int, generator: torch.Generator, tick: Tick) -> np.ndarray:
    """Mean way of every pair in a number of steps, after the start is forgotten."""
    theta = torch.zeros(2, pairs, dtype=torch.float64, device=generator.device)
    settings = {name: point[name] for name in ("eta", "beta", "beta2")}
    stepper = OPTIMIZERS["adam"].make([theta], delta=0.0, **settings)
    start, wait = theta.clone(), int(np.ceil(FORGOTTEN / (1 - point["beta2"])))
    for step in range(wait + steps):
        if step == wait:
            start = theta.clone()
        noise = point["g_std"] * torch.randn(pairs, dtype=theta.dtype, device=theta.device, generator=generator)
        theta.grad = point["L1"] + torch.stack([noise, -noise])
        stepper.step()
        tick()
    return (theta - start).mean(0).cpu().numpy()


def travels_scatter(
    seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any
) -> Findings:
    """Scatter of the quotients over their claimed errors."""
    return scatter(travels, seeds, rng=rng, device=device, tick=tick, **config)
