"""How Adam and Adai leave a critical point once their averages are warm, by particles in compiled loops."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.particles import Particles
from inertialab.verification.measure.moments import mean_product, mean_square
from inertialab.verification.studies.particles.crowds import block_diagonal, crowd_of, quadratic_system
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, lower

LONG_AGO = 1_000_000
"""Steps since the start, when bias corrections have died away."""


def warm(
    optimizer: str,
    settings: Mapping[str, float],
    H: np.ndarray,
    root: np.ndarray,
    particles: int,
    hold: int,
    seed: int,
    tick: Tick,
) -> Particles:
    """Particles at the critical point of θᵀHθ/2 whose optimizers have long seen the noise there.

    The parameter is held while the averages become those of the noise: what a learning rate of zero would do.

    Args:
        optimizer: adam or adai.
        settings: Its settings.
        H: Hessian, shape (d, d).
        root: Root of the noise covariance, C = root rootᵀ, shape (d, d).
        particles: Number of particles.
        hold: Steps of holding; several times the memory of the averages.
        seed: Of the random numbers.
        tick: Called after each step.
    """
    system, d = quadratic_system(optimizer, settings, H, root), len(H)
    states = {"v": np.diag(root @ root.T)} | ({"q": 1.0} if "q" in system.states else {})
    crowd = crowd_of(system, particles, **states)
    crowd.steps = LONG_AGO
    for _ in range(hold):
        crowd.advance(1, seed, crowd.chunks)
        crowd.state[:, :d] = 0
        tick()
    return crowd


def adam_spread(
    eta: float,
    beta: float,
    beta2: float,
    points: Points,
    times: Sequence[int],
    particles: int,
    hold: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean squared displacement of warm Adam along the eigenvectors of pairs of directions, C = |H|/B.

    Args:
        eta: Learning rate.
        beta: Momentum.
        beta2: Memory of the second moment.
        points: Pairs: curvature h of the first direction, `ratio` of its size to that of the second, angle `turn` of
            their eigenvectors against the axes, B.
        times: Steps, ascending.
        particles: Number of particles.
        hold: As for `warm`.
        rng: Source of all randomness.
        device: The loops are compiled for the CPU, whatever the device.
        tick: Called after each step of holding and each look.
    """
    pairs = [np.array([p["h"], p["h"] / p["ratio"]]) for p in points]
    turns = [np.array([[c, -s], [s, c]]) for c, s in ((np.cos(p["turn"]), np.sin(p["turn"])) for p in points)]
    H = block_diagonal(R @ np.diag(h) @ R.T for R, h in zip(turns, pairs, strict=True))
    root = block_diagonal(
        R @ np.diag(np.sqrt(np.abs(h) / p["B"])) for R, h, p in zip(turns, pairs, points, strict=True)
    )
    axes = block_diagonal(R.T for R in turns)
    settings = {"eta": eta, "beta": beta, "beta2": beta2, "delta": 0.0}
    seed, found = int(rng.integers(2**62)), []
    crowd = warm("adam", settings, H, root, particles, hold, seed, tick)
    begin = crowd.steps
    common = {"eta": eta, "beta": beta, "beta2": beta2}
    for T in times:
        crowd.advance(begin + T - crowd.steps, seed, crowd.chunks)
        tick()
        along = axes @ crowd.values().astype(float)
        for i, p in enumerate(points):
            first = {**common, **p, "T": T}
            second = {**first, "h": p["h"] / p["ratio"], "ratio": 1 / p["ratio"]}
            found.append(Measurement("msd", first, mean_square(along[2 * i])))
            found.append(Measurement("msd", second, mean_square(along[2 * i + 1])))
    return Findings(tuple(found))


