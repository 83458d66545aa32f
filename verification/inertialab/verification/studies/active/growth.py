"""How the chance to ask falls with the rows seen."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from inertialab.experiments.arbal import bounds
from inertialab.experiments.arbal.hypotheses import probabilities
from inertialab.experiments.arbal.learner import Learner, Settings
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.active.streams import NO_CUTS, risks, steps, swiftly_taught, thresholds
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

FINE = tuple(np.geomspace(0.005, 0.7, 30))
"""Rates so near to one another that the best of them is as good as any."""
WINDOW = 0.25
"""Rows around those named, as a fraction of them, over which the chance to ask is averaged."""


class Finer(Learner):
    """Slacks over many rates, of one region; sums of squares of labels are kept from one look to the next."""

    counted: int = 0
    own: Any = 0.0

    def pair_excess(self, k: int, rows: np.ndarray, best: int) -> np.ndarray:
        """As of the learner, with other rates."""
        weighted = self.labels.weighted[: len(rows)]
        self.own = self.own + (weighted[self.counted :] ** 2).sum(axis=0)
        self.counted = len(rows)
        squares = self.own - 2 * (weighted[:, best] @ weighted) + self.own[best]
        return bounds.excess(np.maximum(squares, 0.0), self._log_pairs(k), FINE)


def chances(points: Points, runs: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean chance to ask around a number of rows.

    Args:
        points: Number `M` of hypotheses on `reach` to both sides, `steep`ness, share of `flips`, `width` of the rows,
            `delta`, and how many `rounds`.
        runs: Runs of each.
        rng: Source of rows and coins.
        device: Not used.
        tick: Called after each run.
    """
    found = []
    for point in points:
        weights = thresholds(np.linspace(-point["reach"], point["reach"], int(point["M"])), point["steep"])
        ends = []
        for _ in range(runs):
            ends.append(_mean_chance(weights, point, rng))
            tick()
        means, apart = np.array(ends).T
        about = {**point, **_about(point), "narrow": float(apart.mean() / 2 * point["steep"])}
        found.append(Measurement("chance", about, Estimate.mean(means)))
    return Findings(tuple(found))


def _mean_chance(weights: np.ndarray, point: Mapping[str, Any], rng: np.random.Generator) -> tuple[float, float]:
    """Mean chance to ask around the rounds, and distance of the outermost thresholds alive in the end."""
    learner = Finer(weights, NO_CUTS, Settings(delta=point["delta"]))
    last = int(point["rounds"] * (1 + WINDOW))
    X, y = steps(last, point["flips"], point["width"], rng)
    p = swiftly_taught(learner, X, y, rng.random(last))
    places = -weights[learner.regions[0].alive, 1] / point["steep"]
    return float(p[int(point["rounds"] * (1 - WINDOW)) :].mean()), float(np.ptp(places))


def _about(point: Mapping[str, Any]) -> dict[str, float]:
    """Bend of the risk at its minimum, mean slope of P(1|x) by the threshold, and what the comparisons count."""
    h = 0.01 / point["steep"]
    below, here, above = risks(thresholds(np.array([-h, 0, h]), point["steep"]), point["flips"], point["width"])
    x = (np.arange(20_000) + 0.5) / 20_000 * point["width"] - point["width"] / 2
    ends = probabilities(thresholds(np.array([-h, h]), point["steep"]), x[:, None])
    number = int(point["M"])
    count = float(np.log(len(FINE)) + bounds.log_pairs(number, point["delta"]))
    return {
        "risk_bend": float((above - 2 * here + below) / h**2),
        "ask_density": float((ends[:, 0] - ends[:, 1]).mean() / (2 * h)),
        "log_count": count,
    }
