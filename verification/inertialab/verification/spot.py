"""Spot checks: committed records are taken as they are, but for studies that are drawn by chance and measured anew."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from inertialab.experiments import store
from inertialab.experiments.devices import device_name
from inertialab.experiments.errors import WrongInputError
from inertialab.verification import records
from inertialab.verification.options import Verify
from inertialab.verification.studies.study import Study


def drawn(options: Verify, studies: Sequence[Study], committed: Path) -> list[Study]:
    """Lay committed records into the folder of a run, and draw the studies that are to be measured there all the same.

    Whom chance picks nobody knows beforehand, so that no record is safe from being measured again. What an earlier
    spot check has measured in the folder stays, and others are drawn. A study is measured in any case if its committed
    record is not of this code, these data and this run.

    Args:
        options: How many minutes the drawn studies may take, by what they took when they were committed, and where.
        studies: All that are to be judged.
        committed: Folder of the committed records.

    Raises:
        WrongInputError: If there are no committed records, or the run would write over them.
    """
    folder = options.out / "evidence"
    _require(options, folder, committed)
    about = {"tier": options.tier, "seed": options.seed, "device": device_name(options.device)}
    stored = records.stored(studies, committed)
    cleared(folder, committed)
    known = {s.id for s in studies if s.id in stored and records.belongs(s, stored[s.id], **about)}
    left = {id for id in known if not (folder / f"{id}.json").exists()}
    here, _ = records.available(studies)
    waiting = {s.id: float(stored[s.id]["wall_s"]) for s in here if s.id in left}
    picked = _picked(waiting, 60 * options.spot * options.where().processes(options.device))
    for id in left - picked:
        with store.replacing(folder / f"{id}.json") as file, (committed / f"{id}.json").open("rb") as source:
            shutil.copyfileobj(source, file)
    return [s for s in here if s.id in picked or s.id not in known]


def cleared(folder: Path, committed: Path) -> None:
    """Remove what an earlier spot check laid into a folder: nobody measured that there."""
    if folder.resolve() == committed.resolve():
        return
    for path in folder.glob("*.json"):
        origin = committed / path.name
        if origin.is_file() and origin.read_bytes() == path.read_bytes():
            path.unlink()


def _require(options: Verify, folder: Path, committed: Path) -> None:
    asked = f"--spot {options.spot:g}"
    if not committed.is_dir():
        raise WrongInputError(f"{asked}: there are no records at {committed}; it needs a clone of the repository.")
    if folder.resolve() == committed.resolve():
        raise WrongInputError(f"{asked}: --out {options.out} holds the committed records; choose another folder.")


def _picked(waiting: Mapping[str, float], seconds: float) -> set[str]:
    """Some by chance that take no longer together, at least one."""
    order, picked, spent = list(waiting), set[str](), 0.0
    random.SystemRandom().shuffle(order)
    for id in order:
        if not picked or spent + waiting[id] <= seconds:
            picked.add(id)
            spent += waiting[id]
    return picked
