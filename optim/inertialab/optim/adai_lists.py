"""Adai's rule on lists of tensors, one kernel for many of them: the way on accelerators, where launches cost most.

Tensors are handled in lists of limited size, whose two temporaries are all that is needed beside the state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from inertialab.optim.adai_parts import Batch, weight
from inertialab.optim.adai_rule import DeviceScale, Scale, lowest, scale
from inertialab.optim.blocks import Row
from inertialab.optim.numerics import widest

Tensors = tuple[Tensor, ...] | list[Tensor]
TOGETHER = 1 << 26
"""Elements of a list, beyond the first tensor: temporaries of float32 take half a gigabyte."""


LARGEST = 1 << 22
"""Elements of a tensor up to which launches cost more than the passes over memory that lists take beyond blocks: on an
H200 100 million in six tensors took 3.7 ms in lists and 2.9 ms in blocks, ResNet-18 2.1 ms and 3.6 ms."""


def elsewhere(p: Tensor) -> bool:
    """Whether a tensor lies on an accelerator."""
    return not p.is_cpu


def pays(row: Row) -> bool:
    """Whether a row is updated this way: on an accelerator, not large, all in the precision of the averages."""
    p, g, m = row[0], row[1], row[2]
    return p.numel() <= LARGEST and elsewhere(p) and p.dtype is m.dtype and g.dtype is m.dtype


@dataclass(frozen=True)
class Lists(Batch):
    """Tensors that are updated many at a time."""

    def _second_moments(self) -> Tensor:
        beta2, wide = self.settings["betas"][1], widest(self.rows[0][3].device)
        parts = []
        for _, g, _, v, _ in self._columns():
            # Second moments are not negative, so their norm of order one is their sum.
            old, fresh = (torch.stack(torch._foreach_norm(x, n)).to(wide) for x, n in ((v, 1), (g, 2)))
            parts.append(beta2 * old.sum() + (1 - beta2) * fresh.square().sum())
        return torch.stack(parts).sum()

    @cached_property
    def _lists(self) -> list[list[Row]]:
        """The rows, cut where the sizes add up to more than a list may have."""
        found: list[list[Row]] = []
        total = TOGETHER
        for row in self.rows:
            if total + row[0].numel() > TOGETHER:
                found.append([])
                total = 0
            found[-1].append(row)
            total += row[0].numel()
        return found

    def _columns(self) -> Iterator[tuple[Tensors, Tensors, Tensors, Tensors, Tensors]]:
        """Parameters, what is descended, and the three states, list by list."""
        for rows in self._lists:
            p, g, m, v, q = zip(*rows, strict=True)
            yield p, self._descended(p, g), m, v, q

    def _descended(self, p: Tensors, g: Tensors) -> Tensors:
        s = self.settings
        if s["maximize"]:
            g = torch._foreach_neg(g)
        if s["weight_decay"] and not s["decoupled_weight_decay"]:
            g = torch._foreach_add(g, list(p), alpha=s["weight_decay"])
        return g

    def move(self, _: DeviceScale | None, total: float, count: float) -> None:
        """Update all tensors, given sum and number of all corrected second moments."""
        s, v = self.settings, self.rows[0][3]
        share = scale(total, count, 1 - s["betas"][1] ** self.step, weight(s), v.dtype)
        for p, g, m, v, q in self._columns():
            _updated(p, g, m, v, q, share, s)


def _updated(
    p: Tensors,
    g: Tensors,
    m: Tensors,
    v: Tensors,
    q: Tensors,
    share: Scale,
    s: dict[str, Any],
) -> None:
    """The rule of `adai_rule.Rule` on lists."""
    (beta0, beta2), d, rate = s["betas"], s["dampening"], float(s["lr"])
    torch._foreach_mul_(v, beta2)
    torch._foreach_addcmul_(v, g, g, value=1 - beta2)
    alpha = _alpha(v, share, s)
    rest = torch._foreach_neg(q)
    torch._foreach_add_(rest, 1)
    torch._foreach_addcmul_(q, rest, alpha)
    if d == 1:
        torch._foreach_lerp_(m, g, alpha)
    else:
        torch._foreach_addcmul_(m, m, alpha, value=-1)
        torch._foreach_pow_(alpha, d)
        torch._foreach_addcmul_(m, g, alpha)
    if s["weight_decay"] and s["decoupled_weight_decay"]:
        torch._foreach_mul_(p, 1 - rate * s["weight_decay"])
    torch._foreach_addcdiv_(p, m, q, value=-rate * beta0 ** (1 - d))


def _alpha(v: Tensors, share: Scale, s: dict[str, Any]) -> list[Tensor]:
    """α of all coordinates."""
    d, beta0, least = s["dampening"], s["betas"][0], lowest(s["eps"], v[0].dtype)
    alpha = list(torch._foreach_mul(v, float(share.first)))
    if share.second is not None:
        torch._foreach_mul_(alpha, float(share.second))
        torch._foreach_add_(alpha, float(share.offset))
    if d != 1:
        torch._foreach_clamp_min_(alpha, (least / beta0) ** (3 - 2 * d))
        torch._foreach_pow_(alpha, 1 / (3 - 2 * d))
        torch._foreach_mul_(alpha, beta0)
    torch._foreach_clamp_min_(alpha, least)
    torch._foreach_clamp_max_(alpha, 1)
    return alpha
