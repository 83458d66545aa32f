"""What the length of a step does: the discrete chain on Gauss nodes beside its diffusion, and at a threshold."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.polynomial import Polynomial

from inertialab.experiments.passage import chain_steps
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.flow.escape import passage
from inertialab.verification.studies.study import Findings, Measurement, Tick


def chains(
    rates: Sequence[float],
    well: Sequence[float],
    fields: Sequence[Sequence[float]],
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Escape time of the discrete chain over that of its diffusion, thresholds deep in the other well."""
    rows, ends = [], (-1.9, -1.0, 0.9)  # so far on the left that nothing leaves there
    for coefficients in fields:
        slope, D = Polynomial(well).deriv(), Polynomial(coefficients)
        slow = passage(slope, D, ends)
        for eta in rates:
            steps = chain_steps(slope, lambda x, D=D, eta=eta: 2 * D(x) / eta, eta, ends, panels=80)
            ratio = eta * steps / slow
            point = {"eta": eta, "potential": list(well), "D": list(coefficients)}
            rows.append(Measurement("ratio", point, Estimate(ratio)))
    return Findings(tuple(rows))


def thresholds(
    rates: Sequence[float], D: float, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """How far the thresholds of a free diffusion must be moved to give the mean time of the chain.

    The diffusion leaves (-b, b) from its middle after b²/2D on average. The shift follows from the difference of two
    widths, in which effects of the start drop out.
    """
    rows = []
    for eta in rates:
        times = [_walk(eta, D, b) for b in (1.0, 2.0)]
        shift = ((times[1] - times[0]) * 2 * D - 3) / 2  # (2 + s)² - (1 + s)² = 3 + 2s
        rows.append(Measurement("shift", {"eta": eta, "D": D}, Estimate(float(shift))))
    return Findings(tuple(rows))


def _walk(eta: float, D: float, b: float) -> float:
    """Mean time of a free normal walk from 0 out of (-b, b)."""
    nodes, weights = np.polynomial.legendre.leggauss(600)
    x, w = b * nodes, b * weights
    width = np.sqrt(2 * D * eta)

    def kernel(origin: np.ndarray) -> np.ndarray:
        return np.exp(-(((x - origin[:, None]) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi)) * w

    times = np.linalg.solve(np.eye(len(x)) - kernel(x), np.ones(len(x)))
    return float(eta * (1 + kernel(np.zeros(1)) @ times)[0])
