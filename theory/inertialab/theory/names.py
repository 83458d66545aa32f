"""Names: public ones that are imported when they are asked for, and what was meant by one that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any


def lazily(package: str, homes: Mapping[str, tuple[str, ...]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package whose public names are imported where they are asked for.

    Whoever needs an update map then derives no claim, and a command line answers at once.

    Args:
        package: Its `__name__`.
        homes: Public names by the full name of the module that holds them.
    """

    def get(name: str) -> Any:
        for home, names in homes.items():
            if name in names:
                return getattr(import_module(home), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get, lambda: sorted(name for names in homes.values() for name in names)


def meant(name: str, names: Iterable[str], otherwise: str) -> str:
    """A sentence that offers the nearest names, or another one where none is near.

    >>> meant("sgd.stationary-varience", ["sgd.stationary-variance"], "")
    'Did you mean sgd.stationary-variance?'
    """
    near = get_close_matches(name, list(names), n=3, cutoff=0.4)
    return f"Did you mean {' or '.join(near)}?" if near else otherwise
