"""Bytes held by tensors, so that kept graphs stay within a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from torch import Tensor, strided
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

Result = TypeVar("Result")


class Ledger(TorchDispatchMode):
    """Counts the bytes of the tensors that are made while it is active and are still alive.

    Attributes:
        peak: Most bytes that were alive at once.
        made: Bytes of all that was made, whether alive or not.

    Example:
        >>> import torch
        >>> with Ledger() as ledger:
        ...     kept = torch.zeros(1000, dtype=torch.float64)
        ...     torch.zeros(500, dtype=torch.float64).add(1).sum().item()
        500.0
        >>> ledger.alive(), ledger.peak
        (8000, 16000)
    """

    def __init__(self):
        super().__init__()
        self.peak, self.made = 0, 0
        self._total = 0  # of all that are held here, expired ones included: never less than what is alive
        self._held: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {_key(t) for t in tensors((args, kwargs)) if t.layout == strided}
        result = func(*args, **(kwargs or {}))
        for tensor in tensors(result):
            # Sparse tensors have no memory of their own: it is that of the dense ones they are made of.
            if tensor.layout == strided and _key(tensor) not in given:
                storage = tensor.untyped_storage()
                self._held[_key(tensor)] = (StorageWeakRef(storage), storage.nbytes())
                self._total += storage.nbytes()
                self.made += storage.nbytes()
        if self._total > self.peak:
            self.peak = max(self.peak, self.alive())
        return result

    def alive(self) -> int:
        """Bytes alive now."""
        self._held = {key: held for key, held in self._held.items() if not held[0].expired()}
        self._total = sum(size for _, size in self._held.values())
        return self._total


def tensors(values: Any) -> Iterator[Tensor]:
    """All tensors among arguments or results, in nested sequences and mappings."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from tensors(tuple(values.values()))
    elif isinstance(values, tuple | list):
        for value in values:
            yield from tensors(value)


def _key(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def counted(work: Callable[[], Result]) -> tuple[Result, Ledger]:
    """Do some work; its result, and what it takes and leaves."""
    ledger = Ledger()
    with ledger:
        result = work()
    return result, ledger
