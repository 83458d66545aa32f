"""Data as users have them, cut into chunks of samples: nested tensors whose first dimension is the sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten
from torch.utils.data import DataLoader, Dataset, IterableDataset

Nested = Any
"""A tensor, None, or a tuple, list or mapping of such."""

AT_ONCE = 256
"""Samples read together from a data set that gives them one by one."""


class NotMeasurableError(ValueError):
    """A problem whose curvature or noise cannot be measured rightly, with the sentence that says why."""


class NotFiniteError(NotMeasurableError):
    """A loss or a derivative that is not finite at the measured point."""


class _Pair(NamedTuple):
    inputs: Nested
    targets: Nested


class Chunk(_Pair):
    """Some samples: (inputs, targets).

    Attributes:
        inputs: Given to the model: a tuple or list as its arguments, a mapping as keywords where it takes them.
        targets: Given to the loss beside the outputs.
        share: Share in the whole loss where that is not the share of the samples; None until it is asked for.
    """

    share: float | None = None

    @property
    def samples(self) -> int:
        """Number of samples: the length of the targets, or of the first tensor where there are none."""
        return len(next(tensors_in((self.targets, self.inputs))))


def tensors_in(values: Nested) -> Iterator[Tensor]:
    """All tensors of nested values."""
    return (leaf for leaf in tree_flatten(values)[0] if isinstance(leaf, Tensor))


def mapped(work: Callable[[Tensor], Tensor], values: Nested) -> Nested:
    """Nested values with every tensor replaced; other mappings become dicts."""
    leaves, form = tree_flatten(plain(values))
    return tree_unflatten([work(leaf) if isinstance(leaf, Tensor) else leaf for leaf in leaves], form)


def piece(chunk: Chunk, part: slice | Tensor) -> Chunk:
    """Some samples of a chunk."""
    return Chunk(*(mapped(lambda t: t[part], values) for values in chunk))


def quarter(chunk: Chunk) -> Chunk:
    """A quarter of the samples, spread evenly."""
    return piece(chunk, torch.arange(0, chunk.samples, 4))


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks as one."""
    if len(chunks) == 1:
        return chunks[0]
    leaves, forms = zip(*(tree_flatten(tuple(chunk)) for chunk in chunks), strict=True)
    try:
        whole = [torch.cat(parts) if isinstance(parts[0], Tensor) else parts[0] for parts in zip(*leaves, strict=True)]
    except (RuntimeError, TypeError) as error:
        raise NotMeasurableError(f"The chunks do not fit together ({error}); pass all samples as one.") from error
    return Chunk(*tree_unflatten(whole, forms[0]))


def cut(
    data: Any,
    size: int | None,
    cast: Callable[[Tensor], Tensor],
    *,
    apart: bool = True,
    max_bytes: float = float("inf"),
    beyond: Callable[[Iterable[Any], Callable[[Any], list[Chunk]], float], Sequence[Chunk]] | None = None,
) -> Sequence[Chunk]:
    """Data as chunks of at most a size, each tensor cast.

    Args:
        data: (inputs, targets), a mapping, a data set, or an iterable of such.
        size: Most samples in a chunk; chunks of one source differ by one sample at most.
        cast: Applied to every tensor.
        apart: Whether the samples can be told apart; else all are one chunk.
        max_bytes: Most that data may take that are made as they are read; tensors that are given are there already.
        beyond: What becomes of a loader that gives more, and of the cutting of its batches, in half of that memory.

    Raises:
        NotMeasurableError: If there is none, or it is no (inputs, targets) with the samples first.
    """
    chunks, taken = [], 0
    source = _given(data, size)
    made = not isinstance(data, tuple | list | Mapping)
    for given in source:
        chunks += (parts := _parts(given, size, cast, apart))
        taken += sum(t.numel() * t.element_size() for part in parts for t in tensors_in(tuple(part)))
        if made and taken > max_bytes:
            if beyond is not None and apart and not isinstance(source, Iterator):
                chunks.clear()
                return beyond(source, lambda given: _parts(given, size, cast, apart), max_bytes / 2)
            raise NotMeasurableError(
                f"The data take more than max_bytes={max_bytes:.0f}, and are kept, since every product passes over all "
                f"of them{'' if apart else ' as one batch'}; allow more memory, measure a fixed subset, or pass a "
                "loader that can be read again, whose samples do not depend on each other."
            )
    if not chunks:
        raise NotMeasurableError("There is no data: a loss over no samples has no curvature; pass (inputs, targets).")
    return chunks if apart else [joined(chunks)]


