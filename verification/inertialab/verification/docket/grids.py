"""Grids of two dimensionless groups, over which a law is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inertialab.theory.statement import Layer
from inertialab.verification.studies.study import Findings, Study, written_at


@dataclass(frozen=True)
class Axis:
    """A dimensionless group along one side of a map.

    Attributes:
        name: As it stands on the picture.
        values: Ascending, positive.
    """

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Map:
    """Measured over predicted on a grid of two groups.

    Attributes:
        study: What measures, row by row from the lowest value of `up`.
        claims: Whose laws it is divided by.
        layer: numerics, simulation or real.
        quantity: Which of the study's measurements.
        across: The horizontal group.
        up: The vertical group.
        fixed: What is the same at all points, in words.
        more: From the conditions of a measurement to further arguments of the claims, such as those of an equation of
            motion that an optimizer is matched with.
    """

    study: Study
    claims: tuple[str, ...]
    layer: Layer
    quantity: str
    across: Axis
    up: Axis
    fixed: str
    more: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda point: {}


def spaced(name: str, low: float, high: float, number: int) -> Axis:
    """An axis of equal ratios, values rounded to three digits."""
    return Axis(name, tuple(float(f"{x:.3g}") for x in np.geomspace(low, high, number)))


def grid(make: Callable[[float, float], Mapping[str, Any]], across: Axis, up: Axis) -> list[dict[str, Any]]:
    """Points of a study, row by row from the lowest value of `up`; `make` is called with a value of each axis."""
    return [dict(make(x, y)) for y in up.values for x in across.values]


def over(
    id: str,
    claims: Sequence[str],
    layer: Layer,
    measure: Callable[..., Findings],
    quantity: str,
    make: Callable[[float, float], Mapping[str, Any]],
    across: Axis,
    up: Axis,
    fixed: str,
    **settings: Any,
) -> Map:
    """A map whose study takes a list of points, one for each pair of values.

    Args:
        id: Of the study, without the word map.
        claims: As for `Map`.
        layer: As for `Map`.
        measure: Of the study.
        quantity: As for `Map`.
        make: As for `grid`.
        across: As for `Map`.
        up: As for `Map`.
        fixed: As for `Map`.
        **settings: Of the study beside its points.
    """
    study = Study(f"map-{id}", measure, {"points": grid(make, across, up), **settings}, place=written_at())
    return Map(study, tuple(claims), layer, quantity, across, up, fixed)


def likewise(row: Map, quantity: str, *claims: str) -> Map:
    """A map of another quantity of the same measurements."""
    return replace(row, quantity=quantity, claims=claims)
