"""Exit of SGD's chain from an ellipse in the plane or an interval: its kernel on nodes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from inertialab.experiments.exact import stationary_moments
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

RADIAL, AROUND = 1.8, 0.9
"""Nodes in the smallest standard deviation of a step: Gauss's outwards, equidistant ones around."""
ROUNDS, SAME = 20_000, 1e-6


def whitened(point: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A step in units in which the stationary state is a standard normal one.

    Args:
        point: `eta`, `H` and `C`.

    Returns:
        The matrix of the step, the covariance of its noise, and the map to those units, shape (n, n) each.
    """
    H, C, eta = np.array(point["H"]), np.array(point["C"]), point["eta"]
    A = np.eye(len(H)) - eta * H
    values, vectors = np.linalg.eigh(stationary_moments(A, eta**2 * C))
    to, back = (vectors * values**power @ vectors.T for power in (-0.5, 0.5))
    return to @ A @ back, eta**2 * to @ C @ to, to


def exit_steps(step: np.ndarray, noise: np.ndarray, level: float) -> float:
    """Mean steps until |x|²/2 exceeds a level, once the start is forgotten.

    Points and their mirror images are one node, which the symmetry of the chain allows. The chance to stay is the
    largest eigenvalue of the kernel.
    """
    radius, spread = (2 * level) ** 0.5, float(np.linalg.eigvalsh(noise)[0]) ** 0.5
    nodes, weights = np.polynomial.legendre.leggauss(int(np.ceil(RADIAL * radius / spread)) + 6)
    half = int(np.ceil(np.pi * AROUND * radius / spread))
    out, angle = radius * (nodes + 1) / 2, np.pi * np.arange(half) / half
    x = np.stack([np.outer(out, f(angle)).ravel() for f in (np.cos, np.sin)])
    area = np.repeat(radius * weights / 2 * out * np.pi / half, half)
    inverse, ahead = np.linalg.inv(noise), step @ x
    kernel = np.zeros((x.shape[1],) * 2)
    for sign in (1, -1):
        away = [sign * x[i] - ahead[i][:, None] for i in (0, 1)]
        kernel += np.exp(-sum(inverse[i, j] * away[i] * away[j] for i in (0, 1) for j in (0, 1)) / 2)
    kernel *= area / (2 * np.pi * np.linalg.det(noise) ** 0.5)
    return _steps(kernel)


def interval_steps(step: np.ndarray, noise: np.ndarray, level: float) -> float:
    """As `exit_steps` in one direction, |x|²/2 of a number."""
    radius, spread = (2 * level) ** 0.5, float(noise[0, 0]) ** 0.5
    nodes, weights = np.polynomial.legendre.leggauss(2 * int(np.ceil(RADIAL * radius / spread)) + 12)
    x = radius * nodes
    ahead = (x - step[0, 0] * x[:, None]) / spread
    return _steps(np.exp(-(ahead**2) / 2) * radius * weights / (spread * (2 * np.pi) ** 0.5))


def _steps(kernel: np.ndarray) -> float:
    """Mean steps under a kernel that does not keep everything, by its largest eigenvalue."""
    stays, vector = 0.0, np.ones(len(kernel))
    for _ in range(ROUNDS):
        new = kernel @ vector
        share = float(np.linalg.norm(new) / np.linalg.norm(vector))
        if abs(share - stays) < SAME * (1 - share):
            break
        stays, vector = share, new / np.linalg.norm(new)
    return 1 / (1 - stays)


def exits(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean time η·steps to leave ½θᵀΣ⁻¹θ < level; points are `eta`, `H`, `C`, of one or two rows, and `level`."""
    rows = []
    for point in points:
        step, noise, _ = whitened(point)
        found = (interval_steps if len(step) == 1 else exit_steps)(step, noise, point["level"])
        rows.append(Measurement("time", point, Estimate(point["eta"] * found)))
        tick()
    return Findings(tuple(rows))
