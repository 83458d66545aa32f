"""Settings of optimizers: their ranges, and what they become when they are taken."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor

Range = tuple[str, Callable[[Any], bool], str]
"""Name of a setting, test of a value, and how the error message states what is allowed."""


def number(value: Any) -> float | None:
    """A number or a tensor of one element as a float; None for anything else, text among it."""
    if isinstance(value, str | bytes) or (isinstance(value, Tensor) and (value.numel() != 1 or value.is_complex())):
        return None
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError):
        return None


def real(low: float, high: float, *, low_open: bool = False, high_open: bool = False) -> Callable[[Any], bool]:
    """Test of a number or scalar tensor against an interval; NaN lies in none."""

    def holds(value: Any) -> bool:
        x = number(value)
        return x is not None and (low < x if low_open else low <= x) and (x < high if high_open else x <= high)

    return holds


def pair(first: Callable[[Any], bool], second: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Test of two numbers, each by a test of its own."""
    return lambda value: isinstance(value, tuple) and len(value) == 2 and first(value[0]) and second(value[1])


nonnegative = real(0, float("inf"), high_open=True)
positive = real(0, float("inf"), low_open=True, high_open=True)
fraction = real(0, 1, high_open=True)


def taken(value: Any) -> Any:
    """A setting in the form in which it is kept: Python's numbers, tuples, and tensors without dimensions.

    NumPy's numbers and lists cannot be loaded with `weights_only=True`, or are no keys of a dictionary. A tensor keeps
    its memory, so that writing into it still changes the setting.
    """
    if isinstance(value, Tensor):
        return value.reshape(()) if value.dim() and value.numel() == 1 else value
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    sequence = hasattr(value, "__len__") and hasattr(value, "__getitem__") and not isinstance(value, str | Mapping)
    return tuple(taken(x) for x in value) if sequence else value


def check_settings(optimizer: str, settings: Mapping[str, Any], ranges: Iterable[Range]) -> None:
    """Refuse settings out of range.

    Raises:
        ValueError: Naming the setting, its value and what is allowed.
    """
    for name, holds, allowed in ranges:
        value = settings[name]
        if not holds(value):
            kind = " (text)" if isinstance(value, str) else ""
            if isinstance(value, Tensor) and value.numel() != 1:
                kind = f" (Tensor {name} must be 1-element)"
            raise ValueError(f"{optimizer}: {name} must be {allowed}, got {value}{kind}.")


ADAM_RANGES: tuple[Range, ...] = (
    ("lr", nonnegative, "a finite number >= 0"),
    ("betas", pair(fraction, fraction), "two numbers in [0, 1)"),
    ("eps", nonnegative, "a finite number >= 0"),
    ("weight_decay", nonnegative, "a finite number >= 0"),
)
"""Allowed settings of Adam and its kin."""
NOTATION_RANGES: tuple[Range, ...] = (
    ("eta", nonnegative, "a finite number >= 0"),
    ("beta", fraction, "in [0, 1)"),
    ("beta2", fraction, "in [0, 1)"),
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
