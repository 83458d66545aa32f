"""Where decoupled weight decay rests in real training, and what holds it there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.problem import Problem as TrainingProblem
from inertialab.experiments.training import Average
from inertialab.experiments.training.critical import NotConvergedError
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Measurement
from inertialab.verification.studies.training.minima import whole

ROUNDS = 100
"""Most repetitions of place → second moments → place; each brings it nearer by the share of the decay."""
REACHED = 1e-8
"""Change of any parameter at which they end, far below the width of any state."""


def rested(problem: TrainingProblem, start: Tensor, batch: int, decay: float) -> Tensor:
    """Where the full gradient is -decay·√v times the place, v of the gradients of minibatches there.

    Args:
        problem: In float64.
        start: A minimum, shape (P,).
        batch: Batch size.
        decay: Coefficient of the decay.

    Raises:
        NotConvergedError: If rounds do not settle.
    """
    at = start.clone()
    for _ in range(ROUNDS):
        there, slope = whole(problem, at, batch), problem.gradient(at).cpu().numpy()
        strength = decay * np.sqrt(np.diag(there.C) + slope**2)
        change = np.linalg.solve(there.H + np.diag(strength), slope + strength * at.cpu().numpy())
        at = at - torch.as_tensor(change, device=at.device)
        if np.abs(change).max() < REACHED:
            return at
    raise NotConvergedError(f"No resting place within {ROUNDS} rounds at decay {decay:g}; a smaller one settles.")


def held(C: np.ndarray, at: Tensor, decay: float) -> Tensor:
    """Second moments at rest, shape (P,): variances and the squares of the mean gradients that the decay holds up."""
    return torch.as_tensor(np.diag(C).copy(), device=at.device) / (1 - (decay * at.double()).square())


def pulls(at: Tensor, count: int) -> dict[str, Average]:
    """Means over time of place, buffer and squared gradient of the parameters that rest farthest from zero."""
    far = at.abs().argsort(descending=True)[:count]
    return {
        "far place": Average(lambda c: c.theta[:, far], 3),
        "far buffer": Average(lambda c: c.buffer[:, far], 3),
        "far square": Average(lambda c: c.gradient[:, far].square(), 3),
    }


def penalties(
    looks: Mapping[str, Average], decay: float, group: str
) -> tuple[list[Measurement], dict[str, list[list[float]]]]:
    """The L2 penalty that would hold each of these parameters where it rests; and correlations of its estimates."""
    place, buffer, square = (looks[name].mean for name in ("far place", "far buffer", "far square"))
    centre, slope = place.mean(0), buffer.mean(0)
    variance = square.mean(0) - slope**2
    rows = [
        Measurement(
            "penalty",
            {"C": float(variance[i]), "decay": decay, "theta_rest": float(centre[i])},
            Estimate.quotient(-buffer[:, i], place[:, i]),
            group=group,
        )
        for i in range(len(centre))
    ]
    units = buffer - place * slope / centre  # whose scatter is the quotients'
    return rows, {group: np.corrcoef((units / -centre).T).tolist()}
