"""The ways to carry out Adai's rule on the parts of a model.

Second moments are updated in the second pass; the first takes their sum from β₂Σv + (1 - β₂)Σĝ² and only reads
gradients where Σv is carried from step to step, as it is for large tensors on a CPU.
A part is a batch, whose tensors are updated where they lie by native loops or else cut and packed into blocks, or it is
a single tensor as it is. Singles need nothing from the device and leave everything to autograd; they are the plain form
that the others are tested against.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from inertialab.optim import carried, sharded
from inertialab.optim.adai_rule import DeviceScale, Rule, Scale, finite_share, flags, loop, numbers, scale
from inertialab.optim.base import descended, state_dtype
from inertialab.optim.blocks import BLOCK, LARGE, Row, blocks
from inertialab.optim.compiled import compiled
from inertialab.optim.numerics import widest

if TYPE_CHECKING:
    from inertialab.optim import adai_native

SAMPLE = 1 << 15
"""One second moment in so many tells whether they were written by somebody else."""


def weight(s: dict[str, Any]) -> float:
    """Factor of the share of second moments in what the rule wants."""
    return s["betas"][0] if s["dampening"] == 1 else 1.0


@dataclass(frozen=True)
class Single:
    """One tensor: plain operations; a free one has nothing read by the host, and may be watched by autograd."""

    rows: list[Row]
    step: Tensor
    settings: dict[str, Any]
    state: dict[str, Tensor]
    domain: sharded.Domain
    free: bool

    def share(self, exact: bool) -> Tensor:
        """Sum and number of corrected second moments. Overflown ones are always left out."""
        p, g, _, v, _ = self.rows[0]
        sums = finite_share(v, descended(p, g, self.settings), self.settings["betas"][1])
        return torch.stack([sums[0] / self._bias(), sums[1]])

    def move(self, on_device: DeviceScale | None, total: float, count: float) -> None:
        """Update the tensor, given sum and number of all corrected second moments, on the device if it is free."""
        p, g, m, v, q = self.rows[0]
        s = self.settings
        if s["differentiable"]:
            # Autograd keeps the old averages; the new ones take their place.
            m, v, q = m.clone(), v.clone(), q.clone()
            self.state.update(exp_avg=m, exp_avg_sq=v, bias_correction=q)
        bias = self._bias()
        if on_device and isinstance(bias, Tensor):
            share = on_device.of(bias, weight(s), v)
        else:
            share = scale(total, count, float(bias), weight(s), v.dtype)
        Rule(share, s["lr"], s, v)(p, descended(p, g, s), m, v, q)

    def _bias(self) -> float | Tensor:
        beta2 = self.settings["betas"][1]
        if self.free:
            return (1 - beta2 ** self.step.to(widest(self.step.device))).to(self.rows[0][3].device)
        return 1 - beta2 ** int(self.step)


@dataclass(frozen=True)
class Batch:
    """Tensors of one group, age, precision, device and domain."""

    step: int
    settings: dict[str, Any]
    domain: sharded.Domain
    rows: list[Row] = field(default_factory=list)

    def share(self, exact: bool) -> Tensor:
        """Sum and number of corrected second moments; with `exact`, overflown ones are left out."""
        beta2, bias = self.settings["betas"][1], 1 - self.settings["betas"][1] ** self.step
        if exact:
            sums = torch.stack([finite_share(v, g, beta2) for v, g in self._moments(self.rows)]).sum(0)
        else:
            second = self._second_moments()
            sums = torch.stack([second, second.new_tensor(float(sum(row[0].numel() for row in self.rows)))])
        sums[0] /= bias
        return sums

    def _second_moments(self) -> Tensor:
        """Sum of the second moments to come."""
        beta2 = self.settings["betas"][1]
        wide = widest(self.rows[0][3].device)
        second = []
        for row in self._split[0]:
            kept = self._carried(row[3])
            squares = 0.0
            fresh = 0.0
            for v, g in self._moments([row]):
                squares += float(torch.dot(g, g))
                fresh += 0.0 if kept is not None else float(v.sum())
            second.append(beta2 * (fresh if kept is None else kept) + (1 - beta2) * squares)
        parts = [torch.tensor(second, dtype=wide, device=self.rows[0][3].device).sum()] if second else []
        for v, g in self._moments(self._split[1]):
            parts += [v.sum().to(wide) * beta2, torch.dot(g, g).to(wide) * (1 - beta2)]
        return torch.stack(parts).sum()

    @cached_property
    def _split(self) -> tuple[list[Row], list[Row]]:
        """Rows whose sum of second moments is carried, and the others: on a CPU it is taken while they are in cache."""
        if self.settings["fused"] or not self.rows[0][0].is_cpu:
            return [], self.rows
        large = [row for row in self.rows if row[0].numel() >= BLOCK]
        return large, [row for row in self.rows if row[0].numel() < BLOCK] if large else self.rows

    def _carried(self, v: Tensor) -> float | None:
        found = carried.recall(v)
        return found.total if found is not None and found.samples == _samples(v) else None

    @cached_property
    def _as_it_is(self) -> bool:
        """Whether stored gradients are descended without sign, penalty or other precision."""
        s, (p, g, *_) = self.settings, self.rows[0]
        penalty = s["weight_decay"] and not s["decoupled_weight_decay"]
        return not s["maximize"] and not penalty and g.dtype == state_dtype(p)

    def _moments(self, rows: list[Row]) -> Iterator[tuple[Tensor, Tensor]]:
        """Second moments and gradients, block by block; the parameters are read where the penalty needs them."""
        s = self.settings
        if self._as_it_is:
            for g, v in blocks([(g, v) for _, g, _, v, _ in rows], limit=self._limit()):
                yield v, g
        elif s["weight_decay"] and not s["decoupled_weight_decay"]:
            for p, g, v in blocks([(p, g, v) for p, g, _, v, _ in rows], limit=self._limit()):
                yield v, descended(p, g, s)
        else:
            for g, v in blocks([(g, v) for _, g, _, v, _ in rows], limit=self._limit()):
                yield v, descended(v, g, s)

    def move(self, _: DeviceScale | None, total: float, count: float) -> None:
        """Update all tensors, given sum and number of all corrected second moments."""
        s, v = self.settings, self.rows[0][3]
        share = scale(total, count, 1 - s["betas"][1] ** self.step, weight(s), v.dtype)
        if s["fused"] and not s["stochastic_rounding"]:
            move = compiled(loop, flags(s), tuple(x.dtype for x in self.rows[0]), str(v.device))
            given = numbers(s, share, v)
            for p, *others in blocks(self.rows, written=(0, 2, 3, 4), limit=1 << 62):
                move(p.detach(), *others, given)
            return
        self._walk(self._split[1], share)
        for row in self._split[0]:
            carried.remember(row[3], self._walk([row], share, summed=True), _samples(row[3]))

    def _walk(self, rows: list[Row], share: Scale, summed: bool = False) -> float:
        """The rule block by block; where it is asked for, the sum of the new second moments."""
        s, total, as_it_is = self.settings, 0.0, self._as_it_is
        rule = Rule(share, float(s["lr"]), s, self.rows[0][3])
        for p, g, m, v, q in blocks(rows, written=(0, 2, 3, 4), limit=self._limit()):
            total += rule(p, g if as_it_is else descended(p, g, s), m, v, q, summed)
        return total

    def _limit(self) -> int:
        """On an accelerator launches cost more than cache misses."""
        return BLOCK if self.rows[0][0].device.type == "cpu" else 1 << 24


def _samples(v: Tensor) -> float:
    """Sum of some second moments, wherever they lie in memory."""
    return float(v.detach().as_strided((v.numel() // SAMPLE,), (SAMPLE,)).sum())


@dataclass(frozen=True)
class Native(Batch):
    """Tensors that native loops can update where they lie."""

    @cached_property
    def kernels(self) -> adai_native.Kernels:
        """The loops over these tensors."""
        return cast("ModuleType", loops(self.rows[0][0].dtype)).Kernels(self.rows, self.settings)

    def _second_moments(self) -> Tensor:
        known = [carried.recall(row[3]) if row[3].numel() >= LARGE else None for row in self.rows]
        second, samples = self.kernels.second_moments([None if k is None else k.total for k in known])
        if any(k is not None and k.samples != x for k, x in zip(known, samples, strict=True)):
            second, _ = self.kernels.second_moments([None] * len(known))
        return torch.tensor(second, dtype=torch.float64).sum()

    def move(self, _: DeviceScale | None, total: float, count: float) -> None:
        """Update all tensors, given sum and number of all corrected second moments."""
        s = self.settings
        share = scale(total, count, 1 - s["betas"][1] ** self.step, weight(s), self.rows[0][3].dtype)
        for i, total, samples in self.kernels.move(share):
            carried.remember(self.rows[i][3], total, samples)


@lru_cache
def loops(dtype: torch.dtype) -> ModuleType | None:
    """The native loops of a precision; None where there are none, and after one warning where numba fails.

    They are tried on memory of their own, so that a failure harms no parameter.
    """
    if dtype not in (torch.float32, torch.float64):
        return None
    try:
        native = import_module("inertialab.optim.adai_native")
        native.tried(dtype)
    except Exception as error:  # whatever a compiler or its version lacks
        cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        warnings.warn(
            f"Adai goes on without native loops, which needs more time for large models on a CPU: {cause}",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return native
