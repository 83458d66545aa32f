"""Escape of SGD's chain as the loss is sharpened, or batches are made smaller, step by step."""

from collections.abc import Sequence

import numpy as np
import torch

from inertialab.experiments.passage import chain_passage
from inertialab.verification.studies.sharpened import grown, power
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.wells import EDGE


def powers(
    points: Points, factors: Sequence[float], *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Power of the exponent, from exact times; points as for `grown`."""
    rows = []
    for point in points:
        logarithms = []
        for factor in factors:
            chain, scale = grown(point, factor)
            logarithms.append(chain_passage(chain, -scale, EDGE * scale).log_steps)
            tick()
        found = power(point["scan"], np.array(factors), np.array(logarithms), np.zeros(len(factors)))
        rows.append(Measurement("power", point, found))
    return Findings(tuple(rows))
