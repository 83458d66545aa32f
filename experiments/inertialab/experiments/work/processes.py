"""Tasks in this process or in processes beside it, one numerical thread each.

Two threads on two busy cores make small batched products several times slower than one thread on each.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from inertialab.experiments import store
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.memory import keep_freed_memory
from inertialab.experiments.work.task import Outcome, Task, performed

WAITING, RUNNING, DONE = 0, 1, 2
TRIES = 2
"""How often a task is begun whose process dies."""
POOLS = 10
"""How many pools are begun, whose processes may all die while they start."""


class Board:
    """A file in which processes tell how far their tasks are: a state and a number of steps each.

    Args:
        tasks: All of them.
        path: Where to make the file.
    """

    def __init__(self, tasks: Sequence[Task], path: Path):
        self.names, self.path = [task.name for task in tasks], path
        np.zeros((max(1, len(tasks)), 2), np.int64).tofile(path)
        self._rows = np.memmap(path, np.int64, "r").reshape(-1, 2)

    def seen(self) -> tuple[int, Mapping[str, str]]:
        """How many are done, and the steps of those that run."""
        states = self._rows[:, 0].copy()
        running = np.flatnonzero(states == RUNNING).tolist()
        return int((states == DONE).sum()), {self.names[i]: f"{self._rows[i, 1]:,} steps" for i in running}


@contextlib.contextmanager
def boarded(tasks: Sequence[Task]) -> Iterator[Board]:
    """A board in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="inertialab-") as folder:
        yield Board(tasks, Path(folder) / "progress")


def one_by_one(tasks: Sequence[Task], board: Board) -> Iterator[Outcome]:
    """Do all tasks in this process."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            for index, task in enumerate(tasks):
                yield _done(task.words(), index, str(board.path))
    finally:
        torch.set_num_threads(before)


def side_by_side(
    tasks: Sequence[Task], board: Board, jobs: int, limit: float | None, stack: contextlib.ExitStack
) -> Iterator[Outcome]:
    """Start processes at once, before the first outcome is asked for, so that this one can do something meanwhile.

    A task whose process dies is begun once more; one that takes too long is ended with its process. No other task
    suffers from either.

    Args:
        tasks: What to do.
        board: Where they tell how far they are.
        jobs: Number of processes.
        limit: Most seconds that a task may take.
        stack: The processes end with it.

    Raises:
        WrongInputError: If the package that does it is not there.
    """
    try:
        from pebble import ProcessPool
    except ImportError:  # a machine for measurements alone may lack it
        raise WrongInputError(f"--jobs {jobs}: side by side needs pebble: pip install pebble.") from None
    pools, ended = list[Any](), queue.SimpleQueue[tuple[int, int, Any]]()

    def renewed() -> None:
        pools.append(pool := ProcessPool(jobs, initializer=_begun, context=get_context("spawn")))
        stack.callback(_stopped, pool)

    def begin(index: int) -> None:
        number = len(pools)
        future = pools[-1].schedule(_done, args=[tasks[index].words(), index, str(board.path)], timeout=limit)
        future.add_done_callback(lambda done: ended.put((number, index, done)))

    store.tell_workers()
    renewed()
    for index in range(len(tasks)):
        begin(index)
    return _collected(tasks, ended, begin, renewed)


def _stopped(pool: Any) -> None:
    pool.stop()
    pool.join()


def _collected(
    tasks: Sequence[Task], ended: queue.SimpleQueue[Any], begin: Callable[[int], None], renewed: Callable[[], None]
) -> Iterator[Outcome]:
    """What becomes of tasks; where all processes died while they started, a new pool takes those that are left."""
    from pebble import ProcessExpired

    tries, waiting, pools, started = [1] * len(tasks), dict.fromkeys(range(len(tasks))), 1, time.perf_counter()
    while waiting:
        number, index, future = ended.get()
        if number != pools:
            continue
        name, seconds = tasks[index].name, time.perf_counter() - started
        again: list[int] = []
        outcome: Outcome = name, seconds, "", "", ""
        try:
            outcome = future.result()
        except TimeoutError as error:
            outcome = name, seconds, "", f"it took longer than the {error.args[1]:g} s of --limit.", "machine"
        except ProcessExpired as error:
            tries[index] += 1
            again = [index] if tries[index] <= TRIES else []
            outcome = name, seconds, "", f"its process died {TRIES} times ({_cause(error.exitcode)}).", "machine"
        except (RuntimeError, CancelledError) as error:
            outcome = name, seconds, "", f"processes die while they start ({error}).", "machine"
            if pools < POOLS:
                pools, again = pools + 1, list(waiting)
                renewed()
        if again:
            while not _all_begun(begin, again):
                pools, again = pools + 1, list(waiting)
                renewed()
            continue
        del waiting[index]
        yield outcome


def _all_begun(begin: Callable[[int], None], indices: Iterable[int]) -> bool:
    """Begin tasks; whether the pool took them, which one that has broken meanwhile does not."""
    try:
        for index in indices:
            begin(index)
    except RuntimeError:
        return False
    return True


def _cause(code: int | None) -> str:
    """What ended a process."""
    with contextlib.suppress(ValueError):
        if code is not None and code < 0:
            return signal.Signals(-code).name
    return f"exit code {code}"


def _begun() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends this process
    keep_freed_memory()
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)


def _done(words: tuple[str, str, str], index: int, board: str) -> Outcome:
    """Do one task, telling of its steps through the board."""
    rows = np.memmap(board, np.int64, "r+").reshape(-1, 2)
    rows[index] = RUNNING, 0

    def tick() -> None:
        rows[index, 1] += 1

    try:
        return performed(*words, tick=tick)
    finally:
        rows[index, 0] = DONE
