"""Where steps of the optimizers themselves stop to contract on a parabola."""

from collections.abc import Mapping

import numpy as np
import torch
from scipy.optimize import root_scalar

from inertialab.optim import OPTIMIZERS, set_momentum_buffer
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

LATE = 1e20
"""Steps of Adam after which the corrections of its start are gone."""
SMALL = 2.0**-40
"""Size of the states that are tried: too small to change Adam's second moment."""


def edges(optimizer: str, points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Curvature at which the spectral radius of a step is 1, found by bisection.

    Args:
        optimizer: sgd, heavy-ball, or adam with a second moment `v` that no longer changes.
        points: Settings; for Adam also `v`. Its curvature is measured in units of √v.
        rng: Not used.
        device: Not used.
        tick: Called after each point.
    """
    found = []
    for point in points:
        unit = point.get("v", 1.0) ** 0.5

        def beyond(log: float, point: Mapping[str, float] = point, unit: float = unit) -> float:
            A = transition(optimizer, point, np.exp(log) * unit)
            return float(np.abs(np.linalg.eigvals(A)).max()) - 1

        middle = -np.log(point["eta"])
        log = root_scalar(beyond, bracket=(middle - 5, middle + 15), xtol=1e-13).root
        found.append(Measurement("edge", point, Estimate(float(np.exp(log)))))
        tick()
    return Findings(tuple(found))


def transition(optimizer: str, point: Mapping[str, float], h: float) -> np.ndarray:
    """Matrix of one step of the optimizer on hθ²/2, from its steps from a parameter alone and from a buffer alone."""
    theta = torch.tensor([SMALL, 0.0], dtype=torch.float64)
    buffer = torch.tensor([0.0, SMALL], dtype=torch.float64)
    settings = {name: x for name, x in point.items() if name != "v"}
    if optimizer == "adam":
        settings |= {"beta2": 1 - 2**-53, "delta": 0.0}
    stepper = OPTIMIZERS[optimizer].make([theta], **settings)
    if optimizer == "adam":
        moments = {"exp_avg": buffer, "exp_avg_sq": torch.full_like(theta, point["v"])}
        stepper.state[theta] = {"step": torch.tensor(LATE), **moments}
    elif optimizer != "sgd":
        set_momentum_buffer(stepper, buffer)
    theta.grad = h * theta
    stepper.step()
    if optimizer == "sgd":
        return theta[:1].numpy()[None] / SMALL
    name = "exp_avg" if optimizer == "adam" else "momentum_buffer"
    return torch.stack([theta, stepper.state[theta][name]]).numpy() / SMALL
