"""The records of a sweep's points: one file a key, and which of them are there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from inertialab.experiments import sources, store
from inertialab.experiments.sweeps.plan import Plan, name_of
from inertialab.experiments.sweeps.targets import Target
from inertialab.experiments.work.task import Task, Tick

CALL = f"{__name__}:measured"


@dataclass(frozen=True)
class Point:
    """A point of a sweep.

    Attributes:
        name: Its key.
        parameters: As they are used.
        path: Of its record.
    """

    name: str
    parameters: Mapping[str, Any]
    path: Path


def points_of(plan: Plan, target: Target, folder: Path) -> list[Point]:
    """All points of a plan, their parameters checked.

    Raises:
        WrongInputError: If parameters are wrong; the sentence names the first point.
    """
    found = []
    for given in plan.points:
        parameters = store.plain(target.checked(given))
        name = name_of(plan.target, parameters)
        found.append(Point(name, parameters, folder / "points" / name[:2] / f"{name}.json"))
    return found


def key_of(target: str, code: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What the result of a point depends on, beside the versions of the libraries."""
    return {"sweep": target, "parameters": parameters, "code": sources.digest(code)}


def is_done(plan: Plan, target: Target, point: Point) -> bool:
    """Whether the record of a point is there, complete and of this code."""
    return store.current(point.path, key_of(plan.target, target.code, point.parameters)) is not None


def task_of(plan: Plan, target: Target, point: Point) -> Task:
    """The task that measures a point."""
    what = {"target": plan.target, "call": target.call, "code": target.code}
    return Task(
        point.name,
        CALL,
        {**what, "parameters": point.parameters, "path": str(point.path.resolve()), "sent": target.sent},
    )


def measured(
    target: str, call: str, code: str, parameters: Mapping[str, Any], path: str, sent: Mapping[str, Any], tick: Tick
) -> Path:
    """Measure a point and keep its record; the record's path.

    Args:
        target: Name of what is measured.
        call: As `Target.call`.
        code: As `Target.code`.
        parameters: Of the point.
        path: Of its record.
        sent: As `Target.sent`.
        tick: Called after each step of the work.

    Raises:
        FloatingPointError: If a number of the result is not finite.
    """
    module, _, function = call.partition(":")
    measure = getattr(import_module(module), function)
    place = Path(path)
    key = key_of(target, code, parameters)
    store.record(place, key, lambda: _finite(dict(measure(parameters, path=place, tick=tick, **sent))))
    return place


def _finite(result: dict[str, Any]) -> dict[str, Any]:
    """A result without numbers that are none."""
    for name, value in result.items():
        if not _is_finite(value):
            raise FloatingPointError(f"{name} is not a finite number at this point")
    return result


def _is_finite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
