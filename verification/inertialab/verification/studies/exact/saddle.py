"""Exact numerics of transients: the optimizers themselves, asked for one step or stepped without noise, in float64."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.exact import moments_after
from inertialab.optim import OPTIMIZERS, set_momentum_buffer
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.one_step import linear_step, matrix_step
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, lower, settings_of


def iterated(
    optimizer: str,
    points: Points,
    times: Sequence[int],
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean squared displacement by iterating the second moments of the optimizer's own step."""
    found = []
    for point in points:
        A, kick = linear_step(optimizer, settings_of(point), point["h"])
        start = np.zeros_like(A)
        start[-1, -1] = point.get("v0sq", 0.0)
        for T in times:
            moments = moments_after(A, point["C"] * kick @ kick.T, start, T)
            found.append(Measurement("msd", {**point, "T": T}, Estimate(float(moments[0, 0]))))
    return Findings(tuple(found))


def iterated_matrix(
    problems: Sequence[Mapping[str, Any]],
    times: Sequence[int],
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Covariance by iterating the second moments of SGD's own step, H and C not commuting."""
    found = []
    for point in problems:
        A, kick = matrix_step("sgd", {"eta": point["eta"]}, np.array(point["H"]))
        noise = kick @ np.array(point["C"]) @ kick.T
        for T in times:
            S = moments_after(A, noise, np.zeros_like(A), T)
            at = {**point, "T": T}
            found += [Measurement("covariance", at, Estimate(float(S[e])), entry=e) for e in lower(len(S))]
    return Findings(tuple(found))


def growths(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Largest eigenvalue of the step of EMA momentum."""
    rows = []
    for point in points:
        A, _ = linear_step("momentum-ema", settings_of(point), point["h"])
        rows.append(Measurement("growth", point, Estimate(float(np.abs(np.linalg.eigvals(A)).max()))))
    return Findings(tuple(rows))


def entries(
    points: Points, times: Sequence[int], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Displacement after a ballistic entry: EMA momentum run without noise."""
    found = []
    for point in points:
        theta = torch.zeros(1, dtype=torch.float64)
        stepper = OPTIMIZERS["momentum-ema"].make([theta], **settings_of(point))
        set_momentum_buffer(stepper, torch.full((1,), point["m0"], dtype=torch.float64))
        for T in range(1, max(times) + 1):
            theta.grad = point["h"] * theta
            stepper.step()
            if T in times:
                found.append(Measurement("displacement", {**point, "T": T}, Estimate(float(theta))))
    return Findings(tuple(found))


def cold_starts(
    points: Points, times: Sequence[int], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Squared responses to every single noise under bias-corrected momentum, summed.

    Coordinate k meets a gradient of one in step k and none else. Adai is run at constant inertia: `eps` above anything
    that the second moments ask for.
    """
    found = []
    for point in points:
        for T in times:
            theta = torch.zeros(T, dtype=torch.float64)
            stepper = OPTIMIZERS["adai"].make([theta], eta=1.0, beta0=1e-12, beta2=0.9, eps=1 - point["beta"])
            for row in torch.eye(T, dtype=torch.float64):
                theta.grad = row.clone()
                stepper.step()
            found.append(Measurement("msd", {**point, "T": T}, Estimate(float(theta @ theta))))
    return Findings(tuple(found))
