"""What all own optimizers share: checks of settings and parameters, and the loop over parameters."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

Range = tuple[str, Callable[[Any], bool], str]
"""Name of a setting, test of a value, and how the error message states what is allowed."""


def real(low: float, high: float, *, low_open: bool = False, high_open: bool = False) -> Callable[[Any], bool]:
    """Test of a number or scalar tensor against an interval; NaN lies in none."""

    def holds(value: Any) -> bool:
        x = float(value.detach() if isinstance(value, Tensor) else value)
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


ADAM_RANGES: tuple[Range, ...] = (
    ("lr", nonnegative, "a finite number >= 0"),
    ("betas", lambda b: all(real(0, 1, high_open=True)(x) for x in b), "two numbers in [0, 1)"),
    ("eps", nonnegative, "a finite number >= 0"),
    ("weight_decay", nonnegative, "a finite number >= 0"),
)
"""Allowed settings of Adam and its kin."""
NOTATION_RANGES: tuple[Range, ...] = (
    ("eta", nonnegative, "a finite number >= 0"),
    ("beta", real(0, 1, high_open=True), "in [0, 1)"),
    ("beta2", real(0, 1, high_open=True), "in [0, 1)"),
    ("delta", nonnegative, "a finite number >= 0"),
    ("decay", nonnegative, "a finite number >= 0"),
)
"""Allowed settings under the names of `inertialab.theory.notation`, for PyTorch's own optimizers."""


def check_notation(optimizer: str, **settings: Any) -> None:
    """Refuse settings out of range, by their names in the notation.

    Raises:
        ValueError: Naming the setting, its value and what is allowed.
    """
    check_settings(optimizer, settings, [r for r in NOTATION_RANGES if r[0] in settings])


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
    if any(grad.layout is not torch.strided for _, grad, _ in found):
        name = type(optimizer).__name__
        raise RuntimeError(f"{name} needs dense gradients; use sparse=False in the embedding that made this one.")
    return found


def evaluated(closure: Callable[[], Any] | None) -> Any:
    """The loss that a closure returns, evaluated with gradients enabled; None without a closure."""
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


def state_dtype(param: Tensor) -> torch.dtype:
    """Type of averages: that of the parameter, float32 at least."""
    return torch.promote_types(param.dtype, torch.float32)


COUNTERS = {"step": torch.float32}


class CheckedOptimizer(Optimizer):
    """An optimizer that checks the settings and parameters of every group it is given.

    Averages of parameters of lower precision are float32, also after a state was taken from elsewhere.
    """

    ranges: ClassVar[tuple[Range, ...]] = ()
    counters: ClassVar[Mapping[str, torch.dtype]] = COUNTERS
    """States that are one number for each parameter, whatever its precision; `step` stays with the host."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, after checking its settings and parameters."""
        name = type(self).__name__
        check_settings(name, {**self.defaults, **param_group}, self.ranges)
        super().add_param_group(param_group)
        check_parameters(name, self.param_groups[-1]["params"])

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take a state: a copy, in the precision of this optimizer's own states.

        Settings that the state does not know get this optimizer's defaults.
        """
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            for name, value in self.defaults.items():
                group.setdefault(name, value)
        restore(self, state_dict, self.counters)


def restore(optimizer: Optimizer, state_dict: dict[str, Any], counters: Mapping[str, torch.dtype]) -> None:
    """Copy states of parameters once more, after torch's own loading.

    It casts averages to the parameters' precision, and shares memory with the state it was given.
    """
    old = [i for group in state_dict["param_groups"] for i in group["params"]]
    new = [p for group in optimizer.param_groups for p in group["params"]]
    for index, param in zip(old, new, strict=True):
        for name, value in state_dict["state"].get(index, {}).items():
            dtype, device = counters.get(name, state_dtype(param)), "cpu" if name == "step" else param.device
            optimizer.state[param][name] = value.detach().to(device, dtype, copy=True)


def descended(param: Tensor, grad: Tensor, settings: Mapping[str, Any]) -> Tensor:
    """The gradient that is descended, sign and L2 penalty included, in the precision of the state.

    Args:
        param: θ.
        grad: The stored gradient; it is returned itself where nothing is to be done, and never changed.
        settings: `maximize`, `weight_decay` and `decoupled_weight_decay` are read.
    """
    g = grad.to(state_dtype(param))
    if settings["maximize"]:
        g = -g
    if settings["weight_decay"] and not settings["decoupled_weight_decay"]:
        g = g.add(param, alpha=settings["weight_decay"])
    return g


class TensorwiseOptimizer(CheckedOptimizer, ABC):
    """An optimizer that updates each tensor by itself.

    Settings of every group: `lr`, `weight_decay`, `decoupled_weight_decay`, `maximize`, and the optimizer's own.
    """

    @abstractmethod
    def update(self, param: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one tensor, in place; calls `decay` right before it moves the parameter.

        Args:
            param: The parameter.
            g: Gradient to descend, sign and L2 penalty included, in the precision of the state; not to be changed.
            state: Empty at the first step; tensors only.
            group: Settings.
        """

    def decay(self, param: Tensor, group: dict[str, Any]) -> None:
        """Decoupled weight decay."""
        if group["weight_decay"] and group["decoupled_weight_decay"]:
            param.mul_(1 - group["lr"] * group["weight_decay"])

    @torch.compiler.disable
    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step; returns what the closure returned, None without one."""
        loss = evaluated(closure)
        for param, grad, group in moving(self):
            self.update(param, descended(param, grad, group), self.state[param], group)
        return loss
