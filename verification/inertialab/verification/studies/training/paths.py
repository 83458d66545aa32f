"""Identities of whole paths of training: a scaled loss against another learning rate, and Adai's mean inertia."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.problem import Problem
from inertialab.experiments.training import Chains
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.training.minima import untrained

BETA = {"beta": 0.9}
RULES: dict[str, dict[str, float]] = {
    "sgd": {},
    "heavy-ball": BETA,
    "momentum-torch": BETA,
    "momentum-ema": BETA,
    "adai": {"beta0": 0.1, "beta2": 0.99, "eps": 1e-3},
}


@dataclass(frozen=True)
class Scaled(Problem):
    """factor·L(root·θ), of which only gradients are asked for."""

    root: float = 1.0
    factor: float = 1.0

    def gradients(self, flats: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        """Gradients of each chain, shape (n, P)."""
        return self.factor * self.root * super().gradients(self.root * flats, inputs, targets)


def _path(
    name: str, eta: float, problem: Problem, seed: int, steps: int, root: float = 1.0, factor: float = 1.0
) -> np.ndarray:
    """Where two trainings go on factor·L(root·θ), in units of L's own parameters, shape (2, P)."""
    scaled = Scaled(problem.model, problem.inputs, problem.targets, problem.l2, root=root, factor=factor)
    generator = torch.Generator(problem.inputs.device).manual_seed(seed)
    start = problem.start.repeat(2, 1) / root
    crowd = Chains(scaled, name, {"eta": eta, **RULES[name]}, start, batch=16, generator=generator).run(steps)
    return (root * crowd.theta).cpu().numpy()


def sharpened(points: Points, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Learning rate, over eta, at which training on L goes where training at eta on L(sqrt(k)·theta) goes.

    Exact if both paths end at the same bits, else infinite. k is a power of four, so that its root rounds nothing.

    Args:
        points: `data`, `model`, `l2`, `k` and `eta`.
        steps: Number of steps.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each optimizer.
    """
    rows = []
    for point in points:
        problem, seed = untrained(point["data"], point["model"], point["l2"], rng, device), int(rng.integers(2**62))
        for name in RULES:
            sharp = _path(name, point["eta"], problem, seed, steps, root=point["k"] ** 0.5)
            plain = _path(name, point["eta"] * point["k"], problem, seed, steps)
            rows.append(_rate({**point, "optimizer": name}, point["k"], sharp, plain))
            tick()
    return Findings(tuple(rows))


def rescaled(points: Points, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """The same for the loss multiplied by a factor, under Adai; points with `scale` in the place of `k`."""
    rows = []
    for point in points:
        problem, seed = untrained(point["data"], point["model"], point["l2"], rng, device), int(rng.integers(2**62))
        larger = _path("adai", point["eta"], problem, seed, steps, factor=point["scale"])
        faster = _path("adai", point["eta"] * point["scale"], problem, seed, steps)
        rows.append(_rate(point, point["scale"], larger, faster))
        tick()
    return Findings(tuple(rows))


def _rate(point: Mapping[str, Any], factor: float, one: np.ndarray, other: np.ndarray) -> Measurement:
    return Measurement("rate", point, Estimate(float(factor if np.array_equal(one, other) else np.inf)))


def inertias(points: Points, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean momentum coefficient of Adai in training: from what its buffers took of the last gradient.

    With m' = m + κ(g - m) its buffers and the gradient tell κ of every coordinate that has a gradient. Settings are
    such that nothing is clipped.

    Args:
        points: `data`, `model`, `l2`, `eta` and `beta0`.
        steps: Number of steps before the look.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each point.
    """
    rows = []
    for point in points:
        problem, generator = untrained(point["data"], point["model"], point["l2"], rng, device), torch.Generator(device)
        settings = {"eta": point["eta"], "beta0": point["beta0"], "beta2": 0.99, "eps": 1e-9}
        generator.manual_seed(int(rng.integers(2**62)))
        crowd = Chains(problem, "adai", settings, problem.start.repeat(2, 1), batch=16, generator=generator).run(steps)
        before = crowd.buffer.clone()
        crowd.step()
        kappa = (crowd.buffer - before) / (crowd.gradient - before)
        rows += [Measurement("mean", point, Estimate(float(1 - row.mean()))) for row in kappa]
        tick()
    return Findings(tuple(rows))
