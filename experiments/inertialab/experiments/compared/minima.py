"""Minima that optimizers find: their sharpness where the training loss is first down to the same value."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from inertialab.experiments.data import load
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.models import tanh_mlp
from inertialab.experiments.problem import Problem
from inertialab.experiments.training import Chains, hessian_matrix
from inertialab.experiments.training.rows import AdaiOfRows, optimizer_of_rows
from inertialab.optim import AdaiW

Make = Callable[[Tensor], torch.optim.Optimizer]
HELD_OUT = 360
"""Digits that are not trained on, chosen once."""
EVERY = 40
"""Steps from one look at the loss to the next, about an epoch of the default batches."""
QUANTITIES = ("sharpness", "trace", "error", "loss", "norm", "steps")


def _of(name: str, **settings: float) -> Make:
    return partial(optimizer_of_rows, name, settings=settings)


def _adaiw(theta: Tensor, eta: float) -> torch.optim.Optimizer:
    return AdaiOfRows(AdaiW([theta], lr=eta, weight_decay=5e-4))


ARMS: dict[str, Make] = {
    "sgd 0.1": _of("sgd", eta=0.1),
    "sgd 0.5": _of("sgd", eta=0.5),
    "momentum 0.01": _of("momentum-torch", eta=0.01, beta=0.9),
    "momentum 0.05": _of("momentum-torch", eta=0.05, beta=0.9),
    "adam 0.001": _of("adam", eta=0.001),
    "adam 0.005": _of("adam", eta=0.005),
    "adamw 0.001": _of("adamw", eta=0.001, decay=0.1),
    "adamw 0.005": _of("adamw", eta=0.005, decay=0.1),
    "adai 0.1": _of("adai", eta=0.1),
    "adai 0.5": _of("adai", eta=0.5),
    "adaiw 0.1": partial(_adaiw, eta=0.1),
    "adaiw 0.5": partial(_adaiw, eta=0.5),
}
"""Optimizers by name and learning rate, fivefold apart; with PyTorch's buffer a tenth of SGD's does as much as that.
Decay is that of the step: .1 of AdamW, 5e-4 of AdaiW."""


def begun(settings: dict[str, Any], seed: int, arm: str) -> tuple[Chains, Problem]:
    """Trainings from the starts of so many seeds, rows of one tensor, and what is not trained on.

    Starts and batches are the same for all arms; every row has an optimizer of its own.

    Args:
        settings: runs, batch and hidden.
        seed: Of the first start.
        arm: One of ARMS.

    Raises:
        WrongInputError: If the batch is larger than the data.
    """
    data, batch = load("digits"), settings["batch"]
    order = torch.randperm(len(data.targets), generator=torch.Generator().manual_seed(0))
    kept, held = order[HELD_OUT:], order[:HELD_OUT]
    if batch > len(kept):
        raise WrongInputError(f"--batch: there are {len(kept)} samples, got {batch}.")
    kept = kept[: len(kept) // batch * batch]
    drawn = [torch.Generator().manual_seed(seed + i) for i in range(settings["runs"])]
    nets = [tanh_mlp(data.inputs.shape[1], data.classes, g, settings["hidden"]) for g in drawn]
    trained, other = (Problem(nets[0], data.inputs[which], data.targets[which]) for which in (kept, held))
    start = torch.stack([Problem(net, trained.inputs, trained.targets).start for net in nets])
    generator = torch.Generator().manual_seed(seed)
    crowd = Chains(trained, "sgd", {"eta": 1.0}, start, batch=batch, sampling="shuffled epochs", generator=generator)
    crowd.optimizer = ARMS[arm](crowd.theta)
    return crowd, other


def found(settings: dict[str, Any], seed: int, arm: str, tick: Callable[[int], None]) -> dict[str, list[float]]:
    """Train until the loss of all samples is low enough, then look; each row by itself.

    Args:
        settings: As for `minima`.
        seed: Of the first start.
        arm: One of ARMS.
        tick: Called with the steps done since the last call.

    Returns:
        Of each row: largest eigenvalue and trace of the Hessian of the training loss, error on what is held out, loss,
        norm of the weights, and steps.

    Raises:
        WrongInputError: If a row does not reach the loss.
        FloatingPointError: If a training diverges.
    """
    crowd, held = begun(settings, seed, arm)
    seen: dict[int, dict[str, float]] = {}
    losses = torch.full((len(crowd),), float("inf"))
    while len(seen) < len(crowd):
        if crowd.steps >= settings["steps"]:
            raise WrongInputError(
                f"--steps: {arm} has a training loss of {float(losses.max()):.3g} after {crowd.steps} steps, not "
                f"{settings['loss']:g}; allow more steps or a larger --loss."
            )
        crowd.run(EVERY)
        tick(EVERY)
        losses = vmap(crowd.problem.value)(crowd.theta)
        if not torch.isfinite(losses).all():
            raise FloatingPointError(f"{arm} diverged.")
        for row in set((losses <= settings["loss"]).nonzero()[:, 0].tolist()) - seen.keys():
            about = {"loss": float(losses[row]), "steps": float(crowd.steps)}
            seen[row] = looked_at(crowd.problem, held, crowd.theta[row].clone()) | about
    tick(settings["steps"] - crowd.steps)
    return {name: [seen[row][name] for row in sorted(seen)] for name in QUANTITIES}


def looked_at(trained: Problem, held: Problem, at: Tensor) -> dict[str, float]:
    """The Hessian, whole; the error, and the length of the weights."""
    values = torch.linalg.eigvalsh(hessian_matrix(trained, at))
    wrong = held.outputs(at, held.inputs).argmax(1) != held.targets
    seen = {"sharpness": values[-1], "trace": values.sum(), "error": wrong.double().mean(), "norm": at.norm()}
    return {name: float(x) for name, x in seen.items()}


def work(settings: dict[str, Any]) -> int:
    """Steps to come at the most, each of all seeds."""
    return len(ARMS) * settings["steps"]


def minima(
    settings: dict[str, Any], seed: int, kept: MutableMapping[str, Any], tick: Callable[[int], None]
) -> dict[str, Any]:
    """All arms from the same starts with the same batches; what goes into the record.

    Args:
        settings: steps, runs, batch, hidden, loss.
        seed: Of the first start.
        kept: Arms that are done.
        tick: Called with the steps done since the last call.

    Returns:
        By arm, the values of all seeds of every quantity; sharpness and trace over those of the first arm from the
        same start, as mean logarithm and its standard error.
    """
    for arm in ARMS:
        if arm in kept:
            tick(settings["steps"])
        else:
            kept[arm] = found(settings, seed, arm, tick)
    first = kept[next(iter(ARMS))]
    names = ("sharpness", "trace")
    return {
        "arms": {arm: kept[arm] for arm in ARMS},
        "against": {arm: {name: _logarithm(kept[arm][name], first[name]) for name in names} for arm in ARMS},
    }


def _logarithm(above: list[float], below: list[float]) -> list[float]:
    """Mean logarithm of ratios, and its standard error."""
    values = np.log(np.array(above) / np.array(below))
    return [float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5)]
