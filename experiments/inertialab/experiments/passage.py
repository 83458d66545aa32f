"""Exact mean first-passage times in one dimension: of the diffusion, and of the discrete chain that an optimizer is.

Simulations are judged against the chain, theory against both, so that the error of a theory and that of taking steps
for a continuous flow are seen apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.polynomial import legendre
from scipy.special import ndtr

from inertialab.experiments.system import System
from inertialab.theory.passage import log_passage

Function = Callable[[np.ndarray], np.ndarray]
NODES = 12
"""Gauss nodes in a panel."""


@dataclass(frozen=True)
class Passage:
    """A mean first-passage time.

    Attributes:
        steps: Mean number of steps; for the diffusion t/η.
        log_steps: Its logarithm, finite where the number itself overflows.
        error: Relative difference from fewer panels.
    """

    steps: float
    log_steps: float
    error: float


def diffusion_passage(
    system: System, start: float, boundary: float, convention: Literal["ito", "anti-ito"] = "ito", panels: int = 400
) -> Passage:
    """Mean first-passage time of dθ = -L'dt + √(2D)dW with D = ηC/2, upwards through a boundary.

    Ito, the limit of small steps of SGD, whose noise is taken before the step, or anti-Ito; the integrals are those of
    `theory.passage.log_passage`, from a place on the left that is hardly ever reached.

    Args:
        system: One-dimensional SGD with noise that has a variance and vanishes nowhere.
        start: Where the particle starts, below the boundary.
        boundary: Where it is absorbed.
        convention: Which product of state-dependent noise is meant.
        panels: Number of pieces; the error is from half of them.

    Raises:
        ValueError: If the system is of another kind or the boundary lies on the wrong side.
    """
    slope, variance, eta = _one_dimensional(system, start, boundary)
    system.law.needed("A diffusion")
    ends = start, boundary, _left_end(slope, variance, eta, start)

    def diffusion(x: np.ndarray) -> np.ndarray:
        return eta * variance(x) / 2

    fine, coarse = (log_passage(slope, diffusion, ends, convention, count) for count in (panels, panels // 2))
    return Passage(_exp(fine) / eta, float(fine - np.log(eta)), float(abs(np.expm1(coarse - fine))))


def chain_passage(system: System, start: float, boundary: float, panels: int = 0) -> Passage:
    """Mean first-passage time of the discrete chain θ' = θ - ηL' + η√C ξ with Gaussian noise.

    The transition density on Gauss nodes makes a finite chain; the equation τ = 1 + Pτ is solved by elimination without
    subtraction (Grassmann, Taksar and Heyman 1985), so that times of 1e10 steps keep their digits.

    Args:
        system: One-dimensional SGD with Gaussian noise that vanishes nowhere.
        start: Where the particle starts, below the boundary.
        boundary: A particle at or above it has passed.
        panels: Number of pieces; by default one to a standard deviation of one step.

    Raises:
        ValueError: If the system is of another kind, or needs more than 500 panels.
    """
    slope, variance, eta = _one_dimensional(system, start, boundary)
    _gaussian(system)
    low = _left_end(slope, variance, eta, start)
    grid = np.linspace(low, boundary, 2001)
    spread = float(eta * np.sqrt(variance(grid)).min())
    count = panels or max(20, int(np.ceil((boundary - low) / spread)))
    if count > 500:
        raise ValueError(
            f"One step moves by about {spread:.2g} and the way is {boundary - low:.2g}: {count} panels are too many "
            "(at most 500). Take a larger step, or the diffusion."
        )
    fine, coarse = (chain_steps(slope, variance, eta, (low, start, boundary), n) for n in (count, count * 3 // 4))
    return Passage(fine, float(np.log(fine)), abs(coarse / fine - 1))


def chain_steps(
    slope: Function, variance: Function, eta: float, ends: tuple[float, float, float], panels: int
) -> float:
    """Mean steps of the chain of `chain_passage`, from functions.

    Args:
        slope: L'.
        variance: C.
        eta: η.
        ends: A place on the left that is hardly ever reached, the start, and the boundary.
        panels: Number of pieces.
    """
    low, start, boundary = ends
    x, whole = _panels(np.linspace(low, boundary, panels + 1))

    def transitions(origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        centre, spread = origin - eta * slope(origin), eta * np.sqrt(variance(origin))
        z = (x[None, :] - centre[:, None]) / spread[:, None]
        inside = np.exp(-(z**2) / 2) / (spread[:, None] * np.sqrt(2 * np.pi)) * whole
        passed = ndtr((centre - boundary) / spread)
        total = inside.sum(1) + passed  # what falls below the left end is spread over the rest
        return inside / total[:, None], passed / total

    times = without_subtraction(*transitions(x))
    first, _ = transitions(np.array([start]))
    return float(1 + first[0] @ times)


def without_subtraction(transitions: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """Mean times τ = 1 + Pτ until a chain is absorbed, with full relative accuracy however long they are.

    Args:
        transitions: P, shape (n, n), nonnegative.
        passed: Chance to be absorbed at the next step, shape (n,); rows of P and this add up to 1.

    Returns:
        Mean times, shape (n,).
    """
    p, out, weight = transitions.copy(), passed.copy(), np.ones(len(passed))
    for j in range(len(out) - 1, 0, -1):
        leaves = out[j] + p[j, :j].sum()
        p[j, :j] /= leaves
        out[j] /= leaves
        weight[j] /= leaves
        into = p[:j, j]
        out[:j] += into * out[j]
        weight[:j] += into * weight[j]
        p[:j, :j] += np.outer(into, p[j, :j])
    times = np.zeros(len(out))
    times[0] = weight[0] / out[0]
    for j in range(1, len(out)):
        times[j] = weight[j] + p[j, :j] @ times[:j]
    return times


def pair_chain_passage(system: System, start: float, boundary: float, nodes: int = 240) -> Passage:
    """Mean first-passage time of heavy ball, θ' = θ + β(θ - θ₋) - ηL' + η√C ξ, as a chain of pairs (θ₋, θ).

    Chances to survive are followed until they decay by a constant factor, and the rest is a geometric series.

    Args:
        system: One-dimensional heavy ball with Gaussian noise.
        start: Where the particle starts at rest, below the boundary.
        boundary: A particle at or above it has passed.
        nodes: Gauss nodes for a position; memory grows with their third power.

    Raises:
        ValueError: If the system is of another kind, the boundary lies on the wrong side, one step is smaller than
            the distance of the nodes, or the passage takes more than about 1e8 steps.
    """
    slope, variance, eta = _one_dimensional(system, start, boundary, "heavy-ball")
    _gaussian(system)
    beta = float(system.settings["beta"])
    low = _left_end(slope, variance, eta / (1 - beta), start)
    spread = float(eta * np.sqrt(variance(np.linspace(low, boundary, 2001))).min())
    if (boundary - low) / nodes > spread:
        need = int(np.ceil((boundary - low) / spread))
        raise ValueError(
            f"One step moves by about {spread:.2g}; {nodes} nodes are too few, at least {need} are needed."
        )

    def steps(count: int) -> float:
        x, whole = _panels(np.linspace(low, boundary, max(2, count // NODES) + 1))

        def kernel(before: np.ndarray, now: np.ndarray) -> np.ndarray:
            """Chances to go on to each node, shape (now, before, node)."""
            centre = now[:, None] + beta * (now[:, None] - before[None, :]) - eta * slope(now)[:, None]
            sigma = (eta * np.sqrt(variance(now)))[:, None, None]
            z = (x - centre[:, :, None]) / sigma
            return np.exp(-(z**2) / 2) * (whole / np.sqrt(2 * np.pi)) / sigma

        times = _summed_survival(kernel(x, x))
        here = np.array([start])
        second = 1 + np.einsum("jl,jl->j", kernel(here, x)[:, 0], times.T)
        return float(1 + kernel(here, here)[0, 0] @ second)

    fine, coarse = steps(nodes), steps(nodes * 3 // 4)
    return Passage(fine, float(np.log(fine)), abs(coarse / fine - 1))


def _summed_survival(kernel: np.ndarray) -> np.ndarray:
    """Σ_k of the chance to survive k steps, by pair (before, now), shape (n, n); kernel is (now, before, next)."""
    survival = np.ones(kernel.shape[:2]).T
    total = survival.copy()
    for _ in range(20_000):
        # From (before, now) to (now, next): the chance to survive one step more.
        after = np.matmul(kernel, survival[:, :, None])[:, :, 0].T
        lost, alive = 1 - after / np.maximum(survival, 1e-300), survival > 1e-3 * survival.max()
        survival = after
        if np.ptp(lost[alive]) < 1e-9 * lost[alive].max():
            rate = float(np.median(lost[alive]))
            if rate < 1e-8:
                raise ValueError(f"The passage takes about {1 / rate:.1g} steps; more than 1e8 are lost in rounding.")
            return total + survival / rate
        total += survival
    raise ValueError("Survival does not settle to one rate within 20000 steps: there is no barrier on the way.")


def _one_dimensional(
    system: System, start: float, boundary: float, optimizer: str = "sgd"
) -> tuple[Function, Function, float]:
    if len(system.landscape.coordinates) != 1 or system.optimizer != optimizer:
        raise ValueError(
            f"This is known for {optimizer} in one dimension, got {system.optimizer} in "
            f"{len(system.landscape.coordinates)}."
        )
    if not start < boundary:
        raise ValueError(f"The boundary must lie above the start, got start {start:g} and boundary {boundary:g}.")
    slope, variance = system.slope, system.variance
    if variance(np.linspace(start, boundary, 1001)).min() <= 0:
        raise ValueError("The noise vanishes between start and boundary, so no particle gets there by it.")
    return slope, variance, float(system.settings["eta"])


def _gaussian(system: System) -> None:
    if system.noise.law != "gaussian":
        raise ValueError(f"The chain is known for Gaussian noise; got {system.noise.law!r}.")


def _left_end(slope: Function, variance: Function, eta: float, start: float) -> float:
    """A place to the left that a particle reaches with a chance below e^-45 of one near the start.

    Raises:
        ValueError: If the landscape does not hold particles back there.
    """
    step = max(eta * float(np.sqrt(variance(np.array([start])))[0]), 1e-3)
    x = start - step * np.arange(200_001)
    climbed = np.cumsum(-slope(x) / (eta * variance(x) / 2)) * step
    above = np.flatnonzero(climbed - np.minimum.accumulate(climbed) > 45)
    if not len(above):
        raise ValueError(f"The landscape does not rise to the left of {start:g}: particles are lost there.")
    return float(x[above[0]])


def _panels(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gauss nodes of all panels and their weights, shape (n,)."""
    nodes, weights = legendre.leggauss(NODES)
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * nodes).ravel(), (half[:, None] * weights).ravel()


def _exp(value: float) -> float:
    return float(np.exp(value)) if value < 700 else float("inf")