def adam_covariance(
    eta: float,
    beta: float,
    beta2: float,
    problems: Sequence[Mapping[str, Any]],
    times: Sequence[int],
    particles: int,
    hold: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Covariance of warm Adam with any H and C, every problem a block of one compiled loop; other arguments as before.

    Args:
        eta: Learning rate.
        beta: Momentum.
        beta2: Memory of the second moment.
        problems: H and C of each, of one size.
        times: Steps, ascending.
        particles: Number of particles.
        hold: As for `warm`.
        rng: Source of all randomness.
        device: The loops are compiled for the CPU, whatever the device.
        tick: Called after each step of holding and each look.
    """
    H = block_diagonal(p["H"] for p in problems)
    root = block_diagonal(np.linalg.cholesky(p["C"]) for p in problems)
    settings = {"eta": eta, "beta": beta, "beta2": beta2, "delta": 0.0}
    seed, found = int(rng.integers(2**62)), []
    crowd = warm("adam", settings, H, root, particles, hold, seed, tick)
    begin, size = crowd.steps, len(H) // len(problems)
    for T in times:
        crowd.advance(begin + T - crowd.steps, seed, crowd.chunks)
        tick()
        for p, at in zip(problems, np.split(crowd.values().astype(float), len(problems)), strict=True):
            point = {**p, "eta": eta, "beta": beta, "beta2": beta2, "T": T}
            found += [Measurement("covariance", point, mean_product(at.T, *e), entry=e) for e in lower(size)]
    return Findings(tuple(found))


def adai_spread(
    eta: float,
    beta0: float,
    beta2: float,
    eps: float,
    points: Points,
    times: Sequence[int],
    particles: int,
    hold: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean squared displacement of warm Adai, every point a coordinate of one problem, beside its measured inertia.

    The mean of second moments is that of each particle's own coordinates.

    Args:
        eta: Learning rate.
        beta0: Mean of 1 - β₁ before clipping.
        beta2: Memory of the second moment.
        eps: Smallest 1 - β₁.
        points: Curvature h and noise C of each coordinate.
        times: Steps, ascending.
        particles: Number of particles.
        hold: As for `warm`.
        rng: Source of all randomness.
        device: The loops are compiled for the CPU, whatever the device.
        tick: Called after each step of holding and each look.
    """
    h, C = (np.array([p[k] for p in points]) for k in ("h", "C"))
    settings = {"eta": eta, "beta0": beta0, "beta2": beta2, "eps": eps}
    seed, found = int(rng.integers(2**62)), []
    crowd = warm("adai", settings, np.diag(h), np.diag(np.sqrt(C)), particles, hold, seed, tick)
    begin, v = crowd.steps, crowd.values("v").astype(float)
    kappa = np.clip(beta0 * v / v.mean(0), eps, 1).mean(1)
    common = {"eta": eta, "beta0": beta0, "n": len(points), "trace_abs": float(np.abs(h).sum())}
    for T in times:
        crowd.advance(begin + T - crowd.steps, seed, crowd.chunks)
        tick()
        for i, (p, at) in enumerate(zip(points, crowd.values().astype(float), strict=True)):
            point = {**common, **p, "kappa": float(kappa[i]), "T": T}
            found.append(Measurement("msd", point, mean_square(at)))
    return Findings(tuple(found))


def adai_covariance(
    eta: float,
    beta0: float,
    beta2: float,
    eps: float,
    problems: Sequence[Mapping[str, Any]],
    times: Sequence[int],
    particles: int,
    hold: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Covariance of warm Adai with any H and C, a compiled loop for each problem; arguments as before."""
    settings = {"eta": eta, "beta0": beta0, "beta2": beta2, "eps": eps}
    found = []
    for p in problems:
        root, seed = np.linalg.cholesky(p["C"]), int(rng.integers(2**62))
        crowd = warm("adai", settings, np.array(p["H"]), root, particles, hold, seed, tick)
        begin = crowd.steps
        for T in times:
            crowd.advance(begin + T - crowd.steps, seed, crowd.chunks)
            tick()
            point, at = {**p, **settings, "T": T}, crowd.values().astype(float).T
            found += [Measurement("covariance", point, mean_product(at, *e), entry=e) for e in lower(len(root))]
    return Findings(tuple(found))


def adai_speed(
    eta: float,
    beta0: float,
    beta2: float,
    eps: float,
    points: Points,
    times: Sequence[int],
    particles: int,
    hold: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Spread of warm Adai over that of SGD with the same rate and noise, without curvature; arguments as before.

    Facts: the same from a cold start, where both bias correction and the few gradients of a second moment count.
    """
    settings = {"eta": eta, "beta0": beta0, "beta2": beta2, "eps": eps}
    flat, root = np.zeros((len(points), len(points))), np.diag([float(np.sqrt(p["C"])) for p in points])
    seeds = [int(s) for s in rng.integers(2**62, size=3)]
    adai = warm("adai", settings, flat, root, particles, hold, seeds[0], tick)
    v = adai.values("v").astype(float)
    kappa = np.clip(beta0 * v / v.mean(0), eps, 1).mean(1)
    plain = quadratic_system("sgd", {"eta": eta}, flat, root)
    sgd, cold = (crowd_of(system, particles) for system in (plain, adai.system))
    found, begin, fast = [], adai.steps, {}
    for T in times:
        for crowd, seed, origin in ((adai, seeds[0], begin), (sgd, seeds[1], 0), (cold, seeds[2], 0)):
            crowd.advance(origin + T - crowd.steps, seed, crowd.chunks)
        tick()
        spreads = [[mean_square(at) for at in crowd.values().astype(float)] for crowd in (adai, sgd, cold)]
        for p, inertia, one, other in zip(points, kappa, spreads[0], spreads[1], strict=True):
            point = {**p, "eta": eta, "kappa": float(inertia), "T": T}
            found.append(Measurement("speed", point, one.over(other)))
        fast[str(T)] = [one.over(other).value for one, other in zip(spreads[2], spreads[1], strict=True)]
    return Findings(tuple(found), {"cold": fast})
