"""Parameters cut into blocks that stay in cache, so that temporaries are small whatever the model."""

from collections.abc import Iterator

from torch import Tensor

BLOCK = 1 << 18
"""Elements handled at a time."""
LARGE = 1 << 14
"""Elements from which a piece is worth a call of its own."""


def filled(pieces: list[tuple[Tensor, ...]]) -> Iterator[list[tuple[Tensor, ...]]]:
    """Small pieces in lists of at most `BLOCK` elements together, large ones by themselves."""
    part, size = [], 0
    for piece in pieces:
        if piece[0].numel() >= LARGE:
            yield [piece]
            continue
        if size + piece[0].numel() > BLOCK:
            yield part
            part, size = [], 0
        part.append(piece)
        size += piece[0].numel()
    if part:
        yield part


def blocks(tensors: list[Tensor]) -> list[tuple[Tensor, ...]]:
    """The tensors cut into the same blocks; whole where one is not contiguous, so that elements stay matched."""
    if tensors[0].numel() <= BLOCK or not all(t.is_contiguous() for t in tensors):
        return [tuple(tensors)]
    return list(zip(*(t.view(-1).split(BLOCK) for t in tensors), strict=True))
