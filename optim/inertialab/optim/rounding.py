"""Rounding of weights of lower precision."""

import torch
from torch import Tensor


def stochastically(x: Tensor) -> Tensor:
    """bfloat16 numbers next to float32 ones, drawn so that their mean is what is rounded.

    A float32 number is a bfloat16 one and sixteen bits more. A uniform number of sixteen bits is added to those; what
    is carried over rounds up. Numbers are drawn from torch's generator of the device. Infinity and NaN stay.

    Args:
        x: float32, any shape.
    """
    bits = x.contiguous().view(torch.int32)
    up = torch.randint_like(bits, 1 << 16)
    drawn = (bits + up).bitwise_and_(-(1 << 16)).view(torch.float32)
    return torch.where(x.isfinite(), drawn, x).bfloat16()


def write(param: Tensor, x: Tensor, stochastic: bool) -> None:
    """Write new weights into a parameter, rounded where its precision is lower; nothing where they are its own."""
    if x is not param:
        drawn = stochastic and param.dtype == torch.bfloat16 and x.dtype == torch.float32
        param.copy_(stochastically(x) if drawn else x)
