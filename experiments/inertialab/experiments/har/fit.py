"""Training in two stages: the noise of each group by cross-fitting, then one model with a strength for each."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.har.penalty import INPUT, Form, JacobianPenalty, Of, example_losses
from inertialab.experiments.har.strengths import GroupNoise, Loss, folds_of, har_strengths, squared_residuals

Kept = MutableMapping[str, Tensor]
Tick = Callable[[int], None]
GRID = (1e-4, 1e-3, 1e-2, 1e-1)
"""Strengths of geometric mean over the groups that are tried."""


@dataclass(frozen=True)
class Recipe:
    """How a model is trained, by Adam with a learning rate that falls to 0 like a cosine.

    Attributes:
        steps: Number of steps.
        eta: Learning rate at the start.
        batch: Examples in a step; all if there are no more.
        layers: What the penalty differentiates with respect to; None for all hidden layers.
        of: What it differentiates.
        form: How it puts layers together.
    """

    steps: int = 800
    eta: float = 0.01
    batch: int = 512
    layers: Sequence[str] | None = (INPUT,)
    of: Of = "output"
    form: Form = "squared"


@dataclass(frozen=True)
class HarFit:
    """What training in two stages has found.

    Attributes:
        model: Trained on all examples.
        noise: Of each group, cross-fitted.
        strengths: Relative strength of each group, shape (K,), of geometric mean 1.
        factor: What multiplies them, chosen by cross-fitting.
        uniform: The strength chosen if all groups have the same.
        held_out: Mean squared residual by group on held-out examples, shape (K,), by arm and strength.
    """

    model: nn.Module
    noise: GroupNoise
    strengths: Tensor
    factor: float
    uniform: float
    held_out: dict[str, dict[float, Tensor]] = field(default_factory=dict)


def train(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    strengths: Tensor,
    recipe: Recipe,
    generator: torch.Generator | None = None,
    tick: Tick = lambda n: None,
) -> nn.Module:
    """Train a copy of a model on the mean of loss plus strength times penalty.

    Args:
        model: What it starts from; stays as it is.
        x: Inputs, shape (N, ...).
        y: Targets, shape (N,): numbers, or classes as whole numbers.
        strengths: Of each example, shape (N,); the loss of a number is half its squared error.
        recipe: How.
        generator: Of the batches.
        tick: Called with 1 after each step.

    Raises:
        FloatingPointError: If the loss or a weight is not finite any more.
    """
    model = copy.deepcopy(model)
    penalty = JacobianPenalty(model, recipe.layers, recipe.of, recipe.form)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.eta)
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.eta * (1 + math.cos(math.pi * step / recipe.steps)) / 2
        chosen = slice(None)
        if len(x) > recipe.batch:
            chosen = torch.randint(len(x), (recipe.batch,), generator=generator)
        outputs, sizes = penalty.with_outputs(x[chosen], y[chosen])
        loss = (example_losses(outputs, y[chosen]) + strengths[chosen] * sizes).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step % 100 == 99 or step == recipe.steps - 1) and not _sound(loss, model):
            raise FloatingPointError(
                f"Loss {loss.item():g} or a weight is not finite after {step + 1} steps; take a smaller learning rate."
            )
        tick(1)
    return model


def _sound(loss: Tensor, model: nn.Module) -> bool:
    return bool(torch.isfinite(loss)) and all(bool(torch.isfinite(p).all()) for p in model.parameters())


def predictions(model: nn.Module, x: Tensor, classes: bool) -> Tensor:
    """Numbers, shape (N,), or probabilities of the classes, shape (N, K)."""
    with torch.no_grad():
        outputs = model(x)
    return outputs.softmax(1) if classes else outputs.reshape(len(x), -1)[:, 0]


def har_fit(
    model: nn.Module,
    data: tuple[Tensor, Tensor],
    groups: Tensor,
    *,
    recipe: Recipe = Recipe(),
    grid: Sequence[float] = GRID,
    folds: int = 2,
    seed: int = 0,
    kept: Kept | None = None,
    tick: Tick = lambda n: None,
) -> HarFit:
    """Train with one strength for each group: by theory from cross-fitted noise, but for a common factor.

    A uniform strength is chosen first, and the residuals of its held-out examples are the noise. The factor of the
    groups' strengths is the one of least held-out squared residuals, each over its group's noise; cross-entropy in the
    place of that for classes. Then all examples train one model.

    Args:
        model: Untrained; every training starts from a copy of it.
        data: Inputs, shape (N, ...), and targets, shape (N,): numbers, or classes as whole numbers.
        groups: Group of each example, whole numbers, shape (N,): sensor, annotator, class ...
        recipe: How a model is trained.
        grid: Strengths to choose from.
        folds: Of the cross-fitting.
        seed: Of folds and batches.
        kept: Held-out predictions of trainings that are done; what it holds is not trained again. Filled on the way.
        tick: Called with 1 after each step; there are `steps_of` of them.

    Raises:
        WrongInputError: If lengths differ, a group is too small, or a strength is not positive.
        FloatingPointError: If a training diverges.
    """
    x, y = data
    if not len(x) == len(y) == len(groups):
        raise WrongInputError(f"Give one target and one group an example; got {len(x)}, {len(y)}, {len(groups)}.")
    if not grid or not all(0 < s < math.inf for s in grid):
        raise WrongInputError(f"Strengths of a grid must be positive and finite, got {list(grid)}.")
    if y.numel() != len(x):
        raise WrongInputError(f"Give one number or class an example as target; got targets of shape {list(y.shape)}.")
    y = y.reshape(-1) if y.dtype.is_floating_point else y.reshape(-1).long()
    names, index = groups.unique(return_inverse=True)
    crossed = _Crossed(model, x, y, index, recipe, folds, seed, {} if kept is None else kept, tick)
    loss: Loss = "squared" if y.dtype.is_floating_point else "logistic"
    even = torch.ones(len(names), dtype=torch.float64)
    found = {"uniform": {s: crossed.held_out("uniform", s * even, s) for s in grid}}
    uniform = min(grid, key=lambda s: crossed.score(found["uniform"][s], even))
    noise = crossed.noise(names, found["uniform"][uniform])
    strengths = har_strengths(noise.noise, noise.counts, loss, recipe.of)
    found["har"] = {s: crossed.held_out("har", s * strengths, s) for s in grid}
    factor = min(grid, key=lambda s: crossed.score(found["har"][s], noise.noise))
    trained = crossed.trained(slice(None), factor * strengths, generator_of(seed, "all"))
    tables = {arm: {s: crossed.by_group(p) for s, p in curve.items()} for arm, curve in found.items()}
    return HarFit(trained.eval(), noise, strengths, factor, uniform, tables)


def steps_of(recipe: Recipe, grid: Sequence[float], folds: int) -> int:
    """Steps that `har_fit` makes."""
    return recipe.steps * (2 * len(grid) * folds + 1)


def generator_of(*words: int | str) -> torch.Generator:
    """A stream of random numbers of its own for each name."""
    number = int.from_bytes("/".join(map(str, words)).encode(), "big") % (2**63 - 25)
    return torch.Generator().manual_seed(number)


@dataclass(frozen=True)
class _Crossed:
    """Trainings on all folds but one, by which each example is predicted."""

    model: nn.Module
    x: Tensor
    y: Tensor
    index: Tensor
    recipe: Recipe
    folds: int
    seed: int
    kept: Kept
    tick: Tick

    @property
    def classes(self) -> bool:
        return not self.y.dtype.is_floating_point

    def trained(self, chosen: Tensor | slice, strengths: Tensor, generator: torch.Generator) -> nn.Module:
        kind = self.x.dtype if self.x.dtype.is_floating_point else torch.get_default_dtype()  # words are whole numbers
        each = strengths[self.index[chosen]].to(kind)
        return train(self.model, self.x[chosen], self.y[chosen], each, self.recipe, generator, self.tick)

    def held_out(self, arm: str, strengths: Tensor, factor: float) -> Tensor:
        """Predictions of every example by the training that has not seen it."""
        fold = folds_of(self.index, self.folds, generator_of(self.seed, "folds"))
        parts = [self._part(f"{arm} {float(factor)!r} {k}", fold == k, strengths) for k in range(self.folds)]
        found = torch.empty(len(self.x), *parts[0].shape[1:], dtype=parts[0].dtype)
        for k, part in enumerate(parts):
            found[fold == k] = part
        return found

    def _part(self, name: str, out: Tensor, strengths: Tensor) -> Tensor:
        if name not in self.kept:
            model = self.trained(~out, strengths, generator_of(self.seed, name))
            self.kept[name] = predictions(model.eval(), self.x[out], self.classes)
        else:
            self.tick(self.recipe.steps)
        return self.kept[name]

    def score(self, predicted: Tensor, noise: Tensor) -> float:
        """What a strength is chosen by; less is better."""
        if self.classes:
            chances = predicted.gather(1, self.y[:, None]).clamp_min(1e-12)
            return float(-chances.log().mean())
        return float((squared_residuals(predicted, self.y) / noise[self.index]).mean())

    def by_group(self, predicted: Tensor) -> Tensor:
        """Mean squared residual of each group."""
        residuals = squared_residuals(predicted, self.y).double()
        return torch.stack([residuals[self.index == k].mean() for k in range(int(self.index.max()) + 1)])

    def noise(self, names: Tensor, predicted: Tensor) -> GroupNoise:
        residuals = squared_residuals(predicted, self.y).double()
        each = [residuals[self.index == k] for k in range(len(names))]
        errors = torch.stack([r.std() / len(r) ** 0.5 for r in each])
        return GroupNoise(names, self.by_group(predicted), torch.bincount(self.index), errors)
