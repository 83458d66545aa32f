"""Second relation of fluctuation and dissipation in real training: squared slopes over curvatures of steps."""

from __future__ import annotations

import numpy as np
import torch
from numpy.polynomial import Chebyshev
from torch import Tensor
from torch.func import grad, vmap

from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem
from inertialab.experiments.training import Average, Chains, minimise
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.training.minima import minimum, whole
from inertialab.verification.studies.training.one_weight import known, problem_of
from inertialab.verification.studies.training.tails import samples_at

RELAXATIONS = 7
REACH, DEGREE = 9.0, 16
"""Standard deviations from the minimum within which slope and curvature are polynomials of this degree."""
EVERY = 10
"""Steps between looks at a network."""


def of_one_weight(
    points: Points, chains: int, relaxations: float, *, rng: np.random.Generator, device: torch.device, tick: Tick
) -> Findings:
    """Twice ⟨L'²⟩ over η⟨L''ĝ²⟩ for a model of one weight; derivatives and cumulants are sums over the samples.

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
        facts = known(problem, at, point["B"]) | _further(problem, at, point["B"])
        eta = point["steepness"] / facts["h"]
        width = (eta * facts["C"] / facts["h"]) ** 0.5
        slope, bend = _derivatives(problem, float(at[0]), REACH * width)
        crowd = Chains(
            problem,
            "sgd",
            {"eta": eta},
            at.repeat(chains, 1),
            batch=point["B"],
            generator=torch_generator(rng, device),
        )
        force = Average(lambda c, f=slope: _valued(f, c.before[:, 0]).square())
        bent = Average(lambda c, f=bend: _valued(f, c.before[:, 0]) * c.gradient[:, 0].square())
        crowd.run(int(RELAXATIONS / point["steepness"]), tick=tick)
        crowd.run(int(relaxations / point["steepness"]), force, bent, tick=tick)
        found = Estimate.quotient(force.mean, eta / 2 * bent.mean)
        rows.append(Measurement("second", {**point, **facts, "eta": eta}, found))
    return Findings(tuple(rows))


def _further(problem: Problem, at: Tensor, batch: int) -> dict[str, float]:
    """Fourth derivative, and third and fourth cumulants of the gradient of a batch."""
    slopes, _ = samples_at(problem, at)
    z = slopes - slopes.mean()
    third, fourth = float((z**3).mean()), float((z**4).mean() - 3 * (z**2).mean() ** 2)
    _, bend = _derivatives(problem, float(at[0]), 0.1)
    return {"L4": float(bend.deriv(2)(float(at[0]))), "k3": third / batch**2, "k4": fourth / batch**3}


def _derivatives(problem: Problem, at: float, reach: float) -> tuple[Chebyshev, Chebyshev]:
    """Slope and curvature of the loss of all samples around a place, by values at Chebyshev's nodes."""
    nodes = at + reach * np.cos(np.pi * (np.arange(2 * DEGREE) + 0.5) / (2 * DEGREE))
    slopes = [float(problem.gradient(torch.tensor([x], dtype=torch.float64))[0]) for x in nodes]
    slope = Chebyshev.fit(nodes, slopes, DEGREE, domain=[at - reach, at + reach])
    return slope, slope.deriv()


def _valued(function: Chebyshev, x: Tensor) -> Tensor:
    return torch.as_tensor(function(x.cpu().numpy()), device=x.device)


def of_networks(
    data: str,
    model: str,
    l2: float,
    points: Points,
    chains: int,
    relaxations: float,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Twice ⟨|∇L|²⟩ over η⟨ĝᵀHĝ⟩ of SGD, gradient and Hessian those of all samples at the place of each chain.

    Args:
        data: Data set.
        model: Row of `MODELS`.
        l2: Coefficient of the L2 penalty.
        points: `B` and `steepness`, eta·λ₁; a minimum for each.
        chains: Number of independent chains.
        relaxations: Length of the measured stretch, in relaxation times of the slowest direction that has a tenth of
            the largest curvature.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows, facts = [], {}
    for number, point in enumerate(points):
        problem, at, about = minimum(data, model, l2, rng, device)
        h = whole(problem, at, point["B"]).curvatures
        eta, single = float(point["steepness"] / h[-1]), problem.single()
        start, generator = at.float().repeat(chains, 1), torch_generator(rng, device)
        crowd = Chains(single, "sgd", {"eta": eta}, start, batch=point["B"], generator=generator)
        slope, product = vmap(grad(single.value)), vmap(single.hessian_product)
        force = Average(lambda c, f=slope: f(c.before).square().sum(1), EVERY)
        bent = Average(lambda c, f=product: (f(c.before, c.gradient) * c.gradient).sum(1), EVERY)
        crowd.run(int(RELAXATIONS / (eta * h[0])), tick=tick)
        crowd.run(int(relaxations / (eta * float(h[h > h[-1] / 10][0]))), force, bent, tick=tick)
        group = f"point {number}: eta={eta:.3g}, B={point['B']}"
        found = Estimate.quotient(force.mean, eta / 2 * bent.mean)
        rows.append(Measurement("second", {**point, "eta": eta}, found, group=group))
        facts[group] = about
    return Findings(tuple(rows), facts)
