"""Adai's rule, and the ways to carry it out on the parts of a model.

Second moments are updated in the second pass; the first takes their sum from β₂Σv + (1 - β₂)Σĝ² and only reads
gradients where the sum is carried from step to step, as it is for large tensors.
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
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from inertialab.optim import sharded
from inertialab.optim.base import descended
from inertialab.optim.blocks import BLOCK, Row, blocks
from inertialab.optim.compiled import compiled

if TYPE_CHECKING:
    from inertialab.optim import adai_native

SUM = "exp_avg_sq_sum"
"""Σv of a large tensor, float64; absent where it is not carried."""
CONSTANTS = ("betas", "eps", "weight_decay", "decoupled_weight_decay", "dampening", "maximize")
"""Settings that a compiled rule contains."""


def rule(
    p: Tensor, g: Tensor, m: Tensor, v: Tensor, q: Tensor, inverse: Tensor, rate: Tensor | float, s: dict[str, Any]
) -> None:
    """The update rule, in place.

    Args:
        p: θ.
        g: ĝ as it is descended; not changed.
        m: Average of gradients.
        v: Second moment.
        q: Bias correction.
        inverse: 1/(v̄ (1 - β₂ᵏ)), so that v times it is v̂/v̄; 0 as long as all second moments are zero.
        rate: Learning rate η.
        s: Settings of the group.
    """
    (beta0, beta2), d = s["betas"], s["dampening"]
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    alpha = v * (beta0 * inverse) if d == 1 else (v * inverse).pow_(1 / (3 - 2 * d)).mul_(beta0)
    alpha.clamp_(s["eps"], 1)
    q.lerp_(torch.ones((), dtype=q.dtype, device=q.device), alpha)
    if d == 1:
        m.lerp_(g, alpha)
    else:
        m.addcmul_(m, alpha, value=-1).addcmul_(g, alpha**d)
    if s["weight_decay"] and s["decoupled_weight_decay"]:
        p.mul_(1 - rate * s["weight_decay"])
    scale = beta0 ** (1 - d)
    if isinstance(rate, Tensor) or p.dtype != m.dtype:
        p.sub_(m / q * (rate * scale))
    else:
        p.addcdiv_(m, q, value=-rate * scale)


def loop(*constants: Any) -> FunctionType:
    """The rule with its settings, from stored gradients, for `compiled`."""
    s: dict[str, Any] = dict(zip(CONSTANTS, constants, strict=True))

    def whole(p: Tensor, g: Tensor, m: Tensor, v: Tensor, q: Tensor, inverse: Tensor, rate: Tensor) -> None:
        rule(p, descended(p, g, s), m, v, q, inverse, rate, s)

    return cast("FunctionType", whole)


def finite_share(v: Tensor, g: Tensor, beta2: float) -> Tensor:
    """Sum and number of the second moments to come, without those that overflow; float64, shape (2,)."""
    second = v * beta2 + (1 - beta2) * g * g
    finite = second.isfinite()
    return torch.stack([second.where(finite, 0).sum(dtype=torch.float64), finite.sum(dtype=torch.float64)])


@dataclass(frozen=True)
class Single:
    """One tensor: plain operations, nothing read by the host."""

    row: Row
    step: Tensor
    settings: dict[str, Any]
    state: dict[str, Tensor]
    domain: sharded.Domain

    def share(self, exact: bool) -> Tensor:
        """Sum and number of corrected second moments. Overflown ones are always left out."""
        p, g, _, v, _ = self.row
        sums = finite_share(v, descended(p, g, self.settings), self.settings["betas"][1])
        return torch.stack([sums[0] / self._bias(sums), sums[1]])

    def move(self, inverse: Tensor) -> None:
        """Update the tensor, given 1/v̄."""
        p, g, m, v, q = self.row
        s = self.settings
        self.state.pop(SUM, None)
        if s["differentiable"]:
            # Autograd keeps the old averages; the new ones take their place.
            m, v, q = m.clone(), v.clone(), q.clone()
            self.state.update(exp_avg=m, exp_avg_sq=v, bias_correction=q)
        rule(p, descended(p, g, s), m, v, q, (inverse / self._bias(inverse)).to(v.device), s["lr"], s)

    def _bias(self, like: Tensor) -> Tensor:
        return (1 - self.settings["betas"][1] ** self.step.double()).to(like.device)


@dataclass(frozen=True)
class Batch:
    """Tensors of one group, age, precision, device and domain."""

    step: int
    settings: dict[str, Any]
    domain: sharded.Domain
    rows: list[Row] = field(default_factory=list)
    states: list[dict[str, Tensor]] = field(default_factory=list)

    def share(self, exact: bool) -> Tensor:
        """Sum and number of corrected second moments; with `exact`, overflown ones are left out."""
        if exact:
            beta2 = self.settings["betas"][1]
            sums = torch.stack([finite_share(v, g, beta2) for v, g in self._moments(self.rows)]).sum(0)
        else:
            second = self._second_moments()
            sums = torch.stack([second, second.new_tensor(self._count())])
        sums[0] /= self._bias()
        return sums

    def _second_moments(self) -> Tensor:
        """Sum of the second moments to come, float64."""
        beta2 = self.settings["betas"][1]
        carried = [(row, state) for row, state in zip(self.rows, self.states, strict=True) if SUM in state]
        fresh = [row for row, state in zip(self.rows, self.states, strict=True) if SUM not in state]
        for row, state in carried:
            squares = torch.stack([torch.dot(g, g) for _, g in self._moments([row])]).sum(dtype=torch.float64)
            state[SUM].mul_(beta2).add_(squares, alpha=1 - beta2)
        second = [state[SUM] for _, state in carried]
        for v, g in self._moments(fresh):
            second += [v.sum().double() * beta2, torch.dot(g, g).double() * (1 - beta2)]
        return torch.stack(second).sum()

    def _moments(self, rows: list[Row]) -> Iterator[tuple[Tensor, Tensor]]:
        """Second moments and gradients, block by block; the parameters are read where the penalty needs them."""
        s = self.settings
        if s["weight_decay"] and not s["decoupled_weight_decay"]:
            for p, g, v in blocks([(p, g, v) for p, g, _, v, _ in rows], limit=self._limit()):
                yield v, descended(p, g, s)
        else:
            for g, v in blocks([(g, v) for _, g, _, v, _ in rows], limit=self._limit()):
                yield v, descended(v, g, s)

    def _count(self) -> float:
        return float(sum(row[0].numel() for row in self.rows))

    def move(self, inverse: Tensor) -> None:
        """Update all tensors, given 1/v̄."""
        s = self.settings
        scale = (inverse / self._bias()).to(self.rows[0][0].device)
        if s["fused"]:
            row = tuple(x.dtype for x in self.rows[0])
            move = compiled(loop, tuple(s[name] for name in CONSTANTS), row, row[2], str(scale.device))
            scale, rate = scale.to(row[2]), torch.as_tensor(s["lr"], dtype=row[2], device=scale.device)
            for p, *others in blocks(self.rows, written=(0, 2, 3, 4), limit=1 << 62):
                move(p.detach(), *others, scale, rate)
        else:
            rate = float(s["lr"])
            for p, g, m, v, q in blocks(self.rows, written=(0, 2, 3, 4), limit=self._limit()):
                rule(p, descended(p, g, s), m, v, q, scale, rate, s)

    def _bias(self) -> float:
        return 1 - self.settings["betas"][1] ** self.step

    def _limit(self) -> int:
        """On an accelerator launches cost more than cache misses."""
        return BLOCK if self.rows[0][0].device.type == "cpu" else 1 << 24


@dataclass(frozen=True)
class Native(Batch):
    """Tensors that native loops can update where they lie."""

    @cached_property
    def kernels(self) -> adai_native.Kernels:
        """The loops over these tensors."""
        return cast("ModuleType", loops()).Kernels(self.rows, self.settings)

    def _second_moments(self) -> Tensor:
        beta2 = self.settings["betas"][1]
        sums = self.kernels.squares([SUM not in state for state in self.states])
        for i, state in enumerate(self.states):
            if SUM in state:
                sums[i] = beta2 * float(state[SUM]) + (1 - beta2) * sums[i]
                state[SUM].fill_(sums[i])
        return torch.tensor(sums, dtype=torch.float64).sum()

    def move(self, inverse: Tensor) -> None:
        """Update all tensors, given 1/v̄."""
        self.kernels.move(float(inverse / self._bias()))


@lru_cache
def loops() -> ModuleType | None:
    """The native loops; None, with one warning, where numba is missing."""
    try:
        return import_module("inertialab.optim.adai_native")
    except ImportError as error:
        warnings.warn(f"Adai goes on without native loops, several times slower: {error}", RuntimeWarning, stacklevel=2)
        return None
