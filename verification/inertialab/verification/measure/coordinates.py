"""Measured parameters as one vector, and the arithmetic that it is measured in."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable

import torch
from torch import Tensor


class Coordinates(ABC):
    """Tensors of parameters beside the vector that they make up.

    Attributes:
        names: Of the parameters.
        shapes: Of each.
        sizes: Number of elements of each.
        start: The measured point, shape (P,).
        dtype: Of the vector.
        device: Of the vector.
    """

    names: tuple[str, ...]
    shapes: tuple[torch.Size, ...]
    sizes: tuple[int, ...]
    start: Tensor
    dtype: torch.dtype
    device: torch.device

    @property
    def size(self) -> int:
        """Number of measured parameters, P."""
        return sum(self.sizes)

    @property
    def tensor_cores(self) -> bool:
        """Whether products of float32 may be rounded to the ten bits of TF32."""
        allowed = torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32
        return self.device.type == "cuda" and self.dtype == torch.float32 and bool(allowed)

    @property
    def eps(self) -> float:
        """Unit of rounding of the model's arithmetic."""
        return 2.0**-11 if self.tensor_cores else torch.finfo(self.dtype).eps

    def leaves(self) -> tuple[Tensor, ...]:
        """The measured parameters as fresh leaves of an autograd graph, in their own shapes."""
        return tuple(p.clone().requires_grad_() for p in self.parts(self.start))

    def parts(self, flat: Tensor) -> list[Tensor]:
        """A vector of shape (P,) as tensors of the parameters' shapes; rows (k, P) as (k, ...) each."""
        split = flat.split(self.sizes, dim=-1)
        return [part.reshape((*flat.shape[:-1], *shape)) for part, shape in zip(split, self.shapes, strict=True)]

    def _cast(self, tensor: Tensor) -> Tensor:
        """A copy, in the problem's dtype if it is floating-point."""
        return tensor.to(self.device, self.dtype if tensor.is_floating_point() else None, copy=True)


def flatten(parts: Iterable[Tensor]) -> Tensor:
    """Tensors of the parameters' shapes as one vector, shape (P,)."""
    return torch.cat([part.reshape(-1) for part in parts])
