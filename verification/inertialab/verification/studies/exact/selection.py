"""Where SGD is at rest around two minima: the stationary law of its chain on nodes."""

import numpy as np
import torch

from inertialab.experiments.system import System
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.two_minima import system

BEYOND, NODES = 7.0, 10
"""How far nodes reach beyond the minima, in standard deviations there, and how many stand in a panel."""


def at_rest(transitions: np.ndarray) -> np.ndarray:
    """Stationary law of a chain by elimination without subtraction (Grassmann, Taksar and Heyman 1985).

    Args:
        transitions: Shape (n, n), nonnegative, rows of sum one.

    Returns:
        Probabilities, shape (n,), each with full relative accuracy.
    """
    p = transitions.copy()
    for j in range(len(p) - 1, 0, -1):
        p[:j, j] /= p[j, :j].sum()
        p[:j, :j] += np.outer(p[:j, j], p[j, :j])
    law = np.ones(len(p))
    for j in range(1, len(p)):
        law[j] = law[:j] @ p[:j, j]
    return law / law.sum()


def stationary(chain: System, ends: tuple[float, float], middle: float) -> float:
    """Weight left of a place over that right of it.

    Args:
        chain: SGD on a line under Gaussian noise.
        ends: Between which it stays.
        middle: The place.
    """
    eta = float(chain.settings["eta"])
    spread = eta * float(np.sqrt(chain.variance(np.linspace(*ends, 999)).min()))
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    sides = []
    for low, high in ((ends[0], middle), (middle, ends[1])):
        edges = np.linspace(low, high, 2 + int((high - low) / (4 * spread)))
        half = np.diff(edges)[:, None] / 2
        sides.append((((edges[1:] + edges[:-1])[:, None] / 2 + half * nodes).ravel(), (half * weights).ravel()))
    x, w = (np.concatenate(part) for part in zip(*sides, strict=True))
    width = eta * np.sqrt(chain.variance(x))
    z = (x - (x - eta * chain.slope(x))[:, None]) / width[:, None]
    kernel = np.exp(-(z**2) / 2) / width[:, None] * w
    law = at_rest(kernel / kernel.sum(1, keepdims=True))
    return float(law[x < middle].sum() / law[x > middle].sum())


def occupations(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Time around the first minimum over that around the second, SGD; points as for `two_minima`, and `eta`."""
    rows = []
    for point in points:
        chain = system("sgd", point, {"eta": point["eta"]})
        spreads = [(point["eta"] * point[c] / (2 * point[h])) ** 0.5 for h, c in (("H1", "C1"), ("H2", "C2"))]
        ends = -BEYOND * spreads[0], point["w1"] + point["w2"] + BEYOND * spreads[1]
        rows.append(Measurement("occupation", point, Estimate(stationary(chain, ends, point["w1"]))))
        tick()
    return Findings(tuple(rows))
