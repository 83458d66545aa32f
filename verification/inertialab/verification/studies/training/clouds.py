"""SGD in real training where the state is wide: Hessian and noise averaged over the places that it visits."""

from __future__ import annotations

import numpy as np
import torch

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.verification.studies.study import Findings, Points, Tick
from inertialab.verification.studies.training.minima import Whole, minimum, whole
from inertialab.verification.studies.training.resting import begun, covariances, looks_along, prepared

RELAXATIONS = 2.5
"""Burn-in, in relaxation times of the slowest direction of all."""


def wide(
    data: str,
    model: str,
    l2: float,
    points: Points,
    directions: int,
    chains: int,
    members: int,
    relaxations: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Covariance around a minimum; Hessian and noise at the minimum, and their means over chains that are not judged.

    Args:
        data: Data set.
        model: Row of `MODELS`, small.
        l2: Coefficient of the L2 penalty.
        points: `B` and `steepness`, eta·λ₁.
        directions: Number of top eigen-directions of the Hessian.
        chains: Number of independent chains that are judged.
        members: Number of further chains, at whose places Hessian and noise are measured, and at their mirror images
            about the mean, which takes away what is linear in the place.
        relaxations: Length of the measured stretch, in relaxation times of the slowest of the directions.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    found, shared, correlations, facts = [], {}, {}, {}
    for number, point in enumerate(points):
        problem, at, about = minimum(data, model, l2, rng, device)
        there = whole(problem, at, point["B"])
        settings, basis, relaxation = prepared("sgd", point, there, directions)
        wait = int(RELAXATIONS / (settings["eta"] * there.curvatures[0]))
        options = (problem, at, "sgd", settings, there, point["B"])
        pilots = begun(*options, members, torch_generator(rng, device)).run(wait, tick=tick)
        mirrored = 2 * pilots.theta.mean(0) - pilots.theta
        mean = _mean(problem, torch.cat([pilots.theta, mirrored]), point["B"], tick)
        looks = looks_along("sgd", at, torch.as_tensor(basis.copy(), device=device), settings)
        crowd = begun(*options, chains, torch_generator(rng, device)).run(wait, tick=tick)
        crowd.run(int(relaxations * relaxation), *looks.values(), tick=tick)
        group = f"point {number}: eta={settings['eta']:.3g}, B={point['B']}"
        shared[group] = {**settings, **point, "H": there.H.tolist(), "C": there.C.tolist(), "basis": basis.tolist()}
        shared[group] |= {"H_mean": mean.H.tolist(), "C_mean": mean.C.tolist()}
        rows, correlations[group] = covariances(looks, basis.T @ there.C @ basis, group)
        found += rows
        facts[group] = {**about, "curvature grows": _growth(mean.H, there.H, basis)}
        facts[group]["noise grows"] = grown = _growth(mean.C, there.C, basis)
        shared[group]["noise_growth"] = max(grown) - 1
    return Findings(tuple(found), facts, shared, correlations)


def _mean(problem: TrainingProblem, places: torch.Tensor, batch: int, tick: Tick) -> Whole:
    """Hessian and noise averaged over places, shape (members, P)."""
    H, C = 0.0, 0.0
    for place in places:
        one = whole(problem, place, batch)
        H, C = H + one.H / len(places), C + one.C / len(places)
        tick()
    return Whole(np.asarray(H), np.asarray(C))


def _growth(mean: np.ndarray, at: np.ndarray, basis: np.ndarray) -> list[float]:
    """Averages over values at the minimum, along directions."""
    return [float(x) for x in np.diag(basis.T @ mean @ basis) / np.diag(basis.T @ at @ basis)]
