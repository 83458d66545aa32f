"""Conventions of momentum: exact numerics on the real optimizers."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from inertialab.optim import OPTIMIZERS
from inertialab.verification.check import Check
from inertialab.verification.interval import Estimate
from inertialab.verification.study import Findings, Measurement, Study


def displacements(optimizer: str, gradients: np.ndarray, **settings: float) -> np.ndarray:
    """Displacement after each step of a fixed sequence of gradients, shape (steps,)."""
    theta = torch.zeros(1, dtype=torch.float64)
    stepper = OPTIMIZERS[optimizer].make([theta], **settings)
    path = []
    for gradient in gradients:
        theta.grad = torch.tensor([gradient], dtype=torch.float64)
        stepper.step()
        path.append(float(theta))
    return np.array(path)


def equivalent_rate(
    points: Sequence[Mapping[str, float]],
    steps: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Callable[[], None],
) -> Findings:
    """EMA learning rate that moves as far as PyTorch's momentum: smallest and largest over all steps.

    For given gradients the displacement is proportional to the learning rate, so the ratio of the two
    displacements, EMA's at rate one, is the equivalent rate. Gradients are positive: no displacement vanishes.
    """
    found = []
    for point in points:
        gradients = rng.uniform(0.5, 1.5, steps)
        moved = displacements("momentum-torch", gradients, **point)
        rate = moved / displacements("momentum-ema", gradients, eta=1.0, beta=point["beta"])
        found += [Measurement("equivalent-rate", point, Estimate(float(r))) for r in (rate.min(), rate.max())]
    return Findings(tuple(found))


POINTS = [
    {"eta": 0.1, "beta": 0.9},
    {"eta": 0.01, "beta": 0.5},
    {"eta": 3.0, "beta": 0.99},
    {"eta": 0.2, "beta": 0.0},
]

STUDIES = (Study("convention-rate", equivalent_rate, {"points": POINTS, "steps": 300}),)

CHECKS = (Check("momentum.conventions", "numerics", "convention-rate", "equivalent-rate", 1e-9),)
