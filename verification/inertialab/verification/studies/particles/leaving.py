"""How SGD and momentum leave a critical point, by particles in compiled loops: every problem a coordinate or block."""

from collections.abc import Sequence

import numpy as np
import torch

from inertialab.experiments.particles import Particles
from inertialab.verification.measure.moments import mean_product, mean_square
from inertialab.verification.studies.particles.crowds import block_diagonal, crowd_of, quadratic_system
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, lower

STEP = 0.05
"""A step of the optimizer in units of the memory 1/γ of the damped motion that it follows."""
LEAPFROG = {"eta": 1.0, "beta": (1 - STEP / 2) / (1 + STEP / 2)}
"""Settings of EMA momentum that follows it, in units of its learning rate."""


def damped(
    points: Points,
    memories: Sequence[float],
    particles: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean squared displacement of EMA momentum at steps so small that it follows damped motion in continuous time.

    A step takes the time dt = STEP/γ; β = (1 - γdt/2)/(1 + γdt/2), η = dt/(γM) and noise of variance 2D/dt make the
    rule the leapfrog scheme of Mθ'' = -γMθ' - hθ + √(2D)ζ, whose error is of second order. Its buffers are velocities
    half a step before the positions, so particles start half a step on their way. In units of η every point has one
    learning rate and is a coordinate of one compiled loop.

    Args:
        points: D, h, gamma, M, v0sq.
        memories: Times, in units of 1/γ, ascending.
        particles: Number of particles.
        rng: Source of all randomness.
        device: The loops are compiled for the CPU, whatever the device.
        tick: Called after each look.
    """
    D, h, gamma, M, v0sq = (np.array([p[k] for p in points]) for k in ("D", "h", "gamma", "M", "v0sq"))
    dt = STEP / gamma
    eta = dt / (gamma * M)
    system = quadratic_system("momentum-ema", LEAPFROG, np.diag(h * eta), np.diag(np.sqrt(2 * D / dt) * eta))
    moved = (np.sqrt(v0sq) * dt)[:, None] * rng.standard_normal((len(points), particles))
    crowd = Particles(system, particles, moved / 2, states={"m": -moved})
    seed, found = int(rng.integers(2**62)), []
    for memory in memories:
        crowd.advance(round(memory / STEP) - crowd.steps, seed, crowd.chunks)
        tick()
        times = (crowd.steps + 0.5) * dt
        for point, t, at in zip(points, times, crowd.values().astype(float), strict=True):
            found.append(Measurement("msd", {**point, "t": float(t)}, mean_square(at)))
    return Findings(tuple(found))


def sgd_spread(
    points: Points, times: Sequence[int], particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean squared displacement of SGD, every point a coordinate of one compiled loop, in units of its rate."""
    eta, h, C = (np.array([p[k] for p in points]) for k in ("eta", "h", "C"))
    system = quadratic_system("sgd", {"eta": 1.0}, np.diag(h * eta), np.diag(np.sqrt(C) * eta))
    crowd, seed, found = crowd_of(system, particles), int(rng.integers(2**62)), []
    for T in times:
        crowd.advance(T - crowd.steps, seed, crowd.chunks)
        tick()
        for point, at in zip(points, crowd.values().astype(float), strict=True):
            found.append(Measurement("msd", {**point, "T": T}, mean_square(at)))
    return Findings(tuple(found))


def sgd_covariance(
    problems: Points,
    times: Sequence[int],
    particles: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Covariance of SGD with any H and C, every problem a block of one compiled loop, in units of its rate."""
    H = block_diagonal(p["eta"] * np.array(p["H"]) for p in problems)
    root = block_diagonal(p["eta"] * np.linalg.cholesky(p["C"]) for p in problems)
    crowd = crowd_of(quadratic_system("sgd", {"eta": 1.0}, H, root), particles)
    seed, found = int(rng.integers(2**62)), []
    for T in times:
        crowd.advance(T - crowd.steps, seed, crowd.chunks)
        tick()
        for p, at in zip(problems, np.split(crowd.values().astype(float), len(problems)), strict=True):
            point, size = {**p, "T": T}, len(p["H"])
            found += [Measurement("covariance", point, mean_product(at.T, *e), entry=e) for e in lower(size)]
    return Findings(tuple(found))
