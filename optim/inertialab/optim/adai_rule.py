"""Adai's rule on one block of coordinates, and the scale that turns second moments into shares of their mean.

v̂/v̄ is v times the inverse of v̄(1 - β₂ᵏ), and that inverse may lie beyond the numbers of a precision although the
share does not: gradients of 1e-20 have second moments of 1e-40. It is therefore taken as two factors, each near the
root of the inverse.
"""

from __future__ import annotations

import math
import sys
from typing import Any, NamedTuple

import torch
from torch import Tensor

from inertialab.optim.numerics import widest
from inertialab.optim.rounding import drawing, write

Scalar = float | Tensor


class Scale(NamedTuple):
    """Weighted shares of the mean: v·first·second + offset.

    `second` is None where one factor does. The offset is the weight where v̄ is zero, so that all coordinates have
    equal shares, and zero elsewhere. A coordinate whose second moment overflows has an infinite share in any case.
    """

    first: Scalar
    second: Scalar | None
    offset: Scalar


def scale(total: float, count: float, bias: float, weight: float, dtype: torch.dtype) -> Scale:
    """The scale of tensors of one age, from numbers that the host knows.

    Args:
        total: Sum of corrected second moments over all coordinates.
        count: Number of coordinates.
        bias: 1 - β₂ᵏ of these tensors.
        weight: Factor of the share in what is wanted: β₀, or 1.
        dtype: Precision of the second moments.
    """
    if total <= 0:
        return Scale(1.0, 1.0, weight)
    info = torch.finfo(dtype)
    total = min(total, sys.float_info.max)
    first = 2.0 ** -(math.frexp(total)[1] // 2)
    second = count / (total * first) / bias * weight
    if first and info.tiny / info.eps < first * second < info.max * info.eps:
        return Scale(first * second, None, 0.0)
    return Scale(min(max(first, info.tiny), info.max), min(max(second, info.tiny), info.max), 0.0)


class DeviceScale:
    """The same from numbers that only the device knows, and that autograd may watch.

    Args:
        sums: Sum and number of corrected second moments, shape (2,).
    """

    def __init__(self, sums: Tensor):
        total, count = sums.unbind()
        self.dead = total <= 0
        total = torch.where(self.dead, 1, total.clamp(max=torch.finfo(total.dtype).max))
        exponent = torch.frexp(total.detach())[1]
        self.first = torch.ldexp(torch.ones_like(total), -exponent.div(2, rounding_mode="floor"))
        # Where all second moments are zero the factors are of no account, but must not be zero.
        self.second = torch.where(self.dead, 1, count / (total * self.first))
        self.known: dict[Any, tuple[Tensor, Tensor]] = {}

    def of(self, bias: Tensor, weight: float, like: Tensor) -> Scale:
        """The scale of tensors of one age.

        Args:
            bias: 1 - β₂ᵏ.
            weight: Factor of the share in what is wanted.
            like: Second moments; precision and device of the result.
        """
        info, key = torch.finfo(like.dtype), (like.dtype, like.device, weight)
        if key not in self.known:
            first, offset = self.first.clamp(info.tiny, info.max), self.dead * weight
            self.known[key] = (first.to(like.device, like.dtype), offset.to(like.device, like.dtype))
        first, offset = self.known[key]
        second = (self.second / bias.to(self.second) * weight).clamp(info.tiny, info.max)
        return Scale(first, second.to(like.device, like.dtype), offset)


class Rule:
    """The update rule, to be carried out in place on one block after the other; all numbers are made once.

    Args:
        share: Turns v into β₀ v̂/v̄; into v̂/v̄ with a dampening below 1.
        rate: Learning rate η.
        s: Settings of the group, and the `generator` that rounds, if there is one.
        like: Second moments; precision and place of the averages.
    """

    def __init__(self, share: Scale, rate: Scalar, s: dict[str, Any], like: Tensor):
        self.beta0, beta2 = s["betas"]
        self.d, self.rate, self.weight = s["dampening"], rate, self.beta0 ** (1 - s["dampening"])
        self.least, self.rest = lowest(s["eps"], like.dtype), 1 - beta2
        self.one = torch.ones((), dtype=like.dtype, device=like.device)
        self.beta2, self.first = number(beta2, like), number(share.first, like)
        self.second, self.offset = share.second, share.offset
        self.decay = s["weight_decay"] if s["decoupled_weight_decay"] else 0.0
        self.draw = drawing(s)

    def __call__(self, p: Tensor, g: Tensor, m: Tensor, v: Tensor, q: Tensor, summed: bool = False) -> float:
        """Update one block; the sum of its new second moments where it is asked for, else zero.

        Args:
            p: θ.
            g: ĝ as it is descended; not changed.
            m: Average of gradients.
            v: Second moment.
            q: Bias correction.
            summed: Whether to sum. This is done at once, while the second moments are in cache.
        """
        v.mul_(self.beta2).addcmul_(g, g, value=self.rest)
        total = float(v.sum()) if summed else 0.0
        alpha = self._inertia(v)
        q.lerp_(self.one, alpha)
        if self.d == 1:
            m.lerp_(g, alpha)
        else:
            m.mul_(1 - alpha).addcmul_(g, alpha**self.d)
        x = p if p.dtype == m.dtype else p.to(m.dtype)
        if self.decay:
            x.mul_(1 - self.rate * self.decay)
        if isinstance(self.rate, Tensor):
            x.sub_(m / q * (self.rate * self.weight))
        else:
            x.addcdiv_(m, q, value=-self.rate * self.weight)
        write(p, x, self.draw)
        return total

    def _inertia(self, v: Tensor) -> Tensor:
        """α."""
        alpha, d, least = v * self.first, self.d, self.least
        if self.second is not None:
            alpha.mul_(self.second).add_(self.offset)
        if d != 1:
            # The bound is kept before the power too, whose slope at zero is infinite.
            alpha = alpha.clamp(min=(least / self.beta0) ** (3 - 2 * d)).pow(1 / (3 - 2 * d)) * self.beta0
        return alpha.clamp_(least, 1)


def number(x: Scalar, like: Tensor) -> Scalar:
    """A number as a tensor, which operations on a CPU would make of it every time; elsewhere as it is."""
    if isinstance(x, Tensor) or not like.is_cpu or torch.compiler.is_compiling():
        return x
    return torch.tensor(x, dtype=like.dtype)


def lowest(eps: float, dtype: torch.dtype) -> float:
    """The bound ε as a number that this precision has; a bias correction of zero would divide."""
    return max(eps, torch.finfo(dtype).tiny)


FLAGS = ("maximize", "penalty", "shrinking", "dampened")
"""What a compiled rule contains; all numbers stay free, so that a schedule compiles nothing again."""


def flags(s: dict[str, Any]) -> tuple[bool, ...]:
    """The values of `FLAGS` for a group."""
    decay, decoupled = s["weight_decay"] != 0, s["decoupled_weight_decay"]
    return (s["maximize"], decay and not decoupled, decay and decoupled, s["dampening"] != 1)


def numbers(s: dict[str, Any], share: Scale, like: Tensor) -> Tensor:
    """All numbers of the rule, in the order in which `loop` takes them, in precision and place of the averages."""
    (beta0, beta2), d, rate, decay = s["betas"], s["dampening"], s["lr"], s["weight_decay"]
    power, least = 1 / (3 - 2 * d), lowest(s["eps"], like.dtype)
    second = 1.0 if share.second is None else share.second
    given = (beta2, 1 - beta2, share.first, second, share.offset, least, (least / beta0) ** (1 / power), power, beta0)
    every = (*given, d, decay, 1 - rate * decay, rate * beta0 ** (1 - d))
    return torch.tensor([*map(float, every)], dtype=like.dtype, device=like.device)


def loop(maximize: bool, penalty: bool, shrinking: bool, dampened: bool) -> Any:
    """The rule from stored gradients, for `compiled`: the numbers come as one tensor."""

    def whole(p: Tensor, g: Tensor, m: Tensor, v: Tensor, q: Tensor, given: Tensor) -> None:
        beta2, rest, first, second, offset, least, low, power, beta0, d, decay, keep, rate = given.unbind()
        x, g = p.to(m.dtype), g.to(m.dtype)
        g = -g if maximize else g
        g = g + decay * x if penalty else g
        v.copy_(beta2 * v + rest * (g * g))
        alpha = v * first * second + offset
        if dampened:
            alpha = torch.maximum(alpha, low) ** power * beta0
        alpha = torch.maximum(alpha, least).clamp(max=1)
        q.copy_(q + alpha * (1 - q))
        m.copy_(m - alpha * m + alpha**d * g if dampened else m + alpha * (g - m))
        x = x * keep if shrinking else x
        p.copy_(x - rate * (m / q))

    return whole


def finite_share(v: Tensor, g: Tensor, beta2: float) -> Tensor:
    """Sum and number of the second moments to come, without those that overflow; shape (2,)."""
    second, wide = v * beta2 + (1 - beta2) * g * g, widest(v.device)
    finite = second.isfinite()
    return torch.stack([second.where(finite, 0).sum(dtype=wide), finite.sum(dtype=wide)])
