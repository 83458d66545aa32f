"""Minibatch gradients of trained networks: what ways of sampling make of their noise, and noise beside curvature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.experiments.training import Chains
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.measure.noise import noise_covariance_in
from inertialab.verification.measure.problem import Problem
from inertialab.verification.studies.particles.networks import derivatives, labelled
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.training.minima import reached

TOGETHER = 3000
"""Batches that are drawn at once."""


def sampled(
    points: Points, directions: int, draws: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Variance of a minibatch's gradient of a trained network over that with replacement, along random directions.

    Args:
        points: As for `reached`, `B` and the `sampling`; for epochs, samples that fill no batch are left out.
        directions: Number of directions.
        draws: Independent batches of each point.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each point.
    """
    rows = []
    for point in points:
        whole, at = reached(point, rng, device)
        trained = whole_batches(whole, point["B"])
        generator = torch_generator(rng, device)
        basis = torch.randn(at.numel(), directions, dtype=at.dtype, device=device, generator=generator)
        basis = torch.linalg.qr(basis).Q
        problem = Problem.of(trained, at)
        single = noise_covariance_in(problem, basis, batch=1).diagonal().cpu().numpy()
        options: dict[str, Any] = {"batch": point["B"], "sampling": point["sampling"], "generator": generator}
        crowd = Chains(trained, "sgd", {"eta": 1.0}, at.repeat(TOGETHER, 1), **options)
        along = np.concatenate([_first(crowd, trained.gradient(at), basis) for _ in range(-(-draws // TOGETHER))])
        known = {**point, "n_samples": len(trained.inputs)}
        for i in range(directions):
            unit = Estimate.mean(point["B"] * along[:, i] ** 2 / single[i])
            rows.append(Measurement("factor", {**known, "direction": i}, unit))
        tick()
    return Findings(tuple(rows))


def whole_batches(trained: TrainingProblem, batch: int) -> TrainingProblem:
    """The problem without the last samples, which fill no batch."""
    count = len(trained.inputs) // batch * batch
    return replace(trained, inputs=trained.inputs[:count], targets=trained.targets[:count])


def _first(crowd: Chains, mean: Tensor, basis: Tensor) -> np.ndarray:
    """Gradients of a fresh batch of each chain, the first of its epoch, along directions, shape (n, k)."""
    crowd.batches.order = crowd.batches.order[:, :0]
    return ((crowd.draw() - mean) @ basis).cpu().numpy()


def own_labels(
    points: Points,
    samples: int,
    directions: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Batch size times noise over curvature where a trained network has drawn the labels of its real inputs itself.

    Args:
        points: As for `reached`, and `B`; `sigma2` for outputs with noise of this variance under the squared loss, by
            which the ratio is divided.
        samples: How many samples, the inputs again and again with fresh labels.
        directions: Number of random directions.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each direction.
    """
    rows = []
    for point in points:
        trained, at = reached(point, rng, device)
        generator, count = torch_generator(rng, device), samples // point["B"] * point["B"]
        inputs = trained.inputs[torch.randint(len(trained.inputs), (count,), generator=generator, device=device)]
        named = trained.named(at)
        labels, loss = labelled(point, functional_call(trained.model, named, inputs), generator)
        for _ in range(directions):
            along = {
                k: torch.randn(p.shape, generator=generator, dtype=p.dtype, device=device) for k, p in named.items()
            }
            first, second = (
                x.reshape(-1, point["B"]).mean(1).cpu().numpy()
                for x in derivatives(trained.model, loss, named, along, inputs, labels)
            )
            unit = point.get("sigma2", 1.0)
            rows.append(Measurement("ratio", point, Estimate.quotient(point["B"] * first**2, unit * second)))
            tick()
    return Findings(tuple(rows))
