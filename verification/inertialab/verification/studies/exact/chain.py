"""Exact numerics of SGD as a chain: its kernel on nodes, and finite sets of samples."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.polynomial import legendre
from scipy.optimize import root_scalar
from scipy.stats import norm

from inertialab.experiments.exact import stationary_moments
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

NODES = 500
WIDE = 9.0
"""Half the width of the nodes, in standard deviations of the state on a parabola."""


def stationary_law(point: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and stationary probabilities of SGD with Gaussian noise on a loss to the fourth order, by its kernel.

    Args:
        point: `eta`, `h`, `C`, and where they are not zero `L3`, `L4`.

    Returns:
        Positions and their probabilities, shape (NODES,) each.
    """
    eta, h = point["eta"], point["h"]
    x, weights = legendre.leggauss(NODES)
    x, weights = x * WIDE * np.sqrt(eta * point["C"] / (h * (2 - eta * h))), weights
    ahead = x - eta * x * (h + x * (point.get("L3", 0.0) / 2 + x * point.get("L4", 0.0) / 6))
    kernel = norm.pdf(x[None], ahead[:, None], eta * point["C"] ** 0.5) * weights
    kernel /= kernel.sum(1, keepdims=True)
    balance = np.vstack([kernel.T - np.eye(NODES), np.ones(NODES)])
    chance = np.linalg.lstsq(balance, np.append(np.zeros(NODES), 1.0), rcond=None)[0]
    return x, chance


def means(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Stationary mean of the chain."""
    rows = []
    for point in points:
        x, chance = stationary_law(point)
        rows.append(Measurement("mean", point, Estimate(float(chance @ x))))
        tick()
    return Findings(tuple(rows))


def regression(point: Mapping[str, Any], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of one feature, unlike in size, and targets whose best fit is zero.

    Args:
        point: Number of `samples`; `spread`, the standard deviation of the logarithm of the squared inputs; `size`, the
            root of their mean; and `noise`, the standard deviation of the targets, none where it is left out.
        rng: Source of both.
    """
    count = point["samples"]
    x = np.exp(point["spread"] * rng.standard_normal(count) / 2) * rng.choice([-1.0, 1.0], count)
    x *= point["size"] / np.sqrt(np.mean(x**2))
    y = point.get("noise", 0.0) * rng.standard_normal(count)
    return x, y - x * (x @ y) / (x @ x)


def about(x: np.ndarray, y: np.ndarray, batch: int) -> dict[str, float]:
    """Curvature, noise at the minimum, and how the noise grows, measured on the samples."""
    return {"h": float(np.mean(x**2)), "C": float(np.mean((x * y) ** 2) / batch), "c2": float(np.var(x**2) / batch)}


def finite_samples(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Stationary variance of SGD with one sample a step: moments of its true map, averaged over the samples.

    A step is affine, θ' = aθ + b with a and b of the sample, and takes (1, θ, θ²) to linear combinations of themselves.
    The largest learning rate at which the second of them has a stationary value is sought by bracketing.
    """
    rows = []
    for point in points:
        x, y = regression(point, rng)
        known = {**point, **about(x, y, 1)}

        def moments(eta: float, x: np.ndarray = x, y: np.ndarray = y) -> np.ndarray:
            a, b = 1 - eta * x**2, eta * x * y
            return np.array([[np.mean(a), 0.0, np.mean(b)], [2 * np.mean(a * b), np.mean(a**2), np.mean(b**2)]])

        edge = root_scalar(lambda eta, f=moments: f(eta)[1, 1] - 1, bracket=(1e-6, 100.0), xtol=1e-14).root
        rows.append(Measurement("edge", known, Estimate(float(edge))))
        eta = point["share"] * edge
        step = moments(eta)
        _, square = np.linalg.solve(np.eye(2) - step[:, :2], step[:, 2])
        rows.append(Measurement("variance", {**known, "eta": eta}, Estimate(float(square))))
    return Findings(tuple(rows))


def currents(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Antisymmetric part of the mean product of coordinates and those of a step before, by the Lyapunov equation."""
    rows = []
    for point in points:
        H, C, eta = np.array(point["H"]), np.array(point["C"]), point["eta"]
        A = np.eye(len(H)) - eta * H
        S = stationary_moments(A, eta**2 * C)
        turned = A @ S - (A @ S).T
        rows.append(Measurement("current", point, Estimate(float(turned[1, 0])), entry=(1, 0)))
    return Findings(tuple(rows))
