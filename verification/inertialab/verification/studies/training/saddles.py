"""Leaving saddles of networks on data: curvature and noise measured, chains under the optimizers, nothing fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.experiments.training import Chains
from inertialab.experiments.training.known import known
from inertialab.verification.measure.curvature import hessian
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.measure.lanczos import top_eigenpairs
from inertialab.verification.measure.noise import noise_covariance_in
from inertialab.verification.measure.problem import Problem
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, lower

GRADIENT_NORM = 1e-10
"""That a saddle must have on the data here."""
THOUSANDS = 2000
"""Chains that run together; memory is for their batches."""


class NoSaddleError(RuntimeError):
    """A kept point that is no saddle of the loss here."""


@dataclass(frozen=True)
class Place:
    """A saddle with what was measured there.

    Attributes:
        problem: What is trained.
        at: Its parameters, shape (P,).
        vectors: Eigenvectors of the negative curvatures, the lowest first, shape (P, k).
        curvatures: These, shape (k,), L/θ².
        noise: Covariance of one sample's gradient along them, shape (k, k), (L/θ)².
        steepest: Largest curvature.
        facts: What is worth keeping.
    """

    problem: TrainingProblem
    at: Tensor
    vectors: Tensor
    curvatures: np.ndarray
    noise: np.ndarray
    steepest: float
    facts: dict[str, Any]


def place(name: str, directions: int, rng: np.random.Generator, device: torch.device) -> Place:
    """Measure a kept saddle.

    Args:
        name: Of its file.
        directions: Number of its negative curvatures that are measured, from the lowest.
        rng: Source of the start of the Lanczos iteration.
        device: Where to measure.

    Raises:
        NoSaddleError: If the gradient does not vanish there or a curvature is not negative.
    """
    trained, at = known(name, device)
    problem = Problem.of(trained, at)
    norm, operator, generator = float(problem.gradient().norm()), hessian(problem), torch_generator(rng, device)
    low = top_eigenpairs(operator, directions, "SA", 1e-7, generator=generator)
    order = low.values.argsort()
    h, U = low.values[order].cpu().numpy(), low.vectors[:, order]
    if norm > GRADIENT_NORM or h.max() >= 0:
        raise NoSaddleError(
            f"{name} has gradient norm {norm:.1e} and curvatures {h.round(6)} here; a saddle needs a norm below "
            f"{GRADIENT_NORM:.0e} and negative curvatures. Find it anew, `inertialab.experiments.training.known.keep`."
        )
    C = noise_covariance_in(problem, U, batch=1).cpu().numpy()
    steepest = float(top_eigenpairs(operator, 1, "LA", 1e-6, generator=generator).values[0])
    facts = {
        "gradient norm": norm,
        "curvatures": h.tolist(),
        "noise": np.diag(C).tolist(),
        "steepest": steepest,
        "parameters": len(at),
        "loss": problem.value(),
    }
    return Place(trained, at, U, h, C, steepest, facts)


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
    """Displacements from a saddle along its negative directions, under SGD or EMA momentum.

    Args:
        saddle: Name of its file.
        directions: Number of directions.
        points: `optimizer`, `steepness` = η times the largest curvature, batch size `B`, `growths`, values of η|h|T
            in the lowest direction; for momentum `beta` and `start`: "rest", "thermal", whose buffers come from real
            batches at the saddle, or "ballistic", a buffer along the lowest direction that carries freely for `reach`
            free standard deviations.
        chains: Number of independent chains.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    here = place(saddle, directions, rng, device)
    return replace(_left(saddle, here, points, chains, rng=rng, tick=tick), facts=here.facts)