def _parts(given: Any, size: int | None, cast: Callable[[Tensor], Tensor], apart: bool) -> list[Chunk]:
    """One batch as chunks of at most a size, each tensor cast."""
    whole = Chunk(*(mapped(cast, values) for values in _pair(given)))
    _refuse_form(whole, apart)
    n = whole.samples if apart else 1
    parts = -(-n // size) if size and n else min(1, n)
    edges = [n * i // parts for i in range(parts + 1)] if parts else []
    return [whole] if parts == 1 else [piece(whole, slice(*ends)) for ends in pairwise(edges)]


def _given(data: Any, size: int | None) -> Iterable[Any]:
    """The single chunks that were given."""
    if isinstance(data, Dataset) and not isinstance(data, IterableDataset):
        return DataLoader(data, batch_size=size or AT_ONCE)
    if isinstance(data, Tensor | str | nn.Module) or not isinstance(data, Iterable):
        raise NotMeasurableError(
            f"The data are a {type(data).__name__}; pass (inputs, targets), or an iterable of such chunks. Where there "
            "are no targets, pass (inputs, None)."
        )
    if isinstance(data, tuple | Mapping):
        return [data]
    if isinstance(data, list) and data and not all(isinstance(part, tuple | list | Mapping) for part in data):
        return [data]  # one batch as a loader makes it, [inputs, targets]
    return data


def _pair(given: Any) -> tuple[Nested, Nested]:
    """Inputs and targets of a chunk; of a mapping all is given to both model and loss."""
    if isinstance(given, Mapping):
        return given, given
    if not isinstance(given, tuple | list) or len(given) != 2 or hasattr(given, "batch_sizes"):
        what = f"{len(given)} parts" if type(given) in (tuple, list) else f"a {type(given).__name__}"
        raise NotMeasurableError(
            f"A chunk must be (inputs, targets), got {what}; several inputs are ((a, b), targets), and where there "
            "are no targets (inputs, None)."
        )
    return given[0], given[1]


def _refuse_form(chunk: Chunk, apart: bool) -> None:
    """Refuse what holds no tensors, or not the same number of samples in all."""
    for leaf in tree_flatten(tuple(chunk))[0]:
        if leaf is not None and not isinstance(leaf, Tensor | bool | int | float | str):
            raise NotMeasurableError(f"A chunk holds a {type(leaf).__name__}; pass tensors, nested in tuples or dicts.")
        if isinstance(leaf, Tensor) and apart and (leaf.layout != torch.strided or leaf.is_nested):
            kind = "nested" if leaf.is_nested else str(leaf.layout).removeprefix("torch.")
            raise NotMeasurableError(f"A chunk holds a {kind} tensor, which cannot be cut into samples; make it dense.")
    inputs, targets = (list(tensors_in(values)) for values in chunk)
    if any(hasattr(part, "batch_sizes") for part in _nodes(chunk.inputs)):
        raise NotMeasurableError(
            "The inputs are a PackedSequence, whose rows are no samples; pass the padded sequences and their lengths, "
            "and pack them inside the model."
        )
    if not inputs and not targets:
        raise NotMeasurableError("A chunk holds no tensor; pass (inputs, targets).")
    if not apart:
        return
    if any(part.ndim == 0 for part in (*inputs, *targets)):
        raise NotMeasurableError("A tensor of a chunk has no dimension for the samples; pass it as part of the model.")
    if len({len(part) for part in (*inputs, *targets)}) > 1:
        counts, others = (", ".join(str(len(part)) for part in parts) for parts in (inputs, targets))
        raise NotMeasurableError(
            f"A chunk needs as many inputs as targets, got {counts} inputs and {others} targets. The first dimension "
            "of every tensor must be the sample; inputs that all samples share, as the edges of a graph, need "
            "coupled=True."
        )


def plain(values: Nested) -> Nested:
    """The same with every mapping a dict, which can be flattened."""
    if isinstance(values, Mapping):
        return {name: plain(value) for name, value in values.items()}
    return type(values)(map(plain, values)) if type(values) in (tuple, list) else values


def _nodes(values: Nested) -> Iterator[Any]:
    yield values
    if isinstance(values, tuple | list):
        for value in values:
            yield from _nodes(value)
