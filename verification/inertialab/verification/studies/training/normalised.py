"""A network with normalised weights on real data, under SGD with weight decay: norms and turning of its units."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from inertialab.experiments.data import load
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem
from inertialab.experiments.training import Average, Chains
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.particles.spheres import FORGOTTEN, MEASURED, NAMES, beside, numbers
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick


class NormalisedUnits(nn.Module):
    """Hidden tanh units of which only the direction of the weights matters, and fixed weights behind them.

    Args:
        inputs: Number of features.
        hidden: Number of units.
        classes: Number of classes.
        generator: Source of all weights.
    """

    def __init__(self, inputs: int, hidden: int, classes: int, generator: torch.Generator):
        super().__init__()
        drawn = torch.randn(hidden, inputs, dtype=torch.float64, generator=generator)
        self.weight = nn.Parameter(normalize(drawn, dim=1))
        self.behind = torch.randn(classes, hidden, dtype=torch.float64, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (..., classes)."""
        return torch.tanh(x @ normalize(self.weight, dim=1).T) @ self.behind.T


def network_units(
    points: Points, hidden: int, chains: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Stationary ⟨|w|⁴⟩ and angle of a step of every hidden unit, beside its mean squared gradient at |w| = 1.

    Args:
        points: `data`, `eta`, `decay` and the batch size `B`.
        hidden: Number of units.
        chains: Number of independent trainings of one network.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    found = []
    for number, point in enumerate(points):
        table = load(point["data"])
        shape = (table.inputs.shape[1], hidden, table.classes)
        model = NormalisedUnits(*shape, torch_generator(rng, torch.device("cpu"))).to(device)
        model.behind = model.behind.to(device)
        problem = Problem(model, table.inputs.to(device), table.targets.to(device), l2=point["decay"])
        start = problem.start.repeat(chains, 1)
        generator = torch_generator(rng, device)
        crowd = Chains(problem, "sgd", {"eta": point["eta"]}, start, batch=point["B"], generator=generator)

        def look(
            c: Chains, rows: tuple[int, int] = (chains * hidden, shape[0]), decay: float = point["decay"]
        ) -> Tensor:
            gradient = c.gradient - decay * c.before  # the decay passes through the learning rate
            parts = numbers(*(x.reshape(rows) for x in (c.before, gradient, c.theta)))
            return torch.stack(parts, 1).view(len(c), -1, len(NAMES))

        slow = 1 / (point["eta"] * point["decay"])
        average = Average(look)
        crowd.run(int(FORGOTTEN * slow), tick=tick).run(int(MEASURED * slow), average, tick=tick)
        for unit in range(hidden):
            means = dict(zip(NAMES, average.mean[:, unit].T, strict=True))
            square = float(means["square"].mean())
            about = {**point, "unit": unit, "G2": square, "G2_spread": float(means["fourth"].mean() / square**2 - 1)}
            group = f"point {number}"
            found.append(Measurement("fourth-power", about, beside(means["norm"], means["square"]), group=group))
            turned = Estimate.mean(means["angle"])
            root = turned.value**0.5
            found.append(Measurement("angle", about, Estimate(root, turned.se / (2 * root), turned.n), group=group))
    return Findings(tuple(found))
