"""Networks trained on two groups of labels, one far noisier: strengths by group beside the best common one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.har.ensemble import Ensemble
from inertialab.experiments.har.fit import Recipe, train
from inertialab.experiments.har.strengths import har_strengths, squared_residuals
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

LENGTH, PERIOD = 3.0, 3.0
"""The inputs of a group fill a LENGTH on its side of 0, where the truth cos(2πx/PERIOD) is level."""
STRENGTHS = 5
PILOT = 3e-3
"""Strength of the trainings whose held-out residuals give the noise of the groups."""
CHUNK = 8
"""Seeds trained at once: more of them no longer fit the caches, and a step of each takes longer."""
TESTED = 300
"""Places of each group at which the error is measured."""


@dataclass(frozen=True)
class Drawn:
    """Training data of several seeds.

    Attributes:
        x: Shape (seeds, n).
        y: Shape (seeds, n).
        groups: 0 for the clean one, shape (seeds, n).
    """

    x: Tensor
    y: Tensor
    groups: Tensor


def truth(x: Tensor) -> Tensor:
    """What the labels scatter about; level where a group's inputs begin and end."""
    return torch.cos(2 * torch.pi * x / PERIOD)


def draw(point: Mapping[str, Any], seeds: int, generator: torch.Generator, device: torch.device) -> Drawn:
    """Labels of standard deviation sigma for x < 0, and √R times that for x > 0."""
    x = (torch.rand(seeds, point["n"], generator=generator, device=device) * 2 - 1) * LENGTH
    groups = (x > 0).long()
    spread = point["sigma"] * torch.where(groups == 0, 1.0, point["R"] ** 0.5)
    noise = torch.randn(x.shape, generator=generator, device=device)
    return Drawn(x, truth(x) + spread * noise, groups)


def trained(
    data: Drawn, strengths: Tensor, point: Mapping[str, Any], steps: int, generator: torch.Generator, tick: Tick
) -> Ensemble:
    """One network a seed and strength, by the penalised training of the package.

    Args:
        data: Shape (seeds, n).
        strengths: Of each example, shape (seeds, arms, n).
        point: `width` of the hidden layers.
        steps: Of training.
        generator: Of the initial weights, the same for all arms of a seed.
        tick: Called after training.
    """
    seeds, arms, n = strengths.shape
    model = Ensemble(seeds * arms, (1, point["width"], point["width"], 1), generator, alike=arms, device=data.x.device)
    x, y = (v[:, None].expand(seeds, arms, n).reshape(-1, 1) for v in (data.x, data.y))
    found = train(model, x, y[:, 0], strengths.reshape(-1), Recipe(steps=steps, batch=len(x)))
    tick()
    assert isinstance(found, Ensemble)
    return found


def noise_by_group(data: Drawn, point: Mapping[str, Any], steps: int, generator: torch.Generator, tick: Tick) -> Tensor:
    """Mean squared residual on the half that a network has not seen, mean over both halves, shape (seeds, 2)."""
    half = data.x.shape[1] // 2
    parts = [slice(0, half), slice(half, 2 * half)]
    inside = Drawn(*(torch.cat([v[:, p] for p in parts]) for v in (data.x, data.y, data.groups)))
    outside = Drawn(*(torch.cat([v[:, p] for p in parts[::-1]]) for v in (data.x, data.y, data.groups)))
    model = trained(inside, torch.full_like(inside.x, PILOT)[:, None], point, steps, generator, tick)
    with torch.no_grad():
        residuals = squared_residuals(model(outside.x.reshape(-1, 1)), outside.y.reshape(-1)).reshape(outside.x.shape)
    sums = [
        torch.stack([(v * (outside.groups == k)).sum(1) for k in (0, 1)], 1) for v in (residuals, residuals * 0 + 1)
    ]
    total, count = (s.reshape(2, -1, 2).sum(0) for s in sums)
    return total / count


def errors(model: Ensemble, seeds: int, arms: int) -> np.ndarray:
    """Mean squared error about the true function on either side, shape (seeds, arms, 2)."""
    device = model.weights[0].device
    side = torch.linspace(0.0, LENGTH, TESTED, device=device)
    x = torch.cat([-side, side])
    with torch.no_grad():
        found = model(x.repeat(model.count)[:, None]).reshape(seeds, arms, -1)
    square = (found - truth(x)).square().double().cpu().numpy()
    return square.reshape(seeds, arms, 2, TESTED).mean(-1)


