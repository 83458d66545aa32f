"""Optimizers of many independent runs that are rows of one tensor, each as if it had an optimizer of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from inertialab.optim import OPTIMIZERS
from inertialab.optim.adai_rule import DeviceScale, Rule


def optimizer_of_rows(name: str, theta: Tensor, settings: Mapping[str, float]) -> torch.optim.Optimizer:
    """The optimizer of independent runs.

    All but Adai update every coordinate by itself, so that one optimizer serves all rows. Adai compares the second
    moments of a model with their mean, which must be that of one run: over many it hardly fluctuates.

    Args:
        name: Row of `inertialab.optim.OPTIMIZERS`.
        theta: Parameters, shape (n, P).
        settings: `eta` and other settings.
    """
    made = OPTIMIZERS[name].make([theta], **settings)
    return AdaiOfRows(made) if name == "adai" else made


class AdaiOfRows(torch.optim.Optimizer):
    """Adai's rule on the rows of one tensor, each with a mean second moment of its own.

    Args:
        whole: Adai on that tensor, whose settings are taken.
    """

    def __init__(self, whole: torch.optim.Optimizer):
        (group,) = whole.param_groups
        super().__init__(group["params"], {k: x for k, x in group.items() if k != "params"})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step of every row."""
        (group,) = self.param_groups
        (p,) = group["params"]
        state = self.state[p] or self._begun(p)
        state["step"] += 1
        m, v, q = (state[name] for name in ("exp_avg", "exp_avg_sq", "bias_correction"))
        beta0, beta2 = group["betas"]
        bias = 1 - torch.tensor(beta2, dtype=v.dtype) ** state["step"]
        total = (v * beta2).addcmul_(p.grad, p.grad, value=1 - beta2).sum(1, keepdim=True) / bias
        share = DeviceScale(torch.stack([total, torch.full_like(total, p.shape[1])])).of(bias, beta0, v)
        Rule(share, group["lr"], group, v)(p, p.grad, m, v, q)

    def _begun(self, p: Tensor) -> dict[str, Any]:
        state = self.state[p]
        state["step"] = torch.zeros((), dtype=torch.float64)
        state.update({name: torch.zeros_like(p) for name in ("exp_avg", "exp_avg_sq", "bias_correction")})
        return state
