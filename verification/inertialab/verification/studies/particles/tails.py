"""Tail of SGD at rest, by particles under the package's own optimizer: far excursions grown from nearer ones.

Chances of two far levels are compared by the time that excursions from a home around the minimum spend above each. They
are followed in stages: whoever first enters a level on its way from home goes on from there many times, so that far
levels are seen as often as near ones, and what is counted is a mean over the true excursions.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.walk import walk
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.chain import regression
from inertialab.verification.studies.exact.tails import conditions
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

HOME, LEVELS, NEAR = 1.0, (2.0, 3.25, 4.5, 5.75, 7.0, 8.25), 2
"""Logarithms of home and of the levels, in steps of the noise, and the level from which to the last the tail falls.

Rare batches of large curvature make the tail fall in steps, which even out over some distance.
"""
FAMILIES = 200
"""Groups of particles that never mix, whose scatter gives the error."""
BURST = 8
"""Steps between two looks for particles that are done."""
Kick = Callable[[Tensor], Tensor]


def samplewise(h: np.ndarray, g: np.ndarray, generator: torch.Generator) -> Kick:
    """Gradient h_nθ + g_n of a sample n drawn anew for each particle and step."""
    bend, push = (torch.as_tensor(v, dtype=torch.float64, device=generator.device) for v in (h, g))

    def gradient(theta: Tensor) -> Tensor:
        drawn = torch.randint(len(bend), theta.shape, generator=generator, device=theta.device)
        return bend[drawn] * theta + push[drawn]

    return gradient


def tail(kick: Kick, eta: float, unit: float, particles: int, steps: int, device: torch.device, tick: Tick) -> Estimate:
    """Power with which the chance to be farther away than x falls.

    Args:
        kick: Minibatch gradients.
        eta: Learning rate.
        unit: Standard deviation of a step at the minimum.
        particles: At rest, and again at each level.
        steps: At rest, half as many before anything is counted.
        device: Where to run.
        tick: Called after each step.
    """
    home, *levels = (float(np.exp(x)) * unit for x in (HOME, *LEVELS))
    theta, owner = _leaving(kick, eta, (home, levels[0]), particles, steps, device, tick)
    share, spent = 1.0, []
    for number, level in enumerate(levels):
        theta, owner = _risen(kick, eta, (home, level), theta, owner, tick)
        times = max(1, round(particles / len(theta)))
        theta, owner, share = theta.repeat(times), owner.repeat(times), share / times
        if number in (NEAR, len(levels) - 1):
            spent.append(share * _above(kick, eta, (home, level), theta, owner, tick))
    ratio, apart = Estimate.quotient(spent[1], spent[0]), LEVELS[-1] - LEVELS[NEAR]
    return Estimate(-float(np.log(ratio.value)) / apart, ratio.se / ratio.value / apart, ratio.n)


def _leaving(
    kick: Kick, eta: float, levels: tuple[float, float], particles: int, steps: int, device: torch.device, tick: Tick
) -> tuple[Tensor, Tensor]:
    """States of particles at rest that first enter a level after they were at home, and their families."""
    home, level = levels
    start = torch.zeros(particles, dtype=torch.float64, device=device)
    family = torch.arange(particles, device=device) % FAMILIES
    ready = torch.ones_like(family, dtype=torch.bool)
    states, owners = [], []
    for step, stride in enumerate(islice(walk("sgd", {"eta": eta}, kick, start), 3 * steps // 2)):
        size = stride.after.abs()
        ready |= size < home
        enters = ready & (size >= level)
        ready &= ~enters
        if step >= steps // 2:
            states.append(stride.after[enters])
            owners.append(family[enters])
        tick()
    return torch.cat(states), torch.cat(owners)


def _risen(
    kick: Kick, eta: float, levels: tuple[float, float], theta: Tensor, owner: Tensor, tick: Tick
) -> tuple[Tensor, Tensor]:
    """States of those that enter a level before they are home, and their families."""
    home, level = levels
    up = theta.abs() >= level
    states, owners, theta, owner = [theta[up]], [owner[up]], theta[~up], owner[~up]
    while len(theta):
        away = torch.ones_like(owner, dtype=torch.bool)
        last = theta
        for stride in islice(walk("sgd", {"eta": eta}, kick, theta), BURST):
            last, size = stride.after, stride.after.abs()
            up = away & (size >= level)
            states.append(last[up])
            owners.append(owner[up])
            away &= (size >= home) & ~up
            tick()
        theta, owner = last[away], owner[away]
    return torch.cat(states), torch.cat(owners)


def _above(kick: Kick, eta: float, levels: tuple[float, float], theta: Tensor, owner: Tensor, tick: Tick) -> np.ndarray:
    """Steps above a level until home, summed over each family, shape (FAMILIES,)."""
    home, level = levels
    counts = torch.zeros(FAMILIES, dtype=theta.dtype, device=theta.device)
    counts.index_add_(0, owner, (theta.abs() >= level).to(theta.dtype))
    while len(theta):
        away = torch.ones_like(owner, dtype=torch.bool)
        last = theta
        for stride in islice(walk("sgd", {"eta": eta}, kick, theta), BURST):
            last, size = stride.after, stride.after.abs()
            away &= size >= home
            counts.index_add_(0, owner, (away & (size >= level)).to(theta.dtype))
            tick()
        theta, owner = last[away], owner[away]
    return counts.cpu().numpy()


def indices(
    points: Points, particles: int, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Power of the tail of SGD on linear regressions of one feature, one sample a step.

    Args:
        points: Those of `regression`, with the learning rate as a `share` of that from which on there is no variance.
        particles: Number at rest, and of excursions from each level.
        steps: Number of steps at rest.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for point in points:
        x, y = regression({**point, "size": 1.0, "noise": 1.0}, rng)
        known: dict[str, Any] = conditions(point, x**2)
        pushes = -x * y
        unit = known["eta"] * float(np.sqrt(np.mean(pushes**2)))
        kick = samplewise(x**2, pushes, torch_generator(rng, device))
        rows.append(Measurement("index", known, tail(kick, known["eta"], unit, particles, steps, device, tick)))
    return Findings(tuple(rows))
