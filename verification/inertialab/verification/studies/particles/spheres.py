"""Weights of which only the direction matters, under SGD with weight decay: a normalised unit on random data."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize, softplus

from inertialab.experiments.ensemble import torch_generator
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.repeated import scatter
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

FORGOTTEN = 5.0
"""Times 1/(ηλ) before anything is measured: |w|⁴ forgets at the rate 4ηλ."""
MEASURED = 2.0
"""Times 1/(ηλ) that are averaged over."""


def units(points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Stationary ⟨|w|⁴⟩ and angle of a step, beside the mean squared gradient at |w| = 1 and its spread.

    Every particle is a unit with normalised weights that tells Gaussian inputs by the sign of their first component, by
    the logistic loss of fresh minibatches. Its time averages are the independent numbers.

    Args:
        points: `eta`, `decay`, `inputs` of the unit, size of a `batch`, `steep` factor of the normalised activation.
        particles: Number of independent units.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    found = []
    for point in points:
        means = _averages(point, particles, torch_generator(rng, device), tick)
        square = means["square"].mean()
        about = {**point, "G2": float(square), "G2_spread": float(means["fourth"].mean() / square**2 - 1)}
        found.append(Measurement("fourth-power", about, beside(means["norm"], means["square"])))
        turned = Estimate.mean(means["angle"])
        root = turned.value**0.5
        found.append(Measurement("angle", about, Estimate(root, turned.se / (2 * root), turned.n)))
    return Findings(tuple(found))


def beside(values: np.ndarray, scale: np.ndarray) -> Estimate:
    """Mean of values, with the error that it has in units of the mean of a scale that was measured with it."""
    ratio = values.mean() / scale.mean()
    return Estimate(float(values.mean()), Estimate.mean(values - ratio * scale).se, len(values))


def _averages(
    point: Mapping[str, Any], particles: int, generator: torch.Generator, tick: Tick
) -> dict[str, np.ndarray]:
    """Each unit's averages over the steps in the stationary state."""
    start = torch.randn(particles, point["inputs"], dtype=torch.float64, device=generator.device, generator=generator)
    w = normalize(start, dim=1).requires_grad_()
    stepper = torch.optim.SGD([w], lr=point["eta"], weight_decay=point["decay"])
    wait, steps = (int(np.ceil(times / (point["eta"] * point["decay"]))) for times in (FORGOTTEN, MEASURED))
    sums = {name: torch.zeros(particles, dtype=torch.float64, device=w.device) for name in NAMES}
    for step in range(wait + steps):
        before = w.detach().clone()
        w.grad = None
        _loss(w, point, generator).backward()
        gradient = w.grad
        stepper.step()
        if step >= wait:
            for name, number in zip(NAMES, numbers(before, gradient, w.detach()), strict=True):
                sums[name] += number / steps
        tick()
    return {name: total.cpu().numpy() for name, total in sums.items()}


NAMES = ("norm", "square", "fourth", "angle")


def numbers(before: Tensor, gradient: Tensor | None, after: Tensor) -> tuple[Tensor, ...]:
    """|w|⁴, squared gradient at |w| = 1, its square, squared angle of the step."""
    if gradient is None:
        raise ValueError("The weights have no gradient; the loss must depend on them.")
    squared = before.square().sum(1)
    square = squared * gradient.square().sum(1)
    cosine = (normalize(before, dim=1) * normalize(after, dim=1)).sum(1)
    sine = (normalize(after, dim=1) - cosine[:, None] * normalize(before, dim=1)).norm(dim=1)
    return squared**2, square, square**2, torch.atan2(sine, cosine) ** 2


def _loss(w: Tensor, point: Mapping[str, Any], generator: torch.Generator) -> Tensor:
    """Sum of the units' minibatch losses, each on inputs of its own."""
    shape = (len(w), point["batch"], point["inputs"])
    inputs = torch.randn(shape, dtype=w.dtype, device=w.device, generator=generator)
    activation = torch.einsum("pbi,pi->pb", inputs, normalize(w, dim=1))
    return softplus(-point["steep"] * inputs[..., 0].sign() * activation).mean(1).sum()


def units_scatter(seeds: int, *, rng: np.random.Generator, device: torch.device, tick: Tick, **config: Any) -> Findings:
    """Scatter of norms, in units of the gradients that they were measured with, and of angles, over claimed errors."""
    return scatter(_in_units, seeds, rng=rng, device=device, tick=tick, **config)


def _in_units(**config: Any) -> Findings:
    """The measurement with every |w|⁴ divided by its ⟨|G|²⟩, the number that the errors speak of."""

    def scaled(m: Measurement) -> Measurement:
        return replace(m, estimate=m.estimate.scaled(1 / m.point["G2"])) if m.quantity == "fourth-power" else m

    return Findings(tuple(map(scaled, units(**config).measurements)))
