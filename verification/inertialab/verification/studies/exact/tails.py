"""Tail of SGD at rest under minibatches of different curvature: its stationary law on a grid that grows with itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.special import ndtr

from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.chain import regression
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

NODES, TOP = 2400, 27.0
"""Nodes x = sinh(y), in steps of the noise that does not grow, and the largest y."""
FAR = (9.0, 15.0)
"""Between these logarithms of x, in the same unit, the slope is taken."""
ROUNDS, SAME = 4000, 1e-10


def minibatches(point: Mapping[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Curvatures of equally likely minibatches of mean one.

    Args:
        point: Number of `samples`, `spread`, and `kind`: squares of inputs as for `regression`, or curvatures of both
            signs with that standard deviation.
        rng: Source of them.
    """
    if point["kind"] == "squares":
        h = regression({**point, "size": 1.0}, rng)[0] ** 2
    else:
        h = 1 + point["spread"] * rng.standard_normal(point["samples"])
    return h / h.mean()


def conditions(point: Mapping[str, Any], h: np.ndarray) -> dict[str, Any]:
    """The batches, and the learning rate at a `share` of that from which on there is no variance."""
    mean, spread = float(h.mean()), float(h.var())
    eta = point["share"] * 2 * mean / (mean**2 + spread)
    shares = np.full(len(h), 1 / len(h))
    return {**point, "eta": eta, "curvatures": h.tolist(), "shares": shares.tolist(), "h": mean, "c2": spread}


def survival(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chances of |x| above some places at rest, x' = ax + ξ with one of the factors a and a standard normal ξ.

    A node x goes to |a|x, shared between the two nodes beside it so that the mean of arcsinh(x) is kept, and the normal
    number spreads it. The stationary law is that which many steps leave as it is; no difference is taken, so that the
    tail keeps its digits.

    Args:
        factors: Equally likely, shape (n,).

    Returns:
        Places and chances, shape (NODES - 1,) each.
    """
    y = np.linspace(0, TOP, NODES)
    x, ends = np.sinh(y), np.concatenate([[0], np.sinh((y[1:] + y[:-1]) / 2), [np.inf]])
    grown = np.arcsinh(np.abs(factors)[:, None] * x) / y[1]
    below = np.minimum(grown.astype(int), NODES - 2)
    part = np.minimum(grown - below, 1.0)
    origin = np.broadcast_to(np.arange(NODES), below.shape)
    chances = np.concatenate([1 - part, part]).ravel() / len(factors)
    places = (np.concatenate([origin, origin]).ravel(), np.concatenate([below, below + 1]).ravel())
    carried = sparse.csr_matrix((chances, places), shape=(NODES, NODES))
    step = (_spread(x, ends) @ carried.T).tocsr()
    law = np.exp(-y) / np.exp(-y).sum()
    for _ in range(ROUNDS):
        new = step @ law
        new /= new.sum()
        done = (np.abs(new - law) <= SAME * law)[: NODES * 3 // 4].all()
        law = new
        if done:
            return ends[1:-1], np.cumsum(law[::-1])[::-1][1:]
    raise RuntimeError(f"The stationary law of factors {factors.min():g} to {factors.max():g} was not found.")


def _spread(x: np.ndarray, ends: np.ndarray) -> sparse.csr_matrix:
    """Chances to come from a node, columns, by a standard normal number between two ends, rows, of either sign."""
    above = ndtr(ends[1:, None] - x) - ndtr(ends[:-1, None] - x)
    mirrored = ndtr(-ends[:-1, None] - x) - ndtr(-ends[1:, None] - x)
    return sparse.csr_matrix(np.where(above + mirrored > 1e-15, above + mirrored, 0.0))


def indices(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Slope of the logarithm of the chance to be farther away than x, against -ln x, where noise is small beside x."""
    rows = []
    for point in points:
        known = conditions(point, minibatches(point, rng))
        places, chances = survival(1 - known["eta"] * np.array(known["curvatures"]))
        far = (places > np.exp(FAR[0])) & (places < np.exp(FAR[1]))
        slope = np.polyfit(np.log(places[far]), np.log(chances[far]), 1)[0]
        rows.append(Measurement("index", known, Estimate(float(-slope))))
        tick()
    return Findings(tuple(rows))
