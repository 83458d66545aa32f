"""Real training: to a minimum, and along many independent chains around it."""

from collections.abc import Callable, Mapping

import numpy as np
import scipy.optimize
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem
from inertialab.optim import OPTIMIZERS


class NotConvergedError(RuntimeError):
    """A minimum that was not reached to the asked gradient norm."""


def minimise(problem: Problem, gradient_norm: float = 1e-8, iterations: int = 2000) -> tuple[Tensor, float]:
    """Bring a problem to a local minimum by a Newton trust-region method with Hessian products.

    Args:
        problem: In float64.
        gradient_norm: Euclidean norm of the full-data gradient to reach.
        iterations: Most Newton steps.

    Returns:
        The parameters, shape (P,), and the gradient norm reached.

    Raises:
        NotConvergedError: If the norm is not reached.
    """
    device = problem.start.device

    def tensor(x: np.ndarray) -> Tensor:
        return torch.as_tensor(x, dtype=torch.float64, device=device)

    found = scipy.optimize.minimize(
        lambda x: float(problem.value(tensor(x))),
        problem.start.cpu().numpy(),
        jac=lambda x: problem.gradient(tensor(x)).cpu().numpy(),
        hessp=lambda x, v: problem.hessian_product(tensor(x), tensor(v)).cpu().numpy(),
        method="trust-ncg",
        options={"gtol": gradient_norm, "maxiter": iterations},
    )
    norm = float(problem.gradient(tensor(found.x)).norm())
    if norm > gradient_norm:
        raise NotConvergedError(
            f"No minimum after {found.nit} Newton steps: gradient norm {norm:.1e}, asked for {gradient_norm:.1e}."
        )
    return tensor(found.x), norm


def run_chains(
    problem: Problem,
    optimizer: str,
    settings: Mapping[str, float],
    *,
    start: Tensor,
    basis: Tensor,
    chains: int,
    batch: int,
    burn_in: int,
    samples: int,
    every: int,
    rng: np.random.Generator,
    tick: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Train independent copies of a model from one point, batches drawn with replacement.

    All chains are rows of one tensor under one optimizer, which updates elementwise.

    Args:
        problem: What is trained.
        optimizer: Row of `inertialab.optim.OPTIMIZERS`.
        settings: Its `eta` and other settings.
        start: Parameters all chains start from, shape (P,).
        basis: Directions to record, shape (P, k).
        chains: Number of independent chains, n.
        batch: Batch size B.
        burn_in: Steps before the first record.
        samples: Number of records.
        every: Steps between records.
        rng: Source of all randomness.
        tick: Called after each step.

    Returns:
        Displacement from the start along the directions, shape (samples, n, k), float64, units θ.
    """
    generator = torch_generator(rng, start.device)
    theta = start.repeat(chains, 1)
    stepper = OPTIMIZERS[optimizer].make([theta], **settings)
    recorded = []
    for step in range(burn_in + 1 + (samples - 1) * every):
        indices = torch.randint(len(problem.inputs), (chains, batch), generator=generator, device=start.device)
        theta.grad = problem.batch_gradients(theta, indices)
        stepper.step()
        if step >= burn_in and (step - burn_in) % every == 0:
            recorded.append(((theta - start) @ basis).cpu().numpy())
        tick()
    return np.stack(recorded)
