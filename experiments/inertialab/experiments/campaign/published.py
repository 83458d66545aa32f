"""Settings of the published comparison on CIFAR-10 (adai-code, its notebook): one row an optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from inertialab.optim import create

DROPS = (0.4, 0.8)
"""Shares of the epochs after which the learning rate falls tenfold: 80 and 160 of 200."""


@dataclass(frozen=True)
class Setting:
    """How one optimizer is run.

    Attributes:
        name: Of the optimizer in `inertialab.optim.create`.
        eta: Learning rate.
        weight_decay: Of all parameters; decoupled for AdamW and AdaiW, else part of the gradient.
        settings: Others, by name.
    """

    name: str
    eta: float
    weight_decay: float = 5e-4
    settings: Mapping[str, float] = field(default_factory=dict)

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer over all parameters of a model, biases and normalisations included, as in the notebook."""
        return create(self.name, model, self.weight_decay, no_decay=lambda *_: False, lr=self.eta, **self.settings)


SETTINGS = {
    "adaiw": Setting("adaiw", 1.0),
    "adai": Setting("adai", 1.0),
    "momentum": Setting("momentum-torch", 0.1, settings={"beta": 0.9}),
    "adam": Setting("adam", 1e-4),
    "adamw": Setting("adamw", 1e-4, 0.1),
}
"""Every optimizer by the word of the command line."""


def factor(epoch: int, epochs: int) -> float:
    """What the learning rate is multiplied by in an epoch, counted from 0."""
    return 0.1 ** sum(epoch >= share * epochs for share in DROPS)
