"""Exact numerics of transients: matrix exponentials, eigenvalues, and recursions run step by step."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.linalg
import torch

from inertialab.experiments.exact import recursion
from inertialab.verification.check import Check
from inertialab.verification.checks.saddle import Tick
from inertialab.verification.interval import Estimate
from inertialab.verification.study import Findings, Measurement, Study

Points = Sequence[Mapping[str, Any]]


def exponentials(
    points: Points, times: Sequence[float], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean squared displacement of a damped particle from one matrix exponential of drift and noise (Van Loan)."""
    found = []
    for point in points:
        A = np.array([[0, 1], [-point["h"] / point["M"], -point["gamma"]]])
        Q = np.diag([0, 2 * point["D"] / point["M"] ** 2])
        for t in times:
            both = scipy.linalg.expm(t * np.block([[-A, Q], [np.zeros((2, 2)), A.T]]))
            response = both[2:, 2:].T
            moments = response @ both[:2, 2:] + point["v0sq"] * np.outer(response[:, 1], response[:, 1])
            found.append(Measurement("msd", {**point, "t": t}, Estimate(float(moments[0, 0]))))
    return Findings(tuple(found))


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


# Overdamped, critical, underdamped, free and unstable; from rest and with velocity.
DAMPED = [
    {"D": 0.3, "h": h, "gamma": 1.5, "M": 0.8, "v0sq": v}
    for h, v in ((0.2, 0.0), (0.45, 0.4), (5.0, 0.4), (0.0, 0.25), (-0.7, 0.0))
]
ENTRIES = [{"eta": 0.5, "h": h, "beta": 0.9, "m0": 0.3} for h in (-0.2, 0.0, 3.0)]
SADDLES = [{"eta": 0.5, "h": -q, "beta": beta} for q in (0.01, 0.4, 4.0) for beta in (0.3, 0.9, 0.99)]

STUDIES = (
    Study("damped-exponential", exponentials, {"points": DAMPED, "times": [0.03, 1.0, 4.0]}),
    Study("drift-path", drifts, {"times": [0.01, 0.5, 1.256431, 3.0, 20.0]}),
    Study("ema-growth", growths, {"points": SADDLES}),
    Study("ema-entry", entries, {"points": ENTRIES, "times": [1, 3, 10, 50, 200]}),
    Study("cold-start", cold_starts, {"betas": [0.0, 0.5, 0.9, 0.999], "times": [1, 10, 100]}),
)

CHECKS = (
    Check("momentum.saddle-msd-continuous", "numerics", "damped-exponential", "msd", 1e-9),
    Check("momentum.drift-bound", "numerics", "drift-path", "ratio", 1e-9),
    Check("momentum.growth-slower", "numerics", "ema-growth", "growth", 1e-9),
    Check("momentum.ballistic", "numerics", "ema-entry", "displacement", 1e-9),
    Check("momentum.bias-correction", "numerics", "cold-start", "msd", 1e-9),
)
