"""Epochs of many minibatches in drawn orderings under the package's own SGD."""

from typing import Any

import numpy as np
import torch

from inertialab.experiments.ensemble import torch_generator
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.orderings import about, epochs, flow, losses
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick


def drawn_orderings(
    points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean place of SGD after a shuffled epoch, minus that of gradient flow after the same time.

    Every ordering is drawn together with its reverse, whose mean is one independent number: what the order of two
    minibatches does to one is undone in the other.

    Args:
        points: `eta`, `n_batches` and the `case` that the losses are drawn by.
        particles: Number of drawn orderings.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each point.
    """
    found = []
    for point in points:
        shapes = losses(int(point["case"]), int(point["n_batches"])).to(device)
        generator = torch_generator(rng, device)
        orders = torch.rand(particles, len(shapes), device=device, generator=generator).argsort(1)
        both = [epochs(shapes, order, point["eta"]) for order in (orders, orders.flip(1))]
        ends = ((both[0] + both[1]) / 2).cpu().numpy() - flow(int(point["case"]), len(shapes), point["eta"])
        found.append(Measurement("excess", {**point, **about(shapes.cpu())}, Estimate.mean(ends)))
        tick()
    return Findings(tuple(found))


def orderings_scatter(
    seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any
) -> Findings:
    """Scatter of the excess over its claimed errors."""
    return scatter(drawn_orderings, seeds, rng=rng, device=device, tick=tick, **config)
