"""Ensembles of independent particles on a quadratic landscape, driven by the real optimizer code."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from inertialab.optim import OPTIMIZERS, set_momentum_buffer


def torch_generator(rng: np.random.Generator, device: torch.device) -> torch.Generator:
    """A torch generator on the device, seeded from a NumPy stream."""
    return torch.Generator(device).manual_seed(int(rng.integers(2**63)))


def matrix_root(covariance: Tensor) -> Tensor:
    """R with R Rᵀ = covariance, for positive semidefinite matrices of shape (d, d)."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp_min(0).sqrt()


def simulate(
    optimizer: str,
    settings: Mapping[str, float],
    *,
    hessian: np.ndarray | float,
    noise_covariance: np.ndarray | float,
    particles: int,
    times: Sequence[int],
    rng: np.random.Generator,
    device: torch.device,
    buffer_std: float = 0.0,
    buffer_mean: float = 0.0,
    tick: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Positions of independent particles that start at the critical point of θᵀHθ/2.

    Every particle sees its own Gaussian gradient noise. All of them are one tensor under one optimizer,
    which updates elementwise.

    Args:
        optimizer: Row of `inertialab.optim.OPTIMIZERS`.
        settings: Its `eta` and other settings.
        hessian: H, shape (d, d) or a number, units L/θ²; negative eigenvalues make a saddle.
        noise_covariance: Covariance of the minibatch gradient, shape (d, d) or a number, units (L/θ)².
        particles: Number of independent particles, n.
        times: Steps after which positions are recorded, ascending.
        rng: Source of all randomness.
        device: Where to run.
        buffer_std: Standard deviation of the initial momentum buffer, in the optimizer's convention, L/θ.
        buffer_mean: Mean of the initial momentum buffer.
        tick: Called after each step.

    Returns:
        Array of shape (len(times), n, d), float64, units θ.
    """
    H = torch.as_tensor(np.atleast_2d(hessian), dtype=torch.float64, device=device)
    root = matrix_root(torch.as_tensor(np.atleast_2d(noise_covariance), dtype=torch.float64, device=device))
    generator = torch_generator(rng, device)
    theta = torch.zeros(particles, len(H), dtype=torch.float64, device=device)
    stepper = OPTIMIZERS[optimizer].make([theta], **settings)
    if buffer_std or buffer_mean:
        set_momentum_buffer(stepper, buffer_mean + buffer_std * _normal(theta, generator))
    recorded = []
    for step in range(1, max(times) + 1):
        theta.grad = torch.addmm(_colored(theta, root, generator), theta, H)
        stepper.step()
        if step in times:
            recorded.append(theta.cpu().numpy().copy())
        tick()
    return np.stack(recorded)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, dtype=like.dtype, device=like.device, generator=generator)


def _colored(like: Tensor, root: Tensor, generator: torch.Generator) -> Tensor:
    return _normal(like, generator) @ root.T
