"""Pictures of simulations: what a person would rather look at than read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from inertialab.experiments.simulation import Seen
from inertialab.experiments.system import System

STYLE: Any = {
    "svg.hashsalt": "inertialab",
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def spread(system: System, seen: Seen, path: Path) -> None:
    """Mean squared displacement against time, and the density at the end beside the Gibbs density.

    The Gibbs density exp(-L/D) with D = ηC/2 is drawn for one-dimensional SGD with constant noise, where it is the
    stationary law of the continuous limit.

    Raises:
        ValueError: If the noise has no variance.
    """
    system.law.needed("The mean squared displacement")
    with rc_context(STYLE):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for i in range(seen.square.shape[1]):
            half = 1.96 * seen.square_error[:, i]
            left.fill_between(seen.times, seen.square[:, i] - half, seen.square[:, i] + half, alpha=0.3)
            left.plot(seen.times, seen.square[:, i], label=rf"$\theta_{{{i}}}$")
        left.set(xlabel="steps", ylabel="mean squared displacement", xscale="log", yscale="log")
        left.legend(frameon=False)
        edges, counts = seen.edges[-1, 0], seen.counts[-1, 0]
        right.stairs(counts / counts.sum() / np.diff(edges), edges, fill=True, alpha=0.4, label="particles")
        gibbs = _gibbs(system, edges)
        if gibbs is not None:
            right.plot(edges, gibbs, "k", lw=1, label="exp(-L/D)")
        right.set(xlabel=r"$\theta_0$", ylabel="density")
        right.legend(frameon=False)
        save(figure, path)


def survival(times: np.ndarray, steps: int, path: Path) -> None:
    """Share of particles that have not passed yet, with its 95% interval.

    Args:
        times: First-passage times, -1 where it did not happen within `steps`.
        steps: Length of the simulation.
        path: Of the picture.
    """
    passed = np.sort(times[times >= 0])
    share = 1 - np.arange(1, len(passed) + 1) / len(times)
    grid, curve = (
        np.concatenate([[0], passed, [steps]]),
        np.concatenate([[1.0], share, share[-1:] if len(share) else [1.0]]),
    )
    half = 1.96 * np.sqrt(curve * (1 - curve) / len(times))
    with rc_context(STYLE):
        figure = Figure(figsize=(5.4, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.fill_between(grid, np.maximum(curve - half, 1e-9), curve + half, step="post", alpha=0.3)
        axes.step(grid, curve, where="post")
        low = max(float(curve.min()) * 0.8, 0.5 / len(times))
        axes.set(xlabel="steps", ylabel="share still in the well", yscale="log", ylim=(low, 1.05))
        save(figure, path)


def _gibbs(system: System, grid: np.ndarray) -> np.ndarray | None:
    if system.optimizer != "sgd" or len(system.landscape.coordinates) != 1:
        return None
    variance = system.variance(grid)
    if np.ptp(variance) > 0 or variance[0] == 0:
        return None
    exponent = -system.landscape.value([grid]) / (system.settings["eta"] * variance / 2)
    density = np.exp(exponent - exponent.max())
    return density / np.trapezoid(density, grid)


def plain(name: str) -> str:
    """A name that a picture takes neither for a formula nor, where it begins with a line, for one to be hidden."""
    return (" " if name.startswith("_") else "") + name.replace("$", r"\$")


def save(figure: Figure, path: Path) -> None:
    """Write a figure without its date, so that the same numbers give the same file; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
