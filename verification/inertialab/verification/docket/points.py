"""Points that nobody chose: drawn by a committed seed from ranges that stand in points.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from inertialab.theory import claim
from inertialab.verification.court.check import in_regime

FILE = Path(__file__).with_name("points.toml")
GROUPS: dict[str, tuple[str, Callable[[float, Mapping[str, float]], float]]] = {
    "eta_h": ("h", lambda x, point: x / point["eta"]),
}
"""Dimensionless groups that may stand in the place of an argument, and how it follows from them and the others."""
ABOUT = ("seed", "number", "claim", "of")
TRIES = 1000


class PointsError(ValueError):
    """A table of points.toml that cannot be drawn from."""


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def drawn(name: str, make: Callable[..., Mapping[str, Any]] = dict) -> list[dict[str, Any]]:
    """The points of a table, the same in every run.

    Each variable is drawn on its own: `log` or `linear` between two ends, `whole` numbers on a logarithmic scale, or
    one `of` a list. Points at which the table's claim makes no statement are drawn again.

    Args:
        name: Of the table.
        make: Called with the drawn variables by name; returns the point, where that holds more, such as matrices.

    Raises:
        PointsError: If there is no such table, a range is none, or hardly a point lies in the claim's regime.
    """
    if name not in _tables():
        raise PointsError(f"points.toml has no table [{name}]; it has {', '.join(_tables())}.")
    table = _tables()[name]
    rng = np.random.default_rng([table["seed"], *name.encode()])
    points: list[dict[str, Any]] = []
    for _ in range(TRIES * table["number"]):
        point = dict(make(**_one(name, table, rng)))
        if "claim" not in table or _inside(table["claim"], point):
            points.append(point)
        if len(points) == table["number"]:
            return points
    raise PointsError(f"[{name}] of points.toml: hardly a point of its ranges lies in the regime of {table['claim']}.")


def _one(name: str, table: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    variables = {key: _value(name, key, range_, rng) for key, range_ in table.items() if key not in ABOUT}
    for group in [key for key in variables if key in GROUPS]:
        argument, follow = GROUPS[group]
        variables[argument] = follow(variables.pop(group), variables)
    return variables


def _value(name: str, key: str, range_: Any, rng: np.random.Generator) -> Any:
    match range_:
        case {"of": [*values]}:
            return values[rng.integers(len(values))]
        case {"log": [low, high]} if 0 < low < high:
            return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.4g}")
        case {"linear": [low, high]} if low < high:
            return float(f"{rng.uniform(low, high):.4g}")
        case {"whole": [low, high]} if 0 < low < high:
            return int(np.floor(np.exp(rng.uniform(np.log(low), np.log(high + 1)))))
    raise PointsError(
        f"[{name}] of points.toml: {key} = {range_} is no range; write {{log = [low, high]}}, "
        "{linear = [low, high]}, {whole = [low, high]} or {of = [...]}."
    )


def _inside(id: str, point: Mapping[str, Any]) -> bool:
    """Whether the claim speaks of a point; arguments that the study adds are not asked for."""
    names = {str(symbol) for symbol in claim(id).arguments}
    return not names <= point.keys() or in_regime(claim(id), point)
