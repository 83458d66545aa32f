"""What takes longest is begun ahead, on as many processes as there are cores, while pages are put together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

from mkdocs.exceptions import PluginError

from inertialab.experiments import forked
from inertialab.theory import claim as named

Waits: TypeAlias = Callable[[], Any]
"""Waits for what was begun and gives its result; fails with a sentence."""
Begin: TypeAlias = Callable[..., Waits]
"""Begins a call, of a function by its arguments."""


@contextmanager
def side_by_side(processes: int | None = None) -> Iterator[Begin]:
    """Run calls in other processes; on one core, and where processes are not forked, when their results are asked for.

    Args:
        processes: How many; by default one a core.
    """
    if (count := processes or forked.cores()) < 2:
        yield lambda made, *args: partial(_result, partial(made, *args), made, args)
        return
    pool = forked.pool(count)
    try:
        yield lambda made, *args: partial(_result, pool.submit(made, *args).result, made, args)
    finally:
        pool.shutdown(cancel_futures=True)


def _result(waits: Waits, made: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return waits()
    except Exception as error:
        call = f"{made.__module__}.{made.__name__}{args!s:.60}"
        raise PluginError(f"{call} failed: {type(error).__name__}: {error}") from error


def derivation(id: str) -> Any:
    """The steps and the end of a claim's derivation, which is run.

    Args:
        id: Of the claim.

    Raises:
        NotProvenError: If a step does not follow.
    """
    subject = named(id)
    return subject.steps, subject.rhs


def derive(id: str, derived: Waits) -> None:
    """Give a claim the derivation that was run elsewhere in this build, in the place where it keeps its own.

    Args:
        id: Of the claim.
        derived: Waits for it.
    """
    vars(named(id))["_derived"] = derived()
