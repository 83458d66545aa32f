"""Escapes of SGD counted as the loss is sharpened step by step.

The loops are compiled for the CPU, whatever the device.
"""

from collections.abc import Sequence

import numpy as np
import torch

from inertialab.experiments.escape import count_escapes
from inertialab.experiments.passage import diffusion_passage
from inertialab.verification.studies.sharpened import grown, power
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.wells import EDGE

PARTICLES = 8192


def powers(
    points: Points,
    factors: Sequence[float],
    events: Sequence[int],
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Power of the exponent, from counted times, events over time at risk.

    Args:
        points: As for `grown`.
        factors: k.
        events: Wanted at each of them, about.
        rng: Source of the seeds.
        device: Not used.
        tick: Called after each look.
    """
    rows = []
    for point in points:
        logarithms, counts = [], []
        for factor, wanted in zip(factors, events, strict=True):
            system, scale = grown(point, factor)
            start, end = -scale, EDGE * scale
            found = count_escapes(
                system,
                start=[start],
                boundary=end,
                particles=PARTICLES,
                steps=int(np.ceil(wanted * diffusion_passage(system, start, end).steps / PARTICLES)),
                seed=int(rng.integers(2**62)),
                burn_in=int(3 / point["eta"]),
                tick=lambda _: tick(),
            )
            logarithms.append(float(np.log(found.steps)))
            counts.append(found.events)
        errors = np.array(counts) ** -0.5
        found = power(point["scan"], np.array(factors), np.array(logarithms), errors, min(counts))
        rows.append(Measurement("power", point, found))
    return Findings(tuple(rows))
