"""Problems of one weight on real data: minima and saddles, and escape times of SGD with its true batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from inertialab.experiments.data import load
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.problem import Problem
from inertialab.experiments.training.chains import Chains

SEARCHED, GRID = 5.0, 4001
"""Weights up to this size are searched for critical points, on so many places."""


class NoBarrierError(WrongInputError):
    """A loss without a minimum and a saddle beside it."""


class OneUnit(nn.Module):
    """A tanh unit of one input with a bias that is not trained: tanh(wx + b).

    Args:
        bias: b.
    """

    def __init__(self, bias: float):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(1, dtype=torch.float64)), bias

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (N,), of inputs of the same shape."""
        return torch.tanh(self.weight * x + self.bias)


def half_square(outputs: Tensor, targets: Tensor) -> Tensor:
    """Half the mean squared error."""
    return 0.5 * (outputs - targets).square().mean()


class OneUnitProblem(Problem):
    """Training of one unit, whose minibatch gradients have a formula; every other derivative is automatic."""

    def gradients(self, flats: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        """As for `Problem`, shape (n, 1)."""
        unit = self.model
        assert isinstance(unit, OneUnit)
        outputs = (flats * inputs).add_(unit.bias).tanh_()
        slope = (outputs - targets).mul_(outputs.square_().neg_().add_(1)).mul_(inputs)
        return slope.mean(1, keepdim=True).add_(flats, alpha=self.l2)


@dataclass(frozen=True)
class OneWeight:
    """A tanh unit that tells one class from all others by one feature, targets ±1, squared loss.

    Attributes:
        problem: What is trained.
        inputs: Distinct samples' inputs, shape (m,).
        targets: Their targets, shape (m,).
        shares: How much of the data each is, shape (m,).
        minimum: Where training starts.
        saddle: The maximum of the loss beside it, in one dimension a saddle.
    """

    problem: Problem
    inputs: np.ndarray
    targets: np.ndarray
    shares: np.ndarray
    minimum: float
    saddle: float

    def gradients(self, weights: np.ndarray) -> np.ndarray:
        """Gradient of every distinct sample, shape (len(weights), m), units L/θ."""
        unit = self.problem.model
        assert isinstance(unit, OneUnit)
        outputs = np.tanh(np.multiply.outer(weights, self.inputs) + unit.bias)
        return (outputs - self.targets) * (1 - outputs**2) * self.inputs + self.problem.l2 * weights[:, None]

    @property
    def wall(self) -> float:
        """Where a chain has left: half as far beyond the saddle as the minimum lies before it."""
        return self.saddle + 0.5 * (self.saddle - self.minimum)


def one_weight(data: str, feature: int, label: int, bias: float, at: float, l2: float = 0.003) -> OneWeight:
    """The problem and the minimum that is nearest to a place, with the lower of the saddles beside it.

    Args:
        data: Data set.
        feature: Number of the feature.
        label: Class that has the target 1, all others -1.
        bias: Of the unit.
        at: Weight near which the minimum is looked for.
        l2: Coefficient of the penalty.

    Raises:
        NoBarrierError: If there is no minimum with a saddle beside it.
    """
    rows = load(data)
    inputs, targets = rows.inputs[:, feature], (rows.targets == label).double() * 2 - 1
    problem = OneUnitProblem(OneUnit(bias), inputs, targets, l2, half_square)
    (x, y), counts = np.unique(np.stack([inputs.numpy(), targets.numpy()]), axis=1, return_counts=True)
    bare = OneWeight(problem, x, y, counts / counts.sum(), 0.0, 0.0)
    weights = np.linspace(-SEARCHED, SEARCHED, GRID)
    slope = bare.gradients(weights) @ bare.shares
    places = np.flatnonzero(slope[:-1] * slope[1:] < 0)
    minima, saddles = (places[slope[places] < 0], places[slope[places] > 0]) if len(places) else (places, places)
    if not (len(minima) and len(saddles)):
        raise NoBarrierError(
            f"Feature {feature} of {data} with bias {bias:g} has {len(minima)} minima and {len(saddles)} saddles; "
            "choose another feature, class or bias."
        )
    bottom = minima[np.abs(weights[minima] - at).argmin()]
    loss = np.concatenate([[0.0], np.cumsum((slope[1:] + slope[:-1]) / 2)])
    beside = [s for s in saddles if not ((places > min(s, bottom)) & (places < max(s, bottom))).any()]
    top = min(beside, key=lambda s: loss[s])
    minimum, saddle = (_zero(bare, weights[i], weights[i + 1]) for i in (bottom, top))
    return replace(bare, minimum=minimum, saddle=saddle)


def _zero(bare: OneWeight, low: float, high: float) -> float:
    """Place between two at which the mean gradient vanishes, by halving."""
    sign = bare.gradients(np.array([low]))[0] @ bare.shares
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if sign * (bare.gradients(np.array([middle]))[0] @ bare.shares) > 0 else (low, middle)
        )
    return (low + high) / 2


