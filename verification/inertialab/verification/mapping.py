"""Regime maps, made: the studies run, their numbers divided by what the claims predict, and kept as small tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from inertialab.experiments import store
from inertialab.experiments.devices import chosen_device
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.work.running import run
from inertialab.verification import campaign
from inertialab.verification.court.check import Check
from inertialab.verification.docket.maps import MAPS, Map
from inertialab.verification.options import Maps, chosen_claims
from inertialab.verification.records import available, findings_of, stored
from inertialab.verification.studies.study import Findings

CONTOURS = (0.05, 0.2)
"""Relative differences of measured and predicted that a map tells."""


def mapped(options: Maps, console: Console) -> int:
    """Measure the chosen maps and keep a table for each claim and layer; 0 when all are there.

    Raises:
        WrongInputError: If no map is of the chosen claims.
    """
    ids = chosen_claims(options.only)
    chosen = [row for row in MAPS if set(row.claims) & set(ids)]
    if not chosen:
        have = ", ".join(sorted({id for row in MAPS for id in row.claims}))
        raise WrongInputError(f"--only {options.only}: no map of such a claim; there are maps of {have}.")
    studies, absent = available(list({row.study.id: row.study for row in chosen}.values()))  # some maps share one
    device, folder = chosen_device(options.device), options.out / "maps"
    about: dict[str, Any] = {"tier": "quick", "seed": options.seed, "device": device}
    tasks = campaign.tasks_for(studies, **about, folder=folder / "evidence")
    run(tasks, options.where(), console, device=device)
    records = stored(studies, folder / "evidence")
    for row in chosen:
        if row.study.id in records:
            _keep(row, [id for id in row.claims if id in ids], records[row.study.id], folder, console)
    for id, why in absent.items():
        console.print(f"left out: {id}: {why}", highlight=False, markup=False)
    return 0


def _keep(row: Map, ids: Sequence[str], record: Mapping[str, Any], folder: Path, console: Console) -> None:
    for id in ids:
        made = table(row, id, findings_of(record)) | about(record)
        store.write_json(folder / f"{row.study.id.removeprefix('map-')}--{id}.json", made)
        console.print(f"{id} ({row.layer}, {row.study.id}): {in_words(made)}", highlight=False, markup=False)


def table(row: Map, id: str, findings: Findings) -> dict[str, Any]:
    """Measured over predicted at each point of a map, with its standard error and whether the claim speaks of it.

    Args:
        row: The map.
        id: Of one of its claims.
        findings: What its study found.

    Raises:
        ValueError: If there is not one measurement for each point.
    """
    full = replace(
        findings,
        measurements=tuple(
            replace(m, point={**m.point, **row.more(findings.conditions(m))}) for m in findings.measurements
        ),
    )
    points = Check(id, row.layer, row.study, row.quantity, CONTOURS[0]).compare(full)
    shape = len(row.up.values), len(row.across.values)
    if len(points) != shape[0] * shape[1]:
        raise ValueError(f"{row.study.id} gives {len(points)} numbers for a map of {shape[0]} x {shape[1]} points.")
    ratios = [point.ratio for point in points]
    return {
        "schema": 1,
        "claim": id,
        "layer": row.layer,
        "study": row.study.id,
        "fixed": row.fixed,
        "across": {"name": row.across.name, "values": list(row.across.values)},
        "up": {"name": row.up.name, "values": list(row.up.values)},
        "ratio": np.reshape([r.value for r in ratios], shape).tolist(),
        "error": np.reshape([r.se for r in ratios], shape).tolist(),
        "inside": np.reshape([point.in_regime for point in points], shape).tolist(),
    }


def about(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a table takes over from its record: the code, the seed, the device and the libraries."""
    key = record["key"]
    return {"commit": record["commit"], "dirty": record["dirty"]} | {
        name: key[name] for name in ("seed", "device", "code", "versions") if name in key
    }


def in_words(made: Mapping[str, Any]) -> str:
    """How many points are within each contour, and the largest difference inside the regime."""
    apart, inside = np.abs(np.array(made["ratio"]) - 1), np.array(made["inside"])
    near = ", ".join(f"{int((apart <= c).sum())} of {apart.size} within {c:.0%}" for c in CONTOURS)
    worst = f"; inside the regime at most {apart[inside].max():.1%}" if inside.any() else "; no point in the regime"
    return near + worst
