"""Sums of second moments carried from one step to the next, so that the first pass of a step only reads gradients.

A sum is taken while the second moments are in cache, right after they were written, in the order in which it would be
taken from memory: a run that was resumed, or that lost its sums otherwise, makes the same steps bit for bit. It is no
state. It holds as long as the tensor is as it was left: PyTorch counts writes, and samples tell of those that it does
not see (through `.data`, NumPy, or another process).
"""

from typing import NamedTuple

from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary


class Carried(NamedTuple):
    """Σv, the sum of some samples of v, and the number of writes when both were taken."""

    total: float
    samples: float
    version: int


_sums: WeakIdKeyDictionary = WeakIdKeyDictionary()


def remember(v: Tensor, total: float, samples: float) -> None:
    """Keep the sum of second moments that have just been written."""
    if not v.is_inference():
        _sums[v] = Carried(total, samples, v._version)


def recall(v: Tensor) -> Carried | None:
    """The sum, if no write is known since; its samples are still to be compared."""
    found = _sums.get(v)
    return found if found is not None and not v.is_inference() and found.version == v._version else None
