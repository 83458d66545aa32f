"""Real training: chains of SGD and momentum around a minimum, Hessian and noise measured, nothing fitted."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.experiments.training import run_chains
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.measure.lanczos import Eigenpairs
from inertialab.verification.measure.moments import chain_covariances
from inertialab.verification.studies.particles.networks import derivatives
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Tick
from inertialab.verification.studies.training.minima import instruments, minimum, most_correlated

RELAXATIONS = 4  # burn-in, in relaxation times of the slowest tested direction


def fluctuations(
    data: str,
    model: str,
    l2: float,
    optimizer: str,
    settings: dict[str, float],
    steepness: Sequence[float],
    directions: int,
    batch: int,
    chains: int,
    relaxations: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Covariance of the parameters around a minimum, along the top eigen-directions of the Hessian.

    Args:
        data: Data set.
        model: Row of `MODELS`.
        l2: Coefficient of the L2 penalty.
        optimizer: Row of `OPTIMIZERS`.
        settings: Its settings beside eta.
        steepness: Values of eta·λ₁ to run at; for PyTorch momentum of eta/(1-beta)·λ₁.
        directions: Number of eigen-directions.
        batch: Batch size.
        chains: Number of independent chains.
        relaxations: Length of the measured stretch at the smallest rate, in relaxation times of the slowest
            direction.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    problem, at, facts = minimum(data, model, l2, rng, device)
    pairs, C, measured = instruments(problem, at, directions, batch, torch_generator(rng, device))
    chosen: dict[str, Any] = {"steepness": steepness, "batch": batch, "chains": chains, "relaxations": relaxations}
    found = _around(problem, at, pairs, C, optimizer, settings, **chosen, rng=rng, tick=tick)
    return replace(found, facts=facts | measured)


def _around(
    problem: TrainingProblem,
    at: Tensor,
    pairs: Eigenpairs,
    C: np.ndarray,
    optimizer: str,
    settings: dict[str, float],
    steepness: Sequence[float],
    batch: int,
    chains: int,
    relaxations: float,
    *,
    rng: np.random.Generator,
    tick: Tick,
) -> Findings:
    """Second moments of chains around a minimum, at several learning rates."""
    curvature, spread = pairs.values.cpu().numpy(), _spread(problem, at, pairs, batch)
    found, shared, correlations = [], {}, {}
    for x in steepness:
        rate = float(x / curvature[0])
        eta = rate * (1 - settings["beta"]) if optimizer == "momentum-torch" else rate
        # The larger rates only serve the limit of small ones, through a mean over all directions.
        length = relaxations if x == min(steepness) else relaxations / 2
        # As trainings do, in single precision: rounding moves a weight by 1e-7 of itself in a step, noise by 1e-3.
        samples = run_chains(
            problem.single(),
            optimizer,
            {"eta": eta, **settings},
            start=at.float(),
            basis=pairs.vectors,
            chains=chains,
            batch=batch,
            rng=rng,
            tick=tick,
            **_schedule(1 / (rate * curvature[-1]), length),
        )
        group = f"eta*lambda1={x:g}"
        shared[group] = {"eta": eta, **settings, "B": batch, "H": np.diag(curvature).tolist(), "C": C.tolist()}
        growth = rate * spread / (2 * curvature)
        rows, correlations[group] = _second_moments(samples, group, curvature, C, growth)
        found += rows
    return Findings(tuple(found), {}, shared, correlations)


def _schedule(relaxation: float, length: float) -> dict[str, Any]:
    """Burn-in and sampling of a chain whose slowest direction relaxes in so many steps."""
    every = max(1, int(0.1 * relaxation))
    return {"burn_in": int(RELAXATIONS * relaxation), "samples": int(length * relaxation / every), "every": every}


def _spread(problem: TrainingProblem, at: Tensor, pairs: Eigenpairs, batch: int) -> np.ndarray:
    """Variance of the curvature of batches along each direction, shape (k,)."""
    known = problem.model, problem.loss, problem.named(at)
    along = [problem.named(v) for v in pairs.vectors.T]
    bends = (derivatives(*known, v, problem.inputs, problem.targets)[1] for v in along)
    return np.array([float(bend.var()) / batch for bend in bends])


def _second_moments(
    samples: np.ndarray, group: str, curvature: np.ndarray, C: np.ndarray, growth: np.ndarray
) -> tuple[list[Measurement], list[list[float]]]:
    """Covariances with the share by which curvatures that differ between batches would widen each direction."""
    k = len(curvature)
    entries = [(i, i) for i in range(k)] + most_correlated(C)
    units = np.stack([chain_covariances(samples, *entry) for entry in entries])
    estimates = [Estimate.mean(unit) for unit in units]
    rows = [
        Measurement("covariance", {"noise_growth": float(max(growth[list(entry)]))}, e, entry, group)
        for e, entry in zip(estimates, entries, strict=True)
    ]
    # The same diagonal as scalars, for the claims that speak of one direction.
    rows += [
        Measurement(
            "variance",
            {"direction": i, "h": float(curvature[i]), "C": float(C[i, i]), "noise_growth": float(growth[i])},
            estimates[i],
            group=group,
        )
        for i in range(k)
    ]
    return rows, np.corrcoef(units[:k]).tolist()


def fluctuation_scatter(
    data: str,
    model: str,
    l2: float,
    optimizer: str,
    settings: dict[str, float],
    steepness: Sequence[float],
    directions: int,
    batch: int,
    chains: int,
    relaxations: float,
    seeds: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Scatter of covariances around one minimum over their claimed errors, new chains for each seed."""
    problem, at, _ = minimum(data, model, l2, rng, device)
    pairs, C, _ = instruments(problem, at, directions, batch, torch_generator(rng, device))
    chosen: dict[str, Any] = {"steepness": steepness, "batch": batch, "chains": chains, "relaxations": relaxations}
    return scatter(partial(_around, problem, at, pairs, C, optimizer, settings, **chosen), seeds, rng=rng, tick=tick)
