"""Exact numerics of escape from the backward equation: large jumps, and a path with a transverse direction."""

from collections.abc import Sequence
from math import gamma, pi, sin
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import spsolve

from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.escape import double_well, passage
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

_diagonals: Any = sparse.diags  # its annotation knows single offsets only


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


def valleys(points: Points, fast: float, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Escape along a path with a transverse direction, C = H/B, over that of the path alone and the claimed factor."""
    rows = []
    for point in points:
        D, growth = point["D"], point["growth"]
        slope = double_well(1.0).deriv()
        alone = passage(slope, lambda x, D=D: D + 0 * x, (-2.5, -1.0, 1.0))
        rows.append(Measurement("factor", point, Estimate(valley(D, growth, fast) / alone / np.exp(growth / 2))))
    return Findings(tuple(rows))


def valley(D: float, growth: float, fast: float, cells: int = 8000, modes: int = 5) -> float:
    """Mean time over the double well with transverse energy h(x)y²/2 and noise D along, D·h(x)/c across.

    The transverse variance is then D/c everywhere, and polynomials of Hermite in y√(c/D) turn the backward equation
    into equations along the path. Curvature h goes from 4c at the minima to (4 + growth)c at the saddle; c is `fast`.
    """
    x = np.linspace(-1.9, 1.0, cells + 1)[:-1]  # absorbing at the right end, flat at the left
    step = x[1] - x[0]
    slope = double_well(1.0).deriv()(x)
    transverse = fast * (4 + growth * (1 - x**2) ** 2)
    push = -4 * growth * x * (1 - x**2) * D / 2  # h'·(D/c)/2
    along = _diagonals([np.full(cells - 1, -0.5), np.full(cells - 1, 0.5)], [-1, 1]).tolil() / step
    bend = _diagonals([np.ones(cells - 1), np.full(cells, -2.0), np.ones(cells - 1)], [-1, 0, 1]).tolil() / step**2
    along[0, 0], bend[0, 0] = -0.5 / step, -1 / step**2
    first: Any = along.tocsr()
    path = D * bend.tocsr() - _diagonals(slope) @ first
    blocks: list[list[Any]] = [[None] * modes for _ in range(modes)]
    for m in range(modes):  # of even degree n = 2m: w²He_n = He_{n+2} + (2n + 1)He_n + n(n - 1)He_{n-2}
        n = 2 * m
        blocks[m][m] = path - (2 * n + 1) * _diagonals(push) @ first - n * _diagonals(transverse)
        if m + 1 < modes:
            blocks[m][m + 1] = -(n + 2) * (n + 1) * _diagonals(push) @ first
            blocks[m + 1][m] = -_diagonals(push) @ first
    right = np.concatenate([-np.ones(cells), np.zeros((modes - 1) * cells)])
    times: Any = spsolve(sparse.bmat(blocks, format="csc"), right)
    return float(np.interp(-1.0, x, times[:cells]))
