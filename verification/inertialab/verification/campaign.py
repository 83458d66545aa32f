"""Studies run side by side in processes of one numerical thread each, with one progress display.

Two threads on two busy cores make small batched products several times slower than one thread on each.
"""

from __future__ import annotations

import contextlib
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from inertialab.experiments import store
from inertialab.verification.records import current, measured
from inertialab.verification.studies.study import Study

Tick = Callable[[], None]
WAITING, RUNNING, DONE = 0, 1, 2


@dataclass(frozen=True)
class Task:
    """A piece of work that leaves a record.

    Attributes:
        name: Shown while it runs.
        work: Called with a function to call after each of its steps; importable by name, so that it can be sent.
        seconds: How long it took last time, 0 when unknown; long work starts first.
    """

    name: str
    work: Callable[[Tick], Any]
    seconds: float = 0.0


def tasks_for(
    studies: Sequence[Study],
    *,
    tier: str,
    seed: int,
    device: str,
    folder: Path,
    docket: Mapping[str, Sequence[str]] | None = None,
    known: Sequence[Path] = (),
) -> list[Task]:
    """One task for each study whose record is not there.

    Args:
        studies: What to measure.
        tier: quick or full.
        seed: Seed of the whole verification.
        device: Where to run.
        folder: Where the records go.
        docket: Digests of the rows that each study will be judged by.
        known: Further folders whose records tell how long a study takes.
    """
    about: dict[str, Any] = {"tier": tier, "seed": seed, "device": device, "folder": folder}
    waiting = [study for study in studies if not current(study, **about)]
    rows = docket or {}
    work = {s.id: partial(_measured, s, about, rows.get(s.id, ())) for s in waiting}
    return [Task(s.id, work[s.id], _seconds(s, [folder, *known])) for s in waiting]


def _measured(study: Study, about: dict[str, Any], docket: Sequence[str], tick: Tick) -> None:
    measured(study, **about, docket=docket, tick=tick)


def _seconds(study: Study, folders: Sequence[Path]) -> float:
    records = (store.read_json(folder / f"{study.id}.json") for folder in folders)
    return next((float(r["wall_s"]) for r in records if r and "wall_s" in r), 0.0)


def run(tasks: Sequence[Task], jobs: int, console: Console, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Run tasks, the longest first; what is done stays done, whatever happens to the others.

    Args:
        tasks: What to run.
        jobs: Processes; with one, this process does the work.
        console: Where progress goes: a live display on a terminal, else a line for each finished task.
        meanwhile: Work of this process while the others measure.

    Raises:
        BaseException: The first that a task raised.
    """
    tasks = sorted(tasks, key=lambda task: -task.seconds)
    with tempfile.TemporaryDirectory(prefix="inertialab-") as folder, _display(tasks, Path(folder), console) as board:
        done = _side_by_side(tasks, board, jobs) if jobs > 1 and len(tasks) > 1 else _one_by_one(tasks, board)
        meanwhile()
        for count, (name, seconds) in enumerate(done, 1):
            if not console.is_terminal:
                console.print(f"{name} measured in {seconds:.1f} s ({count} of {len(tasks)})", highlight=False)


def _one_by_one(tasks: Sequence[Task], board: Path) -> Iterator[tuple[str, float]]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), _one_torch_thread():
        for index, task in enumerate(tasks):
            yield _done(task, index, board)


def _side_by_side(tasks: Sequence[Task], board: Path, jobs: int) -> Iterator[tuple[str, float]]:
    """Start at once, before the first result is asked for, so that this process can do something else meanwhile."""
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool: Any = Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="n_jobs")
        return pool(delayed(_done)(task, index, board) for index, task in enumerate(tasks))


@contextlib.contextmanager
def _one_torch_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _done(task: Task, index: int, board: Path) -> tuple[str, float]:
    """Do one task, telling of its steps through a file that all processes share; its name and its seconds."""
    if parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends this process
    shared = np.memmap(board, np.int64, "r+").reshape(-1, 2)
    shared[index, 0] = RUNNING
    began = time.perf_counter()

    def tick() -> None:
        shared[index, 1] += 1

    task.work(tick)
    shared[index, 0] = DONE
    return task.name, time.perf_counter() - began


@contextlib.contextmanager
def _display(tasks: Sequence[Task], folder: Path, console: Console) -> Iterator[Path]:
    """The file in which processes tell how far they are, shown live while the block runs."""
    path = folder / "progress"
    np.zeros((max(1, len(tasks)), 2), np.int64).tofile(path)
    if not console.is_terminal or not tasks:
        yield path
        return
    columns = (TextColumn("{task.description:32}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        stop = threading.Event()
        watcher = threading.Thread(target=_watched, args=(progress, tasks, path, stop), daemon=True)
        watcher.start()
        try:
            yield path
        finally:
            stop.set()
            watcher.join()


def _watched(progress: Progress, tasks: Sequence[Task], path: Path, stop: threading.Event) -> None:
    """Show how many tasks are done, and each that runs with its steps."""
    shared = np.memmap(path, np.int64, "r").reshape(-1, 2)
    whole = progress.add_task("measuring", total=len(tasks), said="")
    lines: dict[int, TaskID] = {}
    while True:
        states = shared[:, 0].copy()
        done = int((states == DONE).sum())
        progress.update(whole, completed=done, said=f"{done} of {len(tasks)}")
        for index in np.flatnonzero(states == RUNNING).tolist():
            if index not in lines:
                lines[index] = progress.add_task(f"  {tasks[index].name}", total=None, said="")
            progress.update(lines[index], said=f"{shared[index, 1]:,} steps")
        for index in [i for i in lines if states[i] == DONE]:
            progress.remove_task(lines.pop(index))
        if stop.wait(0.25):
            return
