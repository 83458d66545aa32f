"""Work in which nothing waits for the rest: on all cores, in forked processes."""

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from typing import Any, TypeVar

from inertialab.experiments.errors import WrongInputError

Item = TypeVar("Item")
Result = TypeVar("Result")

_calls: list[Callable[[Any], Any]] = []
"""What forked processes find here when they begin: a function of which nothing need be pickled."""


def cores() -> int:
    """Processes that are worth forking; 1 where that is not safe."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def pool(processes: int) -> ProcessPoolExecutor:
    """Forked processes: nothing is imported again, and sets have the same order everywhere."""
    return ProcessPoolExecutor(processes, get_context("fork"))


def each(function: Callable[[Item], Result], items: Iterable[Item], processes: int | None = None) -> list[Result]:
    """A function of every item, in order, on all cores; what it needs is there as it stood when this was called.

    Args:
        function: May be a closure. Its results are pickled; what it changes is lost.
        items: Are pickled.
        processes: How many; by default one a core.

    Raises:
        WrongInputError: If a process was killed.
        Exception: What the function raised first; processes that are still at work are ended.
    """
    given = list(items)
    count = min(processes or cores(), len(given))
    if count < 2:
        return [function(item) for item in given]
    others = set(active_children())
    _calls.append(function)
    try:
        with pool(count) as workers:
            try:
                return list(workers.map(_call, given))
            except BaseException:
                for child in set(active_children()) - others:
                    child.kill()  # or leaving would wait for what is at work
                raise
    except BrokenProcessPool:
        raise WrongInputError(
            "A process that worked for this command was ended from outside, for lack of memory perhaps; repeat it."
        ) from None
    finally:
        _calls.pop()


def _call(item: Any) -> Any:
    return _calls[-1](item)
