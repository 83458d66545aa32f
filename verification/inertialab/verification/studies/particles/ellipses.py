"""Exits of SGD from ellipses and ellipsoids, counted under the package's own optimizer."""

from itertools import islice

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import matrix_root, torch_generator
from inertialab.experiments.walk import walk
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.ellipses import whitened
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

SETTLED = 6.0
"""Relaxation times until exits are counted."""


def exits(
    points: Points, particles: int, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean time η·steps to leave the ellipsoid ½θᵀΣ⁻¹θ < level: time at risk over exits, each followed by a new start.

    Args:
        points: `eta`, `H`, `C` and `level`.
        particles: Number of particles.
        steps: That are counted.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for point in points:
        eta, H = point["eta"], torch.as_tensor(np.array(point["H"]), device=device)
        to = torch.as_tensor(whitened(point)[2], device=device)
        root = matrix_root(torch.as_tensor(np.array(point["C"]), device=device))
        generator = torch_generator(rng, device)

        def gradient(x: Tensor, H: Tensor = H, root: Tensor = root, g: torch.Generator = generator) -> Tensor:
            return x @ H + torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=g) @ root.T

        wait = int(np.ceil(SETTLED / (eta * float(np.linalg.eigvalsh(point["H"])[0]))))
        events = torch.zeros((), dtype=torch.long, device=device)
        start = torch.zeros(particles, len(H), dtype=torch.float64, device=device)
        for number, stride in enumerate(islice(walk("sgd", {"eta": eta}, gradient, start), wait + steps)):
            fresh = (stride.after @ to).square().sum(1) > 2 * point["level"]
            stride.after[fresh] = 0.0  # the optimizer's own tensor: who has left starts again
            events += fresh.sum() * (number >= wait)
            tick()
        time = eta * particles * steps / int(events)
        rows.append(Measurement("time", point, Estimate(time, time / int(events) ** 0.5, int(events))))
    return Findings(tuple(rows))
