"""Optimizers whose rule sees one tensor at a time, and the ways to carry such a rule out.

A rule that works element by element is given flat blocks that stay in cache, many small tensors in one; a number of
steps that the host knows is a number there. Otherwise it is given the tensors one by one, and the number of steps as a
tensor where nothing may wait for the device: in a CUDA graph, and under `torch.compile`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from inertialab.optim import sharded
from inertialab.optim.base import (
    CheckedOptimizer,
    Moving,
    check_alike,
    count,
    descended,
    evaluated,
    moving,
    real_rows,
    state_dtype,
)
from inertialab.optim.blocks import BLOCK, PLAIN, Row, blocks
from inertialab.optim.rounding import drawing, write

Steps = int | Tensor
"""Number of a step, from 1; a tensor where the host must not ask for it."""
Direction = tuple[Tensor, float | Tensor] | None
"""What times -lr is the step, and 0 or 1, whether there is one; None where there is none."""


COMMON: dict[str, Any] = {
    "weight_decay": 0.0,
    "decoupled_weight_decay": False,
    "maximize": False,
    "foreach": None,
    "capturable": False,
    "differentiable": False,
    "stochastic_rounding": False,
}
"""Settings that every such optimizer has, and their defaults."""


class TensorwiseOptimizer(CheckedOptimizer, ABC):
    """An optimizer that updates each tensor by itself.

    Args:
        params: Parameters or groups of them.
        defaults: Its settings, `lr` among them; those of `COMMON` where it does not give them.
        generator: Source of the numbers by which weights are rounded at random.
    """

    def __init__(self, params: Any, defaults: dict[str, Any], generator: torch.Generator | None = None):
        super().__init__(params, {**COMMON, **defaults}, generator)

    @abstractmethod
    def direction(
        self, g: Tensor, states: Sequence[Tensor], step: Steps, group: dict[str, Any], domain: sharded.Domain = ()
    ) -> Direction:
        """Change the states in place, and tell where to go.

        Args:
            g: Gradient to descend, sign and L2 penalty included, in the precision of the states; not to be changed.
            states: Those of `wanted`, without the number of steps.
            step: k >= 1.
            group: Settings.
            domain: Process groups over which the tensor is cut.

        Returns:
            What times -lr is the step, and 0 or 1, whether there is one at all; None where the host knows of none.
        """

    def check(self, group: dict[str, Any]) -> None:
        """Refuse a group."""
        super().check(group)
        if group["differentiable"] != self.defaults["differentiable"]:
            name = type(self).__name__
            raise ValueError(f"{name}: differentiable must be the same in all groups; give it to the optimizer.")

    def elementwise(self, group: dict[str, Any]) -> bool:
        """Whether every element goes its own way, so that tensors may be cut and packed."""
        return True

    def wanted(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Names of the states of a parameter of this group, the number of steps first."""
        return ("step", *self.states)

    def surplus(self, group: dict[str, Any]) -> str:
        """A state that a parameter of this group would have with other settings."""
        return ""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step; returns what the closure returned, None without one."""
        loss = evaluated(closure)
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            singles, batches = self._sorted(moving(self))
            for row, group, step, domain in singles:
                self._move(row, group, step, domain)
            for (_, step), (group, rows) in batches.items():
                limit = BLOCK if rows[0][0].is_cpu else 1 << 24
                for block in blocks(rows, written=[i for i in range(len(rows[0])) if i != 1], limit=limit):
                    self._move(block, group, step[0])
        return loss

    def _sorted(self, pieces: list[Moving]) -> tuple[list[Any], dict[Any, Any]]:
        """Rows to be moved one by one, and those that may be packed; their steps have been counted."""
        singles: list[tuple[Row, dict[str, Any], Steps, sharded.Domain]] = []
        batches: dict[Any, tuple[dict[str, Any], list[Row]]] = {}
        for param, _, group in pieces:
            if not self.state[param]:
                self._begin(param, group)
        rows = [self._row(param, grad, group) for param, grad, group in pieces]
        steps = [self.state[param]["step"] for param, _, _ in pieces]
        count(steps)
        for row, (_, grad, group), step in zip(rows, pieces, steps, strict=True):
            free = group["capturable"] or torch.compiler.is_compiling()
            alone = free or group["foreach"] is False or group["differentiable"] or not self.elementwise(group)
            if alone or type(row[0]) not in PLAIN or type(row[1]) not in PLAIN:
                singles.append((row, group, step if free else int(step), sharded.domain(grad)))
            else:
                kind = (int(step), row[0].dtype, row[1].dtype, row[0].device)
                batches.setdefault((id(group), kind), (group, []))[1].append(row)
        return singles, batches

    def _begin(self, param: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        state["step"] = torch.zeros((), dtype=torch.float32, device=param.device if group["capturable"] else "cpu")
        for name in self.wanted(group)[1:]:
            state[name] = torch.zeros_like(param, dtype=state_dtype(param), memory_format=torch.preserve_format)

    def _row(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> Row:
        """Parameter, gradient and states, those parts that lie here, as real numbers."""
        state, names = self.state[param], self.wanted(group)[1:]
        if not state.keys() >= {*names} or self.surplus(group) in state:
            raise RuntimeError(
                f"{type(self).__name__}: the state is that of other settings, {', '.join(map(repr, state))}; settings "
                "that decide which states there are must stay as they were at the first step, or the state be cleared."
            )
        check_alike(type(self).__name__, param, {name: state[name] for name in names})
        if group["differentiable"]:
            # Autograd keeps the old averages; the new ones take their place.
            state.update({name: state[name].clone() for name in names})
        return real_rows(*map(sharded.local, (param, grad, *(state[name] for name in names))))

    def _move(self, row: Row, group: dict[str, Any], step: Steps, domain: sharded.Domain = ()) -> None:
        param, grad, *states = row
        found = self.direction(descended(param, grad, group), states, step, group, domain)
        if found is not None:
            way, moves = found
            rate, decay = group["lr"], group["weight_decay"] * group["decoupled_weight_decay"]
            x = param if param.dtype == way.dtype else param.to(way.dtype)
            if isinstance(decay, Tensor) or decay:
                x.mul_(1 - rate * decay * moves)
            x.sub_(way * rate)
            write(param, x, drawing(group))
