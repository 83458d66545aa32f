"""The largest eigenvalues of the Hessian along a training run, within a share of its cost."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from inertialab.verification.measure.batches import Chunk, cut, joined, piece
from inertialab.verification.measure.curvature import hessian
from inertialab.verification.measure.lanczos import Eigenpairs, top_eigenpairs
from inertialab.verification.measure.measurable import Loss, NotFiniteError
from inertialab.verification.measure.problem import Problem

PRODUCT = 3.0  # cost of a product in gradients of what is measured, an upper estimate where no graph is kept
OVERHEAD = 3.0  # the same of a problem's probes and of making its graph
FEWEST = 4  # products below which a measurement waits until it can afford more
USUAL = 12  # products of a usual measurement, which decide on how many samples it can be made
SAMPLES = 500  # fewest that the choice is left to: the fewer, the more their largest eigenvalue is too large
SOON = 10  # epochs, or numbers of steps between measurements, within which a record is due


@dataclass(frozen=True)
class SharpnessRecord:
    """One measurement.

    Attributes:
        step: Optimizer steps done.
        value: Largest eigenvalue of the Hessian; from below where it is not converged, nan where there is none, units
            L/θ².
        residual: An eigenvalue lies within it of the value.
        matvecs: Number of products used.
        converged: Whether the residuals are within the tolerance.
        values: All eigenvalues that were asked for, largest first.
        residuals: Of each.
        note: Why there is no value; empty otherwise.
    """

    step: int
    value: float
    residual: float
    matvecs: int
    converged: bool
    values: tuple[float, ...] = ()
    residuals: tuple[float, ...] = ()
    note: str = ""


class Sharpness:
    """A callback for every training step: `sharpness()` after `optimizer.step()`.

    Each measurement starts from the last vectors, in evaluation mode, and on the same samples: all if a measurement of
    them can be afforded soon, otherwise a subset that is drawn once. The Hessian of a subset is biased, its largest
    eigenvalue too large on average, the more so the smaller it is; `samples` says how many there are. The cost is
    counted in gradients, not in seconds, so that runs can be repeated. Measurements that cannot be afforded are left
    out, and those cut short say so. A training that diverges goes on, with records of nan.

    Args:
        model: In training; its mode, gradients and buffers stay as they are.
        loss: Mean loss of a batch.
        data: All of the training data: (inputs, targets), a data set, or a loader, which is read once.
        batch: Samples in a training step, which sets its cost.
        every: Steps between measurements.
        max_share: Largest share of measuring in the cost of training and measuring together.
        rtol: Residual, relative to the eigenvalue.
        generator: Source of the subset and of the first vectors.
        k: Number of eigenvalues.
        samples: Size of the subset; by default as many, 500 at least, as let a measurement be afforded within ten
            epochs, or ten times `every` steps.
        options: Further arguments of `Problem`.

    Raises:
        ValueError: If a number is out of range.

    Warns:
        UserWarning: If the first record cannot be afforded within that time.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        data: Any,
        *,
        batch: int,
        every: int,
        max_share: float = 0.1,
        rtol: float = 1e-2,
        generator: torch.Generator,
        k: int = 1,
        samples: int | None = None,
        **options: Any,
    ):
        if batch < 1 or every < 1 or not 0 < max_share < 1:
            raise ValueError(
                "batch and every must be at least 1 and max_share between 0 and 1; "
                f"got {batch}, {every} and {max_share}."
            )
        if k < 1 or (samples is not None and samples < 1):
            raise ValueError(f"k and samples must be at least 1; got {k} and {samples}.")
        self.model, self.loss, self.options, self.k = model, loss, options, k
        self.every, self.max_share, self.rtol, self.generator = every, max_share, rtol, generator
        self.steps, self.spent = 0, 0.0
        self.records: list[SharpnessRecord] = []
        self._start: Tensor | None = None
        whole = joined(cut(data, None, torch.detach, apart=not options.get("coupled")))
        # What measuring may cost within the time in which a record is due, in gradients of single samples.
        budget = max(SOON * every * batch, SOON * whole.samples) * max_share / (1 - max_share)
        self.data = self._subset(whole, samples, budget)
        self.samples = self.data.samples
        self.step_cost = batch / self.samples
        self.fewest = max(FEWEST, k)
        if (OVERHEAD + PRODUCT * self.fewest) * self.samples > budget:
            first = math.ceil((OVERHEAD + PRODUCT * self.fewest) * (1 - max_share) / max_share / self.step_cost)
            warnings.warn(
                f"The first record can be afforded after {first} steps: a measurement on {self.samples} samples costs "
                f"more than max_share={max_share} of what is trained until then. Raise it, or pass fewer samples.",
                stacklevel=2,
            )

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
        if self.steps % self.every == 0 and products >= self.fewest:
            self._measure(products)

    def _subset(self, whole: Chunk, samples: int | None, budget: float) -> Chunk:
        """The samples that are measured, drawn without replacement."""
        if samples is None:
            products = max(USUAL, 4 * self.k)
            samples = max(SAMPLES, int(budget / 2 / (OVERHEAD + PRODUCT * products)))
        if samples >= whole.samples or self.options.get("coupled"):
            return whole
        return piece(whole, torch.randperm(whole.samples, generator=self.generator)[:samples])

    def _measure(self, products: int) -> None:
        if not all(bool(torch.isfinite(p).all()) for p in self.model.parameters()):
            self._nothing("The parameters are not finite.")
            return
        modes = [(module, module.training) for module in self.model.modules()]
        self.model.eval()
        try:
            problem = Problem(self.model, self.loss, tuple(self.data), **self.options)
            pairs = top_eigenpairs(
                hessian(problem),
                self.k,
                rtol=self.rtol,
                generator=self.generator,
                start=self._start,
                max_matvecs=min(products, problem.size),
            )
        except NotFiniteError as error:
            self._nothing(str(error))
            return
        finally:
            for module, mode in modes:
                module.training = mode
        self._keep(pairs)

    def _keep(self, pairs: Eigenpairs) -> None:
        begin = pairs.vectors.sum(1)
        self._start = begin if pairs.runner_up is None else torch.stack([begin, pairs.runner_up])
        self.spent += OVERHEAD + PRODUCT * pairs.matvecs
        values, residuals = tuple(pairs.values.tolist()), tuple(pairs.residuals.tolist())
        self.records.append(
            SharpnessRecord(
                self.steps, values[0], residuals[0], pairs.matvecs, pairs.converged, values, residuals, pairs.note
            )
        )

    def _nothing(self, why: str) -> None:
        self.spent += OVERHEAD
        nothing = (math.nan,) * self.k
        self.records.append(SharpnessRecord(self.steps, math.nan, math.nan, 0, False, nothing, nothing, why))
