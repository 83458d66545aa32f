"""Checks of settings and parameters that all own optimizers share."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor

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
