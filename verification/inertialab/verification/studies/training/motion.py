"""Real training in motion around a minimum: steps, turning, and what fluctuation owes to dissipation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.batches import Sampling
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.experiments.training import Average, Chains, minimise
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.measure.noise import sampling_factor
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.training.minima import instruments, minimum, most_correlated

Look = Literal["steps", "currents", "relations"]
RELAXATIONS = 3
"""Burn-in, in relaxation times of the slowest direction."""
APART = 1.5
"""Least ratio of two curvatures between which a current is looked for."""


@dataclass(frozen=True)
class Place:
    """A minimum with the directions that are looked at.

    Attributes:
        problem: What is trained.
        at: The minimum, shape (P,).
        V: Directions, shape (P, k).
        h: Curvatures along them, descending.
        C: Noise along them, of one minibatch, shape (k, k).
    """

    problem: TrainingProblem
    at: Tensor
    V: Tensor
    h: np.ndarray
    C: np.ndarray

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Entries between directions of unlike curvature whose noise is the most correlated, at most two."""
        every = most_correlated(self.C, len(self.C) ** 2)
        return [(i, j) for i, j in every if self.h[j] > APART * self.h[i]][:2]

    def project(self, x: Tensor) -> Tensor:
        """Components along the directions, shape (n, k)."""
        return x @ self.V


