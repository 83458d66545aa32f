"""Damped motion in continuous time: matrix exponentials, and the path of a thermal velocity."""

from collections.abc import Sequence

import numpy as np
import scipy.linalg
import torch

from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick


def exponentials(
    points: Points, times: Sequence[float], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean squared displacement of a damped particle from matrix exponentials of drift and noise (Van Loan)."""
    found = []
    for point in points:
        A = np.array([[0, 1], [-point["h"] / point["M"], -point["gamma"]]])
        Q = np.diag([0, 2 * point["D"] / point["M"] ** 2])
        for t in times:
            moments = _damped(A, Q, np.diag([0.0, point["v0sq"]]), t)
            found.append(Measurement("msd", {**point, "t": t}, Estimate(float(moments[0, 0]))))
    return Findings(tuple(found))


def _damped(A: np.ndarray, Q: np.ndarray, start: np.ndarray, t: float) -> np.ndarray:
    """Second moments after a time, in pieces so short that the growing exponential of one loses no digits."""
    pieces = int(np.ceil(t * np.abs(np.linalg.eigvals(A)).max()))
    both = scipy.linalg.expm(t / pieces * np.block([[-A, Q], [np.zeros((2, 2)), A.T]]))
    response = both[2:, 2:].T
    kick, moments = response @ both[:2, 2:], start
    for _ in range(pieces):
        moments = response @ moments @ response.T + kick
    return moments


def drifts(times: Sequence[float], *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Drift over diffusion, the thermal velocity's mean squared path from its response integrated numerically."""
    found = []
    for x in times:
        nodes, weights = np.polynomial.legendre.leggauss(40)
        path = x / 2 * weights @ np.exp(-x / 2 * (nodes + 1))
        found.append(Measurement("ratio", {"x": x}, Estimate(float(path**2 / (2 * x)))))
    return Findings(tuple(found))
