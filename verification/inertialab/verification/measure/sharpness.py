"""The largest eigenvalue of the Hessian along a training run, within a share of its cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from inertialab.verification.measure.curvature import hessian
from inertialab.verification.measure.lanczos import top_eigenpairs
from inertialab.verification.measure.measurable import Chunk, Loss
from inertialab.verification.measure.problem import Problem

PRODUCT = 3.0  # cost of a product in full-data gradients, an upper estimate where no graph is kept
OVERHEAD = 3.0  # the same of a problem's probes and of making its graph
FEWEST = 4  # products below which a measurement waits until it can afford more


@dataclass(frozen=True)
class SharpnessRecord:
    """One measurement.

    Attributes:
        step: Optimizer steps done.
        value: Largest eigenvalue of the full-data Hessian; from below where it is not converged, units L/θ².
        residual: An eigenvalue lies within it of the value.
        matvecs: Number of products used.
        converged: Whether the residual is within the tolerance.
    """

    step: int
    value: float
    residual: float
    matvecs: int
    converged: bool


class Sharpness:
    """A callback for every training step: `sharpness()` after `optimizer.step()`.

    Each measurement starts from the last vector and is made on all data in evaluation mode, for the mini-batch
    Hessian is biased. The cost is counted in full-data gradients, not in seconds, so that runs can be repeated.
    Measurements that cannot be afforded are left out, and those cut short say so.

    Args:
        model: In training; its mode, gradients and buffers stay as they are.
        loss: Mean loss of a batch.
        data: (inputs, targets), all of the training data.
        batch: Samples in a training step, which sets its cost.
        every: Steps between measurements.
        max_share: Largest share of measuring in the cost of training and measuring together.
        rtol: Residual, relative to the eigenvalue.
        generator: Source of the first vector.
        options: Further arguments of `Problem`.

    Raises:
        ValueError: If a number is out of range.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        data: Chunk,
        *,
        batch: int,
        every: int,
        max_share: float = 0.1,
        rtol: float = 1e-2,
        generator: torch.Generator,
        **options: Any,
    ):
        if batch < 1 or every < 1 or not 0 < max_share < 1:
            raise ValueError(
                "batch and every must be at least 1 and max_share between 0 and 1; "
                f"got {batch}, {every} and {max_share}."
            )
        self.model, self.loss, self.data, self.options = model, loss, data, options
        self.every, self.max_share, self.rtol, self.generator = every, max_share, rtol, generator
        self.step_cost = batch / len(data[1])
        self.steps, self.spent = 0, 0.0
        self.records: list[SharpnessRecord] = []
        self._last: Tensor | None = None

    @property
    def share(self) -> float:
        """Share of measuring in the cost so far."""
        total = self.spent + self.steps * self.step_cost
        return self.spent / total if total else 0.0

    def __call__(self) -> None:
        """Count a training step, and measure if it is time and the cost allows it."""
        self.steps += 1
        allowed = self.steps * self.step_cost * self.max_share / (1 - self.max_share) - self.spent
        products = int((allowed - OVERHEAD) / PRODUCT)
        if self.steps % self.every == 0 and products >= FEWEST:
            self._measure(products)

    def _measure(self, products: int) -> None:
        modes = [(module, module.training) for module in self.model.modules()]
        self.model.eval()
        try:
            problem = Problem(self.model, self.loss, self.data, **self.options)
            pairs = top_eigenpairs(
                hessian(problem),
                1,
                rtol=self.rtol,
                generator=self.generator,
                start=self._last,
                max_matvecs=min(products, problem.size),
            )
        finally:
            for module, mode in modes:
                module.training = mode
        self._last = pairs.vectors[:, 0]
        self.spent += OVERHEAD + PRODUCT * pairs.matvecs
        value, residual = float(pairs.values[0]), float(pairs.residuals[0])
        self.records.append(SharpnessRecord(self.steps, value, residual, pairs.matvecs, pairs.converged))
