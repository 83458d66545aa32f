"""SGD where the noise grows with the distance, the loss is uneven, or directions are coupled, by particles."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.batches import Batches
from inertialab.experiments.ensemble import matrix_root, torch_generator
from inertialab.experiments.minibatch import least_squares_paths
from inertialab.experiments.walk import Stride
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.exact.chain import about, regression
from inertialab.verification.studies.particles.gradients import slope
from inertialab.verification.studies.particles.relations import settled, visited
from inertialab.verification.studies.particles.stationary import relaxation_steps
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick


def regressions(
    points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Stationary variance of SGD on a linear regression of one feature, with minibatches of its own for each particle.

    Points are those of `regression`, with the batch size and the learning rate as a share of the inverse curvature.
    """
    rows = []
    for point in points:
        x, y = regression(point, rng)
        known = {**point, **about(x, y, point["B"])}
        eta = point["share"] / known["h"]
        generator = torch_generator(rng, device)
        inputs, targets = (torch.as_tensor(v, dtype=torch.float64, device=device) for v in (x, y))
        drawn = Batches(len(x), point["B"], particles, "with replacement", generator)

        def gradient(theta: Tensor, x: Tensor = inputs, y: Tensor = targets, drawn: Any = drawn) -> Tensor:
            chosen = next(drawn)
            rows = x[chosen]
            return (rows * (rows * theta[:, None] - y[chosen])).mean(1)

        def terms(s: Stride) -> list[Tensor]:
            return [s.before**2]

        start = torch.zeros(particles, dtype=torch.float64, device=device)
        wait = settled({"eta": eta, "h": known["h"]})
        (square,) = visited("sgd", {"eta": eta}, gradient, start, wait, 3 * wait, terms, tick)
        rows.append(Measurement("variance", {**known, "eta": eta}, Estimate.mean(square)))
    return Findings(tuple(rows))


def edges(points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Learning rate at which a step of SGD leaves the mean square of particles as it is, without noise at the minimum.

    Particles start at one and make one step under minibatches of their own, at three learning rates about the stated
    multiples of the inverse curvature; the growth is interpolated by the parabola through them.
    """
    rows = []
    for point in points:
        x, _ = regression(point, rng)
        known = {**point, **about(x, 0 * x, point["B"])}
        rates = np.array(point["rates"]) / known["h"]
        growths = []
        for eta in rates:
            ends = least_squares_paths(
                x[:, None],
                0 * x,
                optimizer="sgd",
                settings={"eta": float(eta)},
                batch=point["B"],
                sampling="with replacement",
                particles=particles,
                times=[1],
                rng=np.random.default_rng(point["samples"]),
                start=np.ones(1),
                device=device,
                tick=tick,
            )[0, :, 0]
            growths.append(ends**2 - 1)
        parts = np.array(growths).reshape(3, 200, -1).mean(2)
        found = np.array([upper_root(rates, part) for part in parts.T])
        whole = upper_root(rates, parts.mean(1))
        error = found.std(ddof=1) / len(found) ** 0.5
        rows.append(Measurement("edge", known, Estimate(whole, float(error), len(found))))
    return Findings(tuple(rows))


def upper_root(rates: np.ndarray, growth: np.ndarray) -> float:
    """Upper root of the parabola through three points, the one about which they lie."""
    roots = np.roots(np.polyfit(rates, growth, 2)).real
    return float(roots[np.argmin(abs(roots - rates[1]))])


def means(points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Stationary mean of particles on a loss to the fourth order under Gaussian noise.

    Particles come in pairs whose noise is opposite, so that most of what is not the mean cancels; a pair is a unit.
    """
    rows = []
    for point in points:
        generator = torch_generator(rng, device)

        def gradient(x: Tensor, point: Mapping[str, Any] = point, g: torch.Generator = generator) -> Tensor:
            noise = torch.randn(len(x), dtype=x.dtype, device=x.device, generator=g)[:, None]
            return slope(point, x) + point["C"] ** 0.5 * torch.cat([noise, -noise], 1)

        def terms(s: Stride) -> list[Tensor]:
            return [s.before.mean(1)]

        start = torch.zeros(particles, 2, dtype=torch.float64, device=device)
        wait = settled(point)
        (mean,) = visited("sgd", {"eta": point["eta"]}, gradient, start, wait, wait, terms, tick)
        rows.append(Measurement("mean", point, Estimate.mean(mean)))
    return Findings(tuple(rows))


def currents(points: Points, particles: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Mean rotation of particles in a plane within a step, in the stationary state, averaged over time."""
    rows = []
    for point in points:
        H = torch.as_tensor(np.array(point["H"]), device=device)
        root = matrix_root(torch.as_tensor(np.array(point["C"]), device=device))
        generator = torch_generator(rng, device)

        def gradient(x: Tensor, H: Tensor = H, root: Tensor = root, g: torch.Generator = generator) -> Tensor:
            return x @ H + torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=g) @ root.T

        def terms(s: Stride) -> list[Tensor]:
            return [s.before[:, 0] * s.after[:, 1] - s.before[:, 1] * s.after[:, 0]]

        start = torch.zeros(particles, 2, dtype=torch.float64, device=device)
        wait = relaxation_steps(np.eye(2) - point["eta"] * np.array(point["H"]))
        (turned,) = visited("sgd", {"eta": point["eta"]}, gradient, start, wait, 3 * wait, terms, tick)
        rows.append(Measurement("current", point, Estimate.mean(turned), entry=(1, 0)))
    return Findings(tuple(rows))
