"""Minibatches of samples: how much their mean varies, and what shuffled epochs do to particles under real SGD."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.batches import Batches
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.walk import Stride
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.particles.relations import settled, visited
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

BATCH = 2


def _samples(count: int, rng: np.random.Generator) -> np.ndarray:
    """Skewed numbers of mean zero and variance one."""
    values = rng.exponential(size=count)
    return (values - values.mean()) / values.std()


def sampled(points: Points, draws: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Variance of the mean of a batch, drawn as training draws it, over that with replacement.

    Args:
        points: `n_samples`, `B` and the `sampling`.
        draws: Independent batches of each point.
        rng: Source of all randomness.
        device: Where batches are drawn.
        tick: Called after each point.
    """
    rows = []
    for point in points:
        values = torch.as_tensor(_samples(point["n_samples"], rng), device=device)
        chosen = next(Batches(len(values), point["B"], draws, point["sampling"], torch_generator(rng, device)))
        means = values[chosen].mean(1).cpu().numpy()
        rows.append(Measurement("factor", point, Estimate.mean(point["B"] * means**2)))
        tick()
    return Findings(tuple(rows))


def epochs(points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Variance of particles under SGD on losses h(θ - a)²/2, every sample once in an epoch; mean over epochs.

    Batches hold two samples. The samples are scaled so that the gradient of a batch has variance C.
    """
    rows = []
    for point in points:
        h, n = point["h"], point["n_batches"]
        values, count = _samples(BATCH * n, rng), BATCH * n
        scale = np.sqrt(point["C"] * BATCH * (count - 1) / (count - BATCH)) / h
        a = torch.as_tensor(scale * values, dtype=torch.float64, device=device)
        drawn = Batches(count, BATCH, particles, "shuffled epochs", torch_generator(rng, device))

        def gradient(x: Tensor, h: float = h, a: Tensor = a, drawn: Any = drawn) -> Tensor:
            return h * (x - a[next(drawn)].mean(1))

        def terms(s: Stride) -> list[Tensor]:
            return [s.before**2]

        wait = -(-settled(point) // n) * n
        start = torch.zeros(particles, dtype=torch.float64, device=device)
        (square,) = visited("sgd", {"eta": point["eta"]}, gradient, start, wait, 4 * n, terms, tick)
        rows.append(Measurement("variance", point, Estimate.mean(square)))
    return Findings(tuple(rows))
