"""Stationary laws around a quadratic minimum, by particles under the real optimizers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import simulate
from inertialab.experiments.exact import recursion
from inertialab.verification.measure.moments import mean_product, mean_square
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

LOOKS, APART = 8, 0.05
"""Looks at a stationary state, and the correlation of squares that is left between them."""


def relaxation_steps(A: np.ndarray, remainder: float = 1e-6) -> int:
    """Steps after which the variance of a linear recursion is this close to its stationary value, relatively."""
    radius = np.abs(np.linalg.eigvals(A)).max()
    return max(1, int(np.ceil(np.log(remainder) / (2 * np.log(radius))))) if radius > 0 else 1


def looks(A: np.ndarray) -> np.ndarray:
    """Steps at which the stationary state of a linear recursion is looked at, so far apart that each look tells more.

    Between two looks the correlation of squares falls to a twentieth; waiting for the first costs more than the others.
    """
    return relaxation_steps(A) + relaxation_steps(A, APART) * np.arange(LOOKS)


def equilibrium(
    optimizer: str, points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Stationary variance of particles under the real optimizer, from rest, after the variance has relaxed.

    A particle's mean over several looks is one unit.
    """
    found = []
    for point in points:
        positions, moved = _at_rest(optimizer, point, particles, rng, device, tick)
        found.append(Measurement("variance", point, mean_square(positions)))
        if optimizer == "momentum-ema":
            found.append(Measurement("step", point, mean_square(moved)))
    return Findings(tuple(found))


def _at_rest(
    optimizer: str,
    point: Mapping[str, Any],
    particles: int,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of particles once the variance has relaxed, and by how much the last step has moved them, by looks."""
    settings = {k: v for k, v in point.items() if k not in ("h", "C", "B")}
    A, _ = recursion(optimizer, h=point["h"], **settings)
    ends = looks(A)
    times = sorted({*ends.tolist(), *(ends + 1).tolist()})
    at = simulate(
        optimizer,
        settings,
        hessian=point["h"],
        noise_covariance=point["C"],
        particles=particles,
        times=times,
        rng=rng,
        device=device,
        tick=tick,
    )[..., 0]
    after = at[np.searchsorted(times, ends + 1)]
    return after, after - at[np.searchsorted(times, ends)]


def equilibrium_matrix(
    problems: Sequence[Mapping[str, Any]],
    particles: int,
    *,
    optimizer: str = "sgd",
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Stationary covariance under the real optimizer when Hessian and noise covariance do not commute."""
    found = []
    for point in problems:
        H, C = np.array(point["H"]), np.array(point["C"])
        settings = {k: v for k, v in point.items() if k not in ("H", "C")}
        curvatures = np.linalg.eigvalsh(H)
        ends = max((looks(recursion(optimizer, h=float(h), **settings)[0]) for h in curvatures), key=lambda t: t[0])
        shape = {"hessian": H, "noise_covariance": C, "particles": particles, "times": ends.tolist()}
        positions = simulate(optimizer, settings, **shape, rng=rng, device=device, tick=tick)
        entries = [(i, j) for i in range(len(H)) for j in range(i + 1)]
        found += [Measurement("covariance", point, mean_product(positions, *e), entry=e) for e in entries]
    return Findings(tuple(found))


def equilibrium_scatter(
    seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any
) -> Findings:
    """Scatter of stationary variances over their claimed errors."""
    return scatter(equilibrium, seeds, rng=rng, device=device, tick=tick, **config)


def matrix_scatter(
    seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any
) -> Findings:
    """Scatter of the entries of stationary covariances over their claimed errors."""
    return scatter(equilibrium_matrix, seeds, rng=rng, device=device, tick=tick, **config)
