"""Studies as tasks: which are to be measured, how they are dealt out, and how a worker measures one by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from inertialab.experiments import store
from inertialab.experiments.work.task import Task, Tick
from inertialab.verification.records import current, measured
from inertialab.verification.studies.study import Study

CALL = f"{__name__}:study_measured"


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
        studies: What to measure, rows of the docket or of its maps.
        tier: quick or full.
        seed: Seed of the whole verification.
        device: Where to run.
        folder: Where the records go.
        docket: Digests of the rows that each study will be judged by.
        known: Further folders whose records tell how long a study takes.
    """
    waiting = [s for s in studies if not current(s, tier=tier, seed=seed, device=device, folder=folder)]
    about = {"tier": tier, "seed": seed, "device": device, "folder": str(folder.resolve())}
    rows = docket or {}
    return [
        Task(s.id, CALL, {**named(s), "docket": list(rows.get(s.id, ())), **about}, time)
        for s, time in [(s, _seconds(s, [folder, *known])) for s in waiting]
    ]


def named(study: Study) -> dict[str, Any]:
    """A study in names and numbers: a worker need not know the docket, whose rows take seconds to draw."""
    measure = f"{study.measure.__module__}:{study.measure.__name__}"
    return {"id": study.id, "measure": measure, "config": study.config, "full": study.full, "data": study.data}


def study_measured(
    id: str,
    measure: str,
    config: Mapping[str, Any],
    full: Mapping[str, Any],
    data: str,
    *,
    tier: str,
    seed: int,
    device: str,
    folder: str,
    docket: Sequence[str],
    tick: Tick,
) -> Path:
    """Measure a study that came as `named`; the path of its record.

    Args:
        id: Of the study.
        measure: Its function, `MODULE:FUNCTION`.
        config: Of the quick tier.
        full: What the full tier changes.
        data: Data set it needs.
        tier: quick or full.
        seed: Seed of the whole verification.
        device: Where to run, a name that torch knows.
        folder: Where the record goes.
        docket: Digests of the rows that it will be judged by.
        tick: Called after each step of the work.
    """
    module, _, name = measure.partition(":")
    study = Study(id, getattr(import_module(module), name), config, full, data)
    measured(study, tier=tier, seed=seed, device=device, folder=Path(folder), docket=docket, tick=tick)
    return Path(folder) / f"{id}.json"


def calibrated(folder: str, seed: int, tick: Tick) -> Path:
    """Compare the instruments; the path of the record."""
    from inertialab.verification.measure.instruments import calibration

    calibration(Path(folder), seed)
    return Path(folder) / "calibration.json"


def share_of(studies: Sequence[Study], part: int, parts: int, known: Path) -> list[Study]:
    """One of several parts that take about as long: the studies are dealt out, the longest first, to and fro.

    Every machine deals alike, whatever it has measured already.

    Args:
        studies: All of them.
        part: Which, from 1.
        parts: How many.
        known: Folder of the committed records, which tell how long a study takes.
    """
    order = sorted(studies, key=lambda study: (-_seconds(study, [known]), study.id))
    lap = [*range(parts), *reversed(range(parts))]
    return [study for i, study in enumerate(order) if lap[i % (2 * parts)] == part - 1]


def _seconds(study: Study, folders: Sequence[Path]) -> float:
    records = (store.read_json(folder / f"{study.id}.json") for folder in folders)
    return next((float(r["wall_s"]) for r in records if r and "wall_s" in r), 0.0)
