"""Any gradient under the real optimizers: one tensor of independent rows, and what it did at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from inertialab.optim import OPTIMIZERS

Gradient = Callable[[Tensor], Tensor]
"""Maps positions to minibatch gradients of the same shape, drawn anew at every call."""


@dataclass(frozen=True)
class Stride:
    """One step of all rows.

    Attributes:
        before: Positions before the step, units θ.
        gradient: Minibatch gradients there, units L/θ.
        after: Positions after the step; the optimizer's own tensor, which the next step overwrites.
        state: What the optimizer carries, by torch's names; empty without any.
    """

    before: Tensor
    gradient: Tensor
    after: Tensor
    state: Mapping[str, Tensor]

    @property
    def buffer(self) -> Tensor:
        """Momentum buffer after the step in the optimizer's own convention; without momentum the gradient itself."""
        for name in ("momentum_buffer", "exp_avg"):
            if self.state.get(name) is not None:
                return self.state[name]
        return self.gradient


def walk(optimizer: str, settings: Mapping[str, float], gradient: Gradient, start: Tensor) -> Iterator[Stride]:
    """Steps of the package's own optimizer, for ever.

    All rows are one tensor under one optimizer, so that Adai's mean second moment is that of all of them: rows are the
    coordinates of one large model.

    Args:
        optimizer: Row of `inertialab.optim.OPTIMIZERS`.
        settings: Its `eta` and other settings.
        gradient: What it is given.
        start: Positions at the start, any shape; not changed.

    Yields:
        What one step did.

    Example:
        >>> import torch
        >>> first = next(walk("sgd", {"eta": 0.1}, lambda x: 2 * x, torch.ones(1)))
        >>> first.after
        tensor([0.8000])
    """
    theta = start.clone()
    stepper = OPTIMIZERS[optimizer].make([theta], **settings)
    while True:
        before = theta.clone()
        theta.grad = gradient(before)
        stepper.step()
        yield Stride(before, theta.grad, theta, stepper.state.get(theta, {}))
