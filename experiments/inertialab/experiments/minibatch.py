"""Particles on a real least-squares loss, each with true minibatches of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.optim import OPTIMIZERS

Sampling = Literal["with replacement", "without replacement", "shuffled epochs"]


def batches(
    samples: int, batch: int, particles: int, sampling: Sampling, generator: torch.Generator
) -> Iterator[Tensor]:
    """Sample numbers of every particle's next minibatch, shape (particles, batch), for ever.

    Args:
        samples: Number of samples, N.
        batch: Batch size B.
        particles: Number of independent particles.
        sampling: With replacement; without replacement within a batch, batches independent; or epochs in which every
            sample comes once, in an order of each particle's own (N must be a multiple of B).
        generator: Source of the numbers.

    Raises:
        ValueError: If the sampling is not known or the batch does not fit.
    """
    if not 1 <= batch <= samples:
        raise ValueError(f"A batch must hold 1 to {samples} samples, got {batch}.")
    if sampling == "shuffled epochs" and samples % batch:
        raise ValueError(f"Shuffled epochs need a batch size that divides the {samples} samples, got {batch}.")
    device = generator.device
    while True:
        if sampling == "with replacement":
            yield torch.randint(samples, (particles, batch), generator=generator, device=device)
            continue
        order = torch.rand(particles, samples, generator=generator, device=device).argsort(1)
        if sampling == "without replacement":
            yield order[:, :batch]
        elif sampling == "shuffled epochs":
            yield from order.split(batch, dim=1)
        else:
            raise ValueError(f"Sampling must be one of {Sampling.__args__}, got {sampling!r}.")  # pyright: ignore


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
        sampling: As for `batches`.
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
    drawn = batches(len(X), batch, particles, sampling, torch_generator(rng, place))
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
