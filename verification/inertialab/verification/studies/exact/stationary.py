"""Exact numerics of stationary laws: Lyapunov equations of the true maps, covariances of noise within an epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.exact import recursion, stationary_moments
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick


def solved(optimizer: str, points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Stationary variance from SciPy's discrete Lyapunov solver."""
    found = []
    for point in points:
        A, kick = recursion(optimizer, **{k: v for k, v in point.items() if k != "C"})
        moments = stationary_moments(A, point["C"] * kick @ kick.T)
        found.append(Measurement("variance", point, Estimate(float(moments[0, 0]))))
    return Findings(tuple(found))


def solved_matrix(
    problems: Sequence[Mapping[str, Any]], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Stationary covariance from SciPy's discrete Lyapunov solver."""
    found = []
    for point in problems:
        H = np.array(point["H"])
        S = stationary_moments(np.eye(len(H)) - point["eta"] * H, point["eta"] ** 2 * np.array(point["C"]))
        entries = [(i, j) for i in range(len(H)) for j in range(i + 1)]
        found += [Measurement("covariance", point, Estimate(float(S[e])), entry=e) for e in entries]
    return Findings(tuple(found))


def velocities(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean squared displacement of a step of EMA momentum, from the stationary moments and the recursion."""
    found = []
    for point in points:
        A, kick = recursion("momentum-ema", **{k: x for k, x in point.items() if k != "C"})
        noise = point["C"] * kick @ kick.T
        change = A - np.eye(2)
        moved = change @ stationary_moments(A, noise) @ change.T + noise
        found.append(Measurement("step", point, Estimate(float(moved[0, 0]))))
    return Findings(tuple(found))


def solved_momentum_matrix(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Covariance under PyTorch momentum, H and C not commuting, from the Lyapunov equation of all 2d variables."""
    found = []
    for point in points:
        H, C, eta, beta = (np.array(point[name]) for name in ("H", "C", "eta", "beta"))
        one = np.eye(len(H))
        A = np.block([[one - eta * H, -eta * beta * one], [H, beta * one]])
        kick = np.vstack([-eta * one, one])
        found += _entries(point, stationary_moments(A, kick @ C @ kick.T)[: len(H), : len(H)])
    return Findings(tuple(found))


def smaller_steps(
    problem: Mapping[str, Any], rates: Sequence[float], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """One entry of SGD's exact covariance at several learning rates."""
    found = []
    for eta in rates:
        H, C = np.array(problem["H"]), np.array(problem["C"])
        S = stationary_moments(np.eye(len(H)) - eta * H, eta**2 * C)
        found.append(Measurement("covariance", {**problem, "eta": eta}, Estimate(float(S[0, 0])), (0, 0)))
    return Findings(tuple(found))


def epochs(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Variance under noises that sum to zero in each epoch, from their covariance matrix, mean over an epoch."""
    found = []
    for point in points:
        n, eta, r = point["n_batches"], point["eta"], 1 - point["eta"] * point["h"]
        noise = eta**2 * point["C"] * (n * np.eye(n) - 1) / (n - 1)
        # Row t holds how the noises before step t have moved the parameter.
        response = np.tril(r ** np.clip(np.subtract.outer(np.arange(n + 1), np.arange(1, n + 1)), 0, None), -1)
        kicks = np.einsum("ti,ij,tj->t", response, noise, response)
        start = kicks[-1] / (1 - r ** (2 * n))
        variance = r ** (2 * np.arange(n)) * start + kicks[:-1]
        found.append(Measurement("variance", point, Estimate(float(variance.mean()))))
    return Findings(tuple(found))


def _entries(point: Mapping[str, Any], S: np.ndarray) -> list[Measurement]:
    pairs = [(i, j) for i in range(len(S)) for j in range(i + 1)]
    return [Measurement("covariance", point, Estimate(float(S[e])), entry=e) for e in pairs]
