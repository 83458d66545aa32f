"""Exact numerics of transients: matrix exponentials, eigenvalues, and recursions run step by step."""

from collections.abc import Sequence

import numpy as np
import scipy.linalg
import torch

from inertialab.experiments.exact import moments_after, recursion
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick, settings_of


def iterated(
    optimizer: str,
    points: Points,
    times: Sequence[int],
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean squared displacement by iterating the second moments one step at a time."""
    found = []
    for point in points:
        A, kick = recursion(optimizer, h=point["h"], **settings_of(point))
        start = np.zeros_like(A)
        start[-1, -1] = point.get("v0sq", 0.0)
        for T in times:
            moments = moments_after(A, point["C"] * kick @ kick.T, start, T)
            found.append(Measurement("msd", {**point, "T": T}, Estimate(float(moments[0, 0]))))
    return Findings(tuple(found))


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


def growths(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Largest eigenvalue of one step of EMA momentum."""
    rows = []
    for point in points:
        A, _ = recursion("momentum-ema", **point)
        rows.append(Measurement("growth", point, Estimate(float(np.abs(np.linalg.eigvals(A)).max()))))
    return Findings(tuple(rows))


def entries(
    points: Points, times: Sequence[int], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean displacement after a ballistic entry, one step at a time."""
    found = []
    for point in points:
        A, _ = recursion("momentum-ema", eta=point["eta"], h=point["h"], beta=point["beta"])
        state = np.array([0.0, point["m0"]])
        for T in range(1, max(times) + 1):
            state = A @ state
            if T in times:
                found.append(Measurement("displacement", {**point, "T": T}, Estimate(float(state[0]))))
    return Findings(tuple(found))


def cold_starts(
    betas: Sequence[float], times: Sequence[int], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Squared responses to every single noise under bias-corrected momentum, summed."""
    found = []
    for beta in betas:
        for T in times:
            buffers, moved = np.zeros(T), np.zeros(T)
            for step in range(1, T + 1):
                buffers = beta * buffers + (1 - beta) * (np.arange(1, T + 1) == step)
                moved -= buffers / (1 - beta**step)
            found.append(Measurement("msd", {"beta": beta, "T": T}, Estimate(float(moved @ moved))))
    return Findings(tuple(found))
