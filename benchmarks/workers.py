"""What a second worker is worth, and what a task costs that does nothing: processes and dask, on this machine."""

import argparse
import io
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
os.environ |= dict.fromkeys(THREADS, "1")

from rich.console import Console  # noqa: E402

from inertialab.experiments import forked, store  # noqa: E402
from inertialab.experiments.memory import keep_freed_memory  # noqa: E402
from inertialab.experiments.work.running import run  # noqa: E402
from inertialab.experiments.work.task import Task, Tick  # noqa: E402
from inertialab.experiments.work.where import Where  # noqa: E402
from inertialab.verification import campaign  # noqa: E402

RESULTS = Path(__file__).parents[1] / "results"
SPEED = 1.8
"""How many times as fast two workers should be as one."""
LASTS = (2.0, 5.0)
"""Seconds that a study has taken which is taken here: many of them, none long enough that one worker waits for it."""
ENGINES = {"processes": ("", 0.02), "dask": ("local", 0.06)}
"""How each is asked for, and the seconds that a task should cost at most."""
EMPTY = 400
"""How many tasks do nothing."""
FOREVER = 1e6
"""A limit that no task comes near; with one, also a single worker is a process of its own."""


def seconds(tasks: Sequence[Task], where: Where) -> float:
    """Time of a run of tasks, its workers' start and end included."""
    began = time.perf_counter()
    run(tasks, where, Console(file=io.StringIO()))
    return time.perf_counter() - began


def studies(number: int) -> list[Any]:
    """Those that need no data and whose committed records took neither little nor long."""
    from inertialab.verification import STUDIES  # here, since a worker imports this file, and need not draw the docket

    took = {p.stem: store.read_json(p) or {} for p in (RESULTS / "evidence").glob("*.json")}
    lasts = {id: float(took.get(id, {}).get("wall_s", 0)) for id, study in STUDIES.items() if not study.data}
    return [STUDIES[id] for id in sorted(lasts) if LASTS[0] <= lasts[id] <= LASTS[1]][:number]


def measured(chosen: Sequence[Any], cluster: str, jobs: int) -> float:
    """Time in which studies are measured that have no record yet."""
    with tempfile.TemporaryDirectory() as folder:
        about: dict[str, Any] = {"tier": "quick", "seed": 0, "device": "cpu", "folder": Path(folder)}
        return seconds(campaign.tasks_for(chosen, **about, known=[RESULTS / "evidence"]), Where(jobs, cluster, FOREVER))


def apart(chosen: Sequence[Any]) -> float:
    """Time in which each of two runs measures all of them, neither knowing of the other: what the machine allows."""
    began = time.perf_counter()
    forked.each(lambda _: measured(chosen, "", 1), range(2), 2)
    return time.perf_counter() - began


def nothing(path: str, tick: Tick) -> Path:
    """A task that only says when it was done."""
    with Path(path).open("a") as file:
        file.write(f"{time.perf_counter()}\n")
    return Path(path)


def overhead(cluster: str) -> float:
    """Seconds from one empty task to the next in one worker, whose start is not in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "done"
        call = f"{Path(__file__).stem}:{nothing.__name__}"
        seconds([Task(str(i), call, {"path": str(path)}) for i in range(EMPTY)], Where(1, cluster, FOREVER))
        done = [float(line) for line in path.read_text().split()]
    return (done[-1] - done[0]) / (len(done) - 1)


def row(
    case: str, subject: str, peer: str, bar: float, values: Sequence[float], ratios: Sequence[float]
) -> dict[str, Any]:
    """A row as other benchmarks have it, with the median itself and the value that was aimed at."""
    ordered = sorted(ratios)
    tenth = len(ordered) // 10
    low, middle, high = (round(x, 3) for x in (ordered[tenth], statistics.median(ordered), ordered[-1 - tenth]))
    told = {"case": case, "subject": subject, "peer": peer, "value": round(statistics.median(values), 5), "bar": bar}
    return told | {"ratio": middle, "low": low, "high": high, "n": len(ordered)}


def rows(turns: int, number: int) -> Iterator[dict[str, Any]]:
    """What two runs apart and two workers are worth beside one, in turn, and the cost of a task; one row each."""
    chosen = studies(number)
    measured(chosen, "", 2)  # compiled loops are cached once
    free = [2 * measured(chosen, "", 1) / apart(chosen) for _ in range(turns)]
    yield row(f"{len(chosen)} studies, each by both", "two runs apart", "one worker", 2.0, free, free)
    for engine, (cluster, bar) in ENGINES.items():
        turn = [(measured(chosen, cluster, 1), measured(chosen, cluster, 2)) for _ in range(turns)]
        gained, case = [one / two for one, two in turn], f"{len(chosen)} studies, {engine}"
        yield row(case, "two workers", "one worker", SPEED, gained, gained)
        costs = [overhead(cluster) for _ in range(turns)]
        subject = f"{1000 * statistics.median(costs):.1f} ms"
        yield row(
            f"an empty task, {engine}", subject, f"{1000 * bar:g} ms aimed at", bar, costs, [bar / c for c in costs]
        )


def main() -> None:
    """Measure, print and keep all rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=RESULTS / "bench" / "workers.json")
    asked = parser.parse_args()
    keep_freed_memory()
    found = []
    for made in rows(asked.turns, asked.studies):
        print(json.dumps(made), flush=True)
        found.append(made)
    head, dirty = store.commit()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, python {platform.python_version()}"
    store.write_json(asked.out, {"schema": 1, "commit": head, "dirty": dirty, "machine": machine, "rows": found})


if __name__ == "__main__":
    main()
