"""Tail of the training of a line through the origin on real data, one sample a step."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, vmap

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem
from inertialab.experiments.training import minimise
from inertialab.verification.studies.particles.tails import Kick, tail
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.training.one_weight import problem_of


def samples_at(problem: Problem, at: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Gradients and curvatures of all samples at a place, by derivatives of the loss, shape (N,) each."""

    def loss(t: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return problem.loss(problem.outputs(t[None], x[None]), y[None])

    each = (None, 0, 0)
    slopes, bends = (
        vmap(f, each)(at[0], problem.inputs, problem.targets).cpu().numpy() for f in (grad(loss), grad(grad(loss)))
    )
    return slopes, bends


def residuals(problem: Problem, at: Tensor, generator: torch.Generator) -> Kick:
    """Gradient of half the squared error of one sample, drawn anew for each chain and step, at places from `at`."""
    x, y = problem.inputs[:, 0], problem.targets[:, 0]

    def gradient(theta: Tensor) -> Tensor:
        drawn = torch.randint(len(x), theta.shape, generator=generator, device=theta.device)
        return x[drawn] * (x[drawn] * (at + theta) - y[drawn])

    return gradient


def indices(
    points: Points, chains: int, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Power of the tail of SGD, curvatures those of the samples.

    Args:
        points: `data`, `feature` and `target` of a line, and the learning rate as a `share` of that from which on there
            is no variance.
        chains: Number of independent chains at rest, and of excursions from each level.
        steps: Number of steps at rest.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for point in points:
        problem = problem_of(point, device)
        at, _ = minimise(problem)
        slopes, bends = samples_at(problem, at)
        h, c2 = float(bends.mean()), float(bends.var())
        eta = point["share"] * 2 * h / (h**2 + c2)
        shares = np.full(len(bends), 1 / len(bends))
        known: dict[str, Any] = {**point, "eta": eta, "h": h, "c2": c2}
        known |= {"curvatures": bends.tolist(), "shares": shares.tolist()}
        kick = residuals(problem, at, torch_generator(rng, device))
        found = tail(kick, eta, eta * float(slopes.std()), chains, steps, device, tick)
        rows.append(Measurement("index", known, found))
    return Findings(tuple(rows))
