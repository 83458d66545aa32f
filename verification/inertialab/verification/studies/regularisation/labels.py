"""Logistic fits to drawn labels: how the best strength goes with the noise, and what weights by group are worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from inertialab.experiments.har.logistic import penalised_logits
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.regularisation.strengths import shape
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

PILOT = 4
"""Draws that the middle of the strengths is looked for with."""
WIDEST = (1e-11, 1e1)
"""Strengths between which the best one must lie, in units of the variance of a label."""
NEAR, FAR = np.linspace(-1.2, 1.2, 9), np.linspace(-3.5, 3.5, 15)
"""Logarithms of the strengths that are tried, relative to the middle."""


@dataclass(frozen=True)
class Curve:
    """Mean squared error of the logit at several strengths, for every draw of the labels.

    Attributes:
        variance: Of a label, p(1 - p), mean over the line.
        logs: Logarithms of the strengths, rising, shape (s,).
        errors: Shape (draws, s); all strengths fit the same labels.
    """

    variance: float
    logs: np.ndarray
    errors: np.ndarray

    @cached_property
    def each(self) -> CubicSpline:
        """Error of every draw by the logarithm of the strength."""
        return CubicSpline(self.logs, self.errors, axis=1)

    @cached_property
    def mean(self) -> CubicSpline:
        """Mean error over the draws by the logarithm of the strength."""
        return CubicSpline(self.logs, self.errors.mean(0))

    def best(self) -> Estimate:
        """Logarithm of the best strength; a draw moves it by its slope there over the curvature of the mean."""
        at = float(_least(self.mean, (self.logs[0], self.logs[-1])).x)
        return Estimate.mean(at - np.asarray(self.each(at, 1)) / float(self.mean(at, 2)))


def exponents(
    points: Points, logits: int, draws: int, nodes: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Slope of the logarithm of the best strength against that of the variance of a label, over several logits.

    Args:
        points: `n`, the `amplitude` of cos 2πx, the logits `low` and `high` about which it lies at either end, and what
            is `penalised`: output or loss.
        logits: How many, evenly spaced.
        draws: Of the labels at each.
        nodes: Of the line.
        rng: Of the labels.
        device: Not used.
        tick: Called after each logit.
    """
    found = []
    for point in points:
        curves = []
        for base in np.linspace(point["low"], point["high"], logits):
            curves.append(curve(point, base, draws, nodes, NEAR, rng))
            tick()
        x = np.log([c.variance for c in curves])
        share = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
        best = [c.best() for c in curves]
        value = float(share @ [b.value for b in best])
        error = float(np.linalg.norm(share * [b.se for b in best]))
        found.append(
            Measurement(point["penalised"], {**point, **_conditions(point, curves)}, Estimate(value, error, draws))
        )
    return Findings(tuple(found))


def exponents_scatter(
    seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any
) -> Findings:
    """How `exponents` scatters between seeds, over its own errors."""
    return scatter(exponents, seeds, rng=rng, device=device, tick=tick, **config)


def weights(
    points: Points,
    draws: int,
    nodes: int,
    exponent: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Error of two groups of equal size under weights of the loss's derivative over that without, at best factors.

    The groups lie apart from each other; the factor is common to both.

    Args:
        points: `n`, the `amplitude` of cos 2πx, and the logits `noisy` and `clean` about which it lies in each group.
        draws: Of the labels in each group.
        nodes: Of each line.
        exponent: Power of the variance of a label in a weight.
        rng: Of the labels.
        device: Not used.
        tick: Called after each group.
    """
    found = []
    for point in points:
        curves = []
        for group in ("clean", "noisy"):
            curves.append(curve({**point, "penalised": "loss"}, point[group], draws, nodes, FAR, rng))
            tick()
        weighted, plain = (_at_best_factor(curves, power) for power in (exponent, 0.0))
        ratio = weighted.mean() / plain.mean()
        # Draws of the two groups are independent of each other; each is its own quotient's unit.
        error = np.linalg.norm((weighted - ratio * plain).std(1, ddof=1)) / 2 / plain.mean() / draws**0.5
        conditions = {**point, **_conditions(point, curves), "R": curves[1].variance / curves[0].variance}
        found.append(Measurement("weighted", conditions, Estimate(float(ratio), float(error), draws)))
    return Findings(tuple(found))


def _conditions(point: Mapping[str, Any], curves: list[Curve]) -> dict[str, float]:
    """Of the group with the widest kernel, whose labels are the clearest."""
    smallest = min(c.variance for c in curves)
    return {"H": smallest, "V": smallest, "q": 1.0, **shape(point["amplitude"], 1)}


def _at_best_factor(curves: list[Curve], exponent: float) -> np.ndarray:
    """Error of every draw in each group at the best factor of weights variance^exponent, shape (groups, draws)."""
    shifts = [exponent * np.log(c.variance) for c in curves]

    def total(log: float) -> float:
        return float(np.mean([c.mean(log + d) for c, d in zip(curves, shifts, strict=True)]))

    low = max(c.logs[0] - d for c, d in zip(curves, shifts, strict=True))
    high = min(c.logs[-1] - d for c, d in zip(curves, shifts, strict=True))
    at = float(_least(total, (low, high)).x)
    if min(at - low, high - at) < 1e-3:
        raise FloatingPointError("The best factor lies at the end of the strengths that were tried; try more of them.")
    return np.array([c.each(at + d) for c, d in zip(curves, shifts, strict=True)])


def _least(value: Any, bounds: tuple[float, float]) -> Any:
    return minimize_scalar(value, bounds=bounds, method="bounded", options={"xatol": 1e-7})


def curve(
    point: Mapping[str, Any], base: float, draws: int, nodes: int, spread: np.ndarray, rng: np.random.Generator
) -> Curve:
    """Errors of fits at strengths about the best of a few draws.

    Args:
        point: `n`, `amplitude`, `penalised`.
        base: Logit about which the true one lies.
        draws: Of the labels.
        nodes: Of the line.
        spread: Logarithms of the strengths relative to the middle, shape (s,).
        rng: Of the labels.
    """
    truth = base + point["amplitude"] * np.cos(2 * np.pi * (np.arange(nodes) + 0.5) / nodes)
    chance = 1 / (1 + np.exp(-truth))
    variance, count = float((chance * (1 - chance)).mean()), int(point["n"] / nodes)
    trials, ones = np.full(nodes, count), rng.binomial(count, chance, size=(draws, nodes))

    def errors(logs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        fits = penalised_logits(labels, trials, truth, **{point["penalised"]: np.exp(logs)})
        return ((fits - truth) ** 2).mean(1)

    def pilot(log: float) -> float:
        return float(np.log(np.mean([errors(np.array([log]), labels) for labels in ones[:PILOT]])))

    ends = (float(np.log(WIDEST[0] * variance)), float(np.log(WIDEST[1] * variance)))
    middle: Any = minimize_scalar(pilot, bounds=ends, method="bounded", options={"xatol": 0.05})
    logs = middle.x + spread
    return Curve(variance, logs, np.array([errors(logs, labels) for labels in ones]))
