"""What all own optimizers share: checks of settings and parameters, and the loop over parameters."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

Range = tuple[str, Callable[[Any], bool], str]
"""Name of a setting, test of a value, and how the error message states what is allowed."""


def real(low: float, high: float, *, low_open: bool = False, high_open: bool = False) -> Callable[[Any], bool]:
    """Test of a number or scalar tensor against an interval; NaN lies in none."""

    def holds(value: Any) -> bool:
        x = float(value)
        return (low < x if low_open else low <= x) and (x < high if high_open else x <= high)

    return holds


nonnegative = real(0, float("inf"), high_open=True)
positive = real(0, float("inf"), low_open=True, high_open=True)


def check_settings(optimizer: str, settings: Mapping[str, Any], ranges: Iterable[Range]) -> None:
    """Refuse settings out of range.

    Raises:
        ValueError: Naming the setting, its value and what is allowed.
    """
    for name, holds, allowed in ranges:
        if not holds(settings[name]):
            raise ValueError(f"{optimizer}: {name} must be {allowed}, got {settings[name]}.")


def check_parameters(optimizer: str, params: Iterable[Tensor]) -> None:
    """Refuse complex parameters.

    Raises:
        ValueError: Saying what to train instead.
    """
    if any(p.is_complex() for p in params):
        raise ValueError(f"{optimizer}: parameters must be real; pass torch.view_as_real(parameter) and train that.")


Moving = tuple[Tensor, Tensor, dict[str, Any]]
"""A parameter, its gradient and the settings of its group."""


def moving(optimizer: Optimizer) -> list[Moving]:
    """All parameters that have a gradient; nothing has been touched yet when one of them is refused.

    Raises:
        RuntimeError: If a gradient is sparse, saying where it comes from.
    """
    found = [(p, p.grad, group) for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    if any(grad.is_sparse for _, grad, _ in found):
        name = type(optimizer).__name__
        raise RuntimeError(f"{name} needs dense gradients; use sparse=False in the embedding that made this one.")
    return found


def evaluated(closure: Callable[[], Any] | None) -> Any:
    """The loss that a closure returns, evaluated with gradients enabled; None without a closure."""
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


class CheckedOptimizer(Optimizer):
    """An optimizer that checks the settings and parameters of every group it is given."""

    ranges: tuple[Range, ...] = ()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, after checking its settings and parameters."""
        name = type(self).__name__
        check_settings(name, {**self.defaults, **param_group}, self.ranges)
        super().add_param_group(param_group)
        check_parameters(name, self.param_groups[-1]["params"])


class TensorwiseOptimizer(CheckedOptimizer, ABC):
    """An optimizer that updates each tensor by itself.

    Settings of every group: `lr`, `weight_decay`, `decoupled_weight_decay`, `maximize`, and the optimizer's own.
    """

    @abstractmethod
    def update(self, param: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one tensor, in place; calls `decay` right before it moves the parameter.

        Args:
            param: The parameter.
            g: Gradient to descend, sign and L2 penalty included; not to be changed.
            state: Empty at the first step; tensors only.
            group: Settings.
        """

    def decay(self, param: Tensor, group: dict[str, Any]) -> None:
        """Decoupled weight decay."""
        if group["weight_decay"] and group["decoupled_weight_decay"]:
            param.mul_(1 - group["lr"] * group["weight_decay"])

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step; returns what the closure returned, None without one."""
        loss = evaluated(closure)
        for param, grad, group in moving(self):
            g = -grad if group["maximize"] else grad
            if group["weight_decay"] and not group["decoupled_weight_decay"]:
                g = g.add(param, alpha=group["weight_decay"])
            self.update(param, g, self.state[param], group)
        return loss
