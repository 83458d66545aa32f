"""Update rules compiled into one loop over memory, where the machine can."""

import warnings
from collections.abc import Callable
from functools import lru_cache
from types import FunctionType
from typing import Any

import torch

from inertialab.optim.blocks import LARGE

Rule = Callable[..., None]
NUMBERS = 13
"""How many numbers a rule takes."""


@lru_cache(maxsize=64)
def compiled(
    make: Callable[..., FunctionType],
    settings: tuple[Any, ...],
    row: tuple[torch.dtype, ...],
    device: str,
) -> Rule:
    """A rule as one compiled loop; as it is, with one warning, where it cannot be compiled.

    It is tried on memory of its own, so that a failure harms no parameter. Sizes, numbers given as a tensor and
    values stay free: there is one compilation for all tensors.

    Args:
        make: Takes the settings and returns a function of flat tensors and a tensor of numbers.
        settings: Compiled in as constants.
        row: Types of the tensors. The numbers have that of the third: a double among floats would double the width
            of all arithmetic.
        device: Where they are.
    """
    rule = make(*settings)
    # Compilations are counted for each code object, and refused beyond a few: every setting gets its own.
    own = FunctionType(rule.__code__.replace(), rule.__globals__, closure=rule.__closure__)
    loop = torch.compile(own, dynamic=True, fullgraph=True)
    try:
        tensors = [torch.ones(LARGE, dtype=t, device=device) for t in row]
        loop(*tensors, torch.ones(NUMBERS, dtype=row[2], device=device))
    except Exception as error:  # whatever the compiler lacks: a C++ compiler, Triton, a supported Python
        cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        warnings.warn(f"fused=True is not possible here, going on without: {cause}", RuntimeWarning, stacklevel=2)
        return rule
    return loop
