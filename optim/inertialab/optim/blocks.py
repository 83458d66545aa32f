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

BLOCK = 1 << 17
"""Elements handled at a time on a CPU: five rows of float32 are about one second-level cache."""
LARGE = 1 << 14
"""Elements from which a tensor is cut instead of packed."""

Row = tuple[Tensor, ...]


def blocks(rows: Sequence[Row], written: Sequence[int] = (), limit: int = BLOCK) -> Iterator[Row]:
    """Flat blocks of the rows, in turn.

    What the caller writes into the columns `written` of a block is in the tensors when it asks for the next block.

    Args:
        rows: Tensors of the same shape in each row; of the same types and device in each column.
        written: Columns that the caller changes.
        limit: Largest size of a view of a large tensor.
    """
    small: list[Row] = []
    for row in rows:
        size = row[0].numel()
        flat = _flat(row) if size >= LARGE else None
        if flat is None:
            small.append(row)
        elif size <= limit:
            yield flat
        else:
            yield from zip(*(x.split(limit) for x in flat), strict=True)
    for part in _filled(small):
        yield from _packed(part, written)


def _flat(row: Row) -> Row | None:
    """Views in order of memory; None where the tensors do not lie in memory alike and without gaps."""
    if all(x.is_contiguous() for x in row):
        return tuple(x.view(-1) for x in row)
    if row[0].dim() == 4 and all(x.is_contiguous(memory_format=torch.channels_last) for x in row):
        return tuple(x.permute(0, 2, 3, 1).view(-1) for x in row)
    return None


def _filled(rows: list[Row]) -> Iterator[list[Row]]:
    """The rows in lists of at most `BLOCK` elements together, or a single one."""
    part, size = [], 0
    for row in rows:
        numel = row[0].numel()
        if part and size + numel > BLOCK:
            yield part
            part, size = [], 0
        part.append(row)
        size += numel
    if part:
        yield part


def _packed(part: list[Row], written: Sequence[int]) -> Iterator[Row]:
    """One block made of several rows."""
    columns = list(zip(*part, strict=True))
    sizes = [x.numel() for x in columns[0]]
    joined = [_joined(column, sizes) for column in columns]
    flat = [_flatten_dense_tensors(c) if j is None else j for c, j in zip(columns, joined, strict=True)]
    yield tuple(flat)
    for i in written:
        if joined[i] is None:
            torch._foreach_copy_(columns[i], _unflatten_dense_tensors(flat[i], columns[i]))


def _joined(column: Row, sizes: Sequence[int]) -> Tensor | None:
    """One view of tensors that lie in one memory one after the other; None where they do not."""
    first, memory = column[0], column[0].untyped_storage()
    width, start = first.element_size(), first.data_ptr()
    if len(column) > 1 and column[1].data_ptr() != start + sizes[0] * width:
        return None  # what is not joined shows it at once, as a rule
    ends = [start + end * width for end in accumulate(sizes)]
    if [x.data_ptr() for x in column[1:]] != ends[:-1] or ends[-1] > memory.data_ptr() + memory.nbytes():
        return None
    return first.as_strided((sum(sizes),), (1,)) if all(x.is_contiguous() for x in column) else None


def zeros_one_after_the_other(like: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
    """Zeros shaped as some small tensors, in one memory, so that they need no packing."""
    sizes = [x.numel() for x in like]
    flat = torch.zeros(sum(sizes), dtype=dtype, device=like[0].device)
    return [part.view(x.shape) for part, x in zip(flat.split(sizes), like, strict=True)]
