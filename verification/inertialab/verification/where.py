"""Where a claim, a study or an optimizer is derived, judged and measured, and what it still lacks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inertialab.optim import OPTIMIZERS
from inertialab.theory import CLAIMS, Claim, dynamics
from inertialab.theory.dynamics import MAPS
from inertialab.theory.names import meant
from inertialab.verification.docket import CHECKS, STUDIES
from inertialab.verification.records import staleness, stored
from inertialab.verification.studies.study import Study

ROOT = Path(__file__).parents[3]
"""The checkout; outside of one, places are given by their full path."""
EVIDENCE = ROOT / "results" / "evidence"


@dataclass(frozen=True)
class Place:
    """A line of the source, or a file, and what is there.

    Attributes:
        role: derived, judged, measured, record, map, row or class.
        file: Path of the file, relative to the checkout.
        line: Line, 0 for a whole file.
        text: What is there.
    """

    role: str
    file: str
    line: int
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.role:9} {where}  {self.text}".rstrip()


def places(id: str) -> list[Place]:
    """Where to look for a claim, a study or an optimizer.

    Args:
        id: Of a claim, of a study, or the name of a row of OPTIMIZERS.

    Raises:
        ValueError: If there is nothing of this name; the sentence offers the nearest names.
    """
    return _kind(id)[0](id)


def missing(id: str) -> list[str]:
    """What a claim, a study or an optimizer still lacks, one sentence each.

    Args:
        id: As for `places`.

    Raises:
        ValueError: As for `places`.
    """
    return _kind(id)[1](id)


def _kind(id: str) -> tuple[Callable[[str], list[Place]], Callable[[str], list[str]]]:
    claims = [c.id for c in CLAIMS]
    kinds = ((claims, _of_claim, _claim_lacks), (STUDIES, _of_study, _study_lacks), (MAPS, _of_rule, _rule_lacks))
    for names, found, lacking in kinds:
        if id in names or (names is MAPS and id in OPTIMIZERS):
            return found, lacking
    hint = meant(id, [*claims, *STUDIES, *MAPS, *OPTIMIZERS], "python -m inertialab.theory list names the claims.")
    raise ValueError(f"There is no claim, study or optimizer {id!r}. {hint}")


def _claim(id: str) -> Claim:
    return next(c for c in CLAIMS if c.id == id)


def _source(thing: Any) -> tuple[str, int]:
    return _relative(inspect.getsourcefile(thing) or ""), inspect.getsourcelines(thing)[1]


def _relative(file: str | Path) -> str:
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _row(place: str, role: str, text: str) -> Place:
    file, _, line = place.rpartition(":")
    return Place(role, _relative(file), int(line), text)


def _of_claim(id: str) -> list[Place]:
    checks = [c for c in CHECKS if c.claim == id]
    studies = dict.fromkeys(c.study.id for c in checks)
    rows = [
        _row(c.place, "judged", f"{c.layer}: {c.quantity} of {c.study.id}, margin {c.margin:g}, expected {c.expected}")
        for c in checks
    ]
    return [
        Place("derived", *_source(_claim(id).derive), _claim(id).title),
        *dict.fromkeys(rows),
        *(place for study in studies for place in _measured(STUDIES[study])),
    ]


def _measured(study: Study) -> list[Place]:
    """The row of a study, the function that measures, and its committed record."""
    file = EVIDENCE / f"{study.id}.json"
    found = [
        _row(study.place, "row", f"{study.id}: its points and sizes"),
        Place("measured", *_source(study.measure), f"{study.id}: {(study.measure.__doc__ or '').splitlines()[0]}"),
    ]
    return [*found, Place("record", _relative(file), 0, "")] if file.exists() else found


def _of_study(id: str) -> list[Place]:
    checks = [c for c in CHECKS if c.study.id == id]
    rows = [_row(c.place, "judged", f"{c.claim}: {c.quantity}, margin {c.margin:g}") for c in checks]
    return [*_measured(STUDIES[id]), *dict.fromkeys(rows)]


def _of_rule(name: str) -> list[Place]:
    found = []
    if name in MAPS:
        found.append(Place("map", _relative(dynamics.__file__), _line(dynamics, f'"{name}"'), "the rule in symbols"))
    if name in OPTIMIZERS:
        from inertialab.optim import table

        row = OPTIMIZERS[name]
        found.append(Place("row", _relative(table.__file__ or ""), _line(table, f'"{name}"'), row.runs))
        found.append(Place("class", *_source(row.make), (row.make.__doc__ or "").splitlines()[0]))
    return found


def _line(module: Any, text: str) -> int:
    lines = inspect.getsource(module).splitlines()
    return next((n for n, line in enumerate(lines, 1) if text in line), 0)


def _claim_lacks(id: str) -> list[str]:
    subject, checks = _claim(id), [c for c in CHECKS if c.claim == id]
    judged = {c.layer for c in checks}
    said = [
        f"No row of the docket confronts it with {layer}, which it calls for."
        for layer in subject.layers
        if layer not in judged
    ]
    if subject.source.key and not subject.source.wording_checked:
        said.append("The wording of its source is not checked.")
    return said + [s for study in dict.fromkeys(c.study.id for c in checks) for s in _study_lacks(study)]


def _study_lacks(id: str) -> list[str]:
    record = stored([STUDIES[id]], EVIDENCE).get(id)
    if record is None:
        return [f"{id} has no committed record."]
    stale = staleness(STUDIES[id], record)
    return [f"The committed record of {id} does not belong to this code: {stale}."] if stale else []


def _rule_lacks(name: str) -> list[str]:
    said = [] if name in MAPS else ["It has no map in theory/dynamics.py, so no claim can start from it."]
    if name not in OPTIMIZERS:
        return [*said, "It has no row in OPTIMIZERS, so nothing runs it."]
    if not OPTIMIZERS[name].sources:
        said.append("Its row names no source.")
    if not any(name == check.study.config.get("optimizer") for check in CHECKS):
        said.append("No study of the docket runs it by name.")
    return said
