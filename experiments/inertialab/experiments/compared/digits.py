"""Handwritten digits learned by a small network: Adam's first steps by their warm-up, and CProp's scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inertialab.experiments.batches import Batches
from inertialab.experiments.data import Dataset, load
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.models import tanh_mlp
from inertialab.optim import OPTIMIZERS
from inertialab.optim.cprop import GATHERED, MEAN, VARIANCE, sureness

Tick = Callable[[int], None]
HIDDEN = 32
"""Units of the network."""
FIRST = 200
"""Steps whose size is looked at."""
WARMUPS: dict[str, Callable[[float], float]] = {
    "none": lambda x: 1.0,
    "linear": lambda x: min(1.0, x),
    "square root": lambda x: min(1.0, x**0.5),
    "radam": lambda x: 1.0,
}
"""Factor of the learning rate, x = (1 - β₂)t/2; RAdam has its own."""
GRADIENTS = ("training", "random signs")
"""Those of the minibatches, and the same with a random sign in every coordinate and step: noise of that size alone."""


def times_of(steps: int, count: int = 40) -> list[int]:
    """Steps that are looked at, evenly spread over the decades."""
    return np.unique(np.geomspace(1, steps, count).round().astype(int)).tolist()


@dataclass
class Learner:
    """A network, its data and the source of its minibatches.

    Attributes:
        model: The network.
        data: The digits.
        batches: Sample numbers, for ever.
    """

    model: nn.Module
    data: Dataset
    batches: Iterator[Tensor]

    @classmethod
    def new(cls, data: Dataset, batch: int, seed: int) -> Learner:
        """The same for all optimizers at one seed.

        Raises:
            WrongInputError: If the batch is larger than the data.
        """
        if batch > len(data.targets):
            raise WrongInputError(f"--batch: there are {len(data.targets)} samples, got {batch}.")
        model = tanh_mlp(data.inputs.shape[1], data.classes, torch.Generator().manual_seed(2 * seed), HIDDEN)
        drawn = torch.Generator().manual_seed(2 * seed + 1)
        return cls(model, data, Batches(len(data.targets), batch, 1, "without replacement", drawn))

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Tensors of the network."""
        return list(self.model.parameters())

    def backward(self) -> None:
        """Put the gradients of the next minibatch into the parameters."""
        (chosen,) = next(self.batches)
        self.model.zero_grad()
        nn.functional.cross_entropy(self.model(self.data.inputs[chosen]), self.data.targets[chosen]).backward()

    @torch.no_grad()
    def loss(self) -> float:
        """Of all samples.

        Raises:
            FloatingPointError: If it is not finite.
        """
        value = float(nn.functional.cross_entropy(self.model(self.data.inputs), self.data.targets))
        if not np.isfinite(value):
            raise FloatingPointError("A training diverged; take a smaller --eta.")
        return value


def warm(learner: Learner, arm: str, eta: float, settings: dict[str, Any], tick: Tick) -> dict[str, list[float]]:
    """Train once.

    Args:
        learner: At its start.
        arm: One of WARMUPS.
        eta: Learning rate.
        settings: steps, beta, beta2.
        tick: Called with the steps done since the last call.

    Returns:
        `update`: mean |Δθ|/η of the coordinates that have had a gradient, at `times_of(FIRST)`; `loss`: of all
        samples, at `times_of(steps)`, after the step.
    """
    row = OPTIMIZERS["radam" if arm == "radam" else "adam"]
    parameters, steps, beta2 = learner.parameters, settings["steps"], settings["beta2"]
    optimizer = row.make(parameters, eta=eta, beta=settings["beta"], beta2=beta2)
    alive = [torch.zeros_like(p, dtype=torch.bool) for p in parameters]
    first, looks = set(times_of(min(FIRST, steps))), set(times_of(steps))
    found: dict[str, list[float]] = {"update": [], "loss": []}
    for step in range(1, steps + 1):
        learner.backward()
        optimizer.param_groups[0]["lr"] = eta * WARMUPS[arm]((1 - beta2) * step / 2)
        before = [p.detach().clone() for p in parameters] if step in first else []
        if step <= FIRST:
            for seen, p in zip(alive, parameters, strict=True):
                seen |= _gradient(p) != 0
        optimizer.step()
        if step in first:
            moved = [(p.detach() - b)[a] for p, b, a in zip(parameters, before, alive, strict=True)]
            found["update"].append(float(torch.cat(moved).abs().mean()) / eta)
        if step in looks:
            found["loss"].append(learner.loss())
        tick(1)
    return found


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def scales(optimizer: torch.optim.Optimizer) -> Tensor:
    """The scale that CProp has applied in its last step, of all coordinates that have had a gradient."""
    found = []
    for group in optimizer.param_groups:
        for p in group["params"]:
            mean, variance, gathered = (optimizer.state[p][name] for name in (MEAN, VARIANCE, GATHERED))
            eps = group["conformity_eps"]
            inverse = gathered / (1 - group["conformity_beta"])
            spread = (variance / (inverse - 1 + eps)).sqrt() + eps
            scale = (group["c"] * sureness(mean.abs() / spread, group["cdf"])).clamp(max=1)
            found.append(scale[mean != 0])
    return torch.cat(found)


