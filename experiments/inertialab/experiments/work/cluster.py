"""Tasks on the machines of a cluster, through dask.distributed, which is an extra.

Nothing but names goes out and nothing but paths comes back: records are written by the workers, into a folder that all
machines share.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil, inf
from pathlib import Path
from typing import Any

from rich.console import Console

from inertialab.experiments import store
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.work import ssh
from inertialab.experiments.work.task import Outcome, Task, performed
from inertialab.experiments.work.where import QUEUES

MEMORY = "4GB"
"""Of a worker on a batch system, unless dask's own configuration says otherwise."""
REACHED = 20
"""Seconds in which a scheduler must answer."""
LOOK = 0.5
"""Seconds between two looks for workers that have come."""
ALONE = 60
"""Seconds without a worker after which none is awaited, where none can join."""
LOGS = "runs/cluster"
"""Where jobs of a batch system write what they say, unless dask's own configuration says otherwise."""
DEATHS = 1
"""How many workers a task may cost and is begun once more."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@contextlib.contextmanager
def connected(word: str, jobs: int, console: Console) -> Iterator[Any]:
    """A client of the cluster; what was started for it ends with the block.

    Args:
        word: As in `where.require_cluster`.
        jobs: Number of workers of one thread each, on machines that ssh reaches at least one each; an address has those
            that it has.
        console: Where the address of the dashboard is told.

    Raises:
        WrongInputError: If the cluster cannot be reached or started.
    """
    import dask.config
    from distributed import Client

    settings: dict[str, Any] = {
        "distributed.scheduler.allowed-failures": DEATHS,
        "distributed.nanny.pre-spawn-environ": _environment(),
        "distributed.worker.daemon": False,
        "distributed.worker.profile.enabled": False,
        "distributed.admin.large-graph-warning-threshold": "1GB",
        "distributed.logging": {"distributed": "critical"},
        **(ssh.SETTINGS if word.startswith("ssh:") else {}),
    }
    with dask.config.set(settings), contextlib.ExitStack() as stack:
        try:
            cluster: Any = word if "://" in word else stack.enter_context(_started(word, jobs))
            client = stack.enter_context(Client(cluster, set_as_default=False, timeout=REACHED))
        except WrongInputError:
            raise
        except Exception as error:  # bare ones among them, from what starts workers elsewhere
            reason = " ".join(str(error).split())[:300]
            raise WrongInputError(f"--cluster {word}: it cannot be reached or started ({reason}).") from None
        if link := client.dashboard_link:
            console.print(f"Dashboard {link}", highlight=False, soft_wrap=True)
        yield client


def _environment() -> dict[str, Any]:
    """What workers are told: one numerical thread, where the data are, and what was typed."""
    kept = {name: os.environ[name] for name in ("INERTIALAB_DATA", "INERTIALAB_COMMIT") if name in os.environ}
    return {**dict.fromkeys(THREADS, 1), store.COMMAND: store.tell_workers(), **kept}


def _started(word: str, jobs: int) -> Any:
    """The cluster that a word means, with its workers asked for."""
    if word == "local":
        from distributed import LocalCluster

        return LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=":0", silence_logs=50)
    if word in QUEUES:
        return _submitted(word, jobs)
    return ssh.started(word.removeprefix("ssh:").split(","), jobs, REACHED)


def _submitted(word: str, jobs: int) -> Any:
    """Workers as jobs of a batch system, once it has taken them all."""
    import dask.config
    import dask_jobqueue

    given: Mapping[str, Any] = dask.config.get(f"jobqueue.{word}", {})
    own = {"cores": 1, "processes": 1, "memory": MEMORY, "log_directory": LOGS, "python": shlex.quote(sys.executable)}
    chosen = {name: value for name, value in own.items() if not given.get(name.replace("_", "-"))}
    exports = [f"export {name}={shlex.quote(str(value))}" for name, value in _environment().items()]
    chosen["job_script_prologue"] = [*(given.get("job-script-prologue") or []), *exports]
    cluster = getattr(dask_jobqueue, QUEUES[word])(**chosen, worker_extra_args=["--no-dashboard"])

    async def submit() -> None:
        for _ in range(ceil(jobs / (given.get("processes") or 1))):
            cluster.worker_spec.update(cluster.new_worker_spec())
        await cluster

    try:
        cluster.sync(submit)  # dask's own scale tells nobody of a job that is refused
    except Exception:
        with contextlib.suppress(Exception):  # jobs that are none cannot be cancelled
            cluster.close()
        raise
    return cluster


def patience(word: str) -> float:
    """Seconds to go on without a worker; any number where jobs wait in a queue, or anybody may join."""
    return inf if word in QUEUES or "://" in word else ALONE


def on_cluster(
    tasks: Sequence[Task],
    client: Any,
    limit: float | None,
    running: dict[str, str],
    stack: contextlib.ExitStack,
    patience: float = inf,
) -> Iterator[Outcome]:
    """As many tasks as there are workers at a time; what becomes of them comes as they end.

    A scheduler suspects every task that a lost worker has been given, also those that it had not begun. So no worker is
    given a second one before it has done the first.

    Args:
        tasks: What to do.
        client: Of a cluster.
        limit: Most seconds that a task may take.
        running: Filled with those that run, for the display.
        stack: Tasks that have not ended are cancelled with it.
        patience: Seconds without any worker after which the tasks that are left have failed.
    """
    waiting, out = deque(tasks), dict[str, Any]()
    ended: queue.SimpleQueue[str] = queue.SimpleQueue()
    stack.callback(_cancelled, client, out)

    def fill() -> int:
        threads = sum(client.nthreads().values())
        room = threads - len(out)
        for task in [waiting.popleft() for _ in range(min(room, len(waiting)))]:
            future = client.submit(_on_worker, *task.words(), limit, key=f"{task.name} {client.id}", pure=False)
            out[task.name], running[task.name] = future, "on a worker"
            future.add_done_callback(lambda _, name=task.name: ended.put(name))
        return threads

    fill()
    return _collected(waiting, out, running, ended, fill, limit, patience)


def _collected(
    waiting: deque[Task],
    out: dict[str, Any],
    running: dict[str, str],
    ended: queue.SimpleQueue[str],
    fill: Callable[[], int],
    limit: float | None,
    patience: float,
) -> Iterator[Outcome]:
    seen = time.monotonic()
    while waiting or out:
        name, future = "", None
        with contextlib.suppress(queue.Empty):
            name = ended.get(timeout=LOOK)
            future = out.pop(name)
            running.pop(name)
        if fill():  # workers may have come
            seen = time.monotonic()
        if name:
            yield _outcome(name, future, limit)
        elif time.monotonic() - seen > patience:
            left = [*out, *(task.name for task in waiting)]
            yield from ((name, 0.0, "", "no worker is left.", "machine") for name in left)
            return


def _cancelled(client: Any, out: Mapping[str, Any]) -> None:
    with contextlib.suppress(Exception):  # nobody waits for what a closed connection says
        client.cancel(list(out.values()), force=True)


def _outcome(name: str, future: Any, limit: float | None) -> Outcome:
    """What became of a task: its own words, or those of a scheduler that has lost its workers."""
    if future.status == "error":
        error = future.exception()
        if type(error).__name__ == "KilledWorker":
            late = f", or took longer than the {limit:g} s of --limit" if limit else ""
            return name, 0.0, "", f"its worker died {DEATHS + 1} times{late}.", "machine"
        return name, 0.0, "", " ".join(str(error).split()), "machine"
    if future.status != "finished":
        return name, 0.0, "", f"the scheduler has {future.status} it.", "machine"
    _, seconds, path, why, kind = future.result()
    if path and not Path(path).is_file():
        return name, seconds, "", f"its worker wrote {path}, which is not here; --out must be a shared folder.", "input"
    return name, seconds, path, why, kind


def _on_worker(name: str, call: str, arguments: str, limit: float | None) -> Outcome:
    """Do a task in a worker; one that takes too long ends its process, which dask counts as a loss."""
    import faulthandler

    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    with contextlib.ExitStack() as stack:
        stack.enter_context(threadpool_limits(1))
        if limit:
            nowhere = stack.enter_context(Path(os.devnull).open("w"))
            faulthandler.dump_traceback_later(limit, exit=True, file=nowhere)
            stack.callback(faulthandler.cancel_dump_traceback_later)
        return performed(name, call, arguments)
