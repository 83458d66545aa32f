"""The points of a sweep, from a TOML file."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from inertialab.experiments.errors import WrongInputError
from inertialab.theory.names import meant

PARTS = ("target", "seed", "fixed", "grid", "list", "random")
MOST = 1_000_000
"""Most points of a sweep."""

Fills = Callable[[str, str, Any], Any]
"""From a target, an axis and its values to the values, where a word such as "docket" stands for them."""


@dataclass(frozen=True)
class Plan:
    """What is measured at which points.

    Attributes:
        target: Name of what is measured.
        points: Parameters of each point; a seed that the file does not give is drawn from its seed and the point.
        digest: Of the file's content.
    """

    target: str
    points: tuple[dict[str, Any], ...]
    digest: str


def name_of(target: str, point: Mapping[str, Any]) -> str:
    """Key of a point, 16 hexadecimal digits: the name of its record."""
    return _digest([target, point])


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def read_plan(file: Path, fills: Fills = lambda target, name, values: values) -> Plan:
    """The plan that a file describes.

    Args:
        file: In TOML.
        fills: Asked for the values of every axis.

    Raises:
        WrongInputError: With a sentence that names the entry.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        text = json.dumps(content, sort_keys=True, allow_nan=False)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise WrongInputError(f"it cannot be read as TOML: {' '.join(str(error).split())}.") from None
    except (TypeError, ValueError):
        raise WrongInputError("a value is a date, or a number that is not finite; give others.") from None
    return Plan(*_checked(content, fills), _digest(text))


def _checked(content: Mapping[str, Any], fills: Fills) -> tuple[str, tuple[dict[str, Any], ...]]:
    for name in content:
        if name not in PARTS:
            raise WrongInputError(f"there is no {name!r} in a sweep. {meant(name, PARTS, f'Parts are {PARTS}.')}")
    target, seed = content.get("target"), content.get("seed", 0)
    if not isinstance(target, str) or not target:
        raise WrongInputError('target must name what is measured, as target = "escape".')
    if type(seed) is not int or seed < 0:
        raise WrongInputError(f"seed must be a whole number >= 0, got {seed!r}.")
    parts = {part: content.get(part, {}) for part in PARTS[2:]}
    for part, entries in parts.items():
        if not isinstance(entries, dict):
            raise WrongInputError(f"[{part}] must be a table of names and values.")
    names = [name for entries in parts.values() for name in entries if name != "draws"]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise WrongInputError(f"{twice[0]} is given twice.")
    filled = {part: {k: fills(target, k, v) for k, v in parts[part].items()} for part in ("grid", "list")}
    axes = [_grid(filled["grid"]), _together(filled["list"]), _random(parts["random"], seed)]
    if (count := int(np.prod([float(len(axis)) for axis in axes]))) > MOST:
        raise WrongInputError(f"it has {count:,} points; at most {MOST:,} can be measured in one sweep.")
    made = ({**parts["fixed"], **a, **b, **c} for a, b, c in product(*axes))
    return target, tuple(_distinct(_seeded(target, point, seed) for point in made))


def _seeded(target: str, point: dict[str, Any], seed: int) -> dict[str, Any]:
    """A point with a seed of its own, which no other point changes."""
    return {"seed": int(_digest([seed, target, point])[:12], 16), **point}


def _distinct(points: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each once."""
    seen = set[str]()
    for point in points:
        key = json.dumps(point, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield point


class _Grid(Sequence[dict[str, Any]]):
    """Every combination, made when it is asked for: their number is known before."""

    def __init__(self, axes: Mapping[str, Sequence[Any]]):
        self.axes = axes

    def __len__(self) -> int:
        return int(np.prod([len(values) for values in self.axes.values()], dtype=object)) if self.axes else 1

    def __getitem__(self, index: Any) -> Any:
        raise TypeError("Go through all of them.")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.axes, values, strict=True)) for values in product(*self.axes.values()))


def _grid(entries: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    return _Grid({name: _values("grid", name, values) for name, values in entries.items()})


def _together(entries: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    columns = {name: _values("list", name, values) for name, values in entries.items()}
    if len({len(values) for values in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(values)}" for name, values in columns.items())
        raise WrongInputError(f"[list] must have lists of one length, got {lengths}.")
    rows = zip(*columns.values(), strict=True) if columns else [()]
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _values(part: str, name: str, given: Any) -> list[Any]:
    """Values of an axis: a list, or so many between two ends."""
    if isinstance(given, dict):
        low, high, log = _range(part, name, {k: v for k, v in given.items() if k != "points"})
        number = given.get("points")
        if type(number) is not int or not 1 <= number <= MOST:
            raise WrongInputError(f"[{part}] {name}: points must be a whole number from 1 to {MOST}, got {number!r}.")
        return (np.geomspace if log else np.linspace)(low, high, number).tolist()
    if not isinstance(given, list) or not given:
        raise WrongInputError(f"[{part}] {name}: give a list of values, or {{low, high, points}}; got {given!r}.")
    return given


def _range(part: str, name: str, given: Mapping[str, Any]) -> tuple[float, float, bool]:
    low, high, log = given.get("low"), given.get("high"), given.get("log", False)
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) and isfinite(x) for x in (low, high))
    if set(given) - {"low", "high", "log"} or not numbers or type(log) is not bool:
        raise WrongInputError(f"[{part}] {name}: a range is {{low = NUMBER, high = NUMBER, log = true or false}}.")
    assert low is not None
    assert high is not None
    if not low <= high or (log and low <= 0):
        raise WrongInputError(f"[{part}] {name}: a range needs low <= high, and low > 0 for log; got {low}, {high}.")
    return float(low), float(high), log


def _random(entries: Mapping[str, Any], seed: int) -> Sequence[dict[str, Any]]:
    """Points that are drawn, every axis from a stream of its own."""
    axes = {name: given for name, given in entries.items() if name != "draws"}
    draws = entries.get("draws", 0 if axes else 1)
    if type(draws) is not int or not 1 <= draws <= MOST:
        raise WrongInputError(f"[random] draws must be a whole number from 1 to {MOST}, got {draws!r}.")
    columns = {name: _drawn(name, given, draws, seed) for name, given in axes.items()}
    return [{name: values[i] for name, values in columns.items()} for i in range(draws)]


def _drawn(name: str, given: Any, draws: int, seed: int) -> list[Any]:
    rng = np.random.default_rng([seed, *name.encode()])
    if isinstance(given, list) and given:
        return [given[i] for i in rng.integers(len(given), size=draws)]
    if not isinstance(given, dict):
        raise WrongInputError(f"[random] {name}: give {{low, high, log}} or a list to draw from; got {given!r}.")
    low, high, log = _range("random", name, given)
    u = rng.random(draws)
    return (np.exp(np.log(low) + u * np.log(high / low)) if log else low + u * (high - low)).tolist()