def conform(learner: Learner, arm: str, settings: dict[str, Any], seed: int, tick: Tick) -> dict[str, list[float]]:
    """Train once by CProp on SGD.

    Args:
        learner: At its start.
        arm: One of GRADIENTS.
        settings: steps, eta (a tuple of one), beta.
        seed: Of the signs.
        tick: Called with the steps done since the last call.

    Returns:
        `scale`: mean over the coordinates, and `loss`, at `times_of(steps)`, after the step.
    """
    (eta,), steps = settings["eta"], settings["steps"]
    optimizer = OPTIMIZERS["cprop-sgd"].make(learner.parameters, eta=eta, beta=settings["beta"])
    signs, looks = torch.Generator().manual_seed(seed), set(times_of(steps))
    found: dict[str, list[float]] = {"scale": [], "loss": []}
    for step in range(1, steps + 1):
        learner.backward()
        if arm == "random signs":
            for p in learner.parameters:
                _gradient(p).mul_(2 * torch.randint(2, p.shape, generator=signs) - 1)
        optimizer.step()
        if step in looks:
            found["scale"].append(float(scales(optimizer).mean()))
            found["loss"].append(learner.loss())
        tick(1)
    return found


def work(experiment: str, settings: dict[str, Any]) -> int:
    """Steps to come."""
    arms = len(WARMUPS) * len(settings["eta"]) if experiment == "warmup" else len(GRADIENTS)
    return arms * settings["runs"] * settings["steps"]


def warmups(settings: dict[str, Any], seed: int, kept: MutableMapping[str, Any], tick: Tick) -> dict[str, Any]:
    """All warm-ups at all learning rates; what goes into the record."""
    data, steps = load("digits"), settings["steps"]
    rates = {}
    for eta in settings["eta"]:
        made = {}
        for arm in WARMUPS:
            for i in range(settings["runs"]):
                name = f"{eta:g} {arm} {seed + i}"
                if name in kept:
                    tick(steps)
                else:
                    learner = Learner.new(data, settings["batch"], seed + i)
                    kept[name] = warm(learner, arm, eta, settings, tick)
            made[arm] = gathered([kept[f"{eta:g} {arm} {seed + i}"] for i in range(settings["runs"])])
        rates[f"{eta:g}"] = made
    return {"first": times_of(min(FIRST, steps)), "times": times_of(steps), "rates": rates}


def conformities(settings: dict[str, Any], seed: int, kept: MutableMapping[str, Any], tick: Tick) -> dict[str, Any]:
    """CProp with both kinds of gradients; what goes into the record."""
    data, steps = load("digits"), settings["steps"]
    for arm in GRADIENTS:
        for i in range(settings["runs"]):
            if (name := f"{arm} {seed + i}") in kept:
                tick(steps)
            else:
                learner = Learner.new(data, settings["batch"], seed + i)
                kept[name] = conform(learner, arm, settings, seed + i, tick)
    runs = range(settings["runs"])
    return {
        "times": times_of(steps),
        "arms": {arm: gathered([kept[f"{arm} {seed + i}"] for i in runs]) for arm in GRADIENTS},
    }


def gathered(runs: list[dict[str, list[float]]]) -> dict[str, dict[str, list[float]]]:
    """Mean over the seeds and its standard error, of every quantity at every look."""
    found = {}
    for quantity in runs[0]:
        values = np.array([one[quantity] for one in runs])
        error = values.std(0, ddof=1) / len(runs) ** 0.5
        found[quantity] = {"mean": values.mean(0).tolist(), "error": error.tolist()}
    return found
