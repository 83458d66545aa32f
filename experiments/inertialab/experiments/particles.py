"""Many particles of a system, moved by compiled loops: one call for a whole chunk of steps.

Blocks of particles are independent and have random streams of their own, so that threads share nothing and their number
changes no result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numba as nb
import numpy as np

from inertialab.experiments import lanes
from inertialab.experiments.codegen import FUNCTIONS
from inertialab.experiments.lanes import LANES
from inertialab.experiments.loops import Loop, text
from inertialab.experiments.system import System

Kernel = Callable[..., int]
CAPACITY = 4 * LANES
"""States that a block can hand over from one chunk; a chunk in which more cross is refused."""


@nb.njit(forceinline=True)
def _larger(a, b):
    return a if a > b else b


@nb.njit(forceinline=True)
def _smaller(a, b):
    return a if a < b else b


@nb.njit(forceinline=True)
def _where(condition, a, b):
    return a if condition else b


@nb.njit(forceinline=True)
def _power(a, b):
    return a**b


@lru_cache(maxsize=64)
def compiled(source_text: str, precision: type) -> Kernel:
    """The kernel as machine code."""
    scope: dict[str, Any] = {
        "np": np,
        "F": precision,
        "LANES": LANES,
        "CAPACITY": CAPACITY,
        "seeded": lanes.seeded,
        "normals": lanes.normals,
        "sqrt": math.sqrt,
        "absolute": abs,
        **{name: getattr(math, name) for name in FUNCTIONS},
        "power": _power,
        "larger": _larger,
        "smaller": _smaller,
        "where": _where,
    }
    exec(source_text, scope)
    return nb.njit(nogil=True, fastmath=True, error_model="numpy")(scope["kernel"])


class Particles:
    """The state of many particles, and the loop that moves them.

    Args:
        system: What is simulated.
        count: Number of particles; whole blocks are simulated, and what is over is cut off.
        start: Position, shape (d,) or (d, count).
        states: Values of other states at the start, by name, numbers or shape (d, count); zero else.
        age: Steps that particles have behind them when they start or start again: bias corrections are then as late.
        precision: np.float32 or np.float64.
        passage: As for `text`.
        boundary: Position of the first coordinate at which a particle has passed.
        lower: Position below which it is at home, for "flux" and "trial", or has left too, for "leave".
        sign: 1 if it passes upwards, -1 downwards.
        threads: Number of threads; by default what Numba may use, NUMBA_NUM_THREADS or all cores.
        tagged: Whether states carry a number more, last, that no step changes: where a particle comes from. Only where
            none starts again.
        program: Source of the loop and what it is made from, as `text` gives it, for one who makes many of a kind.
    """

    def __init__(
        self,
        system: System,
        count: int,
        start: np.ndarray,
        *,
        states: Mapping[str, Any] | None = None,
        age: int = 0,
        precision: type = np.float32,
        passage: str = "",
        boundary: float = 0.0,
        lower: float = 0.0,
        sign: int = 1,
        threads: int | None = None,
        tagged: bool = False,
        program: tuple[str, Loop] | None = None,
    ):
        self.system, self.count, self.precision, self.passage = system, count, precision, passage
        self.source, loop = program or text(system, passage)
        self.rows, self.events, self.steps, self.chunks = loop.rows, 0, 0, 0
        self.age = age
        self.threads = threads or int(nb.config.NUMBA_NUM_THREADS)  # pyright: ignore[reportAttributeAccessIssue]
        self.boundary, self.lower, self.sign = precision(boundary), precision(lower), precision(sign)
        blocks = -(-count // LANES)
        values = self._initial(start, dict(states or {}), loop.initial(age), blocks * LANES)
        values = np.vstack([values, np.zeros((int(tagged), blocks * LANES))])
        self.fresh, self.width = values[:, 0].astype(precision), len(values)
        self.state = np.ascontiguousarray(values.reshape(self.width, blocks, LANES).swapaxes(0, 1), dtype=precision)
        self.times = np.full((blocks, LANES), 0 if passage == "flux" else -1, np.int64)
        self.pool = np.empty((blocks, CAPACITY, self.width), precision)
        self.filled = np.zeros(blocks, np.int64)

    def _initial(self, start: np.ndarray, states: dict[str, Any], ones: dict[str, float], total: int) -> np.ndarray:
        names = self.system.states
        if unknown := set(states) - set(names[1:]):
            raise ValueError(
                f"{self.system.optimizer} has no state {sorted(unknown)[0]!r}; it has: {', '.join(names[1:])}."
            )
        d = len(self.system.landscape.coordinates)
        values = np.zeros((len(self.rows), total))
        for name, value in {"theta": start, "theta_prev": start, **states}.items():
            if name in names:
                first = names.index(name) * d
                values[first : first + d] = _columns(value, d, total)
        for name, value in ones.items():
            values[self.rows.index(name)] = value
        return values

    def advance(self, steps: int, seed: int, chunk: int, given: np.ndarray | None = None) -> None:
        """Make some steps.

        Args:
            steps: Number of steps.
            seed: Of the whole simulation.
            chunk: Number of this call, from 0: together with the seed it fixes the random numbers.
            given: Normal numbers to take instead, shape (steps, system.normals, blocks·LANES), float64.
        """
        source_text = self.source if given is None else text(self.system, self.passage, given=True)[0]
        kernel = compiled(source_text, self.precision)
        numbers = np.empty((0, 0, 0)) if given is None else given
        cuts = np.array_split(np.arange(len(self.state)), min(self.threads, len(self.state)))

        def work(part: np.ndarray) -> int:
            own = slice(part[0], part[-1] + 1)
            mine = (
                numbers
                if given is None
                else np.ascontiguousarray(numbers[:, :, part[0] * LANES : (part[-1] + 1) * LANES])
            )
            levels = (self.boundary, self.lower, self.sign, self.fresh)
            arguments = (*levels, self.times[own], self.pool[own], self.filled[own])
            return kernel(self.state[own], part[0], seed, chunk, self.age + self.steps + 1, steps, mine, *arguments)

        if len(cuts) == 1:
            self.events += work(cuts[0])
        else:
            with ThreadPoolExecutor(len(cuts)) as pool:
                self.events += sum(pool.map(work, cuts))
        self.steps += steps
        self.chunks += 1

    @property
    def total(self) -> int:
        """Number of particles that are moved, whole blocks."""
        return len(self.state) * LANES

    def handed_over(self) -> np.ndarray:
        """States kept since the last call, shape (number, width), by block.

        Raises:
            RuntimeError: If more crossed than there is room for.
        """
        if (self.filled > CAPACITY).any():
            raise RuntimeError(f"More than {CAPACITY} crossings in a block and chunk; make fewer steps at a time.")
        kept = [self.pool[b, :n] for b, n in enumerate(self.filled)]
        found = np.concatenate(kept) if kept else np.empty((0, self.width))
        self.filled[:] = 0
        return found

    def put(self, states: np.ndarray) -> None:
        """Replace the states of all particles, shape (number, width), repeated as needed; every one is undecided."""
        blocks = len(self.state)
        every = states[np.arange(blocks * LANES) % len(states)]
        self.state[:] = every.reshape(blocks, LANES, -1).swapaxes(1, 2)
        self.times[:] = -1

    def compact(self, wanted: np.ndarray) -> None:
        """Drop particles that are done, in whole blocks, once a quarter of those that are moved is spared.

        Args:
            wanted: Who goes on, shape (blocks, LANES). Others may stay to fill the last block.
        """
        blocks = -(-int(wanted.sum()) // LANES)
        if not 0 < blocks <= 3 * len(self.state) // 4:
            return
        chosen = np.argsort(~wanted.ravel(), kind="stable")[: blocks * LANES]
        rows = self.state.swapaxes(1, 2).reshape(-1, self.width)[chosen]
        self.state = np.ascontiguousarray(rows.reshape(blocks, LANES, -1).swapaxes(1, 2))
        self.times = self.times.ravel()[chosen].reshape(blocks, LANES)
        self.pool, self.filled = self.pool[:blocks], self.filled[:blocks]

    def values(self, name: str = "theta") -> np.ndarray:
        """A state of all particles, shape (d, count); a view is not promised."""
        d = len(self.system.landscape.coordinates)
        first = self.system.states.index(name) * d
        return self.state[:, first : first + d].swapaxes(0, 1).reshape(d, -1)[:, : self.count]


def _columns(value: Any, count: int, total: int) -> np.ndarray:
    """A number, one for each coordinate, or columns for all particles, repeated up to a whole number of blocks."""
    array = np.asarray(value, dtype=float)
    if array.ndim < 2:
        array = np.broadcast_to(array.reshape(-1, 1), (count, 1))
    return array[:, np.arange(total) % array.shape[1]]
