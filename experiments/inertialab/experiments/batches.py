"""Which samples stand in each minibatch of many independent runs."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

Sampling = Literal["with replacement", "without replacement", "shuffled epochs", "full batch"]


class Batches:
    """Sample numbers of every run's next minibatch, for ever.

    Args:
        samples: Number of samples, N.
        batch: Batch size B; of no account for the full batch.
        runs: Number of independent runs.
        sampling: With replacement; without replacement within a batch, batches independent; epochs in which every
            sample comes once, in an order of each run's own (N must be a multiple of B); or all samples every time.
        generator: Source of the numbers.

    Attributes:
        order: What is left of the present epoch, shape (runs, samples left).

    Raises:
        ValueError: If the sampling is not known or the batch does not fit.
    """

    def __init__(self, samples: int, batch: int, runs: int, sampling: Sampling, generator: torch.Generator):
        if sampling not in Sampling.__args__:  # pyright: ignore[reportAttributeAccessIssue]
            raise ValueError(f"Sampling must be one of {Sampling.__args__}, got {sampling!r}.")  # pyright: ignore
        if not 1 <= batch <= samples:
            raise ValueError(f"A batch must hold 1 to {samples} samples, got {batch}.")
        if sampling == "shuffled epochs" and samples % batch:
            raise ValueError(f"Shuffled epochs need a batch size that divides the {samples} samples, got {batch}.")
        self.samples, self.batch, self.runs, self.sampling, self.generator = samples, batch, runs, sampling, generator
        self.order = torch.empty(runs, 0, dtype=torch.long, device=generator.device)

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Tensor:
        """Sample numbers, shape (runs, B)."""
        place: dict[str, Any] = {"generator": self.generator, "device": self.generator.device}
        if self.sampling == "full batch":
            return torch.arange(self.samples, device=self.generator.device).expand(self.runs, -1)
        if self.sampling == "with replacement":
            return torch.randint(self.samples, (self.runs, self.batch), **place)
        if self.sampling == "without replacement" or not self.order.shape[1]:
            self.order = torch.rand(self.runs, self.samples, **place).argsort(1)
        chosen, self.order = self.order[:, : self.batch], self.order[:, self.batch :]
        return chosen
