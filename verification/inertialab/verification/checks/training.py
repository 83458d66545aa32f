"""Real training: chains of SGD and momentum around a minimum, Hessian and noise measured, nothing fitted."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.data import load
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.models import MODELS
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.experiments.training import minimise, run_chains
from inertialab.verification.check import BaseCheck, Check, LimitCheck
from inertialab.verification.interval import Estimate
from inertialab.verification.measure import (
    Eigenpairs,
    Problem,
    chain_covariances,
    hessian,
    noise_covariance_in,
    top_eigenpairs,
)
from inertialab.verification.measure.calibration import calibrate
from inertialab.verification.study import Findings, Measurement, Study

RELAXATIONS = 4  # burn-in, in relaxation times of the slowest tested direction
PAIRS = 5  # off-diagonal entries judged: those where the noise is most correlated


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
    tick: Callable[[], None],
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
    problem, at, facts = _minimum(data, model, l2, rng, device)
    pairs, C, measured = _instruments(problem, at, directions, batch, torch_generator(rng, device))
    curvature, facts = pairs.values.cpu().numpy(), facts | measured
    found, shared, correlations = [], {}, {}
    for x in steepness:
        rate = float(x / curvature[0])
        eta = rate * (1 - settings["beta"]) if optimizer == "momentum-torch" else rate
        # The larger rates only serve the limit of small ones, through a mean over all directions.
        length = relaxations if x == min(steepness) else relaxations / 2
        samples = run_chains(
            problem,
            optimizer,
            {"eta": eta, **settings},
            start=at,
            basis=pairs.vectors,
            chains=chains,
            batch=batch,
            rng=rng,
            tick=tick,
            **_schedule(1 / (rate * curvature[-1]), length),
        )
        group = f"eta*lambda1={x:g}"
        shared[group] = {"eta": eta, **settings, "B": batch, "H": np.diag(curvature).tolist(), "C": C.tolist()}
        rows, correlations[group] = _second_moments(samples, group, curvature, C)
        found += rows
    return Findings(tuple(found), facts, shared, correlations)


def _schedule(relaxation: float, length: float) -> dict[str, int]:
    """Burn-in and sampling of a chain whose slowest direction relaxes in so many steps."""
    every = max(1, int(0.1 * relaxation))
    return {"burn_in": int(RELAXATIONS * relaxation), "samples": int(length * relaxation / every), "every": every}


def _minimum(
    data: str, model: str, l2: float, rng: np.random.Generator, device: torch.device
) -> tuple[TrainingProblem, Tensor, dict[str, Any]]:
    dataset = load(data)
    # Weights are drawn on the CPU, so that every device starts from the same ones.
    net = MODELS[model](dataset.inputs.shape[1], dataset.classes, torch_generator(rng, torch.device("cpu"))).to(device)
    problem = TrainingProblem(net, dataset.inputs.to(device), dataset.targets.to(device), l2)
    at, norm = minimise(problem)
    return problem, at, {"parameters": at.numel(), "gradient norm": norm, "loss": float(problem.value(at))}


def _instruments(
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


def _second_moments(
    samples: np.ndarray, group: str, curvature: np.ndarray, C: np.ndarray
) -> tuple[list[Measurement], list[list[float]]]:
    k = len(curvature)
    entries = [(i, i) for i in range(k)] + _most_correlated(C)
    units = np.stack([chain_covariances(samples, *entry) for entry in entries])
    estimates = [Estimate.mean(unit) for unit in units]
    rows = [Measurement("covariance", {}, e, entry, group) for e, entry in zip(estimates, entries, strict=True)]
    # The same diagonal as scalars, for the claims that speak of one direction.
    rows += [
        Measurement(
            "variance",
            {"direction": i, "h": float(curvature[i]), "C": float(C[i, i])},
            estimates[i],
            group=group,
        )
        for i in range(k)
    ]
    return rows, np.corrcoef(units[:k]).tolist()


def _most_correlated(C: np.ndarray) -> list[tuple[int, int]]:
    spread = np.sqrt(np.diag(C))
    rows, columns = np.tril_indices(len(C), -1)
    order = np.argsort(-np.abs((C / np.outer(spread, spread))[rows, columns]))[:PAIRS]
    return [(int(rows[o]), int(columns[o])) for o in order]


def _study(id: str, model: str, optimizer: str, steepness: Sequence[float], **changes: Any) -> Study:
    config = {
        "data": id.partition("-")[0],
        "model": model,
        "l2": 0.001,
        "optimizer": optimizer,
        "settings": {} if optimizer == "sgd" else {"beta": 0.9},
        "steepness": steepness,
        "directions": 10,
        "batch": 16,
        "chains": 600,
        "relaxations": 20.0,
    }
    return Study(id, fluctuations, {**config, **changes}, full={"relaxations": 60.0}, data=config["data"])


STUDIES = (
    _study("digits-softmax-sgd", "softmax-regression", "sgd", (0.2, 0.05)),
    _study("digits-mlp-sgd", "tanh-mlp", "sgd", (0.2, 0.02), l2=0.01),
    _study("digits-softmax-torch", "softmax-regression", "momentum-torch", (0.05,)),
    _study("digits-mlp-torch", "tanh-mlp", "momentum-torch", (0.02,), l2=0.01),
    _study("digits-softmax-ema", "softmax-regression", "momentum-ema", (0.05,), directions=5),
    _study("banknote-softmax-sgd", "softmax-regression", "sgd", (0.02,), directions=3, l2=0.01),
    _study("cardiotocography-softmax-sgd", "softmax-regression", "sgd", (0.05,), directions=5, l2=0.01),
)


def _smallest(study: Study) -> Callable[[Any], bool]:
    """Whether a measurement was made at the smallest learning rate of its study, the one that is judged."""

    def where(point: Any) -> bool:
        rate = point["eta"] / (1 - point["beta"]) if study.config["optimizer"] == "momentum-torch" else point["eta"]
        return rate * point["H"][0][0] <= min(study.config["steepness"]) * (1 + 1e-9)

    return where


def _checks(study: Study) -> list[BaseCheck]:
    law = LAWS[study.config["optimizer"]]
    where = _smallest(study)
    checks: list[BaseCheck] = [Check(law, "real", study.id, "variance", 0.1, where=where)]
    if law == "sgd.stationary-variance":
        matrix = ("sgd.stationary-covariance", "real", study.id, "covariance", 0.1, where)
        checks += [Check(*matrix), Check(*matrix, off_diagonal=True)]
    if len(study.config["steepness"]) > 1:
        checks.append(LimitCheck(law, "real", study.id, "variance", 0.03))
    return checks


LAWS = {
    "sgd": "sgd.stationary-variance",
    "momentum-torch": "momentum.stationary-variance-torch",
    "momentum-ema": "momentum.stationary-variance",
}
CHECKS = tuple(check for study in STUDIES for check in _checks(study))
