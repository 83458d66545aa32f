"""Records of studies: measured once, taken again while nothing that they rest on has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inertialab.experiments import data, sources, store
from inertialab.experiments.devices import device_name
from inertialab.experiments.errors import WrongInputError
from inertialab.verification.studies.study import Findings, Study, from_json, to_json


class StaleRecordError(WrongInputError):
    """Records that were made with other code, configuration or data than stand here."""


def key_of(study: Study, *, tier: str, seed: int, device: str) -> dict[str, Any]:
    """What a study's result depends on, beside the versions of the libraries.

    Args:
        study: What is measured.
        tier: quick or full.
        seed: Seed of the whole verification.
        device: Name of the device, as `device_name` gives it.
    """
    return {
        "study": study.id,
        "config": study.settings(tier),
        "seed": seed,
        "device": device,
        "dtype": "float64",
        "code": sources.digest(study.measure.__module__),
        "data": data.content_digest(study.data) if study.data else "",
    }


def measured(
    study: Study,
    *,
    tier: str,
    seed: int,
    device: str,
    folder: Path,
    docket: Sequence[str] = (),
    tick: Callable[[], None] = lambda: None,
) -> Findings:
    """Measure, or take the record of the same measurement by the same code.

    Args:
        study: What to measure.
        tier: quick or full.
        seed: Seed of the whole verification.
        device: Where to run, a name that torch knows.
        folder: Where the record goes, as `ID.json`.
        docket: Digests of the rows that it will be judged by; a new record says that they were there before it.
        tick: Called after each step of the work.
    """

    def work() -> dict[str, Any]:
        return to_json(study.run(tier=tier, seed=seed, device=device, tick=tick))

    key = key_of(study, tier=tier, seed=seed, device=device_name(device))
    return from_json(store.record(folder / f"{study.id}.json", key, work, {"docket": list(docket)})["result"])


def current(study: Study, *, tier: str, seed: int, device: str, folder: Path) -> bool:
    """Whether a folder holds the complete record of this very measurement."""
    key = key_of(study, tier=tier, seed=seed, device=device_name(device))
    return store.current(folder / f"{study.id}.json", key) is not None


def stored(studies: Iterable[Study], folder: Path) -> dict[str, dict[str, Any]]:
    """The complete records of studies that a folder holds, by id."""
    found = {study.id: store.read_record(folder / f"{study.id}.json") for study in studies}
    return {id: record for id, record in found.items() if record and _whole(record)}


def _whole(record: Mapping[str, Any]) -> bool:
    """Whether something that was read is a record, and complete."""
    return record.get("status") == "complete" and all(isinstance(record.get(k), dict) for k in ("key", "result"))


def belongs(study: Study, record: Mapping[str, Any], *, tier: str, seed: int, device: str) -> bool:
    """Whether a record is of a run, and of the code and data that stand here.

    Args:
        study: What was measured.
        record: Its record.
        tier: Of the run.
        seed: Of the run.
        device: Name of its device, as `device_name` gives it.
    """
    of_run = {"config": store.plain(study.settings(tier)), "seed": seed, "device": device}
    return all(record["key"].get(name) == value for name, value in of_run.items()) and not staleness(study, record)


def findings_of(record: Mapping[str, Any]) -> Findings:
    """What a record holds.

    Raises:
        StaleRecordError: If its result is not that of a study.
    """
    try:
        return from_json(record["result"])
    except (KeyError, TypeError) as error:
        id = record["key"].get("study")
        raise StaleRecordError(f"The record of {id} is damaged ({error!r}); remove it and measure again.") from None


def tier_of(study: Study, record: Mapping[str, Any]) -> str:
    """The tier whose configuration a record was made with; empty for another configuration."""
    config = record["key"].get("config")
    return next((tier for tier in ("quick", "full") if store.plain(study.settings(tier)) == config), "")


def staleness(study: Study, record: Mapping[str, Any]) -> str:
    """What a record rests on and is no longer so, in a few words; empty for a record that belongs to this code.

    Data that are not here cannot be compared and are believed.
    """
    key = record["key"]
    reasons = [] if tier_of(study, record) else ["its configuration is not the one on the docket"]
    if key.get("code") != sources.digest(study.measure.__module__):
        reasons.append("the code it rests on has changed")
    if study.data:
        try:
            same = "data" not in key or key["data"] == data.content_digest(study.data)
        except data.DataMissingError:
            same = True
        if not same:
            reasons.append(f"{study.data} holds other data")
    return ", ".join(reasons)


def available(studies: Sequence[Study]) -> tuple[list[Study], dict[str, str]]:
    """Studies whose data are here, and the reasons for leaving out others.

    Without a data folder its studies are left out. A folder that was named but lacks a file is an error.
    """
    absent = {s.id: why for s in studies if s.data and (why := data.missing(s.data))}
    return [s for s in studies if s.id not in absent], absent
