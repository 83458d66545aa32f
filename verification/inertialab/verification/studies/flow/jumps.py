"""Exact numerics of exit by large jumps, from the backward equation."""

from collections.abc import Sequence
from math import gamma, pi, sin

import numpy as np
import torch

from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick


def jumps(
    points: Points, steepness: Sequence[float], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean exit times from parabolic wells of several heights under stable noise."""
    rows = []
    for point in points:
        for h in steepness:
            time = stable_exit(h, point["alpha"], point["eps"], (point["a"], point["b"]))
            rows.append(Measurement("time", {**point, "h": h}, Estimate(time)))
    return Findings(tuple(rows))


def stable_exit(h: float, alpha: float, eps: float, ends: tuple[float, float], cells: int = 1500) -> float:
    """Mean time from 0 out of (-a, b) in the parabola hx²/2 under noise with characteristic function e^{-tεᵅ|q|ᵅ}.

    A chain on a grid jumps at the rate of the stable process into each cell; jumps within a cell are a diffusion of
    their variance, the drift goes to the neighbour below.
    """
    a, b = ends
    step = (a + b) / cells
    x = -a + step * (np.arange(cells) + 0.5)
    strength = eps**alpha * gamma(1 + alpha) * sin(pi * alpha / 2) / pi
    tail = strength / alpha * (step * (np.arange(cells) + 0.5)) ** -alpha  # rate of jumps beyond n + 1/2 cells
    far = np.concatenate([[0.0], -np.diff(tail)])
    n = np.arange(cells)
    rates = far[np.abs(n[:, None] - n)]
    near = strength * (step / 2) ** (2 - alpha) / (2 - alpha) / step**2  # half the variance of small jumps
    out = tail[n] + tail[n[::-1]]  # all jumps beyond either end, whose first cell lies outside
    fall = h * np.abs(x) / step
    for i in range(cells):
        for side in (-1, 1):
            rate = near + (fall[i] if side * x[i] < 0 else 0.0)
            if 0 <= i + side < cells:
                rates[i, i + side] += rate
            else:
                out[i] += rate
    generator = np.diag(rates.sum(1) + out) - rates
    return float(np.interp(0.0, x, np.linalg.solve(generator, np.ones(cells))))
