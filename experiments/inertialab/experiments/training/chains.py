"""Many independent copies of one real training, as rows of one tensor."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.batches import Batches, Sampling
from inertialab.experiments.ensemble import torch_generator
from inertialab.experiments.problem import Problem
from inertialab.experiments.training.rows import optimizer_of_rows

Relabel = Callable[[Tensor, torch.Generator], Tensor]
"""From the targets of all batches, shape (n, B, ...), to those trained on, noise added."""


class Observer(Protocol):
    """What looks at chains after every step."""

    def __call__(self, chains: Chains) -> None:
        """Look; `chains` has made at least one step, and must not be changed."""


class Chains:
    """Independent trainings of one problem, each with its own start, batches and optimizer.

    Args:
        problem: What is trained.
        optimizer: Row of `inertialab.optim.OPTIMIZERS`.
        settings: Its `eta` and other settings.
        start: Parameters that the chains start from, shape (n, P); copied.
        batch: Batch size B.
        sampling: How batches are drawn, see `Batches`.
        relabel: Noise of the targets; none by default.
        generator: Source of all randomness, on the device of `start`.

    Attributes:
        theta: Parameters, shape (n, P); the optimizer's own tensor, which the next step overwrites.
        before: Parameters before the last step.
        gradient: Minibatch gradients of the last step, taken at `before`.
        indices: Samples of the batches drawn last, shape (n, B).
        steps: Steps made, warm ones not among them.

    >>> from inertialab.experiments.data import load
    >>> from inertialab.experiments.models import softmax_regression
    >>> data, generator = load("wine"), torch.Generator().manual_seed(0)
    >>> problem = Problem(softmax_regression(13, 3, generator), data.inputs, data.targets, l2=0.01)
    >>> start = problem.start.repeat(5, 1)
    >>> chains = Chains(problem, "adai", {"eta": 0.1}, start, batch=4, generator=generator).warm(20).run(3)
    >>> chains.theta.shape, chains.steps
    (torch.Size([5, 42]), 3)
    """

    def __init__(
        self,
        problem: Problem,
        optimizer: str,
        settings: Mapping[str, float],
        start: Tensor,
        *,
        batch: int,
        sampling: Sampling = "with replacement",
        relabel: Relabel | None = None,
        generator: torch.Generator,
    ):
        self.problem, self.relabel, self.generator, self.steps = problem, relabel, generator, 0
        self.theta = start.clone()
        self.before = self.gradient = torch.zeros_like(self.theta)
        self.indices = torch.empty(len(start), 0, dtype=torch.long, device=start.device)
        self.optimizer = optimizer_of_rows(optimizer, self.theta, settings)
        self.batches = Batches(len(problem.inputs), batch, len(start), sampling, generator)

    def __len__(self) -> int:
        return len(self.theta)

    @property
    def state(self) -> dict[str, Any]:
        """What the optimizers carry, by torch's names, tensors of shape (n, P); empty without any."""
        return self.optimizer.state.get(self.theta, {})

    @property
    def buffer(self) -> Tensor:
        """Momentum buffers after the step, in the optimizer's own convention; without momentum the gradients."""
        found = (self.state.get(name) for name in ("momentum_buffer", "exp_avg"))
        return next((x for x in found if x is not None), self.gradient)

    def draw(self) -> Tensor:
        """Gradients of fresh minibatches at the present parameters, shape (n, P)."""
        self.indices = indices = next(self.batches)
        targets = self.problem.targets[indices]
        noisy = targets if self.relabel is None else self.relabel(targets, self.generator)
        return self.problem.gradients(self.theta, self.problem.samples(indices), noisy)

    def step(self) -> None:
        """One step of every chain."""
        self.before, self.gradient = self.theta.clone(), self.draw()
        self.theta.grad = self.gradient
        self.optimizer.step()
        self.steps += 1

    def run(self, steps: int, *observers: Observer, tick: Callable[[], None] = lambda: None) -> Chains:
        """Make steps.

        Args:
            steps: How many.
            *observers: Each is called after every step.
            tick: Called after every step.

        Returns:
            The chains themselves.
        """
        for _ in range(steps):
            self.step()
            for observer in observers:
                observer(self)
            tick()
        return self

    def warm(self, steps: int) -> Chains:
        """Fill what the optimizers carry by steps of learning rate zero, in which no parameter moves."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        for group in self.optimizer.param_groups:
            group["lr"] = 0.0
        made = self.steps
        self.run(steps)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self.steps = made
        return self

    def give(self, **states: Tensor | float) -> Chains:
        """Set what the optimizers carry, by torch's names, such as `momentum_buffer` or `exp_avg_sq`.

        Args:
            **states: Each broadcasts to what is there; a momentum buffer may be given before the first step.

        Raises:
            ValueError: If the optimizer carries nothing of that name; adaptive ones must have been warmed before.
        """
        own = self.optimizer.state[self.theta]
        for name, value in states.items():
            if name == "momentum_buffer" and self.optimizer.defaults.get("momentum"):
                own.setdefault(name, torch.zeros_like(self.theta))
            if not isinstance(own.get(name), Tensor):
                raise ValueError(f"There is no {name!r} to set; the optimizer carries {', '.join(own) or 'nothing'}.")
            own[name].copy_(torch.as_tensor(value))
        return self

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next steps depend on; `load_state_dict` of equal chains goes on bit for bit."""
        return {
            "theta": self.theta.clone(),
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
            "generator": self.generator.get_state(),
            "order": self.batches.order.clone(),
            "steps": self.steps,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state of the same chains."""
        self.theta.copy_(state["theta"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.batches.order, self.steps = state["order"].clone(), state["steps"]


def run_chains(
    problem: Problem,
    optimizer: str,
    settings: Mapping[str, float],
    *,
    start: Tensor,
    basis: Tensor,
    chains: int,
    batch: int,
    burn_in: int,
    samples: int,
    every: int,
    rng: np.random.Generator,
    sampling: Sampling = "with replacement",
    tick: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """Train independent copies of a model from one point.

    Args:
        problem: What is trained.
        optimizer: Row of `inertialab.optim.OPTIMIZERS`.
        settings: Its `eta` and other settings.
        start: Parameters all chains start from, shape (P,).
        basis: Directions to record, shape (P, k); in float64 also for chains in single precision.
        chains: Number of independent chains, n.
        batch: Batch size B.
        burn_in: Steps before the first record.
        samples: Number of records.
        every: Steps between records.
        rng: Source of all randomness.
        sampling: How batches are drawn, see `Batches`.
        tick: Called after each step.

    Returns:
        Displacement from the start along the directions, shape (samples, n, k), float64, units θ.
    """
    generator, recorded = torch_generator(rng, start.device), []
    crowd = Chains(
        problem, optimizer, settings, start.repeat(chains, 1), batch=batch, sampling=sampling, generator=generator
    ).run(burn_in, tick=tick)
    for sample in range(samples):
        crowd.run(every if sample else 1, tick=tick)
        recorded.append(((crowd.theta - start).to(basis.dtype) @ basis).cpu().numpy())
    return np.stack(recorded)
