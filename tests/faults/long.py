"""A campaign of a day in small tasks: memory, open files and processes, looked at all the while."""

import io
import statistics
import threading
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path

import psutil
from rich.console import Console

from inertialab.experiments.work.running import run
from inertialab.experiments.work.task import Task
from inertialab.experiments.work.where import Where

DAY = 20_000
"""Tasks of a campaign of a day, at four seconds each."""
GROWTH = 0.05
"""Most growth of memory from the first third of a run to its last."""


def long_run(folder: Path, jobs: int = 1, tasks: int = DAY, call: str = "writes", every: float = 0.1):
    """Many small tasks in one run: what it and its processes hold after a tenth of them and from then on.

    Args:
        folder: Empty.
        jobs: Processes.
        tasks: How many.
        call: The chore that each of them is.
        every: Seconds between two looks.
    """
    resource_tracker.ensure_running()  # stays as long as this process, by the design of multiprocessing
    me, before = psutil.Process(), set(psutil.Process().children())
    work = [
        Task(f"{i}", f"chores:{call}", {"folder": str(folder), "mark": f"{10 * i // tasks} of 10"})
        for i in range(tasks)
    ]
    ready = [f"ready {i}" for i in range(jobs)]  # no process has begun with the others still to be started
    work += [Task(r, "chores:meets", {"folder": str(folder), "mark": r, "others": ready}, seconds=1) for r in ready]
    with looked_at(me, folder / "1 of 10.txt", every) as seen:  # from here on everything is imported
        run(work, Where(jobs), Console(file=io.StringIO()))
    left = {p for p in {*seen, *me.children()} - {me} - before if p.is_running()}
    memory, files = (_grown([[look[i] for look in looks] for looks in seen.values()]) for i in (0, 1))
    growth = max(last / first - 1 for first, last in memory)
    opened = max(round(last - first) for first, last in files)
    return {
        "fault": "a long run",
        "subject": "tasks" if jobs == 1 else f"tasks in {jobs} processes",
        "tries": tasks,
        "looks": min(map(len, seen.values())),
        "growth of memory": round(growth, 4),
        "files left open": opened,
        "processes left": len(left),
        "as expected": growth < GROWTH and opened <= 0 and not left and len(seen) >= jobs,
    }


def long_run_in_two(folder: Path):
    return long_run(folder, jobs=2)


def _grown(series):
    """Medians over the first third and the last third of what was seen of each process."""
    long = [values for values in series if len(values) >= 3]
    return [(statistics.median(v[: len(v) // 3]), statistics.median(v[-(len(v) // 3) :])) for v in long]


@contextmanager
def looked_at(me: psutil.Process, begun: Path, every: float):
    """Memory and open files of a process and all below it, again and again once a file is there.

    Args:
        me: The process.
        begun: The file.
        every: Seconds between two looks.
    """
    seen, stop = dict[psutil.Process, list[tuple[int, int]]](), threading.Event()

    def look() -> None:
        while not stop.wait(every):
            for process in [me, *me.children(recursive=True)] if begun.exists() else []:
                with suppress(psutil.Error):
                    seen.setdefault(process, []).append((process.memory_info().rss, process.num_fds()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()
