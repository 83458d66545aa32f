"""Bytes held by tensors, so that kept graphs stay within a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, strided
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from inertialab.verification.measure.batches import Chunk, NotMeasurableError, piece

if TYPE_CHECKING:
    from inertialab.verification.measure.problem import Problem

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


def spare(device: torch.device) -> int:
    """Bytes that a measurement takes where nothing is said: 2 GiB, on CUDA half of what is free if that is more."""
    if device.type != "cuda":
        return 2**31
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(2**31, (torch.cuda.mem_get_info(device)[0] + cached) // 2)


def fitting(problem: Problem, chunk: Chunk, work: Callable[[Chunk], object], room: int) -> list[Chunk]:
    """Parts of a chunk that have weight, as large as the memory allows; extrapolated from one and two samples.

    Args:
        problem: What is measured.
        chunk: Samples.
        work: What is to be done with each part.
        room: Most bytes that the work may take.

    Raises:
        NotMeasurableError: If one sample needs more.
    """
    n = 1 if problem.coupled else chunk.samples
    first = [chunk] if problem.coupled else [piece(chunk, slice(0, k)) for k in (1, min(2, n))]
    ledgers = [counted(lambda part=part: work(part))[1] for part in first]
    one, two = ledgers[0], ledgers[-1]
    if one.peak > room:
        raise NotMeasurableError(
            f"{'All data need' if problem.coupled else 'One sample needs'} {one.peak} bytes, and {room} of "
            f"max_bytes={problem.max_bytes} are left for it; allow more memory, or measure a subset of the parameters."
        )
    # What is made grows linearly with the samples, its peak only once it exceeds that of the parameters.
    more = two.made - one.made
    most = n if more <= 0 else min(n, (room - one.peak) // more + 1)
    parts = [chunk] if most >= n else [piece(chunk, slice(s, s + most)) for s in range(0, n, most)]
    return [part for part in parts if problem.weight(part)]
