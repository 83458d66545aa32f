"""Saddles of networks that a symmetry fixes: no sample pushes away from them, and deviations grow by random factors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, hessian, vmap
from torch.nn.functional import one_hot

from inertialab.experiments.data import load
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.models import two_layer
from inertialab.experiments.problem import Problem
from inertialab.experiments.training import Chains
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Points, Tick
from inertialab.verification.studies.training.saddles import place

CHAINS, STEPS = 8, 100
"""Of trainings that start at a saddle and should stay."""
MOVERS: tuple[tuple[str, dict[str, float]], ...] = (
    ("sgd", {"eta": 0.1}),
    ("momentum-torch", {"eta": 0.02, "beta": 0.9}),
    ("adam", {"eta": 0.003}),
    ("adai", {"eta": 0.1}),
)
SMALL = 1e-7
"""Size of deviations from a saddle, at which third derivatives change a step by a part in 1e14."""
FLAT = 1e-20
"""Share of all squared curvatures that rounding leaves in a direction without any."""


def _half_square(outputs: Tensor, targets: Tensor) -> Tensor:
    return 0.5 * (outputs - targets).square().sum(-1).mean()


def two_layers(point: Mapping[str, Any], generator: torch.Generator, device: torch.device) -> Problem:
    """Two layers without biases on data: `data`, its first `features`, `hidden` units, `activation`, `loss`."""
    data = load(point["data"])
    X = data.inputs[:, : point.get("features")]
    net = two_layer(X.shape[1], data.classes, generator, point["hidden"], point["activation"]).to(device)
    if point["loss"] == "cross-entropy":
        return Problem(net, X.to(device), data.targets.to(device))
    targets = one_hot(data.targets).to(X) - 1 / data.classes
    return Problem(net, X.to(device), targets.to(device), loss=_half_square)


def _sample_gradients(problem: Problem, at: Tensor) -> Tensor:
    """Gradient of every sample, shape (N, P)."""
    one = vmap(lambda x, y: grad(lambda t: problem.value(t, x[None], y[None]))(at))
    return one(problem.inputs, problem.targets)


def _largest_noise(problem: Problem, at: Tensor) -> float:
    """Largest variance of a sample's gradient among all directions."""
    return float(torch.linalg.matrix_norm(torch.cov(_sample_gradients(problem, at).T), 2))


