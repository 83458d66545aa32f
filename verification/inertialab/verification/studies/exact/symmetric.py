"""Deviations from the origin of a two-layer network under SGD, over every sequence of batches of a few samples."""

import itertools

import numpy as np
import torch
from torch import nn
from torch.func import hessian, vmap

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.models import two_layer
from inertialab.experiments.problem import Problem
from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, lower

SMALL = 1e-7


def paths(
    points: Points,
    samples: int,
    batch: int,
    steps: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean products of deviations over all paths, in units of their squared size.

    Args:
        points: `eta` of each.
        samples: Number of samples, drawn at random.
        batch: Batch size.
        steps: Number of steps; there are samples^(batch·steps) paths.
        rng: Source of samples and of the deviation.
        device: Where to run.
        tick: Called after each point.
    """
    rows, shared = [], {}
    for number, point in enumerate(points):
        generator = torch_generator(rng, device)
        X = torch.randn(samples, 2, generator=generator, dtype=torch.float64, device=device)
        y = torch.randn(samples, 1, generator=generator, dtype=torch.float64, device=device)
        problem = Problem(two_layer(2, 1, generator, hidden=1).to(device), X, y, loss=nn.functional.mse_loss)
        start = torch.randn(3, generator=generator, dtype=torch.float64, device=device)
        moved = _every_path(problem, SMALL * start, point["eta"], batch, steps) / SMALL
        H, K2 = _curvatures(problem)
        group = f"path {number}"
        shared[group] = {"eta": point["eta"], "B": batch, "T": steps, "H": H, "K2": K2}
        shared[group] |= {"M0": torch.outer(start, start).tolist()}
        products = (moved.T @ moved / len(moved)).cpu().numpy()
        rows += [Measurement("square", {}, Estimate(float(products[i, j])), (i, j), group) for i, j in lower(3)]
        tick()
    return Findings(tuple(rows), {}, shared)


def _every_path(problem: Problem, start: torch.Tensor, eta: float, batch: int, steps: int) -> torch.Tensor:
    """Where SGD gets to by each sequence of batches, shape (paths, P)."""
    sequences = list(itertools.product(range(len(problem.inputs)), repeat=batch * steps))
    indices = torch.tensor(sequences, device=start.device).view(len(sequences), steps, batch)
    theta = start.repeat(len(sequences), 1)
    stepper = OPTIMIZERS["sgd"].make([theta], eta=eta)
    for step in range(steps):
        theta.grad = problem.batch_gradients(theta, indices[:, step])
        stepper.step()
    return theta


def _curvatures(problem: Problem) -> tuple[list[list[float]], list[list[float]]]:
    """Hessian of all samples at the origin, and the mean Kronecker square of the samples' deviations from it."""
    zero = torch.zeros_like(problem.start)
    each = vmap(hessian(lambda t, x, y: problem.value(t, x[None], y[None])), (None, 0, 0))(
        zero, problem.inputs, problem.targets
    )
    K, d = each - each.mean(0), len(zero)
    K2 = torch.einsum("nij,nkl->ikjl", K, K).reshape(d * d, d * d) / len(K)
    return each.mean(0).tolist(), K2.tolist()
