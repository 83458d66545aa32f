"""Particles on a real least-squares loss, each with true minibatches of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from inertialab.experiments.batches import Batches, Sampling
from inertialab.experiments.ensemble import torch_generator
from inertialab.optim import OPTIMIZERS


def least_squares_paths(
    inputs: np.ndarray,
    targets: np.ndarray,
    *,
    optimizer: str,
    settings: Mapping[str, float],
    batch: int,
    sampling: Sampling,
    particles: int,
    times: Sequence[int],
    rng: np.random.Generator,
    start: np.ndarray,
    device: torch.device | None = None,
    tick: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Positions of particles on L(θ) = |Xθ - y|²/2N under minibatches of their own.

    The Hessian is XᵀX/N everywhere and the noise is that of the data, which grows away from the minimum; a slice of a
    larger regression is had by giving two of its columns.

    Args:
        inputs: X, shape (N, d).
        targets: y, shape (N,).
        optimizer: Row of `inertialab.optim.OPTIMIZERS` that updates coordinates by themselves.
        settings: Its `eta` and other settings.
        batch: Batch size B.
        sampling: As for `Batches`.
        particles: Number of independent particles.
        times: Steps after which positions are recorded, ascending.
        rng: Source of all randomness.
        start: Position of all particles, shape (d,).
        device: Where to run, the CPU by default.
        tick: Called after each step.

    Returns:
        Positions, shape (len(times), particles, d), float64.
    """
    place = device or torch.device("cpu")
    X, y = (torch.as_tensor(a, dtype=torch.float64, device=place) for a in (inputs, targets))
    theta = torch.as_tensor(start, dtype=torch.float64, device=place).repeat(particles, 1)
    stepper = OPTIMIZERS[optimizer].make([theta], **settings)
    drawn = Batches(len(X), batch, particles, sampling, torch_generator(rng, place))
    recorded = []
    for step in range(1, max(times) + 1):
        chosen = next(drawn)
        rows = X[chosen]
        residual = torch.einsum("pbd,pd->pb", rows, theta) - y[chosen]
        theta.grad = torch.einsum("pb,pbd->pd", residual, rows) / batch
        stepper.step()
        if step in times:
            recorded.append(theta.cpu().numpy().copy())
        tick()
    return np.stack(recorded)