def origins(points: Points, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Noise at the origin of two-layer networks, and how far four optimizers get from it.

    A point's numbers are in the unit of the noise at the initial weights. Displacements stand as the noise that would
    move SGD so far in one step.

    Args:
        points: As for `two_layers`.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for point in points:
        generator = torch_generator(rng, torch.device("cpu"))
        problem = two_layers(point, generator, device)
        origin = torch.zeros_like(problem.start)
        about = {**point, "unit": _largest_noise(problem, problem.start)}
        rows.append(Measurement("noise", about, Estimate(_largest_noise(problem, origin))))
        for name, settings in MOVERS:
            start = origin.repeat(CHAINS, 1)
            chains = Chains(problem, name, settings, start, batch=8, generator=torch_generator(rng, device))
            moved = float(chains.run(STEPS, tick=tick).theta.abs().max())
            kick = (moved / settings["eta"]) ** 2
            rows.append(Measurement("kick", {**about, "optimizer": name}, Estimate(kick)))
    return Findings(tuple(rows))


def still(saddle: str, steps: int, *, rng: np.random.Generator, device: torch.device, tick: Tick) -> Findings:
    """Squared way of SGD from a saddle of a trained network, along a direction that a symmetry reverses.

    Its unit is the squared way that the largest noise there makes in as many steps.

    Args:
        saddle: Name of a kept saddle whose lowest direction a symmetry reverses, such as that of an unused unit.
        steps: Number of steps of SGD, batches of 8, at a tenth of the inverse of the lowest curvature's size.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    here = place(saddle, 1, rng, device)
    u, (h,) = here.vectors[:, 0], here.curvatures.tolist()
    gradients = _sample_gradients(here.problem, here.at)
    along, unit = float((gradients @ u).var()), _largest_noise(here.problem, here.at)
    eta, batch = float(-0.1 / h), 8
    start, generator = here.at.repeat(CHAINS, 1), torch_generator(rng, device)
    chains = Chains(here.problem, "sgd", {"eta": eta}, start, batch=batch, generator=generator).run(steps, tick=tick)
    moved = float(((chains.theta - here.at) @ u).square().max())
    about = {"eta": eta, "B": batch, "T": steps, "H": [[h]], "K2": [[0.0]], "M0": [[0.0]], "h": h}
    about["unit"] = eta**2 * unit / batch * steps
    facts = here.facts | {"noise along it": along, "largest noise": unit}
    return Findings((Measurement("way", about, Estimate(moved), (0, 0)),), facts)


def deviations(
    problems: Points,
    runs: Sequence[Mapping[str, Any]],
    chains: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """Second moments of SGD that starts beside the origin of a two-layer network, in units of the squared deviation.

    The deviation is the eigenvector of the lowest curvature among the weights of one hidden unit; with the others at
    zero these are a closed set. Directions are the eigenvectors of their Hessian, the lowest first.

    Args:
        problems: As for `two_layers`.
        runs: `steepness` = η times the size of the lowest curvature, `B` and `growth` = steepness times T of each run.
        chains: Number of independent chains.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows, shared = [], {}
    for point in problems:
        problem = two_layers(point, torch_generator(rng, torch.device("cpu")), device)
        basis, H, K2 = _unit_curvatures(problem, point["hidden"])
        for run in runs:
            T, eta = max(1, round(run["growth"] / run["steepness"])), float(run["steepness"] / -H[0])
            group = f"{point['data']}, {point['activation']}, {point['loss']}, B={run['B']}, T={T}"
            moved = _deviate(problem, basis, eta, chains, run["B"], T, torch_generator(rng, device), tick)
            start = np.zeros((len(H), len(H)))
            start[0, 0] = 1.0
            shared[group] = {**point, "eta": eta, "B": run["B"], "T": T, "H": np.diag(H).tolist()}
            shared[group] |= {"K2": K2.tolist(), "M0": start.tolist(), "h": float(H[0])}
            for i in range(len(H)):
                found = Estimate.mean(moved[:, i] ** 2)
                rows.append(Measurement("along" if i == 0 else "across", {}, found, (i, i), group))
    return Findings(tuple(rows), {}, shared)


def _unit_curvatures(problem: Problem, hidden: int) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Eigenvectors of the Hessian of the first hidden unit's weights at the origin, curvatures, and ⟨K_n ⊗ K_n⟩."""
    zero = torch.zeros_like(problem.start)
    inputs = problem.inputs.shape[1]
    own = [*range(inputs), *range(hidden * inputs, len(zero), hidden)]
    embedded = torch.eye(len(zero), dtype=zero.dtype, device=zero.device)[:, own]

    def value(small: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return problem.value(embedded @ small, x[None], y[None])

    each = vmap(hessian(value), (None, 0, 0))(zero[own], problem.inputs, problem.targets)
    w, U = torch.linalg.eigh(each.mean(0))
    # Classes add up to one: along equal weights of all outputs no sample has a curvature.
    bent = (each @ U).square().sum((0, 1)) > FLAT * each.square().sum()
    w, U = w[bent], U[:, bent]
    K = U.T @ (each - each.mean(0)) @ U
    d = len(w)
    K2 = torch.einsum("nij,nkl->ikjl", K, K).reshape(d * d, d * d) / len(K)
    return embedded @ U, w.cpu().numpy(), K2.cpu().numpy()


def _deviate(
    problem: Problem,
    basis: Tensor,
    eta: float,
    chains: int,
    batch: int,
    steps: int,
    generator: torch.Generator,
    tick: Tick,
) -> np.ndarray:
    """Deviations along the basis after the run, in units of that at the start, shape (chains, d)."""
    start = (SMALL * basis[:, 0]).repeat(chains, 1)
    crowd = Chains(problem, "sgd", {"eta": eta}, start, batch=batch, generator=generator).run(steps, tick=tick)
    return (crowd.theta @ basis / SMALL).cpu().numpy()


def entries(
    problems: Points,
    times: Sequence[int],
    steepness: float,
    beta: float,
    batch: int,
    chains: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
    tick: Tick,
) -> Findings:
    """EMA momentum that enters the origin of a two-layer network with a buffer: mean displacement, growth at the end.

    Args:
        problems: As for `two_layers`.
        times: Steps after which the displacement is measured, ascending; growth is that from the last but one step.
        steepness: Learning rate times the size of the lowest curvature.
        beta: Momentum; growth is measured with SGD as well.
        batch: Batch size.
        chains: Number of independent chains.
        rng: Source of all randomness.
        device: Where to run.
        tick: Called after each step.
    """
    rows = []
    for point in problems:
        problem = two_layers(point, torch_generator(rng, torch.device("cpu")), device)
        basis, H, _ = _unit_curvatures(problem, point["hidden"])
        about = {**point, "h": float(H[0]), "eta": float(steepness / -H[0]), "B": batch}
        u = basis[:, 0]
        for name, own in (("momentum-ema", {"beta": beta}), ("sgd", {})):
            entry = -SMALL if own else 0.0
            start = ((0.0 if own else SMALL) * u).repeat(chains, 1)
            settings = {"eta": about["eta"], **own}
            crowd = Chains(problem, name, settings, start, batch=batch, generator=torch_generator(rng, device))
            if own:
                crowd.give(momentum_buffer=entry * u)
            seen = {}
            for step in range(1, max(times) + 1):
                crowd.run(1, tick=tick)
                if step in times or step == max(times) - 1:
                    seen[step] = (crowd.theta @ u).cpu().numpy()
            here = {**about, "beta": own.get("beta", 0.0)}
            if own:
                rows += [
                    Measurement("displacement", {**here, "m0": entry, "T": T}, Estimate.mean(seen[T])) for T in times
                ]
            rows.append(Measurement("growth", here, Estimate.quotient(seen[max(times)], seen[max(times) - 1])))
    return Findings(tuple(rows))
