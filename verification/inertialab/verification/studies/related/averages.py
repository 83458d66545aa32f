"""Adam and RAdam under Gaussian noise: one tensor of many coordinates, each a run of its own, told by its steps."""

from collections.abc import Iterator, Mapping, Sequence
from math import gamma

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.ensemble import torch_generator
from inertialab.optim import OPTIMIZERS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.related.factors import PLAIN, TINY
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick

MEMORIES = 6
"""Memories of the second moment before late steps are looked at, which is one memory apart."""
FEWER = 1.5
"""Degrees of freedom that are left out where gradients are few; with two, mean squares had no error at all."""


def noisy_steps(
    optimizer: str, settings: Mapping[str, float], coordinates: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Gradient and displacement, uphill and in learning rates, of every step under Gaussian noise of variance one."""
    theta = torch.zeros(coordinates, dtype=torch.float64, device=generator.device)
    stepper = OPTIMIZERS[optimizer].make([theta], eta=1.0, delta=TINY, **settings)
    while True:
        theta.grad = torch.randn(theta.shape, dtype=theta.dtype, device=theta.device, generator=generator)
        theta.zero_()
        stepper.step()
        yield theta.grad, -theta


def looked_at(steps: Iterator[tuple[Tensor, Tensor]], looks: Sequence[int], tick: Tick) -> dict[int, np.ndarray]:
    """Displacement over gradient at some steps, by the step; shape (coordinates,) each."""
    found = {}
    for step in range(1, max(looks) + 1):
        g, displacement = next(steps)
        if step in looks:
            found[step] = (displacement / g).cpu().numpy()
        tick()
    return found


def variance(values: np.ndarray) -> Estimate:
    """Variance over independent units, shape (n,)."""
    return Estimate.mean((values - values.mean()) ** 2)


def freedom(squares: np.ndarray) -> Estimate:
    """Twice the squared mean over the variance, its error to first order; squares of shape (n,)."""
    mean, spread = squares.mean(), squares.var()
    value = 2 * mean**2 / spread
    off = squares - mean
    influence = value * (2 * off / mean - (off**2 - spread) / spread)
    return Estimate(float(value), float(influence.std() / len(squares) ** 0.5), len(squares))


def plain_factors(
    looks: Sequence[int], coordinates: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean and variance of Adam's factor after `looks` steps of a second moment that forgets nothing."""
    steps = noisy_steps("adam", {"beta": 0.0, "beta2": PLAIN}, coordinates, torch_generator(rng, device))
    rows = []
    for step, factor in looked_at(steps, looks, tick).items():
        rows += [
            Measurement("mean", {"rho": step}, Estimate.mean(factor)),
            Measurement("variance", {"rho": step}, variance(factor)),
        ]
    return Findings(tuple(rows))


def few_gradients(
    points: Points, coordinates: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Mean and variance of Adam's factor after so few steps, `rho`, that it has hardly moments or none beyond these.

    Gradients are drawn in any direction, with a square that has `FEWER` degrees of freedom less, so that small ones are
    no longer rare, and count by the ratio of both densities.
    """
    rows = []
    for point in points:
        gradients, weights = _small_gradients(int(point["rho"]), coordinates, rng)
        theta = torch.zeros(coordinates, dtype=torch.float64, device=device)
        stepper = OPTIMIZERS["adam"].make([theta], eta=1.0, beta=0.0, beta2=PLAIN, delta=TINY)
        for g in torch.as_tensor(gradients, device=device):
            theta.zero_()
            theta.grad = g
            stepper.step()
            tick()
        factor = -theta.cpu().numpy() / gradients[-1]
        rows += [
            Measurement("mean", point, Estimate.mean(weights * factor)),
            Measurement("variance", point, weighted_variance(factor, weights)),
        ]
    return Findings(tuple(rows))


def _small_gradients(rho: int, coordinates: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of shape (rho, coordinates), and what each column counts, 1 in the mean."""
    z, fewer = rng.standard_normal((rho, coordinates)), rho - FEWER
    square = rng.chisquare(fewer, coordinates)
    gradients = z * np.sqrt(square / (z**2).sum(0))
    return gradients, (square / 2) ** (FEWER / 2) * gamma(fewer / 2) / gamma(rho / 2)


def weighted_variance(values: np.ndarray, weights: np.ndarray) -> Estimate:
    """Variance of values that count by weights of mean one, its error to first order; shape (n,) each."""
    mean = (weights * values).mean()
    second = weights * values**2
    influence = second - 2 * mean * weights * values
    return Estimate(float(second.mean() - mean**2), float(influence.std() / len(values) ** 0.5), len(values))


def averages(
    beta2s: Sequence[float],
    looks: Sequence[int],
    coordinates: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Degrees of freedom of Adam's second moment after `looks` steps, and the variance of its factor."""
    rows = []
    for beta2 in beta2s:
        steps = noisy_steps("adam", {"beta": 0.0, "beta2": beta2}, coordinates, torch_generator(rng, device))
        for step, factor in looked_at(steps, looks, tick).items():
            point = {"beta2": beta2, "T": step}
            rows += [
                Measurement("freedom", point, freedom(factor**-2)),
                Measurement("variance", point, variance(factor)),
            ]
    return Findings(tuple(rows))


def rectified(
    beta2s: Sequence[float],
    looks: Sequence[int],
    coordinates: int,
    late_coordinates: int,
    late_looks: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Variance of RAdam's rectified factor after `looks` steps over that after many, from runs of their own."""
    rows = []
    for beta2 in beta2s:
        generator, settings = torch_generator(rng, device), {"beta": 0.0, "beta2": beta2}
        memory = int(np.ceil(1 / (1 - beta2)))
        times = [memory * (MEMORIES + n) for n in range(late_looks)]
        factors = looked_at(noisy_steps("radam", settings, late_coordinates, generator), times, tick)
        values = np.stack(list(factors.values()))
        late = Estimate.mean(((values - values.mean()) ** 2).mean(0))
        early = looked_at(noisy_steps("radam", settings, coordinates, generator), looks, tick)
        rows += [
            Measurement("ratio", {"beta2": beta2, "T": step}, variance(factor).over(late))
            for step, factor in early.items()
        ]
    return Findings(tuple(rows))


def updates(
    points: Points,
    looks: Sequence[int],
    coordinates: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Mean size of Adam's step in learning rates, after `looks` steps; beta and beta2 of each point."""
    rows = []
    for point in points:
        steps = noisy_steps("adam", dict(point), coordinates, torch_generator(rng, device))
        for step in range(1, max(looks) + 1):
            _, displacement = next(steps)
            if step in looks:
                size = displacement.abs().cpu().numpy()
                rows.append(Measurement("size", {**point, "T": step}, _never_less(size)))
            tick()
    return Findings(tuple(rows))


def _never_less(size: np.ndarray) -> Estimate:
    """Mean size; of the first step, which is one learning rate in every coordinate, the number itself."""
    return Estimate(float(size.mean())) if np.ptp(size) < 1e-9 else Estimate.mean(size)
