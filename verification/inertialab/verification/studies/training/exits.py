"""Leaving ellipsoids around minima of networks on data, counted under the package's own optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import matrix_root, torch_generator
from inertialab.experiments.exact import stationary_moments
from inertialab.experiments.training import Average, Chains
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.training.minima import Whole, minimum, whole
from inertialab.verification.studies.training.resting import aged, prepared

SETTLED = 6.0
"""Relaxation times of the slowest direction until exits are counted."""
PILOT = 20.0
"""In which the standard deviation of the linear chain is found."""
EASIER = 2
"""Exits of the linear chain, in units of those of training, which cost more."""
LOOK = 20
"""Steps after which exits are counted up."""


class Exits:
    """Counts who leaves a set; each who does goes on from where another is, which has not left.

    So the crowd stays as one that has forgotten its start without leaving, and events over exposure is the rate.

    Args:
        origin: Where displacements are counted from, shape (P,).
        to: Map to coordinates in which the set is a ball, shape (P, k).
        level: Half the squared radius of the ball.
        generator: Chooses who is followed.

    Attributes:
        events: How many have left.
    """

    def __init__(self, origin: Tensor, to: Tensor, level: float, generator: torch.Generator):
        self.origin, self.to, self.level, self.generator = origin, to, level, generator
        self.events = 0

    def __call__(self, chains: Chains) -> None:
        """Count, and let those who left follow others, with all that their optimizers carry."""
        outside = ((chains.theta - self.origin) @ self.to).square().sum(1) > 2 * self.level
        left = outside.nonzero()[:, 0]
        if not len(left):
            return
        self.events += len(left)
        inside = (~outside).nonzero()[:, 0]
        chosen = torch.randint(len(inside), (len(left),), generator=self.generator, device=left.device)
        for own in (chains.theta, *(x for x in chains.state.values() if torch.is_tensor(x) and x.dim() == 2)):
            own[left] = own[inside[chosen]]


class LinearChains(Chains):
    """Chains of an optimizer on a quadratic loss with Gaussian noise, in the place of a training.

    Args:
        there: Hessian and noise of the minimum.
        at: The minimum, shape (P,).
        *options: As for `Chains`.
        **more: As for `Chains`.
    """

    def __init__(self, there: Whole, at: Tensor, *options: Any, **more: Any):
        super().__init__(*options, **more)
        self.at, self.H = at, torch.as_tensor(there.H, dtype=at.dtype, device=at.device)
        self.root = matrix_root(torch.as_tensor(there.C, device=at.device)).to(at.dtype)

    def draw(self) -> Tensor:
        """Gradients of the quadratic loss with noise, shape (n, P)."""
        kick = torch.randn(self.theta.shape, dtype=self.root.dtype, device=self.root.device, generator=self.generator)
        return torch.addmm(kick @ self.root.T, self.theta - self.at, self.H)


def ellipsoids(
    points: Points,
    chains: int,
    exits: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean time η·steps in which SGD leaves an ellipsoid of its stationary state along directions of the Hessian.

    Args:
        points: `data`, `model`, `l2`, `B`, `steepness` = η times the largest curvature, and `level` of the ellipsoid
            in the first `directions` eigen-directions of the Hessian.
        chains: Number of chains.
        exits: That are waited for, about.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows, facts = [], {}
    for number, point in enumerate(points):
        problem, at, about = minimum(point["data"], point["model"], point["l2"], rng, device)
        there = whole(problem, at, point["B"])
        h, modes = np.linalg.eigh(there.H)
        h, V = h[::-1][: point["directions"]], modes[:, ::-1][:, : point["directions"]]
        eta = float(point["steepness"] / there.curvatures[-1])
        H, C = np.diag(h), V.T @ there.C @ V
        S = stationary_moments(np.eye(len(h)) - eta * H, eta**2 * C)
        to = torch.as_tensor(V @ np.linalg.inv(np.linalg.cholesky(S)).T, dtype=torch.float32, device=device)
        generator, single, start = torch_generator(rng, device), problem.single(), at.float()
        crowd = Chains(single, "sgd", {"eta": eta}, start.repeat(chains, 1), batch=point["B"], generator=generator)
        crowd.run(int(SETTLED / (eta * h[-1])), tick=tick)
        events, steps = _counted(crowd, start, to, point["level"], exits, tick)
        group = f"point {number}: {point['data']}, {point['model']}"
        time = eta * chains * steps / events
        known = {"eta": eta, "H": H.tolist(), "C": C.tolist(), "B": point["B"], "level": point["level"]}
        rows.append(Measurement("time", known, Estimate(time, time / events**0.5, events), group=group))
        facts[group] = about | {"steps": steps}
    return Findings(tuple(rows), facts)


def _counted(crowd: Chains, at: Tensor, to: Tensor, level: float, exits: int, tick: Tick) -> tuple[int, int]:
    """Exits and steps, until there are enough."""
    watch, steps = Exits(at, to, level, crowd.generator), 0
    while watch.events < exits:
        crowd.run(LOOK, watch, tick=tick)
        steps += LOOK
    return watch.events, steps


def likened(
    points: Points,
    chains: int,
    exits: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean time in which trainings leave a level over that of the linear chain under the same optimizer.

    The level is counted in standard deviations of the linear chain, which is run for them.

    Args:
        points: `data`, `model`, `l2`, `optimizer` and its settings, `B`, `steepness` as for `resting`, and `level`,
            half the squared number of standard deviations along the steepest direction.
        chains: Number of chains.
        exits: That are waited for, about, in training; of the linear chain as many times as `EASIER`.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows, facts = [], {}
    for number, point in enumerate(points):
        problem, at, about = minimum(point["data"], point["model"], point["l2"], rng, device)
        there, optimizer = whole(problem, at, point["B"]), point["optimizer"]
        asked = {k: x for k, x in point.items() if k not in ("data", "model", "l2", "optimizer", "level")}
        settings, basis, relaxation = prepared(optimizer, asked, there, 1)
        at = at.float()
        own = (problem.single(), optimizer, settings, at.repeat(chains, 1))
        more = {"batch": point["B"], "generator": torch_generator(rng, device)}
        straight, crowd = LinearChains(there, at, *own, **more), Chains(*own, **more)
        for each in (straight, crowd):
            aged(each, settings, there).run(int(SETTLED * relaxation), tick=tick)
        u = torch.as_tensor(basis, dtype=at.dtype, device=device)
        look = Average(lambda c, at=at, u=u: ((c.theta - at) @ u).square())
        straight.run(int(PILOT * relaxation), look, tick=tick)
        to = u / float(look.mean.mean()) ** 0.5
        (slow, long), (fast, short) = (
            _counted(each, at, to, point["level"], wanted, tick)
            for each, wanted in ((straight, EASIER * exits), (crowd, exits))
        )
        time = settings["eta"] * chains * long / slow
        ratio = short / fast * slow / long
        h, C = (float(basis[:, 0] @ M @ basis[:, 0]) for M in (there.H, there.C))
        known = {**settings, "B": point["B"], "level": point["level"], "linear_time": time, "h": h, "C": C}
        error = ratio * (1 / slow + 1 / fast) ** 0.5
        group = f"point {number}: {point['data']}, {optimizer}"
        rows.append(Measurement("exit-ratio", known, Estimate(ratio, error, fast), group=group))
        facts[group] = about | {"steps": short}
    return Findings(tuple(rows), facts)
