"""Models of one weight on real data: where laws of one dimension are laws of a whole training.

A line through the origin under the squared loss, one feature of a table from another, and logistic regression of a
class on one feature. Curvature, noise, its growth and the third derivative are sums over all samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import grad, vmap

from inertialab.experiments.data import load
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem
from inertialab.experiments.training import Average, Chains, minimise
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.particles.uneven import upper_root
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

RELAXATIONS = 7
FAR = 1e6
"""Distance from the minimum, in units of the weight, at which what the samples do there is nothing."""
PARTS = 200
"""Independent parts of an ensemble, whose scatter gives an error."""


class Logit(nn.Module):
    """Two classes by one weight: outputs 0 and wx."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (..., 2), of inputs of shape (..., 1)."""
        return torch.cat([torch.zeros_like(x), self.weight * x], -1)


def half_square(outputs: Tensor, targets: Tensor) -> Tensor:
    """Half the mean squared error."""
    return (outputs - targets).square().mean() / 2


def problem_of(point: Mapping[str, Any], device: torch.device) -> Problem:
    """The training of one weight: `data`, `feature`, and a `target` feature or a `label`."""
    table = load(point["data"])
    x = table.inputs[:, point["feature"]].to(device)[:, None]
    if "target" in point:
        line = nn.Linear(1, 1, bias=False, device=device, dtype=torch.float64)
        return Problem(line, x, table.inputs[:, point["target"]].to(device)[:, None], loss=half_square)
    return Problem(Logit().to(device), x, (table.targets == point["label"]).long().to(device), l2=0.01)


def known(problem: Problem, at: Tensor, batch: int) -> dict[str, float]:
    """Curvature, noise of a batch, its growth and the third derivative at a point, by sums over the samples."""

    def loss(t: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return problem.loss(problem.outputs(t[None], x[None]), y[None])

    derivatives, function = [], loss
    for _ in range(3):
        function = grad(function)
        derivatives.append(vmap(function, (None, 0, 0))(at[0], problem.inputs, problem.targets))
    slope, bend, third = derivatives
    growth = bend.var(correction=0) + ((slope - slope.mean()) * (third - third.mean())).mean()
    return {
        "h": float(bend.mean()) + problem.l2,
        "C": float(slope.var(correction=0)) / batch,
        "c2": float(growth) / batch,
        "L3": float(third.mean()),
    }


def stationary(
    points: Points, chains: int, relaxations: float, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Variance and mean of one weight under SGD at rest.

    The mean of a chain is that of its noises over the curvature, up to what is looked for. Gradients of the same
    batches at the minimum have mean zero and take most of it away.

    Args:
        points: Those of `problem_of`, with `B` and `steepness`, eta·h.
        chains: Number of independent chains.
        relaxations: Length of the measured stretch, in relaxation times.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for point in points:
        problem = problem_of(point, device)
        at, _ = minimise(problem)
        facts = known(problem, at, point["B"])
        eta = point["steepness"] / facts["h"]
        start, generator = at.repeat(chains, 1), torch_generator(rng, device)
        crowd = Chains(problem, "sgd", {"eta": eta}, start, batch=point["B"], generator=generator)

        def place(c: Chains, at: Tensor = at) -> Tensor:
            return (c.before - at)[:, 0]

        def kicks(c: Chains, start: Tensor = start) -> Tensor:
            return c.problem.batch_gradients(start, c.indices)[:, 0]

        looks = (Average(place), Average(lambda c: place(c).square()), Average(kicks))
        crowd.run(int(RELAXATIONS / point["steepness"]), tick=tick)
        crowd.run(int(relaxations / point["steepness"]), *looks, tick=tick)
        mean, square, kick = (look.mean for look in looks)
        conditions = {**point, **facts, "eta": eta}
        rows.append(Measurement("mean", conditions, Estimate.mean(mean + kick / facts["h"])))
        rows.append(
            Measurement("variance", conditions, Estimate.mean(square - 2 * mean * mean.mean() + mean.mean() ** 2))
        )
    return Findings(tuple(rows))


def edges(points: Points, chains: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Learning rate at which a step far from the minimum leaves the mean square as it is.

    All chains make one step under the same batches at three rates, `rates` in units of 1/h; the growth is interpolated
    by the parabola through them.
    """
    rows = []
    for point in points:
        problem = problem_of(point, device)
        at, _ = minimise(problem)
        facts = known(problem, at, point["B"])
        rates, seed, growths = np.array(point["rates"]) / facts["h"], int(rng.integers(2**62)), []
        start = (at + FAR).repeat(chains, 1)
        for eta in rates:
            generator = torch.Generator(device).manual_seed(seed)
            crowd = Chains(problem, "sgd", {"eta": float(eta)}, start, batch=point["B"], generator=generator)
            crowd.run(1, tick=tick)
            growths.append(((crowd.theta - at)[:, 0] / FAR).square().cpu().numpy() - 1)
        parts = np.array(growths).reshape(len(rates), PARTS, -1).mean(2)
        found = np.array([upper_root(rates, part) for part in parts.T])
        error = float(found.std(ddof=1) / PARTS**0.5)
        whole = upper_root(rates, parts.mean(1))
        rows.append(Measurement("edge", {**point, **facts}, Estimate(whole, error, PARTS)))
    return Findings(tuple(rows))
