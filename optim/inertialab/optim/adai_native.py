"""Adai's step as native loops over memory, compiled by numba: nothing is packed, no temporary leaves the cache.

The kernels take addresses, so that two thousand tensors cost two calls. Work is cut into chunks of `CHUNK` elements;
what one loop leaves of a chunk the next finds in the first-level cache. Slices instead of offsets and two short loops
instead of a long one are what the compiler needs to see that arrays do not overlap; without them nothing is vectorised.
Machine code is not kept on disk: numba's files are not safe against two processes that compile for two types at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numba as nb
import numpy as np
import torch
from torch import Tensor

from inertialab.optim.adai_rule import Scale, lowest
from inertialab.optim.blocks import LARGE, Row
from inertialab.optim.native_memory import part

CHUNK = 1024
"""Elements handled at a time: seven rows of them fit a first-level cache in float32."""
SAMPLED = 32
"""One second moment in so many chunks tells whether they were written by somebody else."""
SHARED = 1 << 18
"""Elements from which a step is worth a second thread."""
_REALS = {torch.float32: np.float32, torch.float64: np.float64}
_LOOP: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
# Not a number and infinity keep their meaning in both.
_SUM = {**_LOOP, "fastmath": {"reassoc", "contract", "nsz"}}
_RULE = {**_LOOP, "fastmath": {"contract"}}


def tried(dtype: torch.dtype) -> None:
    """Compile the loops by one step on memory of their own.

    Raises:
        RuntimeError: If numba is told not to compile.
    """
    if nb.config.DISABLE_JIT:  # pyright: ignore[reportAttributeAccessIssue]
        raise RuntimeError("NUMBA_DISABLE_JIT is set")
    plain = {"weight_decay": 0.0, "maximize": False, "decoupled_weight_decay": False}
    settings = {"betas": (0.1, 0.9), "eps": 1e-3, "lr": 0.1, **plain}
    kernels = Kernels([tuple(torch.ones(2, dtype=dtype) for _ in range(5))], settings)
    kernels.second_moments([None])
    list(kernels.move(Scale(0.1, None, 0.0)))


class Kernels:
    """The rows of one step, found in memory.

    Args:
        rows: (θ, gradient, m, v, q) of each tensor, all of one type.
        settings: Of their group.
    """

    def __init__(self, rows: Sequence[Row], settings: dict[str, Any]):
        self.settings = settings
        params, grads, *averages = zip(*rows, strict=True)
        self.written = [x for column in (params, *averages) for x in column]
        self.where = np.array([[*map(Tensor.data_ptr, column)] for column in (params, grads, *averages)], np.int64)
        self.sizes = np.array([*map(Tensor.numel, params)], np.int64)
        self.dtype = rows[0][0].dtype
        self.real = _REALS[self.dtype]
        decay, decoupled = settings["weight_decay"], settings["decoupled_weight_decay"]
        self.sign = self.real(-1 if settings["maximize"] else 1)
        self.penalty = self.real(0 if decoupled else decay)
        self.shrinks = decay if decoupled else 0.0

    def second_moments(self, known: list[float | None]) -> tuple[list[float], list[float]]:
        """β₂Σv + (1 - β₂)Σĝ² of each tensor, and some samples of v.

        Args:
            known: Σv where it is known; where it is None it is taken from v.
        """
        fresh, beta2 = np.array([k is None for k in known]), self.settings["betas"][1]
        squares, kept, samples = (np.zeros((torch.get_num_threads(), len(self.sizes))) for _ in range(3))
        self._each(
            lambda k, start, stop: _squares(
                self.where, self.sizes, start, stop, fresh, (self.sign, self.penalty), (squares[k], kept[k], samples[k])
            )
        )
        before = np.where(fresh, kept.sum(0), [k or 0.0 for k in known])
        return (beta2 * before + (1 - beta2) * squares.sum(0)).tolist(), samples.sum(0).tolist()

    def move(self, share: Scale) -> Iterator[tuple[int, float, float]]:
        """Update all tensors; index, Σv and samples of v of the large ones."""
        s = self.settings
        beta2, rate, second = s["betas"][1], float(s["lr"]), 1.0 if share.second is None else share.second
        least = lowest(s["eps"], self.dtype)
        numbers = (beta2, 1 - beta2, share.first, second, share.offset, least, rate, 1 - rate * self.shrinks)
        constants = (self.sign, self.penalty, *map(self.real, numbers))
        large = self.sizes >= LARGE
        totals, samples = (np.zeros((torch.get_num_threads(), len(self.sizes))) for _ in range(2))
        self._each(
            lambda k, start, stop: _move(self.where, self.sizes, start, stop, constants, large, totals[k], samples[k])
        )
        torch.autograd.graph.increment_version(self.written)
        both = zip(totals.sum(0)[large].tolist(), samples.sum(0)[large].tolist(), strict=True)
        return ((int(i), *pair) for i, pair in zip(np.flatnonzero(large), both, strict=True))

    def _each(self, work: Callable[[int, int, int], object]) -> None:
        """Do the work on as many equal ranges of chunks as torch uses threads."""
        total = int((-(-self.sizes // CHUNK)).sum())
        threads = torch.get_num_threads() if total * CHUNK >= SHARED else 1
        ends = [total * k // threads for k in range(threads + 1)]
        if threads == 1:
            work(0, 0, total)
            return
        # Threads of this step alone: none that a process would lose when it forks.
        with ThreadPoolExecutor(threads - 1) as pool:
            rest = []
            # An interpreter that shuts down starts no thread any more; the rest is done here then.
            with suppress(RuntimeError):
                for k in range(1, threads):
                    rest.append(pool.submit(work, k, ends[k], ends[k + 1]))
            for k in (0, *range(len(rest) + 1, threads)):
                work(k, ends[k], ends[k + 1])
            for done in rest:
                done.result()


@nb.njit(**_SUM)
def _square(g: Any) -> Any:
    total = g.dtype.type(0)
    for i in range(g.size):
        total += g[i] * g[i]
    return total


@nb.njit(**_SUM)
def _sum(v: Any) -> Any:
    total = v.dtype.type(0)
    for i in range(v.size):
        total += v[i]
    return total


@nb.njit(**_RULE)
def _descend(g: Any, p: Any, out: Any, sign: Any, penalty: Any) -> None:
    for i in range(g.size):
        out[i] = sign * g[i] + penalty * p[i]


@nb.njit(**_RULE)
def _inertia(g: Any, v: Any, q: Any, alpha: Any, beta2: Any, rest: Any, scale: Any, eps: Any) -> None:
    one = g.dtype.type(1)
    for i in range(g.size):
        moment = beta2 * v[i] + rest * (g[i] * g[i])
        v[i] = moment
        # Comparisons, not min and max: what is not a number stays so.
        a = moment * scale
        a = eps if a < eps else a
        a = one if a > one else a
        q[i] = q[i] + a * (one - q[i])
        alpha[i] = a


@nb.njit(**_RULE)
def _inertia_of_extremes(
    g: Any, v: Any, q: Any, alpha: Any, beta2: Any, rest: Any, first: Any, second: Any, offset: Any, eps: Any
) -> None:
    """The same where the scale is no number of this precision; two lines more than memory has time for."""
    one = g.dtype.type(1)
    for i in range(g.size):
        moment = beta2 * v[i] + rest * (g[i] * g[i])
        v[i] = moment
        a = moment * first * second + offset
        a = eps if a < eps else a
        a = one if a > one else a
        q[i] = q[i] + a * (one - q[i])
        alpha[i] = a


@nb.njit(**_RULE)
def _walk(p: Any, g: Any, m: Any, q: Any, alpha: Any, rate: Any, keep: Any) -> None:
    for i in range(g.size):
        average = m[i] + alpha[i] * (g[i] - m[i])
        m[i] = average
        p[i] = keep * p[i] - rate * (average / q[i])


@nb.njit(**_LOOP)
def _squares(where: Any, sizes: Any, start: Any, stop: Any, fresh: Any, constants: Any, out: Any) -> None:
    """Sums over the chunks `start` to `stop`, counted through all tensors; each added to that of its tensor."""
    (sign, penalty), (squares, kept, samples) = constants, out
    descended = np.empty(CHUNK, type(sign))
    first = 0
    for t in range(len(sizes)):
        n = sizes[t]
        chunks = (n + CHUNK - 1) // CHUNK
        for c in range(max(start - first, 0), min(stop - first, chunks)):
            i, j = c * CHUNK, min((c + 1) * CHUNK, n)
            g = part(where[1, t], sign, i, j)
            if penalty != 0:
                _descend(g, part(where[0, t], sign, i, j), descended, sign, penalty)
                g = descended[: j - i]
            squares[t] += np.float64(_square(g))
            if fresh[t]:
                kept[t] += np.float64(_sum(part(where[3, t], sign, i, j)))
            elif c % SAMPLED == 0:
                samples[t] += np.float64(part(where[3, t], sign, i, i + 1)[0])
        first += chunks


@nb.njit(**_LOOP)
def _move(where: Any, sizes: Any, start: Any, stop: Any, constants: Any, large: Any, totals: Any, samples: Any) -> None:
    """The rule on the chunks `start` to `stop`, counted through all tensors; sums of what `large` ones have then."""
    sign, penalty, beta2, rest, one, two, offset, eps, rate, keep = constants
    extreme = two != 1 or offset != 0
    alpha, descended = np.empty(CHUNK, type(sign)), np.empty(CHUNK, type(sign))
    first = 0
    for t in range(len(sizes)):
        n = sizes[t]
        chunks = (n + CHUNK - 1) // CHUNK
        for c in range(max(start - first, 0), min(stop - first, chunks)):
            i, j = c * CHUNK, min((c + 1) * CHUNK, n)
            p = part(where[0, t], sign, i, j)
            g = part(where[1, t], sign, i, j)
            m = part(where[2, t], sign, i, j)
            v = part(where[3, t], sign, i, j)
            q = part(where[4, t], sign, i, j)
            if penalty != 0 or sign < 0:
                _descend(g, p, descended, sign, penalty)
                g = descended[: j - i]
            if extreme:
                _inertia_of_extremes(g, v, q, alpha, beta2, rest, one, two, offset, eps)
            else:
                _inertia(g, v, q, alpha, beta2, rest, one, eps)
            if large[t]:
                totals[t] += np.float64(_sum(v))
                if c % SAMPLED == 0:
                    samples[t] += np.float64(v[0])
            _walk(p, g, m, q, alpha, rate, keep)
        first += chunks