def known_groups(
    points: Points,
    seeds: int,
    steps: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Error of the clean group, and of both, under strengths by group over that under the best common strength.

    Weights follow the software from held-out residuals; the factor of each arm is the best one by the true error.

    Args:
        points: `R`, `sigma`, `n`, the `width` of two hidden layers, and the strengths `low` to `high`, of which
            five are tried.
        seeds: Independent data sets and initial weights.
        steps: Of each training.
        rng: Of everything.
        device: Where to run.
        tick: Called after each training of a chunk of the seeds.
    """
    found, facts = [], {}
    for i, point in enumerate(points):
        grid = np.geomspace(point["low"], point["high"], STRENGTHS)
        generator = torch_generator(rng, device)
        chunks = [min(CHUNK, seeds - done) for done in range(0, seeds, CHUNK)]
        parts = [both_arms(point, count, steps, grid, generator, device, tick) for count in chunks]
        noise, error = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        common, own = (_at_best(np.log(grid), error[:, arm]) for arm in (0, 1))
        for k, name in enumerate(("own", "both")):
            found.append(Measurement(name, {**point, **_conditions(point)}, Estimate.quotient(own[:, k], common[:, k])))
        facts[f"point {i}"] = {
            "noise": noise.mean(0).tolist(),
            "strengths": grid.tolist(),
            "error": error.mean(0).tolist(),
        }
    return Findings(tuple(found), facts)


def both_arms(
    point: Mapping[str, Any],
    seeds: int,
    steps: int,
    grid: np.ndarray,
    generator: torch.Generator,
    device: torch.device,
    tick: Tick,
) -> tuple[np.ndarray, np.ndarray]:
    """Noise found of both groups, shape (seeds, 2), and errors with one strength for all and with weights.

    Args:
        point: As for `known_groups`.
        seeds: Trained at once.
        steps: Of each training.
        grid: Common factors, shape (s,).
        generator: Of data and weights.
        device: Where to run.
        tick: Called after each training.

    Returns:
        The noise, and the errors of both groups by arm and factor, shape (seeds, 2, s, 2).
    """
    data = draw(point, seeds, generator, device)
    noise = noise_by_group(data, point, steps, generator, tick)
    counts = torch.stack([(data.groups == k).sum(1) for k in (0, 1)], 1)
    weights = torch.stack([har_strengths(a, c, "squared") for a, c in zip(noise, counts, strict=True)])
    factors = torch.tensor(grid, dtype=torch.float32, device=device)
    arms = torch.stack([torch.ones_like(weights), weights], 1)[:, :, None] * factors[:, None]
    each = torch.take_along_dim(arms.reshape(seeds, 2 * len(grid), 2), data.groups[:, None], 2)
    error = errors(trained(data, each, point, steps, generator, tick), seeds, 2 * len(grid))
    return noise.cpu().numpy(), error.reshape(seeds, 2, len(grid), 2)


def _conditions(point: Mapping[str, Any]) -> dict[str, float]:
    """Of the noisy group, by the inputs in units of their own."""
    wave = 2 * np.pi / PERIOD
    density = 1 / (2 * LENGTH)
    return {"H": 1.0, "V": point["R"] * point["sigma"] ** 2, "q": density, "f2": wave**2 / 2**0.5, "wave": wave}


def _at_best(logs: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Errors of the clean group and of both at the best common factor, one for each seed, shape (seeds, 2).

    A seed moves the factor by its own slope there over the curvature of the mean.

    Args:
        logs: Logarithms of the factors, shape (s,).
        error: Shape (seeds, s, 2).
    """
    both = CubicSpline(logs, error.mean(2), axis=1)
    mean = CubicSpline(logs, error.mean((0, 2)))
    bounds = (logs[0], logs[-1])
    least: Any = minimize_scalar(mean, bounds=bounds, method="bounded", options={"xatol": 1e-7})
    at = float(least.x)
    moved = -both(at, 1) / float(mean(at, 2))
    clean = CubicSpline(logs, error[..., 0], axis=1)
    return np.stack([clean(at) + float(clean(at, 1).mean()) * moved, both(at)], 1)
