"""Weights of which only the direction matters: the stationary norm from steps of the optimizer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.polynomial import chebyshev
from scipy.optimize import brentq
from torch.nn.functional import normalize

from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

DEGREE = 40


def norms(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Stationary ⟨|w|⁴⟩ and angle of a step under SGD with weight decay, in two dimensions.

    The minibatch loss is ±σ times a component of w/|w|, orthogonal to the weights, with σ one of two sizes. By symmetry
    the norm is a chain by itself; it stays between the norms that each size alone would keep. The mean of f solves
    V - E[V after a step] = f - mean on Chebyshev nodes in ln|w|.

    Args:
        points: `eta`, `decay`, `low` and `high` sizes of the gradient and the `share` of the high one.
        rng: Not used.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        sizes = np.array([point["low"], point["high"]])
        weights = np.array([1 - point["share"], point["share"]])
        squares = weights @ sizes**2
        about = {**point, "G2": float(squares), "G2_spread": float(weights @ sizes**4 / squares**2 - 1)}
        fourth, turned = _stationary(point, sizes, weights)
        found.append(Measurement("fourth-power", about, Estimate(fourth)))
        found.append(Measurement("angle", about, Estimate(turned**0.5)))
        tick()
    return Findings(tuple(found))


def _stationary(point: Mapping[str, Any], sizes: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Stationary means of |w|⁴ and of the squared angle of a step."""
    low, high = (_kept(point, size) for size in sizes)
    nodes = chebyshev.chebpts1(DEGREE)
    middle, half = (low + high) / 2, (high - low) / 2
    logs = middle + half * nodes
    after, angles = (np.stack(both) for both in zip(*(_step(point, np.exp(logs), size) for size in sizes), strict=True))
    basis = chebyshev.chebvander(nodes, DEGREE - 1)
    moved = np.tensordot(weights, chebyshev.chebvander((np.log(after) - middle) / half, DEGREE - 1), 1)
    equations = basis - moved
    equations[:, 0] = 1  # a constant in V says nothing; its place takes the mean
    values = np.stack([np.exp(4 * logs), weights @ angles**2], axis=1)
    fourth, square = np.linalg.solve(equations, values)[0]
    return float(fourth), float(square)


def _kept(point: Mapping[str, Any], size: float) -> float:
    """Logarithm of the norm that a step with a gradient of one size leaves as it is."""

    def growth(log: float) -> float:
        return float(np.log(_step(point, np.exp([log]), size)[0][0]) - log)

    return float(brentq(growth, -30, 30, xtol=1e-14, rtol=1e-14))  # pyright: ignore[reportArgumentType]


def _step(point: Mapping[str, Any], norms: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Norms after a step of torch's SGD, and the angles that it turned by."""
    w = torch.zeros(len(norms), 2, dtype=torch.float64)
    w[:, 0] = torch.as_tensor(norms)
    before = w.clone()
    w.requires_grad_()
    (size * normalize(w, dim=1)[:, 1]).sum().backward()
    torch.optim.SGD([w], lr=point["eta"], weight_decay=point["decay"]).step()
    after = w.detach()
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    angles = torch.atan2(cross.abs(), (before * after).sum(1))
    return after.norm(dim=1).numpy(), angles.numpy()
