"""What looks at chains after every step and keeps little of it; the chain is the independent unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from inertialab.experiments.training.chains import Chains


class Projections:
    """Displacements along a few directions, every so many steps.

    Args:
        origin: Where displacements are counted from, shape (P,) or (n, P).
        basis: Directions, shape (P, k).
        every: Steps between records.
    """

    def __init__(self, origin: Tensor, basis: Tensor, every: int = 1):
        self.origin, self.basis, self.every = origin, basis, every
        self._records: list[np.ndarray] = []

    def __call__(self, chains: Chains) -> None:
        """Keep displacements, where it is time."""
        if chains.steps % self.every == 0:
            self._records.append(((chains.theta - self.origin) @ self.basis).cpu().numpy())

    @property
    def samples(self) -> np.ndarray:
        """Shape (records, n, k), units θ."""
        return np.stack(self._records)


class Average:
    """Mean over time of something that every chain has, such as squared velocities or buffers.

    Args:
        term: From the chains after a step to one number or array for each, shape (n, ...).
        every: Steps between looks.

    Attributes:
        looks: How many there were.
    """

    def __init__(self, term: Callable[[Chains], Tensor], every: int = 1):
        self.term, self.every, self.looks = term, every, 0
        self._total: Tensor | None = None

    def __call__(self, chains: Chains) -> None:
        """Add what the chains have, where it is time."""
        if chains.steps % self.every == 0:
            value = self.term(chains)  # summed in double precision, whatever the chains run in
            self._total = value.to(torch.float64, copy=True) if self._total is None else self._total.add_(value)
            self.looks += 1

    @property
    def mean(self) -> np.ndarray:
        """Shape (n, ...).

        Raises:
            ValueError: If there was no look.
        """
        if self._total is None:
            raise ValueError(f"Nothing was looked at; run at least {self.every} steps.")
        return (self._total / self.looks).cpu().numpy()


class Crossings:
    """The first step at which each chain is beyond a level, and the exposure until then.

    Args:
        origin: Where displacements are counted from, shape (P,).
        direction: Of the coordinate, shape (P,).
        level: Absolute displacement along it that is crossed, units θ.

    Attributes:
        times: Step of the first crossing, shape (n,); -1 where there was none yet.
        exposure: Steps at which chains were not beyond the level yet, all together.
    """

    def __init__(self, origin: Tensor, direction: Tensor, level: float):
        self.origin, self.direction, self.level, self.exposure = origin, direction, level, 0
        self.times = torch.empty(0, dtype=torch.long)

    def __call__(self, chains: Chains) -> None:
        """Note who is beyond the level for the first time."""
        if not len(self.times):
            self.times = torch.full((len(chains),), -1, device=chains.theta.device)
        inside = self.times < 0
        self.exposure += int(inside.sum())
        beyond = ((chains.theta - self.origin) @ self.direction).abs() > self.level
        self.times[inside & beyond] = chains.steps

    @property
    def events(self) -> int:
        """How many chains have crossed."""
        return int((self.times >= 0).sum())