def spread_scatter(
    saddle: str,
    directions: int,
    points: Points,
    chains: int,
    seeds: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Scatter of the moments at one saddle over their claimed errors, new chains for each seed."""
    here = place(saddle, directions, rng, device)
    return scatter(partial(_left, saddle, here, points, chains), seeds, rng=rng, tick=tick)


def _left(saddle: str, here: Place, points: Points, chains: int, *, rng: np.random.Generator, tick: Tick) -> Findings:
    rows, shared = [], {}
    for number, point in enumerate(points):
        eta = point["steepness"] / here.steepest
        settings = {"eta": eta} | ({"beta": point["beta"]} if "beta" in point else {})
        times = [max(1, round(x / (eta * -here.curvatures[0]))) for x in point["growths"]]
        entry = _entry(here, point, eta, times[-1])
        seen = _run(here, point, settings, entry, times, chains, rng, tick)
        for T, moved in zip(times, seen, strict=True):
            group = f"{saddle} {number}: {point['optimizer']} {point.get('start', '')} T={T}"
            shared[group] = {"eta": eta, "B": point["B"], "T": T, "H": np.diag(here.curvatures).tolist()}
            shared[group] |= {"C": (here.noise / point["B"]).tolist(), "start": point.get("start", "")}
            rows += _moments(here, point, {**settings, "m0": float(entry)}, T, moved, group)
    return Findings(tuple(rows), {}, shared)


def _entry(here: Place, point: Mapping[str, Any], eta: float, last: int) -> float:
    """Buffer along the lowest direction of a ballistic start: free flight of `reach` free standard deviations."""
    if point.get("start") != "ballistic":
        return 0.0
    spread = (eta**2 * here.noise[0, 0] / point["B"] * last) ** 0.5
    return point["reach"] * spread * (1 - point["beta"]) / (eta * point["beta"])


def _run(
    here: Place,
    point: Mapping[str, Any],
    settings: Mapping[str, float],
    entry: float,
    times: Sequence[int],
    chains: int,
    rng: np.random.Generator,
    tick: Tick,
) -> np.ndarray:
    """Displacements at each time, shape (times, chains, k)."""
    # As trainings do, chains run in single precision: rounding moves a weight by 1e-7 of itself in a step.
    problem, parts = here.problem.single(), []
    generator = torch_generator(rng, here.at.device)
    for first in range(0, chains, THOUSANDS):
        start = here.at.float().repeat(min(THOUSANDS, chains - first), 1)
        crowd = Chains(problem, point["optimizer"], settings, start, batch=point["B"], generator=generator)
        if point.get("start") == "thermal":
            crowd.warm(int(np.ceil(8 / (1 - settings["beta"]))))
        if entry:
            crowd.give(momentum_buffer=-entry * here.vectors[:, 0])
        parts.append(_seen(crowd, here, times, tick))
    return np.concatenate(parts, axis=1)


def _seen(crowd: Chains, here: Place, times: Sequence[int], tick: Tick) -> np.ndarray:
    records = []
    for T in times:
        crowd.run(T - crowd.steps, tick=tick)
        records.append(((crowd.theta.double() - here.at) @ here.vectors).cpu().numpy())
    return np.stack(records)


def _moments(
    here: Place, point: Mapping[str, Any], settings: Mapping[str, float], T: int, moved: np.ndarray, group: str
) -> list[Measurement]:
    """Covariance about the mean, mean squares, and the mean of a ballistic start."""
    centred = moved - moved.mean(0)
    rows = [
        Measurement("covariance", {}, Estimate.mean(centred[:, i] * centred[:, j]), (i, j), group)
        for i, j in lower(moved.shape[1])
    ]
    beta, B = point.get("beta", 0.0), point["B"]
    for i, (h, C) in enumerate(zip(here.curvatures, np.diag(here.noise) / B, strict=True)):
        about = {"direction": i, "h": float(h), "C": float(C), "v0sq": 0.0}
        if point.get("start") == "thermal":
            about["v0sq"] = float((1 - beta) / (1 + beta) * C)
        elif i == 0:
            about["v0sq"] = settings["m0"] ** 2
        if "beta" in point:
            about |= {"beta": beta} | _matched(settings["eta"], beta, float(C), T)
        rows.append(Measurement("variance", about, Estimate.mean(centred[:, i] ** 2), group=group))
        rows.append(Measurement("msd", about, Estimate.mean(moved[:, i] ** 2), group=group))
    if point.get("start") == "ballistic":
        entry = {**rows[-2 * len(here.curvatures)].point, "m0": -settings["m0"]}  # of the first direction
        rows.append(Measurement("displacement", entry, Estimate.mean(moved[:, 0]), group=group))
    return rows


def _matched(eta: float, beta: float, C: float, T: int) -> dict[str, float]:
    """Inertia, friction, diffusion and time of the equation of motion that EMA momentum is matched with."""
    return {"M": eta / (1 - beta), "gamma": (1 - beta) / eta, "D": eta * C / 2, "t": eta * T}
