"""Shuffled epochs of networks on their way to a minimum, beside gradient flow from the same place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.experiments.training import Chains
from inertialab.verification.measure.curvature import hessian
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.measure.lanczos import top_eigenpairs
from inertialab.verification.measure.problem import Problem
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.training.gradients import whole_batches
from inertialab.verification.studies.training.minima import reached

STEP = 1e-5
"""Of the difference that gives the slope of the squared gradients, over the size of the parameters."""


def shuffled(
    points: Points, directions: int, pairs: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean place of SGD after an epoch that shares out the data, minus that of gradient flow after the same time.

    Every drawn epoch is run together with its reverse, whose mean is one independent number: what the order of two
    minibatches does to one is undone in the other. Along top directions of the Hessian.

    Args:
        points: As for `reached`; `B` and `share`, the size of the next term over the claim along the direction in which
            the mean squared gradient changes most. Samples that fill no batch are left out.
        directions: How many.
        pairs: Drawn epochs of each point.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    found, shared = [], {}
    for number, point in enumerate(points):
        whole, at = reached(point, rng, device)
        trained = whole_batches(whole, point["B"])
        count = len(trained.inputs)
        generator = torch_generator(rng, device)
        basis = top_eigenpairs(hessian(Problem.of(trained, at)), directions, rtol=1e-8, generator=generator).vectors
        known = {**point, "n_batches": count // point["B"], **_sizes(trained, at, point["B"], generator)}
        slopes = _slopes(trained, at, basis, point["B"])
        next_term = known["n_batches"] * known["h_top"] ** 2 * known["g_rms"] / max(abs(slopes))
        known["eta"] = float(point["share"] / next_term)
        ends = _ends(trained, at, known, pairs, generator, tick) - _flow(trained, at, known["eta"] * known["n_batches"])
        along, full = (ends @ basis).cpu().numpy(), _slopes(trained, at, basis, count)
        shared[group := f"{point['data']}-{number}"] = known
        for i in range(directions):
            own = {"direction": i, "square_slope": float(slopes[i]), "full_slope": float(full[i])}
            found.append(Measurement("excess", own, Estimate.mean(along[:, i]), group=group))
    return Findings(tuple(found), {}, shared)


def _sizes(trained: TrainingProblem, at: Tensor, batch: int, generator: torch.Generator) -> dict[str, float]:
    """Root mean squared gradient of the minibatches, and the largest curvature among those of one epoch."""
    tops = []
    for chosen in torch.randperm(len(trained.inputs), generator=generator, device=at.device).reshape(-1, batch):
        part = replace(trained, inputs=trained.inputs[chosen], targets=trained.targets[chosen])
        tops.append(float(top_eigenpairs(hessian(Problem.of(part, at)), 1, generator=generator).values[0]))
    return {"h_top": max(tops), "g_rms": float(_squares(trained, at[None], batch)) ** 0.5}


def _squares(trained: TrainingProblem, places: Tensor, batch: int) -> Tensor:
    """Mean squared gradient of the minibatches of all epochs at each place, shape (n,)."""
    N, found = len(trained.inputs), []
    share = (N - batch) / (batch * max(N - 1, 1))
    for place in places:
        own = trained.batch_gradients(place.expand(N, -1), torch.arange(N, device=place.device)[:, None])
        found.append((1 - share) * own.mean(0).square().sum() + share * own.square().sum(1).mean())
    return torch.stack(found)


def _slopes(trained: TrainingProblem, at: Tensor, basis: Tensor, batch: int) -> np.ndarray:
    """Derivative of the mean squared gradient of the minibatches along directions, shape (k,)."""
    size = STEP * float(at.norm()) / len(at) ** 0.5
    ends = [_squares(trained, at + sign * size * basis.T, batch) for sign in (1, -1)]
    return ((ends[0] - ends[1]) / (2 * size)).cpu().numpy()


def _ends(
    trained: TrainingProblem,
    at: Tensor,
    known: dict[str, Any],
    pairs: int,
    generator: torch.Generator,
    tick: Tick,
) -> Tensor:
    """Places after drawn epochs, each the mean of an epoch and its reverse, shape (pairs, P)."""
    options: dict[str, Any] = {"batch": known["B"], "sampling": "shuffled epochs", "generator": generator}
    forth, back = (Chains(trained, "sgd", {"eta": known["eta"]}, at.repeat(pairs, 1), **options) for _ in range(2))
    epoch = [next(forth.batches) for _ in range(known["n_batches"])]
    for order, chains in ((epoch, forth), (epoch[::-1], back)):
        # The batches of the epoch that was drawn, in one order and in the other.
        chains.batches.order = torch.cat(order, 1)
        chains.run(len(order), tick=tick)
    return (forth.theta + back.theta) / 2


def _flow(trained: TrainingProblem, at: Tensor, time: float) -> Tensor:
    """Place that gradient flow on the loss reaches in a time."""

    def velocity(_: float, place: np.ndarray) -> np.ndarray:
        return -trained.gradient(torch.as_tensor(place, dtype=at.dtype, device=at.device)).cpu().numpy()

    end = solve_ivp(velocity, (0.0, time), at.cpu().numpy(), method="DOP853", rtol=1e-12, atol=1e-15).y[:, -1]
    return torch.as_tensor(end, dtype=at.dtype, device=at.device)
