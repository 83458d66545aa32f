"""What the word sweep does: measure all points, say how far it is, collect them into a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from inertialab.experiments import store
from inertialab.experiments.answers import refused, require_writable
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.sweeps.options import Sweep
from inertialab.experiments.sweeps.plan import Fills, Plan, read_plan
from inertialab.experiments.sweeps.points import Point, is_done, points_of, task_of
from inertialab.experiments.sweeps.targets import Target, find_target
from inertialab.experiments.work.running import NAMED, FailedTasksError, run

FAILURES = "failures.json"
Find = Callable[[str], Target]


def carried_out(
    options: Sweep,
    console: Console,
    find: Find = find_target,
    fills: Fills = lambda target, name, values: values,
) -> int:
    """Do what was asked for; returns the exit code.

    Args:
        options: What was asked for.
        console: Where to.
        find: The target of a name.
        fills: Asked for the values of every axis.

    Raises:
        WrongInputError: If the sweep cannot be understood.
    """
    try:
        plan = read_plan(options.file, fills)
        target = find(plan.target)
        points = points_of(plan, target, options.folder)
    except (ValueError, WrongInputError) as error:
        raise WrongInputError(f"{options.file}: {error}") from None
    require_writable(options.folder)
    does = {"run": _run, "resume": _run, "status": _status, "collect": _collect}
    return does[options.word](options, plan, target, points, console)


def _waiting(plan: Plan, target: Target, points: Sequence[Point], console: Console) -> list[Point]:
    looked = track(points, "looking", console=console, transient=True, disable=not console.is_terminal)
    return [point for point in looked if not is_done(plan, target, point)]


def _run(options: Sweep, plan: Plan, target: Target, points: Sequence[Point], console: Console) -> int:
    waiting = _waiting(plan, target, points, console)
    done = {point.path for point in points} - {point.path for point in waiting}
    if done:
        console.print(f"{len(done)} of {len(points)} points are taken from their records.", highlight=False)
    for path in done:  # a kill right after a record was written leaves what said that it was being made
        path.with_suffix(".running.json").unlink(missing_ok=True)
    failures: dict[str, str] = {}
    error = None
    try:
        run([task_of(plan, target, point) for point in waiting], options.where(), console)
    except FailedTasksError as raised:
        error, failures = raised, {failure.name: failure.why for failure in raised.failures}
    place = options.folder / FAILURES
    if failures or place.exists():
        store.write_json(place, failures)
    if error:
        return refused(error, error.code)
    console.print(f"{len(points)} points have their records in {options.folder}.", highlight=False, soft_wrap=True)
    return 0


def _status(options: Sweep, plan: Plan, target: Target, points: Sequence[Point], console: Console) -> int:
    waiting = {point.name for point in _waiting(plan, target, points, console)}
    failures = store.read_json(options.folder / FAILURES) or {}
    failed = [name for name in failures if name in waiting]
    done = len(points) - len(waiting)
    console.print(f"{done} of {len(points)} points done, {len(failed)} failed.", highlight=False)
    for name in failed[:NAMED]:
        console.print(f"{name}: {failures[name]}", highlight=False, markup=False, soft_wrap=True)
    return 0


def _collect(options: Sweep, plan: Plan, target: Target, points: Sequence[Point], console: Console) -> int:
    from inertialab.experiments.sweeps.table import row_of, table_of, write_table

    rows, records = [], list[Mapping[str, Any]]()
    for point in track(points, "reading", console=console, transient=True, disable=not console.is_terminal):
        record = store.read_record(point.path)
        if record and _of(record, plan, point):
            rows.append(row_of(point, record))
            records.append(record)
        elif point.path.exists():
            _quarantine(point.path, options.folder, console)
    if not rows:
        raise WrongInputError(f"{options.folder} holds no record of this sweep; run it first.")
    path = options.folder / f"{options.file.stem}.parquet"
    write_table(path, table_of(rows, _about(plan, records, len(points))))
    console.print(f"{len(rows)} of {len(points)} points are in {path}", highlight=False, soft_wrap=True)
    return 0


def _of(record: Mapping[str, Any], plan: Plan, point: Point) -> bool:
    """Whether a record is a complete one of a point."""
    key, result = record.get("key"), record.get("result")
    if record.get("status") != "complete" or not isinstance(key, dict) or not isinstance(result, dict):
        return False
    return key.get("sweep") == plan.target and key.get("parameters") == point.parameters


def _quarantine(path: Path, folder: Path, console: Console) -> None:
    """Put a file where nothing reads it, under a name that takes no other's place, and say so."""
    away = folder / "quarantine"
    away.mkdir(exist_ok=True)
    free = next(p for i in range(10**6) if not (p := away / f"{path.stem}.{i}.json").exists())
    path.rename(free)
    console.print(f"{path.name} cannot be read; it is now {free}.", highlight=False, soft_wrap=True)


def _about(plan: Plan, records: Sequence[Mapping[str, Any]], wanted: int) -> dict[str, Any]:
    """Where a table comes from."""
    return {
        "target": plan.target,
        "plan": plan.digest,
        "points": wanted,
        "rows": len(records),
        "commits": sorted({r["commit"] + "+" * bool(r["dirty"]) for r in records}),
        "codes": sorted({r["key"]["code"] for r in records}),
        "versions": [dict(v) for v in sorted({tuple(sorted(r["key"]["versions"].items())) for r in records})],
    }
