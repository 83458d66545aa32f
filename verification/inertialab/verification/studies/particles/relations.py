"""Relations between fluctuation and dissipation, in the stationary state of particles under the real optimizers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.batches import Batches, Sampling
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.walk import Stride, walk
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.particles.gradients import LAWS, curvature, noisy_gradient, slope
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

FORGOTTEN = 7.0
"""Relaxation times of the slowest mode before anything is measured; variances forget twice as fast."""


def settled(point: Mapping[str, Any]) -> int:
    """Steps until the start is forgotten."""
    memory = 1 / (1 - point.get("beta", 0.0))
    return int(np.ceil(FORGOTTEN * (1 / (point["eta"] * point["h"]) + memory)))


def visited(
    optimizer: str,
    settings: Mapping[str, float],
    gradient: Callable[[Tensor], Tensor],
    start: Tensor,
    waits: int,
    steps: int,
    terms: Callable[[Stride], list[Tensor]],
    tick: Tick,
    every: int = 1,
) -> np.ndarray:
    """Means over time of some numbers of each particle, after a wait, taken every so many steps.

    Returns:
        Shape (numbers, particles).
    """
    steady = walk(optimizer, settings, gradient, start)
    for _ in range(waits):
        next(steady)
        tick()
    sums = [term.clone() for term in terms(next(steady))]
    for step in range(1, steps):
        stride = next(steady)
        tick()
        if step % every == 0:
            for total, term in zip(sums, terms(stride), strict=True):
                total += term
    return torch.stack(sums).cpu().numpy() / -(-steps // every)


def relations(
    optimizer: str, points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Twice ⟨θĝ⟩ over η(1 + β)⟨b²⟩, the same with the true gradient, and twice ⟨L'²⟩ over η⟨L''ĝ²⟩.

    The loss has terms to the fourth order, the noise may be skewed and grow with the distance; b is the momentum
    buffer in PyTorch's convention.
    """
    rows = []
    for point in points:
        eta, beta = point["eta"], point.get("beta", 0.0)
        settings = {"eta": eta, "beta": beta} if "beta" in point else {"eta": eta}
        _, k3, K = LAWS[point.get("law", "gaussian")]
        known = {**point, "k3": k3 * point["C"] ** 1.5, "k4": (K - 3) * point["C"] ** 2}

        def terms(s: Stride, point: Mapping[str, Any] = point) -> list[Tensor]:
            x, L1 = s.before, slope(point, s.before)
            return [x * s.gradient, x * L1, s.buffer**2, L1**2, curvature(point, x) * s.gradient**2]

        start = torch.zeros(particles, dtype=torch.float64, device=device)
        gradient = noisy_gradient(point, torch_generator(rng, device))
        wait = settled(point)
        noisy, full, square, force, bent = visited(optimizer, settings, gradient, start, wait, wait, terms, tick)
        scale = eta * (1 + beta) / 2
        rows += [
            Measurement("relation", known, Estimate.quotient(noisy, scale * square)),
            Measurement("relation-full", known, Estimate.quotient(full, scale * square)),
        ]
        if not beta:
            rows.append(Measurement("second", known, Estimate.quotient(force, eta / 2 * bent)))
    return Findings(tuple(rows))


def relations_of_batches(
    points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """The first relation of SGD on samples with losses h(θ - a)²/2, batches drawn in different ways."""
    rows = []
    for point in points:
        samples = rng.exponential(size=point["n_samples"])
        samples = torch.as_tensor(samples - samples.mean(), dtype=torch.float64, device=device)
        sampling: Sampling = point["sampling"]
        drawn = Batches(len(samples), point["B"], particles, sampling, torch_generator(rng, device))

        def gradient(x: Tensor, point: Mapping[str, Any] = point, drawn: Any = drawn, a: Tensor = samples) -> Tensor:
            return point["h"] * (x - a[next(drawn)].mean(1))

        def terms(s: Stride, h: float = point["h"]) -> list[Tensor]:
            return [s.before * s.gradient, s.before * h * s.before, s.gradient**2]

        epoch = point["n_samples"] // point["B"]
        wait, whole = (-(-settled(point) // epoch) * epoch for _ in range(2))
        start = torch.zeros(particles, dtype=torch.float64, device=device)
        noisy, full, square = visited("sgd", {"eta": point["eta"]}, gradient, start, wait, whole, terms, tick)
        rows += [
            Measurement("relation", point, Estimate.quotient(noisy, point["eta"] / 2 * square)),
            Measurement("relation-full", point, Estimate.quotient(full, point["eta"] / 2 * square)),
        ]
    return Findings(tuple(rows))


def relations_scatter(
    seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any
) -> Findings:
    """Scatter of the relations over their claimed errors."""
    return scatter(relations, seeds, rng=rng, device=device, tick=tick, **config)
