"""Leaving saddles of networks on data under Adam and Adai, whose rules know the axes of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.training import Chains
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, lower
from inertialab.verification.studies.training.minima import Whole, whole
from inertialab.verification.studies.training.saddles import THOUSANDS, Place, place

LONG_AGO = 1e6
"""Step that an optimizer is told it is at, so that no correction of a start is left."""
MEMORIES = 5
"""Steps at rate zero in which buffers fill, in units of the longest memory."""


def spreads(
    saddle: str,
    directions: int,
    points: Points,
    chains: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Covariances along the negative directions of a saddle, buffers warm and second moments those of the noise.

    Args:
        saddle: Name of a kept saddle of few parameters: Hessian and noise of all of them are among the conditions.
        directions: Number of negative curvatures.
        points: `optimizer`, its settings, `B`, `steepness` = η times the largest curvature, with Adam of the Hessian
            between the roots of the preconditioner, and `growths`, values of η|h|T with the lowest of these curvatures.
        chains: Number of independent chains.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    here, rows, shared = place(saddle, directions, rng, device), [], {}
    basis = here.vectors.cpu().numpy()
    for number, point in enumerate(points):
        there = whole(here.problem, here.at, point["B"])
        settings, times = _settings(point, there)
        seen = _run(here, point, settings, there, times, chains, torch_generator(rng, device), tick)
        for T, moved in zip(times, seen, strict=True):
            group = f"{saddle} {number}: {point['optimizer']} T={T}"
            known = {**settings, "B": point["B"], "T": T, "basis": basis.tolist()}
            shared[group] = {**known, "H": there.H.tolist(), "C": there.C.tolist()}
            along = (moved - moved.mean(0)) @ basis
            inertia = _inertia(there, settings) @ basis**2 if "beta0" in settings else np.ones(directions)
            for i, j in lower(directions):
                found = Estimate.mean(along[:, i] * along[:, j])
                rows.append(Measurement("covariance", {"kappa": float(inertia[i])}, found, (i, j), group))
    return Findings(tuple(rows), here.facts, shared)


def _settings(point: Mapping[str, Any], there: Whole) -> tuple[dict[str, float], list[int]]:
    """The optimizer's settings and the times of the growths."""
    second = np.diag(there.C) if point["optimizer"] == "adam" else np.ones(len(there.C))
    root = second**-0.25
    curvatures = np.linalg.eigvalsh(root[:, None] * there.H * root)
    eta = float(point["steepness"] / curvatures[-1])
    own = {k: x for k, x in point.items() if k not in ("optimizer", "steepness", "B", "growths")}
    return {"eta": eta, **own}, [max(1, round(x / (eta * -curvatures[0]))) for x in point["growths"]]


def _inertia(there: Whole, settings: Mapping[str, float]) -> np.ndarray:
    """Share of the newest gradient in the buffer of each coordinate, as the noise makes it."""
    second = np.diag(there.C)
    return np.clip(settings["beta0"] * second / second.mean(), settings["eps"], 1)


def _run(
    here: Place,
    point: Mapping[str, Any],
    settings: Mapping[str, float],
    there: Whole,
    times: list[int],
    chains: int,
    generator: torch.Generator,
    tick: Tick,
) -> np.ndarray:
    """Displacements at each time, shape (times, chains, P)."""
    second = torch.as_tensor(np.diag(there.C).copy(), device=here.at.device)
    # As trainings do, chains run in single precision: rounding moves a weight by 1e-7 of itself in a step.
    problem, parts = here.problem.single(), []
    for first in range(0, chains, THOUSANDS):
        start = here.at.float().repeat(min(THOUSANDS, chains - first), 1)
        crowd = Chains(problem, point["optimizer"], settings, start, batch=point["B"], generator=generator)
        if point.get("start") == "cold":
            _settle(crowd, second)
        elif "beta2" in settings:
            memory = 1 / settings["eps"] if "eps" in settings else 1 / (1 - settings["beta"])
            _warm(crowd, second, int(np.ceil(MEMORIES * memory)))
        parts.append(_seen(crowd, here.at, times, tick))
    return np.concatenate(parts, axis=1)


def _warm(crowd: Chains, second: Tensor, steps: int) -> None:
    """Fill the buffers by real batches, second moments being those that the noise makes in the long run."""
    _settle(crowd, second)
    if "bias_correction" in crowd.state:
        crowd.give(bias_correction=1.0)
    crowd.warm(steps).give(exp_avg_sq=second)


def _settle(crowd: Chains, second: Tensor) -> None:
    """Second moments as in the long run; buffers empty, and those of Adai corrected for it as at the start."""
    crowd.warm(1).give(exp_avg_sq=second, step=LONG_AGO, exp_avg=0.0)
    if "bias_correction" in crowd.state:
        crowd.give(bias_correction=0.0)


def _seen(crowd: Chains, at: Tensor, times: list[int], tick: Tick) -> np.ndarray:
    records = []
    for T in times:
        crowd.run(T - crowd.steps, tick=tick)
        records.append((crowd.theta.double() - at).cpu().numpy())
    return np.stack(records)


def speeds(
    saddle: str,
    coordinates: int,
    points: Points,
    chains: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Spread of Adai along the axes that the lowest direction has most of, where no curvature matters yet.

    Warm, over that of SGD at the same rate; and from empty buffers with bias correction, in units of one step of SGD.

    Args:
        saddle: As for `spreads`.
        coordinates: Number of axes.
        points: `steepness`, `B`, `beta0`, `beta2`, `eps` and `times`, so early that no curvature matters.
        chains: Number of independent chains of either optimizer.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    here, rows = place(saddle, 1, rng, device), []
    axes = here.vectors[:, 0].abs().argsort(descending=True)[:coordinates].cpu().numpy()
    for point in points:
        there, times = whole(here.problem, here.at, point["B"]), list(point["times"])
        given = {k: x for k, x in point.items() if k != "times"} | {"growths": []}
        seen = []
        for name in ("adai", "sgd"):
            own = given if name == "adai" else {k: x for k, x in given.items() if k not in ("beta0", "beta2", "eps")}
            settings, _ = _settings({**own, "optimizer": name}, there)
            about = {**point, "optimizer": name}
            seen.append(_run(here, about, settings, there, times, chains, torch_generator(rng, device), tick))
        inertia = _inertia(there, point)
        settings, _ = _settings({**given, "optimizer": "adai"}, there)
        about = {**point, "optimizer": "adai", "start": "cold"}
        cold = _run(here, about, settings, there, times, chains, torch_generator(rng, device), tick)
        for T, adai, sgd, new in zip(times, *seen, cold, strict=True):
            for axis in axes:
                ratio = Estimate.mean(adai[:, axis] ** 2).over(Estimate.mean(sgd[:, axis] ** 2))
                about = {"kappa": float(inertia[axis]), "T": T, "axis": int(axis), "B": point["B"]}
                rows.append(Measurement("speed", about, ratio))
                step = settings["eta"] ** 2 * there.C[axis, axis]
                about = {"beta": 1 - about["kappa"], "T": T, "axis": int(axis), "B": point["B"]}
                rows.append(Measurement("cold", about, Estimate.mean(new[:, axis] ** 2 / step)))
    return Findings(tuple(rows), here.facts)
