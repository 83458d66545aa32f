"""Data that do not fit into the memory: read anew for every pass, a batch at a time, and compared with the first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten

from inertialab.verification.measure.batches import Chunk, NotMeasurableError, plain, tensors_in

Parts = Callable[[Any], list[Chunk]]
"""Cuts what a loader gives into chunks, cast and checked."""


class Stream(Sequence[Chunk]):
    """Chunks of a loader that is read anew whenever they are iterated over.

    The loader must give the same batches in the same order: a digest of each is kept from a first pass, and every later
    one is compared with it. Nothing else is kept, but for the share of each chunk in the loss once it is known.

    Args:
        source: The loader.
        parts: Cuts one of its batches.
        max_bytes: Most bytes of a batch.

    Raises:
        NotMeasurableError: If a batch is larger.
    """

    def __init__(self, source: Iterable[Any], parts: Parts, max_bytes: float):
        self._source, self._parts = source, parts
        self._digests: list[bytes] = []
        self._shares: list[float | None] = []
        for given in _read(source):
            chunks = parts(given)
            size = sum(t.nbytes for chunk in chunks for t in tensors_in(tuple(chunk)))
            if size > max_bytes:
                raise NotMeasurableError(
                    f"A batch of the loader takes {size} bytes, more than max_bytes={max_bytes:.0f} leaves for it; "
                    "load smaller batches, or allow more memory."
                )
            self._digests.append(digest(given))
            self._shares += [None] * len(chunks)

    def __len__(self) -> int:
        return len(self._shares)

    def __iter__(self) -> Iterator[Chunk]:
        place = batch = 0
        for batch, given in enumerate(_read(self._source), 1):
            if batch > len(self._digests) or digest(given) != self._digests[batch - 1]:
                raise _changed(f"batch {batch} is not what it was")
            chunks = self._parts(given)
            del given
            while chunks:
                chunk = chunks.pop(0)
                chunk.share = self._shares[place]
                yield chunk
                self._shares[place] = chunk.share
                place += 1
        if batch < len(self._digests):
            raise _changed(f"it ended after {batch} of {len(self._digests)} batches")

    @overload
    def __getitem__(self, index: int) -> Chunk: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Chunk]: ...
    def __getitem__(self, index: int | slice) -> Chunk | Sequence[Chunk]:
        if isinstance(index, slice):
            return [chunk for i, chunk in enumerate(self) if i in range(len(self))[index]]
        wanted = range(len(self))[index]
        return next(chunk for i, chunk in enumerate(self) if i == wanted)


def digest(given: Any) -> bytes:
    """Of all numbers of a batch, their shapes and dtypes."""
    whole = hashlib.blake2b(digest_size=16)
    leaves, form = tree_flatten(plain(given))
    whole.update(repr(form).encode())
    for leaf in leaves:
        if isinstance(leaf, Tensor):
            whole.update(f"{leaf.dtype}{tuple(leaf.shape)}".encode())
            whole.update(leaf.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        else:
            whole.update(repr(leaf).encode())
    return whole.digest()


def _read(source: Iterable[Any]) -> Iterator[Any]:
    """One pass; a loader draws a seed for its workers, which must not be the caller's loss."""
    with torch.random.fork_rng(devices=[]):
        batches = iter(source)
    return batches


def _changed(what: str) -> NotMeasurableError:
    return NotMeasurableError(
        f"The loader does not give the same batches each time that it is read: {what}. Every product passes over all "
        "data, which are read anew since they do not fit into max_bytes; pass a loader with shuffle=False and without "
        "random augmentation, or allow more memory."
    )
