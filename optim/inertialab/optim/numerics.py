"""Small things that several rules need."""

import torch
from torch import Tensor


def widest(device: torch.device) -> torch.dtype:
    """The widest real numbers that a device has."""
    return torch.float32 if device.type == "mps" else torch.float64


def root(x: Tensor) -> Tensor:
    """Square root; where autograd watches, with a slope of zero at zero instead of an infinite one."""
    if not x.requires_grad:
        return x.sqrt()
    zero = x == 0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, x).sqrt())
