"""Rounding of weights of lower precision."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Draw(NamedTuple):
    """Rounding at random, with numbers of this generator; of torch's own one of the device where it is None."""

    generator: torch.Generator | None = None


_OWN = Draw()


def check_generator(optimizer: str, generator: torch.Generator, params: Iterable[Tensor]) -> None:
    """Refuse parameters on another device than their generator.

    Raises:
        ValueError: Naming both devices.
    """
    for param in params:
        if param.device.type != generator.device.type:
            raise ValueError(
                f"{optimizer}: the generator is on {generator.device} and a parameter on {param.device}; make it by "
                f"torch.Generator(device={str(param.device)!r}), after the model was moved."
            )


def stochastically(x: Tensor, draw: Draw = _OWN) -> Tensor:
    """bfloat16 numbers next to float32 ones, drawn so that their mean is what is rounded.

    A float32 number is a bfloat16 one and sixteen bits more. A uniform number of sixteen bits is added to those; what
    is carried over rounds up. Infinity and NaN stay.

    Args:
        x: float32, any shape.
        draw: Where the uniform numbers come from.
    """
    bits = x.contiguous().view(torch.int32)
    up = torch.randint(1 << 16, bits.shape, dtype=bits.dtype, device=bits.device, generator=draw.generator)
    drawn = (bits + up).bitwise_and_(-(1 << 16)).view(torch.float32)
    return torch.where(x.isfinite(), drawn, x).bfloat16()


def drawing(settings: Mapping[str, Any]) -> Draw | None:
    """How a group rounds: at random if it says so, else to nearest."""
    return Draw(settings.get("generator")) if settings["stochastic_rounding"] else None


def write(param: Tensor, x: Tensor, draw: Draw | None) -> None:
    """Write new weights into a parameter, rounded where its precision is lower; nothing where they are its own."""
    if x is not param:
        if draw is not None and param.dtype == torch.bfloat16 and x.dtype == torch.float32:
            x = stochastically(x, draw)
        param.copy_(x)
