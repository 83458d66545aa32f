"""Exact numerics of escape with inertia: the slowest mode of the Kramers equation in a double well."""

from typing import Any

import numpy as np
import torch
from scipy import integrate, sparse
from scipy.sparse.linalg import eigs

from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.flow.escape import Field, double_well
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

_diagonals: Any = sparse.diags  # its annotation knows single offsets only


def crossing_time(well: Field, temperature: float, gamma: float, M: float, cells: int = 240, modes: int = 28) -> float:
    """Mean time from one well of a symmetric double well to the other: twice the inverse of the slowest rate.

    Minima lie at ±1 and the loss at ±1.75 is beyond reach.

    Velocities are expanded in Hermite functions, positions discretised; ladder operators of the velocity couple
    neighbouring modes through v_th(d/dx ± L'/2T), one the adjoint of the other, so that Gibbs' density is stationary.
    """
    x = np.linspace(-1.75, 1.75, cells)
    step = x[1] - x[0]
    # From nodes to midpoints and back: e^{-L/2T} is annihilated exactly.
    gibbs = np.exp(-(well(x) - well(x).min()) / (2 * temperature))
    middle = np.exp(-(well((x[1:] + x[:-1]) / 2)) / (2 * temperature))
    down = _diagonals([-1 / gibbs[:-1], 1 / gibbs[1:]], [0, 1], shape=(cells - 1, cells)) / step
    lower = np.sqrt(temperature / M) * _diagonals(middle) @ down
    blocks: list[list[Any]] = [[None] * modes for _ in range(modes)]
    for n in range(modes):
        size = cells if n % 2 == 0 else cells - 1
        blocks[n][n] = -gamma * n * sparse.identity(size)
        if n + 1 < modes:
            # Even modes live on nodes, odd ones between them.
            climb = -np.sqrt(n + 1) * (lower if n % 2 == 0 else _between(x, middle, gibbs, temperature, M))
            blocks[n + 1][n], blocks[n][n + 1] = climb, -climb.T
    generator: Any = sparse.bmat(blocks, format="csc")
    rates = eigs(generator, k=3, sigma=1e-7, which="LM", return_eigenvectors=False, v0=np.ones(generator.shape[0]))
    slow = np.sort(np.abs(np.real(np.asarray(rates))))
    return float(2 / slow[1])


def _between(x: np.ndarray, middle: np.ndarray, gibbs: np.ndarray, temperature: float, M: float) -> Any:
    """v_th(d/dx + L'/2T) from midpoints to nodes, ends open."""
    cells, step = len(x), x[1] - x[0]
    rise = _diagonals([1 / middle, -1 / middle], [0, -1], shape=(cells, cells - 1)) / step
    return np.sqrt(temperature / M) * _diagonals(gibbs) @ rise


def turnovers(
    points: Points, temperature: float, height: float, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean time from well to well, over frictions; at one temperature where a point does not have its own."""
    rows, M = [], 2.0
    action = integrate.quad(lambda x: np.sqrt(2 * (height - double_well(height)(x))), -(2**0.5), 0)[0] * 2
    fixed = {"M": M, "dL": height, "Ha": 8 * height, "Hb": 4 * height, "action": action, "action_beyond": action}
    for point in points:
        heat = point.get("temperature", temperature)
        time = crossing_time(double_well(height), heat, point["gamma"], M, cells=360, modes=int(point["modes"]))
        conditions = {"gamma": point["gamma"], "D": heat * point["gamma"] * M, **fixed}
        rows.append(Measurement("time", conditions, Estimate(time)))
    return Findings(tuple(rows))
