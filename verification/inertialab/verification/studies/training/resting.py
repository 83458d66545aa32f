"""Adaptive methods in real training, at rest around a minimum: their rule knows the axes of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.experiments.training import Average, Chains
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.training.decay import held, penalties, pulls, rested
from inertialab.verification.studies.training.minima import Whole, minimum, most_correlated, whole

RELAXATIONS = 3
"""Burn-in, in relaxation times of the slowest mode."""
MEMORIES = 3
"""and of the second moment, which starts as that of the noise."""
LONG_AGO = 1e6
"""Step that adaptive methods are told they are at, so that no correction of a start is left."""


def resting(
    data: str,
    model: str,
    l2: float,
    optimizer: str,
    points: Points,
    directions: int,
    chains: int,
    relaxations: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Covariance around a minimum along the directions that relax the fastest, a minimum for every point.

    Under decoupled decay it is about the resting place; measured is also what holds the parameters farthest from zero.

    Args:
        data: Data set.
        model: Row of `MODELS`, small: the Hessian and the noise of all parameters are among the conditions.
        l2: Coefficient of the L2 penalty.
        optimizer: Row of `OPTIMIZERS`.
        points: `B`, settings, and `steepness`: eta times the largest curvature, of the Hessian between the roots of
            the preconditioner for Adam, AdamW and RAdam.
        directions: How many are measured.
        chains: Number of independent chains.
        relaxations: Length of the measured stretch, in relaxation times of the slowest of them.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    found, shared, correlations, facts = [], {}, {}, {}
    for number, point in enumerate(points):
        problem, at, about = minimum(data, model, l2, rng, device)
        decay = point.get("decay", 0.0)
        at = rested(problem, at, point["B"], decay) if decay else at
        there = whole(problem, at, point["B"])
        settings, basis, relaxation = prepared(optimizer, point, there, directions)
        group = f"point {number}: eta={settings['eta']:.3g}, B={point['B']}"
        # As trainings do, chains run in single precision; what is averaged is summed in double.
        problem, at = problem.single(), at.float()
        looks = looks_along(optimizer, at, torch.as_tensor(basis, dtype=at.dtype, device=device), settings)
        looks |= pulls(at, directions) if decay else {}
        crowd = begun(problem, at, optimizer, settings, there, point["B"], chains, torch_generator(rng, device))
        if decay:
            crowd.give(exp_avg_sq=held(there.C, at, decay))
        crowd.run(_burn_in(settings, relaxation), tick=tick)
        crowd.run(int(relaxations * relaxation), *looks.values(), tick=tick)
        known = {**settings, "B": point["B"]}
        shared[group] = {**known, "H": there.H.tolist(), "C": there.C.tolist(), "basis": basis.tolist()}
        rows, correlations[group] = covariances(looks, basis.T @ there.C @ basis, group)
        found += rows
        if decay:
            # A condition of the law is where they rest; at whose places it is measured says the other one.
            shared[group]["theta_rest"] = at.tolist()
            rows, correlated = penalties(looks, decay, f"{group}, decay")
            found, correlations = found + rows, correlations | correlated
        facts[group] = {**about, "largest": float(there.curvatures[-1]), "smallest": float(there.curvatures[0])}
    return Findings(tuple(found), facts, shared, correlations)


def prepared(
    optimizer: str, point: Mapping[str, Any], there: Whole, directions: int
) -> tuple[dict[str, float], np.ndarray, float]:
    """The optimizer's settings, directions of unit length, shape (P, k), and steps in which the slowest relaxes."""
    second = np.diag(there.C) if optimizer in ("adam", "adamw", "radam") else np.ones(len(there.C))
    root = second**-0.25
    curvatures, modes = np.linalg.eigh(root[:, None] * there.H * root)
    basis = (modes / root[:, None])[:, ::-1][:, :directions]
    eta = float(point["steepness"] / curvatures[-1])
    settings = {k: x for k, x in point.items() if k not in ("steepness", "B")}
    slowest = curvatures[-directions] + point.get("decay", 0.0)
    return {"eta": eta, **settings}, basis / np.linalg.norm(basis, axis=0), float(1 / (eta * slowest))


def _burn_in(settings: Mapping[str, float], relaxation: float) -> int:
    memory = 1 / (1 - settings["beta2"]) if "beta2" in settings else 0.0
    return int(RELAXATIONS * relaxation + MEMORIES * memory)


def begun(
    problem: TrainingProblem,
    at: Tensor,
    optimizer: str,
    settings: Mapping[str, float],
    there: Whole,
    batch: int,
    chains: int,
    generator: torch.Generator,
) -> Chains:
    """Chains at the minimum, long after the start of their averages."""
    crowd = Chains(problem, optimizer, settings, at.repeat(chains, 1), batch=batch, generator=generator)
    return aged(crowd, settings, there)


def aged(crowd: Chains, settings: Mapping[str, float], there: Whole) -> Chains:
    """Chains long after the start of their averages: second moments are those of the noise, nothing is corrected."""
    if "beta2" in settings:
        second = torch.as_tensor(np.diag(there.C).copy(), device=crowd.theta.device)
        crowd.warm(1)
        full = {"bias_correction": 1.0} if "bias_correction" in crowd.state else {}
        crowd.give(exp_avg_sq=second, step=LONG_AGO, **full)
    return crowd


def looks_along(optimizer: str, at: Tensor, basis: Tensor, settings: Mapping[str, float]) -> dict[str, Average]:
    """Means over time of places and products of places along directions, and with Adai of the inertia along them."""

    def place(c: Chains) -> Tensor:
        return (c.theta - at) @ basis

    def product(c: Chains) -> Tensor:
        x = place(c)
        return x[:, :, None] * x[:, None, :]

    looks = {"place": Average(place, 3), "product": Average(product, 3)}
    if optimizer == "adai":
        looks["inertia"] = Average(lambda c: _inertia(c.state["exp_avg_sq"], settings) @ basis.square(), 30)
    return looks


def _inertia(second: Tensor, settings: Mapping[str, float]) -> Tensor:
    """1 - beta1 of every coordinate of every chain: the share of the newest gradient in its buffer."""
    return (settings["beta0"] * second / second.mean(1, keepdim=True)).clamp(settings["eps"], 1)


def covariances(looks: Mapping[str, Average], C: np.ndarray, group: str) -> tuple[list[Measurement], list[list[float]]]:
    """Products about the mean of all chains, whose own error is smaller by the number of chains; and correlations."""
    places, products = looks["place"].mean, looks["product"].mean
    centre = places.mean(0)
    shift = places[:, :, None] * centre
    units = products - shift - shift.transpose(0, 2, 1) + np.multiply.outer(centre, centre)
    rows = []
    for i, j in [(i, i) for i in range(len(C))] + most_correlated(C):
        known = {"kappa": float(looks["inertia"].mean[:, i].mean())} if i == j and "inertia" in looks else {}
        rows.append(Measurement("covariance", known, Estimate.mean(units[:, i, j]), (i, j), group))
    return rows, np.corrcoef(np.diagonal(units, axis1=1, axis2=2).T).tolist()
