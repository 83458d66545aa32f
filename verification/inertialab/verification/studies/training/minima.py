"""Minima of real training problems with what is measured there: Hessian, noise, directions; nothing is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.data import load
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.models import MODELS
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.experiments.training import Chains, minimise
from inertialab.verification.measure.calibration import calibrate
from inertialab.verification.measure.curvature import hessian
from inertialab.verification.measure.lanczos import Eigenpairs, top_eigenpairs
from inertialab.verification.measure.noise import noise_covariance, noise_covariance_in
from inertialab.verification.measure.problem import Problem

PAIRS = 5  # off-diagonal entries judged: those where the noise is most correlated


def untrained(data: str, model: str, l2: float, rng: np.random.Generator, device: torch.device) -> TrainingProblem:
    """A problem whose model has drawn initial weights."""
    dataset = load(data)
    # Weights are drawn on the CPU, so that every device starts from the same ones.
    net = MODELS[model](dataset.inputs.shape[1], dataset.classes, torch_generator(rng, torch.device("cpu"))).to(device)
    return TrainingProblem(net, dataset.inputs.to(device), dataset.targets.to(device), l2)


def minimum(
    data: str, model: str, l2: float, rng: np.random.Generator, device: torch.device
) -> tuple[TrainingProblem, Tensor, dict[str, Any]]:
    """A problem, its minimum from drawn initial weights, and facts about it.

    Args:
        data: Data set.
        model: Row of `MODELS`.
        l2: Coefficient of the L2 penalty.
        rng: Source of the weights.
        device: Where to run.
    """
    problem = untrained(data, model, l2, rng, device)
    at, norm = minimise(problem)
    return problem, at, {"parameters": at.numel(), "gradient norm": norm, "loss": float(problem.value(at))}


RATE, BATCH = 0.5, 32
"""Of trainings that are stopped on their way."""


def reached(point: Mapping[str, Any], rng: np.random.Generator, device: torch.device) -> tuple[TrainingProblem, Tensor]:
    """A problem and its minimum, or where so many `steps` of SGD from drawn initial weights lead.

    Args:
        point: `data`, `model`, `l2`, and for models that reach no minimum in reasonable time `steps`.
        rng: Source of the weights and of the batches.
        device: Where to run.
    """
    where = (point["data"], point["model"], point["l2"], rng, device)
    if "steps" not in point:
        return minimum(*where)[:2]
    problem = untrained(*where)
    generator = torch_generator(rng, device)
    run = Chains(problem, "sgd", {"eta": RATE}, problem.start[None], batch=BATCH, generator=generator)
    return problem, run.run(point["steps"]).theta[0]


def instruments(
    trained: TrainingProblem, at: Tensor, directions: int, batch: int, generator: torch.Generator
) -> tuple[Eigenpairs, np.ndarray, dict[str, Any]]:
    """Top eigenpairs of the Hessian and the noise covariance along them, calibrated."""
    problem = Problem.of(trained, at)
    pairs = top_eigenpairs(hessian(problem), directions, rtol=1e-6, generator=generator)
    C = noise_covariance_in(problem, pairs.vectors, batch=batch).cpu().numpy()
    curvature = pairs.values.cpu().numpy()
    facts = {
        "lambda": curvature.tolist(),
        "residuals": pairs.residuals.tolist(),
        "B*C/H": (batch * np.diag(C) / curvature).tolist(),
        "calibration": calibrate(trained, at, pairs),
    }
    return pairs, C, facts


@dataclass(frozen=True)
class Whole:
    """Hessian and noise over all parameters of a small network.

    Attributes:
        H: Shape (P, P), in the basis of the parameters.
        C: Covariance of the minibatch gradient, shape (P, P).
    """

    H: np.ndarray
    C: np.ndarray

    @property
    def curvatures(self) -> np.ndarray:
        """Eigenvalues of H, ascending."""
        return np.linalg.eigvalsh(self.H)


def whole(trained: TrainingProblem, at: Tensor, batch: int) -> Whole:
    """Hessian and noise at a point, in all parameters."""
    problem = Problem.of(trained, at)
    H, C = (x.to_dense().cpu().numpy() for x in (hessian(problem), noise_covariance(problem, batch=batch)))
    return Whole((H + H.T) / 2, (C + C.T) / 2)


def most_correlated(C: np.ndarray, count: int = PAIRS) -> list[tuple[int, int]]:
    """The entries below the diagonal of a covariance whose correlations are the largest."""
    spread = np.sqrt(np.diag(C))
    rows, columns = np.tril_indices(len(C), -1)
    order = np.argsort(-np.abs((C / np.outer(spread, spread))[rows, columns]))[:count]
    return [(int(rows[o]), int(columns[o])) for o in order]
