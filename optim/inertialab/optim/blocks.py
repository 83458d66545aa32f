"""Parameters as flat blocks that stay in cache: temporaries are one block, whatever the model.

Tensors of the same parameter (gradient, averages) are a row; a rule that works element by element sees only flat
blocks of rows. Large tensors are cut into views; small ones are packed into one block, so that a thousand of them
cost little more than one, and copied back.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import torch
from torch import Tensor
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors
from torch.utils.weak import WeakIdKeyDictionary

BLOCK = 1 << 17
"""Elements handled at a time on a CPU: five rows of float32 are about one second-level cache."""
LARGE = 1 << 14
"""Elements from which a tensor is cut instead of packed."""

Row = tuple[Tensor, ...]
PLAIN = frozenset((Tensor, torch.nn.Parameter))
"""Types whose memory may be cut and packed; others are updated one by one."""


def blocks(rows: Sequence[Row], written: Sequence[int] = (), limit: int = BLOCK) -> Iterator[Row]:
    """Flat blocks of the rows, in turn.

    What the caller writes into the columns `written` of a block is in the tensors when it asks for the next block.

    Args:
        rows: Tensors of the same shape in each row; of the same types and device in each column.
        written: Columns that the caller changes.
        limit: Largest size of a view of a large tensor.
    """
    small: list[Row] = []
    sizes: list[int] = []
    for row in rows:
        size = row[0].numel()
        flat = _flat(row) if size >= LARGE else None
        if flat is None:
            small.append(row)
            sizes.append(size)
        elif size <= limit:
            yield flat
        else:
            yield from zip(*(x.split(limit) for x in flat), strict=True)
    for start, stop in _filled(sizes):
        yield from _packed(small[start:stop], sizes[start:stop], written)


def _flat(row: Row) -> Row | None:
    """Views in order of memory; None where the tensors do not lie in memory alike and without gaps."""
    if all(x.is_contiguous() for x in row):
        return tuple(x.view(-1) for x in row)
    if row[0].dim() == 4 and all(x.is_contiguous(memory_format=torch.channels_last) for x in row):
        return tuple(x.permute(0, 2, 3, 1).view(-1) for x in row)
    return None


def _filled(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Ranges of at most `BLOCK` elements together, or of a single size."""
    start, total = 0, 0
    for i, size in enumerate(sizes):
        if i > start and total + size > BLOCK:
            yield start, i
            start, total = i, 0
        total += size
    if sizes:
        yield start, len(sizes)


def _packed(part: list[Row], sizes: list[int], written: Sequence[int]) -> Iterator[Row]:
    """One block made of several rows."""
    columns = list(zip(*part, strict=True))
    joined = [_joined(column, sizes) for column in columns]
    flat = [_flatten_dense_tensors(c) if j is None else j for c, j in zip(columns, joined, strict=True)]
    yield tuple(flat)
    for i in written:
        if joined[i] is None:
            torch._foreach_copy_(columns[i], _unflatten_dense_tensors(flat[i], columns[i]))


def suits(row: Row) -> bool:
    """Whether the kernels can update this row: plain memory of one real type and size, alike and without gaps."""
    p, g, m, v, q = row  # spelled out: this is asked for every tensor in every step
    dtype = p.dtype
    return (
        dtype in (torch.float32, torch.float64)
        and (g.dtype is dtype and m.dtype is dtype and v.dtype is dtype and q.dtype is dtype)
        and (p.is_same_size(g) and p.is_same_size(m) and p.is_same_size(v) and p.is_same_size(q))
        and (type(p) in PLAIN and type(g) in PLAIN)
        and (
            (p.is_contiguous() and g.is_contiguous() and m.is_contiguous() and v.is_contiguous() and q.is_contiguous())
            or (p.dim() == 4 and all(x.is_contiguous(memory_format=torch.channels_last) for x in row))
        )
    )


_memory: WeakIdKeyDictionary = WeakIdKeyDictionary()
"""Tensors that lie one after the other, with the flat tensor over all of them."""


def _joined(column: Row, sizes: Sequence[int]) -> Tensor | None:
    """One view of tensors that lie in one memory one after the other; None where they do not."""
    first, memory = column[0], _memory.get(column[0])
    if memory is None:
        return None
    width, start = first.element_size(), first.data_ptr()
    ends = [start + end * width for end in accumulate(sizes)]
    # What lies one after the other has the sizes in between; that of the last is to be asked for.
    if [x.data_ptr() for x in column[1:]] != ends[:-1] or column[-1].numel() != sizes[-1]:
        return None
    begin = (start - memory.data_ptr()) // width
    within = begin >= 0 and begin + sum(sizes) <= memory.numel()
    return memory[begin : begin + sum(sizes)] if within and all(map(Tensor.is_contiguous, column)) else None


def zeros_one_after_the_other(like: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """Zeros shaped as some small tensors, in one memory, so that they need no packing.

    Each has a storage of its own, a slice of that memory: whoever saves one does not save all.
    """
    flat = torch.zeros(sum(x.numel() for x in like), dtype=dtype, device=like[0].device)
    made, start, width = [], 0, flat.element_size()
    for x, part in zip(like, flat.split([x.numel() for x in like]), strict=True):
        storage = flat.untyped_storage()[start * width : (start + x.numel()) * width]
        made.append(torch.empty(0, dtype=dtype, device=flat.device))
        made[-1].set_(storage, 0, x.shape, part.view(x.shape).stride())
        _memory[made[-1]] = flat
        start += x.numel()
    return made
