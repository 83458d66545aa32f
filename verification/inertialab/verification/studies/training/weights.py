"""Leaving minima of one weight on real data: exact times of SGD with its true batches, and departures counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.training.paths import OneWeight, batch_passage, count_departures, one_weight
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.any_law import STEPS, extrapolated
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

PLACES = 24
"""Gauss nodes between minimum and saddle at which the samples' gradients are given."""
DIGITS = 7
"""That they are given with."""
SLOWER = 0.7
"""Second learning rate of counted departures, in units of a point's."""


def _problem(well: Mapping[str, Any]) -> OneWeight:
    return one_weight(well["data"], well["feature"], well["label"], well["bias"], well["at"])


def _climb(problem: OneWeight) -> dict[str, Any]:
    """The samples along the path, and what a diffusion would be told: slope, variance, curvatures, height."""
    nodes, weights = np.polynomial.legendre.leggauss(PLACES)
    way = problem.saddle - problem.minimum
    places = problem.minimum + way * (nodes + 1) / 2
    uphill = problem.gradients(places) * np.sign(way)
    lengths = abs(way) * weights / 2
    small = 1e-4 * abs(way)
    Ha, Hb = (_curvature(problem, at, small) for at in (problem.minimum, problem.saddle))
    return {
        "gradients": [[float(f"{x:.{DIGITS}g}") for x in row] for row in uphill],
        "shares": problem.shares.tolist(),
        "lengths": lengths.tolist(),
        "Ha": Ha,
        "Hb": -Hb,
        "dL": float(lengths @ (uphill @ problem.shares)),
    }


def _curvature(problem: OneWeight, at: float, small: float) -> float:
    below, above = problem.gradients(np.array([at - small, at + small])) @ problem.shares
    return float((above - below) / (2 * small))


def exponents(
    wells: Sequence[Mapping[str, Any]],
    points: Points,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Exponents at a learning rate, from exact times at three rates.

    Args:
        wells: `data`, `feature`, `label`, `bias` and `at` of `one_weight`, and a `unit` of the learning rate.
        points: `rate` = η/B in that unit, and batch size `B`; each for all wells.
        rng: Not used.
        device: Not used: the chain is solved by NumPy.
        tick: Called after each point.
    """
    rows, shared = [], {}
    for number, well in enumerate(wells):
        problem, group = _problem(well), f"{well['data']} {well['feature']}"
        shared[group] = _climb(problem)
        for point in points:
            eta = point["rate"] * well["unit"] * point["B"]
            rates = eta * np.array(STEPS)
            times = [rate * batch_passage(problem, float(rate), point["B"]) for rate in rates]
            value = float(extrapolated(rates, np.log(times)) / eta)
            about = {"eta": eta, "B": point["B"], "well": number}
            rows.append(Measurement("exponent", about, Estimate(value), group=group))
            tick()
    return Findings(tuple(rows), {}, shared)


def departures(
    wells: Sequence[Mapping[str, Any]],
    events: Sequence[int],
    chains: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Exponents from counted departures of SGD at two learning rates, and how each time compares with the exact one.

    Chains run on the CPU, whatever the device.

    Args:
        wells: As for `exponents`, with batch size `B` and `rate` of each.
        events: Departures that are waited for, about, at the larger and at the smaller rate.
        chains: Number of independent chains.
        rng: Source of all randomness.
        device: Not used.
        tick: Called after each step.
    """
    rows, shared, facts = [], {}, {}
    for well in wells:
        problem, group = _problem(well), f"{well['data']} {well['feature']}"
        shared[group] = _climb(problem)
        eta, B = well["rate"] * well["unit"] * well["B"], well["B"]
        logarithms, counts, over = [], [], []
        for rate, wanted in zip((eta, SLOWER * eta), events, strict=True):
            exact = batch_passage(problem, rate, B)
            generator = torch_generator(rng, torch.device("cpu"))
            steps = int(np.ceil(wanted * exact / chains))
            found, risk = count_departures(problem, rate, B, chains=chains, steps=steps, generator=generator, tick=tick)
            logarithms.append(float(np.log(rate * risk / found)))
            counts.append(found)
            over.append((risk / found / exact, found**-0.5))
        lever = 1 / SLOWER - 1
        se = float(np.sqrt(sum(1 / n for n in counts))) / lever
        estimate = Estimate((logarithms[1] - logarithms[0]) / lever, se, min(counts))
        rows.append(Measurement("exponent", {"eta": eta, "B": B}, estimate, group=group))
        facts[group] = {"events": counts, "time over that of the exact chain, relative error": over}
    return Findings(tuple(rows), facts, shared)
