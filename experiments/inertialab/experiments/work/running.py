"""Run tasks wherever they are to run; what fails is named, and the others go on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console

from inertialab.experiments.answers import INPUT, MACHINE, VERDICT
from inertialab.experiments.work.cluster import connected, on_cluster, patience
from inertialab.experiments.work.display import shown, told
from inertialab.experiments.work.processes import boarded, one_by_one, side_by_side
from inertialab.experiments.work.task import Failure, Outcome, Task
from inertialab.experiments.work.where import Where

NAMED = 20
"""Most failures that a sentence names."""


class FailedTasksError(Exception):
    """Some tasks left no record.

    Args:
        failures: Of those tasks.
        total: How many tasks there were.

    Attributes:
        code: Exit code of a command whose tasks they were.
    """

    def __init__(self, failures: Sequence[Failure], total: int):
        self.failures = tuple(failures)
        kinds = {failure.kind for failure in failures}
        self.code = MACHINE if "machine" in kinds else VERDICT if "measurement" in kinds else INPUT
        names = ", ".join(failure.name for failure in failures[:NAMED])
        more = f" and {len(failures) - NAMED} more" if len(failures) > NAMED else ""
        super().__init__(
            f"{len(failures)} of {total} failed: {names}{more} (the first: {failures[0].why.rstrip('.')}). The records "
            "of the others are kept; the same command goes on from them."
        )


def run(
    tasks: Sequence[Task],
    where: Where,
    console: Console,
    meanwhile: Callable[[], None] = lambda: None,
    device: str = "cpu",
) -> None:
    """Run tasks, the longest first; one that fails is named, and the others go on.

    Args:
        tasks: What to run; none has the name of another.
        where: Where; with one process, this process does the work.
        console: Where progress goes: a live display on a terminal, else lines.
        meanwhile: Work of this process while the others measure.
        device: Where tasks compute, a name that torch knows.

    Raises:
        FailedTasksError: If tasks failed, when all others have ended.
        WrongInputError: If the cluster cannot be had.
    """
    tasks = sorted(tasks, key=lambda task: -task.seconds)
    failures: list[Failure] = []
    with _begun(tasks, where, console, device) as ended:
        meanwhile()
        for count, outcome in enumerate(ended, 1):
            told(outcome, count, len(tasks), console)
            name, _, _, why, kind = outcome
            if why:
                failures.append(Failure(name, why, kind))  # pyright: ignore[reportArgumentType]
    if failures:
        raise FailedTasksError(failures, len(tasks))


@contextlib.contextmanager
def _begun(tasks: Sequence[Task], where: Where, console: Console, device: str) -> Iterator[Iterator[Outcome]]:
    """The outcomes of tasks that have been begun, and a display while the block runs."""
    jobs, limit = where.processes(device), where.limit or None
    with contextlib.ExitStack() as stack:
        if where.cluster and tasks:
            client, running, done = stack.enter_context(connected(where.cluster, jobs, console)), dict[str, str](), [0]
            outcomes = on_cluster(tasks, client, limit, running, stack, patience(where.cluster))
            ended = _counted(outcomes, done)
            stack.enter_context(shown(len(tasks), lambda: (done[0], dict(running)), console))
        else:
            board = stack.enter_context(boarded(tasks))
            alone = limit is None and min(jobs, len(tasks)) < 2
            ended = one_by_one(tasks, board) if alone else side_by_side(tasks, board, jobs, limit, stack)
            stack.enter_context(shown(len(tasks), board.seen, console))
        yield ended


def _counted(outcomes: Iterator[Outcome], done: list[int]) -> Iterator[Outcome]:
    for outcome in outcomes:
        done[0] += 1
        yield outcome
