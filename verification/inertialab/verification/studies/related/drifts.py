"""Mean steps under independent random gradients of a few values: one tensor of many coordinates for each law.

The mean over the newest gradient is taken exactly: each of its values is tried on a copy of the optimizer. Earlier
gradients are compared with the same gradients over a second moment that does not know them, whose mean step is known.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

FORGOTTEN = 4.0
"""Memories of the second moment before anything is measured."""
APART = 0.5
"""Memories between two looks."""
TINY = 1e-30
NEAREST = 4
"""Sizes of the rare gradient, on both sides of the sign change, through which the line is drawn."""


class Crowd:
    """Coordinates under one optimizer, whose gradients are drawn from a law of its row.

    Args:
        optimizer: Row of `inertialab.optim.OPTIMIZERS`.
        settings: Its settings but the learning rate, which is one.
        values: Values of the gradient, shape (laws, k).
        chances: Their probabilities, shape (laws, k).
        coordinates: Of each law.
        generator: Source of the gradients.
    """

    def __init__(
        self,
        optimizer: str,
        settings: Mapping[str, float],
        values: np.ndarray,
        chances: np.ndarray,
        coordinates: int,
        generator: torch.Generator,
    ):
        device = generator.device
        self.values, self.chances = (torch.as_tensor(x, dtype=torch.float64, device=device) for x in (values, chances))
        self.mean = (self.values * self.chances).sum(1, keepdim=True)
        self.settings, self.generator, self.steps = settings, generator, 0
        theta = torch.zeros(len(values), coordinates, dtype=torch.float64, device=device)
        self.moving = (theta, OPTIMIZERS[optimizer].make([theta], eta=1.0, delta=TINY, **settings))
        self.square, self.known = torch.zeros_like(theta), torch.zeros_like(theta)

    def step(self) -> None:
        """One step, and what is known of the mean of the next: its gradients over a second moment without them."""
        theta, stepper = self.moving
        drawn = torch.rand(theta.shape, dtype=theta.dtype, device=theta.device, generator=self.generator)
        g = self.values[:, :1].expand_as(theta)
        edges = self.chances.cumsum(1)
        for i in range(1, self.values.shape[1]):
            g = torch.where(drawn < edges[:, i - 1 : i], g, self.values[:, i : i + 1])
        beta, beta2 = self.settings["beta"], self.settings["beta2"]
        before = (self.square / (1 - beta2**self.steps)) ** -0.5 if self.steps else torch.zeros_like(g)
        self.known = beta * self.known + (1 - beta) * (g - self.mean) * torch.nan_to_num(before, posinf=0.0)
        self.square = beta2 * self.square + (1 - beta2) * g**2
        self.steps += 1
        theta.grad = g
        stepper.step()

    def next_steps(self) -> Tensor:
        """Way down by the next step for each value of the next gradient, shape (k, laws, coordinates)."""
        ways = []
        for i in range(self.values.shape[1]):
            theta, stepper = deepcopy(self.moving)
            start = theta.clone()
            theta.grad = self.values[:, i : i + 1].expand_as(theta).contiguous()
            stepper.step()
            ways.append(start - theta)
        return torch.stack(ways)

    def mean_step(self) -> Tensor:
        """Mean over the next gradient of the way down, less what earlier gradients do to it without any bias."""
        chances = self.chances.T[:, :, None]
        return (chances * self.next_steps()).sum(0) - self.settings["beta"] * self.known

    def settle(self, tick: Tick) -> int:
        """Steps between looks, after the start has been forgotten."""
        memory = 1 / (1 - self.settings["beta2"]) + 1 / (1 - self.settings["beta"])
        for _ in range(int(np.ceil(FORGOTTEN * memory))):
            self.step()
            tick()
        return int(np.ceil(APART * memory))

    def averaged(self, number: int, tick: Tick) -> np.ndarray:
        """Mean step of each coordinate over some looks, shape (laws, coordinates)."""
        between, total = self.settle(tick), torch.zeros_like(self.known)
        for _ in range(number):
            for _ in range(between):
                self.step()
            tick()
            total += self.mean_step()
        return (total / number).cpu().numpy()


def drifts(
    points: Points, coordinates: int, looks: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean step of Adam downhill, in learning rates.

    Args:
        points: `values` and `chances` of the gradient, `beta` and `beta2`.
        coordinates: Number of runs of each.
        looks: At each run.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for point in points:
        law, settings = about(point), {name: point[name] for name in ("beta", "beta2")}
        values, chances = (np.array([point[name]]) for name in ("values", "chances"))
        crowd = Crowd("adam", settings, values, chances, coordinates, torch_generator(rng, device))
        (found,) = crowd.averaged(looks, tick)
        rows.append(Measurement("drift", {**settings, **law}, Estimate.mean(found)))
    return Findings(tuple(rows))


def about(point: Mapping[str, Any]) -> dict[str, float]:
    """Mean, variance, third central moment and kurtosis of a law of a few values."""
    values, chances = np.array(point["values"]), np.array(point["chances"])
    mean = float(values @ chances)
    C, third, fourth = (float((values - mean) ** n @ chances) for n in (2, 3, 4))
    return {"mu": mean, "C": C, "third": third, "K": fourth / C**2}


def of_rare(rare: np.ndarray, mu: float) -> tuple[np.ndarray, np.ndarray]:
    """Values and chances of gradients that are `rare` or -1, with a mean of mu; shape (n, 2) each."""
    chance = (1 + mu) / (rare + 1)
    return np.stack([rare, -np.ones_like(rare)], 1), np.stack([chance, 1 - chance], 1)


def factor_losses(
    optimizer: str,
    points: Points,
    coordinates: int,
    looks: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """How much shorter, for its size, the step of the rare gradient is than that of the common one; no momentum."""
    rows = []
    for point in points:
        values, chances = of_rare(np.array([point["rare"]]), point["mu"])
        settings = {"beta": 0.0, "beta2": point["beta2"]}
        crowd = Crowd(optimizer, settings, values, chances, coordinates, torch_generator(rng, device))
        total = torch.zeros(2, coordinates, dtype=torch.float64, device=device)
        between = crowd.settle(tick)
        for _ in range(looks):
            for _ in range(between):
                crowd.step()
            tick()
            total += crowd.next_steps()[:, 0] / crowd.values.T
        large, common = (total / looks).cpu().numpy()
        rows.append(Measurement("loss", {**point, "unit": 0.01}, share_lost(large, common)))
    return Findings(tuple(rows))


def share_lost(large: np.ndarray, common: np.ndarray) -> Estimate:
    """1 minus the ratio of two means over the same coordinates, its error to first order."""
    ratio = large.mean() / common.mean()
    influence = (large - ratio * common) / common.mean()
    error = float(influence.std() / len(large) ** 0.5)
    return Estimate(float(1 - ratio), error if error > 1e-12 else 0.0, len(large))


def sign_changes(
    points: Points,
    sizes: Sequence[float],
    coordinates: int,
    looks: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Size of the rare gradient at which Adam's mean step changes its sign, among given sizes.

    Args:
        points: `mu`, `beta` and `beta2`.
        sizes: Of the rare gradient, ascending; Adam must go the right way at the first and the wrong way at the last.
        coordinates: Number of runs of each size.
        looks: At each run.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rare, rows = np.array(sizes), []
    for point in points:
        values, chances = of_rare(rare, point["mu"])
        settings = {name: point[name] for name in ("beta", "beta2")}
        crowd = Crowd("adam", settings, values, chances, coordinates, torch_generator(rng, device))
        # In units of the root of the mean square, in which the drift is nearly a straight line.
        steps = crowd.averaged(looks, tick) * np.sqrt((values**2 * chances).sum(1))[:, None]
        rows.append(Measurement("critical", point, crossing(rare, steps)))
    return Findings(tuple(rows))


def crossing(x: np.ndarray, units: np.ndarray) -> Estimate:
    """Where the mean of `units`, shape (x, n), falls through zero: by a line through the nearest x, errors included.

    Raises:
        ValueError: If it does not.
    """
    means, errors = units.mean(1), units.std(1) / units.shape[1] ** 0.5
    below = np.flatnonzero(means < 0)
    if not len(below) or below[0] == 0:
        raise ValueError("The mean step does not change its sign among the sizes given.")
    first = int(np.clip(below[0] - NEAREST // 2, 0, len(x) - NEAREST))
    near = slice(first, first + NEAREST)
    design = np.stack([np.ones(NEAREST), x[near]], 1) / errors[near, None]
    covariance = np.linalg.inv(design.T @ design)
    intercept, slope = covariance @ design.T @ (means[near] / errors[near])
    root = -intercept / slope
    gradient = np.array([-1 / slope, intercept / slope**2])
    return Estimate(float(root), float((gradient @ covariance @ gradient) ** 0.5), units.shape[1])