def motion(
    data: str,
    model: str,
    l2: float,
    optimizer: str,
    points: Points,
    directions: int,
    chains: int,
    relaxations: float,
    look: Look = "steps",
    sampling: Sampling = "with replacement",
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Variances, squared steps, currents and the first relation of fluctuation and dissipation, along top directions.

    The relation holds in every subspace that does not depend on the place; gradients of fresh minibatches, independent
    of the step, stand for the full gradient.

    Args:
        data: Data set.
        model: Row of `MODELS`.
        l2: Coefficient of the L2 penalty.
        optimizer: sgd, momentum-torch or momentum-ema.
        points: `B`, `steepness` (eta·λ₁, for PyTorch momentum eta/(1-beta)·λ₁) and settings; a minimum for each.
        directions: Number of top eigen-directions of the Hessian.
        chains: Number of independent chains.
        relaxations: Length of the measured stretch, in relaxation times of the slowest direction.
        look: At variances and squared steps alone, at currents too (of SGD), or at the relation (of SGD and PyTorch
            momentum, in whose convention it is); both want batches with replacement.
        sampling: How batches are drawn; shuffled epochs leave out the samples that fill no batch.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    found, shared, facts, correlations = [], {}, {}, {}
    for number, point in enumerate(points):
        place, about = _place(data, model, l2, point["B"], directions, sampling, rng, device)
        slow = 1 - point["beta"] if optimizer == "momentum-torch" else 1.0
        settings = {k: x for k, x in point.items() if k not in ("B", "steepness")}
        settings = {"eta": float(point["steepness"] / place.h[0] * slow), **settings}
        start = place.at.repeat(chains, 1)
        generator = torch_generator(rng, device)
        crowd = Chains(
            place.problem, optimizer, settings, start, batch=point["B"], sampling=sampling, generator=generator
        )
        n_batches = len(place.problem.inputs) // point["B"]
        whole = n_batches if sampling == "shuffled epochs" else 1
        wait, long = (_whole(x / (settings["eta"] / slow * place.h[-1]), whole) for x in (RELAXATIONS, relaxations))
        looks = _looks(place, settings["eta"], look)
        crowd.run(wait, tick=tick).run(long, *looks.values(), tick=tick)
        group = f"point {number}: eta={settings['eta']:.3g}, B={point['B']}"
        known = {**settings, "B": point["B"]} | ({"n_batches": n_batches} if whole > 1 else {})
        shared[group] = {**known, "H": np.diag(place.h).tolist(), "C": place.C.tolist()}
        rows, correlations[group] = _rows(place, looks, settings, group)
        found += rows
        facts[group] = about
    return Findings(tuple(found), facts, shared, correlations)


def _whole(steps: float, epoch: int) -> int:
    return int(np.ceil(steps / epoch)) * epoch


def _place(
    data: str,
    model: str,
    l2: float,
    batch: int,
    directions: int,
    sampling: Sampling,
    rng: np.random.Generator,
    device: torch.device,
) -> tuple[Place, dict[str, Any]]:
    problem, at, about = minimum(data, model, l2, rng, device)
    factor = 1.0
    if sampling == "shuffled epochs":
        count = len(problem.inputs) // batch * batch
        problem = replace(problem, inputs=problem.inputs[:count], targets=problem.targets[:count])
        at, _ = minimise(problem, start=at)
        factor = batch * sampling_factor(count, batch, "without replacement")
    pairs, C, measured = instruments(problem, at, directions, batch, torch_generator(rng, device))
    about |= {k: measured[k] for k in ("lambda", "B*C/H")}
    # As trainings do, chains run in single precision; what is averaged is summed in double.
    return Place(problem.single(), at.float(), pairs.vectors.float(), pairs.values.cpu().numpy(), factor * C), about


def _full(c: Chains) -> Tensor:
    """Gradients on all samples at the place of each chain, shape (n, P)."""
    inputs, targets = (x.expand(len(c), *x.shape) for x in (c.problem.inputs, c.problem.targets))
    return c.problem.gradients(c.theta, inputs, targets)


def _looks(place: Place, eta: float, look: Look) -> dict[str, Average]:
    """Means over time of what is looked at."""

    def before(c: Chains) -> Tensor:
        return place.project(c.before - place.at)

    def turned(c: Chains) -> Tensor:
        # Where a step leads in the mean, given the place, on which batches drawn with replacement do not depend.
        x, moved = place.project(c.theta - place.at), -eta * place.project(_full(c))
        return torch.stack([x[:, j] * moved[:, i] - x[:, i] * moved[:, j] for i, j in place.pairs], 1)

    def fresh(c: Chains) -> Tensor:
        return (place.project(c.theta - place.at) * place.project(c.draw())).sum(1)

    looks = {
        "place": Average(before),
        "square": Average(lambda c: before(c).square()),
        "step": Average(lambda c: place.project(c.theta - c.before).square()),
    }
    if look == "relations":
        looks["work"] = Average(lambda c: (before(c) * place.project(c.gradient)).sum(1))
        looks["energy"] = Average(lambda c: place.project(c.buffer).square().sum(1))
        looks["fresh"] = Average(fresh)
    if look == "currents":
        looks["turned"] = Average(turned, 5)
    return looks


def _rows(
    place: Place, looks: Mapping[str, Average], settings: Mapping[str, float], group: str
) -> tuple[list[Measurement], list[list[float]]]:
    """The measurements, and correlations of the variances."""
    means = {name: look.mean for name, look in looks.items()}
    centre = means["place"].mean(0)
    variances = means["square"] - 2 * means["place"] * centre + centre**2
    rows = []
    for i, (h, C) in enumerate(zip(place.h, np.diag(place.C), strict=True)):
        point = {"direction": i, "h": float(h), "C": float(C)}
        rows.append(Measurement("variance", point, Estimate.mean(variances[:, i]), group=group))
        rows.append(Measurement("step", point, Estimate.mean(means["step"][:, i]), group=group))
    for column, entry in enumerate(place.pairs if "turned" in means else []):
        rows.append(Measurement("current", {}, Estimate.mean(means["turned"][:, column]), entry, group))
    if "work" not in means:
        return rows, np.corrcoef(variances.T).tolist()
    scale = settings["eta"] * (1 + settings.get("beta", 0.0)) / 2
    rows.append(Measurement("relation", {}, Estimate.quotient(means["work"], scale * means["energy"]), group=group))
    rows.append(
        Measurement("relation-full", {}, Estimate.quotient(means["fresh"], scale * means["energy"]), group=group)
    )
    return rows, np.corrcoef(variances.T).tolist()