def batch_passage(problem: OneWeight, eta: float, batch: int, nodes: int = 1200) -> float:
    """Mean steps of SGD from the minimum to beyond the wall, batches drawn with replacement: no noise is modelled.

    The law of one sample's share in a step is put on a grid by cubic interpolation, which keeps its first three moments
    at every place; convolved with itself it is the law of the batch; τ = 1 + Kτ is solved.

    Args:
        problem: What is trained.
        eta: Learning rate.
        batch: Batch size B.
        nodes: Places of the grid, from one and a half times the way to the saddle on the far side of the minimum.
    """
    way = problem.saddle - problem.minimum
    grid = np.linspace(problem.minimum - 1.5 * way, problem.wall, nodes)
    spacing = grid[1] - grid[0]
    steps = -eta / batch * problem.gradients(grid) / spacing
    reach = int(np.ceil(np.abs(steps).max())) + 2
    law = _on_grid(steps, problem.shares, reach)
    size = 1 << int(np.ceil(np.log2(batch * (2 * reach + 1) + 1)))
    whole = np.fft.irfft(np.fft.rfft(law, size, axis=1) ** batch, size, axis=1)[:, : 2 * batch * reach + 1]
    to = np.arange(nodes)[:, None] + np.arange(-batch * reach, batch * reach + 1)
    inside = to < nodes - 1  # the last node is the wall
    kernel = np.zeros((nodes, nodes))
    rows = np.broadcast_to(np.arange(nodes)[:, None], to.shape)
    np.add.at(kernel, (rows[inside], np.maximum(to, 0)[inside]), whole[inside])
    times = np.linalg.solve(np.eye(nodes) - kernel, np.ones(nodes))
    return float(np.interp(0.0, (grid - problem.minimum) * np.sign(way), times))


def _on_grid(steps: np.ndarray, shares: np.ndarray, reach: int) -> np.ndarray:
    """Weights of whole steps from -reach to reach, shape (nodes, 2·reach + 1), that stand for steps in between."""
    law = np.zeros((len(steps), 2 * reach + 1))
    low = np.floor(steps).astype(int)
    f = steps - low
    cubic = (
        -f * (f - 1) * (f - 2) / 6,
        (f + 1) * (f - 1) * (f - 2) / 2,
        -(f + 1) * f * (f - 2) / 2,
        (f + 1) * f * (f - 1) / 6,
    )
    rows = np.broadcast_to(np.arange(len(steps))[:, None], steps.shape)
    for offset, weight in zip((-1, 0, 1, 2), cubic, strict=True):
        np.add.at(law, (rows, low + offset + reach), weight * shares)
    return law


def count_departures(
    problem: OneWeight,
    eta: float,
    batch: int,
    *,
    chains: int,
    steps: int,
    generator: torch.Generator,
    tick: Callable[[], None] = lambda: None,
) -> tuple[int, int]:
    """Train many chains from the minimum, each with batches of its own; one that has left starts anew there.

    Args:
        problem: What is trained, on the CPU.
        eta: Learning rate of SGD.
        batch: Batch size B.
        chains: Number of chains.
        steps: Steps of each that are counted, after a tenth of them in which the start is forgotten.
        generator: Source of the batches.
        tick: Called after each step.

    Returns:
        Departures, and steps at risk of all chains together.
    """
    start = torch.full((chains, 1), problem.minimum, dtype=torch.float64)
    crowd = Chains(problem.problem, "sgd", {"eta": eta}, start, batch=batch, generator=generator)
    upwards, events = problem.saddle > problem.minimum, 0
    for step in range(-(steps // 10), steps):
        crowd.run(1, tick=tick)
        left = crowd.theta >= problem.wall if upwards else crowd.theta <= problem.wall
        gone = int(left.sum())
        if gone:
            crowd.theta[left] = problem.minimum
            events += gone if step >= 0 else 0
    return events, chains * steps
