"""Which of two minima optimizers prefer: times of passage between them, counted under their own update rules.

The loops are compiled for the CPU, whatever the device.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp
import torch

from inertialab.experiments.escape import Escapes, count_escapes
from inertialab.experiments.passage import diffusion_passage
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import Landscape
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.two_minima import SIDES, system, two_minima

ARRIVED = 0.6
"""Share of the way from the saddle to the other minimum at which a particle has passed."""
SETTLED = 10
"""Relaxation times until particles are counted."""
SLOW = 1e-5
"""1 - beta2: longer than a climb, shorter than a stay."""


def _system(optimizer: str, point: Mapping[str, Any]) -> System:
    settings = {name: point[name] for name in ("eta", "beta") if name in point}
    if optimizer == "adam":
        settings |= {"beta2": 1 - SLOW, "delta": 0.0}
    if optimizer != "adai":
        return system(optimizer, point, settings)
    # Adai's mean over coordinates needs a second one: a parabola of the mean curvature and noise.
    y = sp.Symbol("y", real=True)
    well, noise = two_minima(point)
    bend, level = (sp.Float((point[a] + point[b]) / 2, 17) for a, b in (("H1", "H2"), ("C1", "C2")))
    minimum = (*well.minimum, sp.S.Zero)
    place = Landscape("two minima beside a parabola", well.loss + bend * y**2 / 2, (*well.coordinates, y), {}, minimum)
    own = {"eta": point["eta"], "beta0": point["kappa"], "beta2": 1 - SLOW, "eps": 1e-3}
    return System(place, Noise((*noise.variances, level)), optimizer, own)


def _started(optimizer: str, point: Mapping[str, Any], noise: str) -> dict[str, Any]:
    """States as after a long stay at a minimum."""
    if optimizer == "adam":
        return {"v": point[noise]}
    return {"v": [point[noise], (point["C1"] + point["C2"]) / 2], "q": [1.0, 1.0]} if optimizer == "adai" else {}


def _passages(
    whole: System, point: Mapping[str, Any], first: bool, events: int, particles: int, seed: int, tick: Tick
) -> Escapes:
    """Ways from one minimum to the other, about as many as wanted."""
    (bend, noise, width), (_, _, beyond) = SIDES if first else SIDES[::-1]
    way = point[width] + ARRIVED * point[beyond]
    start, end = (0.0, way) if first else (point["w1"] + point["w2"], point["w1"] + point["w2"] - way)
    rate = point["eta"] / (point[noise] ** 0.5 if whole.optimizer == "adam" else 1.0)
    turned = {a: point[b] for one, other in (SIDES, SIDES[::-1]) for a, b in zip(one, other, strict=True)}
    flow = diffusion_passage(system("sgd", point if first else {**point, **turned}, {"eta": rate}), 0.0, way)
    states = _started(whole.optimizer, point, noise)
    return count_escapes(
        whole,
        start=[start, 0.0][: len(whole.landscape.coordinates)],
        boundary=end,
        sign=1 if first else -1,
        particles=particles,
        steps=int(np.ceil(events * flow.steps / particles)),
        seed=seed,
        burn_in=int(SETTLED / (rate * point[bend])),
        states=states,
        age=10**9 if states else 0,
        tick=lambda _: tick(),
    )


def occupations(
    points: Points,
    optimizer: str,
    events: int,
    particles: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Time around the first minimum over that around the second: of the ways to the other one.

    Args:
        points: Those of `two_minima`, with the optimizer's settings.
        optimizer: sgd, momentum-ema, adam with a second moment of long memory, or adai.
        events: Passages wanted each way.
        particles: Number of particles.
        rng: Source of the seeds.
        device: Not used.
        tick: Called after each look.
    """
    rows = []
    for point in points:
        whole, seeds = _system(optimizer, point), rng.integers(2**62, size=2)
        there, back = (
            _passages(whole, point, first, events, particles, int(seed), tick)
            for first, seed in zip((True, False), seeds, strict=True)
        )
        ratio, fewest = there.steps / back.steps, min(there.events, back.events)
        error = ratio * (1 / there.events + 1 / back.events) ** 0.5
        rows.append(Measurement("occupation", point, Estimate(ratio, error, fewest)))
    return Findings(tuple(rows))
