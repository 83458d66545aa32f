"""Networks that fit all their samples and train on noisy labels: how fast they move along their valley."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, hessian, jacrev

from inertialab.experiments.data import load
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.models import tanh_mlp
from inertialab.experiments.problem import Problem
from inertialab.experiments.training import Chains
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

FORGOTTEN, MEASURED = 6.0, 5.0
"""Times of the slowest relaxation across before anything is measured, and to the middle of what is."""
LEAST = 100
"""Steps to the middle at least."""
FITTED = 1e-13
"""Residual at which all samples are fitted."""
STEP = 1e-4
"""Of the difference that gives the change of the Hessian along the valley."""


@dataclass(frozen=True)
class Valley:
    """What is known of a valley of zero loss at one place.

    Attributes:
        curvatures: Those across, ascending, shape (N,).
        across: Their directions, shape (P, N).
        slopes: Derivatives of the samples' outputs along these, shape (N, N).
        along: Unit vector along the valley, against the gradient of the regulariser, shape (P,).
        bend: Largest second derivative of an output.
    """

    curvatures: Tensor
    across: Tensor
    slopes: Tensor
    along: Tensor
    bend: float


def drifts(
    points: Points, hidden: int, chains: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean velocity of SGD along a valley of zero loss, per dynamical time, and the valley half-way.

    Args:
        points: `data`, `n_samples` that are fitted, `steepness` = η times the largest curvature, and `share`, the
            square of the width across in units of the valley's turns, by which the noise is set; `B` of batches drawn
            with replacement, without it every step sees all samples.
        hidden: Units of the network.
        chains: Independent trainings.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    found = []
    for point in points:
        problem = _problem(point["data"], point["n_samples"], hidden, rng, device)
        start = fitted(problem, problem.start)
        first = valley(problem, start, 0.0)
        low, high = float(first.curvatures[0]), float(first.curvatures[-1])
        eta, B = point["steepness"] / high, point.get("B", point["n_samples"])
        sigma = float((point["share"] * B * low * (2 - eta * low) ** 3 / eta) ** 0.5 / first.bend)
        slowest = max(1 / -np.log(abs(1 - eta * h)) for h in (low, high))
        wait, half = (int(np.ceil(times * slowest)) + LEAST for times in (FORGOTTEN, MEASURED))
        crowd = _crowd(problem, start.repeat(chains, 1), eta, sigma, point.get("B"), torch_generator(rng, device))
        crowd.run(wait, tick=tick)
        before = crowd.theta.clone()
        middle = crowd.run(half, tick=tick).theta.mean(0)
        here = valley(problem, place := fitted(problem, middle), eta)
        gone = (crowd.run(half, tick=tick).theta - before) @ here.along
        known = {**point, "eta": eta, "sigma": sigma, "B": B, **_matrices(problem, place, here)}
        found.append(Measurement("velocity", known, Estimate.mean((gone / (2 * half * eta)).cpu().numpy())))
    return Findings(tuple(found))


def _problem(data: str, samples: int, hidden: int, rng: np.random.Generator, device: torch.device) -> Problem:
    """A network of one output, some samples, and whether they are of the first class: 1 or -1."""
    whole = load(data)
    chosen = torch.as_tensor(rng.choice(len(whole.inputs), samples, replace=False))
    model = tanh_mlp(whole.inputs.shape[1], 1, torch_generator(rng, torch.device("cpu")), hidden).to(device)
    targets = 1 - 2 * (whole.targets[chosen] > 0).double()
    return Problem(model, whole.inputs[chosen].to(device), targets.to(device), loss=_half_square)


def _half_square(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs[..., 0] - targets).square().mean() / 2


def _crowd(
    problem: Problem, start: Tensor, eta: float, sigma: float, batch: int | None, generator: torch.Generator
) -> Chains:
    """Chains whose labels are drawn anew in every step."""

    def relabel(targets: Tensor, source: torch.Generator) -> Tensor:
        noise = torch.randn(targets.shape, dtype=targets.dtype, device=targets.device, generator=source)
        return targets + sigma * noise

    drawn: dict[str, Any] = {"sampling": "with replacement" if batch else "full batch", "batch": batch or 1}
    return Chains(problem, "sgd", {"eta": eta}, start, **drawn, relabel=relabel, generator=generator)


def _outputs(problem: Problem, flat: Tensor) -> Tensor:
    return problem.outputs(flat, problem.inputs)[:, 0]


def _slopes(problem: Problem, flat: Tensor) -> Tensor:
    """Derivatives of the samples' outputs, shape (N, P)."""
    return jacrev(lambda at: _outputs(problem, at))(flat)


def fitted(problem: Problem, flat: Tensor) -> Tensor:
    """A place near by at which all samples are fitted, by Gauss-Newton steps of least length, shape (P,).

    Raises:
        RuntimeError: If twenty steps do not lead there.
    """
    for _ in range(20):
        residual = _outputs(problem, flat) - problem.targets
        if float(residual.abs().max()) < FITTED:
            return flat
        flat = flat - torch.linalg.lstsq(_slopes(problem, flat), residual[:, None], driver="gelsd").solution[:, 0]
    raise RuntimeError(f"{len(problem.inputs)} samples are not fitted to {FITTED:g}.")


def valley(problem: Problem, flat: Tensor, eta: float) -> Valley:
    """The valley at a place where all samples are fitted; a learning rate of 0 stands for short steps."""
    slopes = _slopes(problem, flat)
    _, values, right = torch.linalg.svd(slopes, full_matrices=False)
    downhill = -grad(lambda at: _regulariser(problem, at, eta))(flat)
    downhill = downhill - right.T @ (right @ downhill)
    bends = hessian(lambda at: _outputs(problem, at))(flat)
    curvatures, across = values.flip(0).square() / len(problem.inputs), right.flip(0).T
    bend = float(torch.linalg.matrix_norm(bends, 2).max())
    return Valley(curvatures, across, slopes @ across, downhill / downhill.norm(), bend)


def _regulariser(problem: Problem, flat: Tensor, eta: float) -> Tensor:
    """-(1/2η) tr ln(1 - ηH/2) of the Hessian where the samples are fitted, from its dual of shape (N, N)."""
    slopes = _slopes(problem, flat)
    dual = slopes @ slopes.T / len(slopes)
    if not eta:
        return dual.trace() / 4
    return -torch.linalg.slogdet(torch.eye(len(dual), dtype=dual.dtype) - eta * dual / 2).logabsdet / (2 * eta)


def _matrices(problem: Problem, flat: Tensor, here: Valley) -> Mapping[str, Any]:
    """Hessian across and its change along the valley, by Hessian products; what else the law asks for."""

    def across(place: Tensor) -> Tensor:
        columns = [problem.hessian_product(place, v) for v in here.across.T]
        return here.across.T @ torch.stack(columns, 1)

    size = STEP * float(flat.norm()) / len(flat) ** 0.5
    change = (across(flat + size * here.along) - across(flat - size * here.along)) / (2 * size)
    made = {"H": across(flat), "H_along": change}
    whole = {name: ((x + x.T) / 2).cpu().tolist() for name, x in made.items()}
    return {**whole, "slopes": here.slopes.cpu().tolist(), "h_lowest": float(here.curvatures[0]), "bend": here.bend}
