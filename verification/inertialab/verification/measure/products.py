"""Products with a matrix that is a sum over chunks: graphs kept while they fit into the memory, else made anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from inertialab.verification.measure.batches import Chunk, piece, quarter
from inertialab.verification.measure.budget import counted, fitting
from inertialab.verification.measure.conditions import quietly, unrounded
from inertialab.verification.measure.measurable import failed
from inertialab.verification.measure.operators import Operator
from inertialab.verification.measure.problem import Problem
from inertialab.verification.measure.tape import Product, recorded

Maker = Callable[[Chunk], Product]
"""Makes the graph of a chunk and returns the product with that chunk's share of the matrix that runs through it."""

BLOCK_BYTES = 2**22
"""Largest working set, graph times vectors, of a batched product on a CPU: beyond its caches a loop is faster."""

TAPE_BYTES = 2**22
"""Size of a graph beyond which passes over its tensors cost more than the calls, and recording them pays."""

TEMPORARY = 6
"""A product takes less than this many times the bytes of its graph, the graph included, in every mode."""


class ChunkSum:
    """A matrix that is the sum of one term for each chunk of the data.

    At most half of the memory holds kept graphs; the other half is for the product in hand, or for the vectors of an
    estimator between products. A chunk whose own product does not fit is cut in two.

    Args:
        problem: What is measured.
        make: Makes the graph of a chunk.
        forward: Product with a chunk by forward mode, which keeps nothing; by default a chunk whose graph is not kept
            gets it anew each time.
        check: Tries the matrix on some samples before anything is kept.
        keep: Whether to keep graphs at all.
        shift: A multiple of the identity that is added.
        record: Whether the operations are the same for all vectors, so that they can be recorded.
        rich: A vector from some samples that is rich in the eigenvectors of large eigenvalues, or None. Products are
            recorded with it, and what they give is kept as a start.
    """

    def __init__(
        self,
        problem: Problem,
        make: Maker,
        forward: Callable[[Chunk, Tensor], Tensor] | None = None,
        *,
        check: Callable[[Chunk], None],
        keep: bool = True,
        shift: float = 0.0,
        record: bool = True,
        rich: Callable[[Chunk], Tensor | None] | None = None,
    ):
        self.recordable, self.rich = record, rich
        self._generic: Tensor | None = None
        self._image: Tensor = torch.zeros_like(problem.start)
        self.problem, self.make, self.forward, self.shift = problem, make, forward, shift
        self.kept: list[Product] = []
        self.recomputed: list[Product] = []
        self.kept_bytes, self.graph_bytes, self.taped = 0, 0, 0
        room = problem.max_bytes // 2 // TEMPORARY
        self._parts: list[Chunk] = []
        self._most = 0  # samples of a part of data that are read anew for every product
        if problem.streamed:
            self._stream(check, room)
            return
        for place, chunk in enumerate(problem.chunks):
            self._parts += fitting(problem, chunk, self._made, room)
            if place == 0 and self._parts:
                check(self._parts[0])
        for part in self._parts:
            self._take(part, keep)
        self._parts = []

    @unrounded
    def rows(self, rows: Tensor) -> Tensor:
        """Products with k vectors as rows, shape (k, P)."""
        if self._most:
            return self._streamed(rows)
        width = self._width()
        if width > 1 and len(rows) > 1:
            return torch.cat([self._batched(part) for part in rows.split(width)])
        return torch.stack([self._one(row) for row in rows])

    def operator(self, name: str, **record: Any) -> Operator:
        """The matrix as an operator whose record says how its products are made."""
        whole = {
            "operator": name,
            **self.problem.record,
            "kept graphs": len(self.kept),
            "recomputed": len(self.problem.chunks) if self._most else len(self.recomputed),
            "kept bytes": self.kept_bytes,
            "recorded graphs": self.taped,
            **record,
        }
        p = self.problem
        return Operator(p.size, self.rows, p.dtype, p.device, p.max_bytes // 2, whole, self._start())

    def _start(self) -> Tensor | None:
        """The image of the vector that all products were recorded with."""
        if self.taped == 0 or self.taped < len(self.kept) + len(self.recomputed):
            return None
        return self._image + self.shift * self._vector()

    def _stream(self, check: Callable[[Chunk], None], room: int) -> None:
        """Find how many samples fit together, on the first that have weight."""
        for chunk in self.problem.chunks:
            if parts := fitting(self.problem, chunk, self._made, room):
                check(parts[0])
                self._most = parts[0].samples
                return

    def _streamed(self, rows: Tensor) -> Tensor:
        """All products from one pass over the data, of which a batch is held at a time."""
        total = self.shift * rows
        for chunk in self.problem.chunks:
            for s in range(0, chunk.samples, self._most):
                part = chunk if chunk.samples <= self._most else piece(chunk, slice(s, s + self._most))
                if self.problem.weight(part):
                    total += self._rows_of(part, rows)
        return total

    def _rows_of(self, part: Chunk, rows: Tensor) -> Tensor:
        """A part's share of the products; one graph serves all."""
        if self.forward is not None and len(rows) == 1:
            return self.forward(part, rows[0])[None]
        product = self._made(part)
        return torch.stack([product(row) for row in rows])

    def _take(self, chunk: Chunk, keep: bool) -> None:
        """Keep a chunk's graph, or how to make it anew."""
        product, ledger = counted(lambda: self._made(chunk))
        size = ledger.alive()
        self.graph_bytes = max(self.graph_bytes, size)
        if keep and self.kept_bytes + size <= self.problem.max_bytes // 2:
            self._keep(product, size)
        else:
            del product, ledger
            self.recomputed.append(self._anew(chunk, size))

    def _keep(self, product: Product, size: int) -> None:
        """Keep a graph, or a recording in its place if that fits."""
        if size > TAPE_BYTES and self.recordable:
            tape, more = counted(lambda: self._recorded(product))
            if tape is not None and self.kept_bytes + size + more.alive() <= self.problem.max_bytes // 2:
                product, size, self.taped = tape, size + more.alive(), self.taped + 1
        self.kept.append(product)
        self.kept_bytes += size

    def _anew(self, chunk: Chunk, size: int) -> Product:
        """A product that keeps nothing; recorded where that pays, to leave out autograd's own work."""
        forward, made = self.forward, self._made
        again = (lambda v: made(chunk)(v)) if forward is None else (lambda v: forward(chunk, v))
        tape = self._recorded(again, whole=True) if size > TAPE_BYTES and self.recordable else None
        self.taped += tape is not None
        return tape or again

    def _recorded(self, product: Product, whole: bool = False) -> Product | None:
        """A recording; what the product gives meanwhile is not lost."""
        seen: list[Tensor] = []

        def watched(v: Tensor) -> Tensor:
            seen.append(result := product(v))
            return result

        tape = recorded(watched, self._vector(), whole=whole)
        self._image += seen[0].detach()
        return tape

    def _vector(self) -> Tensor:
        """A generic vector, the same for all chunks; random, with as much of a rich one."""
        if self._generic is None:
            drawn = torch.randn(self.problem.size, dtype=self.problem.dtype, generator=torch.Generator().manual_seed(0))
            self._generic = drawn.to(self.problem.device) / drawn.norm()
            found = [] if self.rich is None or self.problem.coupled else map(self.rich, map(quarter, self._parts))
            whole = sum((v for v in found if v is not None), torch.zeros_like(self._generic))
            if 0 < float(whole.norm()) < float("inf"):
                self._generic = self._generic + whole / whole.norm()
        return self._generic

    def _made(self, chunk: Chunk) -> Product:
        try:
            with self.problem.conditions():
                return self.make(chunk)
        except RuntimeError as error:  # NotImplementedError is one
            if "not implemented" not in str(error):
                raise
            raise failed(error, "A derivative that the operator takes") from error

    def _one(self, v: Tensor) -> Tensor:
        total = self.shift * v
        for product in (*self.kept, *self.recomputed):
            total += product(v)
        return total

    def _batched(self, rows: Tensor) -> Tensor:
        """Many products in one pass; row by row if an operation knows no batching."""
        try:
            with quietly():
                return torch.vmap(self._one)(rows)
        except RuntimeError:
            return torch.stack([self._one(row) for row in rows])

    def _width(self) -> int:
        if self.recomputed or self.problem.recurrent:
            return 1  # fused recurrent kernels know no batching
        room = BLOCK_BYTES if self.problem.device.type == "cpu" else self.problem.max_bytes // 4
        return max(1, room // max(1, self.graph_bytes))


def has_forward_rules(problem: Problem, product: Callable[[Chunk, Tensor], Tensor]) -> bool:
    """Whether a product by forward mode works, tried on one sample."""
    try:
        product(piece(problem.chunks[0], slice(0, 1)), torch.zeros_like(problem.start))
    except (NotImplementedError, RuntimeError):
        return False
    return True


def pull(
    outputs: Sequence[Tensor], leaves: Sequence[Tensor], cotangents: Sequence[Tensor], **options: Any
) -> tuple[Tensor, ...]:
    """Transposed Jacobian times cotangents, through a graph that is kept; zeros where there is no dependence."""
    pairs = [(o, c) for o, c in zip(outputs, cotangents, strict=True) if o.requires_grad]
    if not pairs:
        return tuple(torch.zeros_like(leaf) for leaf in leaves)
    ends, vectors = zip(*pairs, strict=True)
    return torch.autograd.grad(ends, leaves, vectors, retain_graph=True, materialize_grads=True, **options)


def kept_jacobian(
    outputs: Sequence[Tensor], leaves: Sequence[Tensor]
) -> Callable[[Sequence[Tensor]], tuple[Tensor, ...]]:
    """Jacobian of outputs times a vector by one backward pass.

    The transposed Jacobian times a cotangent u is linear in u, so its own transposed Jacobian in u is the Jacobian of
    the outputs, wherever u is taken.

    Args:
        outputs: With a graph, any shapes.
        leaves: Tensors that the outputs depend on.
    """
    u = [torch.zeros_like(output, requires_grad=True) for output in outputs]
    pulled = pull(outputs, leaves, u, create_graph=True)
    return lambda parts: pull(pulled, u, parts)
