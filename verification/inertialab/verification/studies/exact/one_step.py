"""One step of an optimizer, read off the optimizer itself: it is asked where basis states and a kick end."""

from collections.abc import Mapping

import numpy as np
import torch

from inertialab.optim import OPTIMIZERS, set_momentum_buffer


def linear_step(optimizer: str, settings: Mapping[str, float], h: float) -> tuple[np.ndarray, np.ndarray]:
    """A and b of `state' = A state + b ξ` on hθ²/2, in float64.

    The optimizer updates elementwise, so that one tensor holds every basis state and, last, the kick of a noise of
    size one from rest.

    Args:
        optimizer: A linear row of `inertialab.optim.OPTIMIZERS`: SGD, or momentum with a buffer.
        settings: Its `eta` and other settings.
        h: Curvature, units L/θ².

    Returns:
        A of shape (k, k) and b of shape (k, 1); the state is the parameter and, with momentum, the buffer.
    """
    size = 2 if "beta" in settings else 1
    start = torch.eye(size, size + 1, dtype=torch.float64)
    theta = start[0].clone()
    stepper = OPTIMIZERS[optimizer].make([theta], **settings)
    if size == 2:
        set_momentum_buffer(stepper, start[1])
    theta.grad = h * theta + torch.eye(size + 1, dtype=torch.float64)[size]
    stepper.step()
    after = [theta] + ([stepper.state[theta]["momentum_buffer"]] if size == 2 else [])
    new = torch.stack(after).numpy()
    return new[:, :size], new[:, size:]


def matrix_step(optimizer: str, settings: Mapping[str, float], H: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A and b of `θ' = Aθ + bξ` on θᵀHθ/2 for an optimizer without further states, in float64.

    Args:
        optimizer: Row of `inertialab.optim.OPTIMIZERS`, such as sgd.
        settings: Its settings.
        H: Hessian, shape (d, d).

    Returns:
        A and b, both of shape (d, d).
    """
    d = len(H)
    theta = torch.cat([torch.eye(d, dtype=torch.float64), torch.zeros(d, d, dtype=torch.float64)])
    stepper = OPTIMIZERS[optimizer].make([theta], **settings)
    theta.grad = theta @ torch.as_tensor(H).T + torch.eye(2 * d, d, dtype=torch.float64).flip(0).flip(1)
    stepper.step()
    return theta[:d].T.numpy(), theta[d:].T.numpy()
