"""From records to a board: what is stale, what is missing, what the court says; nothing is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inertialab.experiments import data, sources, store
from inertialab.experiments.devices import device_name
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.forked import each
from inertialab.verification import records
from inertialab.verification.court.board import board, board_row, differing
from inertialab.verification.court.errors import about_exact, between_seeds
from inertialab.verification.court.judgement import Judgement, compare_all, judge_all
from inertialab.verification.court.power import power_of
from inertialab.verification.court.registration import docket_of
from inertialab.verification.court.rivals import likelihoods, predictions
from inertialab.verification.docket import checks_of, errors_of, studies_of
from inertialab.verification.docket.rivals import RIVALS
from inertialab.verification.measure.instruments import calibration
from inertialab.verification.options import Board, Judge, Verify, chosen_claims
from inertialab.verification.studies.study import Findings, Study


def judged_board(options: Judge, measured: Verify | None = None) -> tuple[dict[str, Any], dict[str, Findings]]:
    """The board that the records give, and what they hold.

    Raises:
        StaleRecordError: If one of them does not belong to this code and that was not allowed.
    """
    ids = chosen_claims(options.only)
    checks = checks_of(ids)
    studies = studies_of(checks)
    found = records.stored(studies, options.out / "evidence")
    if measured is not None:  # what could not be measured now may have left records of other runs
        run = _of_run(measured)
        found = {s.id: found[s.id] for s in studies if s.id in found and records.belongs(s, found[s.id], **run)}
    stale = {s.id: why for s in studies if s.id in found and (why := records.staleness(s, found[s.id]))}
    if stale and not options.stale:
        raise records.StaleRecordError(_stale(stale, options.out))
    about = _about(studies, found, measured, options.out)
    findings = {id: records.findings_of(record) for id, record in found.items()}
    judgements = judge_all(compare_all(checks, findings))  # together: they share one error probability
    told = {id: record.get("docket", []) for id, record in found.items()}
    rows = each(lambda id: _row(id, of_claim(id, judgements), stale, told, findings), ids)
    absent = {s.id: _why_absent(s) for s in studies if s.id not in found}
    errors = [e.row() for e in (*between_seeds(errors_of(checks), findings), *about_exact(judgements))]
    return board(rows, **about, absent=absent, stale=stale, errors=errors, docket=docket_of(checks)), findings


def _row(
    id: str,
    mine: Sequence[Judgement],
    stale: Mapping[str, str],
    docket: Mapping[str, Sequence[str]],
    findings: Mapping[str, Findings],
) -> dict[str, Any]:
    """The board's row of one claim: it is derived, and its formula's wrong variants are judged as it was."""
    rivals = [rival for rival in RIVALS if rival.claim == id]
    row = board_row(id, mine, power_of(id, mine), stale, docket, likelihoods(rivals, mine, findings))
    others = predictions(rivals, mine)
    return {**row, "checks": [{**c, "rivals": told} for c, told in zip(row["checks"], others, strict=True)]}


def of_claim(id: str, judgements: Sequence[Judgement]) -> list[Judgement]:
    """Those that a claim's checks were given."""
    return [j for j in judgements if j.comparison.check.claim == id]


def _about(studies: Sequence[Study], found: Mapping[str, Any], measured: Verify | None, out: Path) -> dict[str, Any]:
    """Tier, device and seed of a board: of the run, or of the records, which must agree."""
    if measured is not None:
        return _of_run(measured)
    if not found:
        raise WrongInputError(f"--out {out}: there is no record of these claims; measure by the word run first.")
    tiers = {tier for s in studies if s.id in found and (tier := _only_tier(s, found[s.id]))}
    values = {name: {r["key"].get(name) for r in found.values()} for name in ("device", "seed")}
    mixed = [name for name, seen in (*values.items(), ("tier", tiers)) if len(seen) > 1]
    if mixed:
        raise WrongInputError(f"--out {out}: records of more than one {mixed[0]} lie there; judge each run by itself.")
    return {"tier": next(iter(tiers), "quick"), **{name: next(iter(seen)) for name, seen in values.items()}}


def _of_run(measured: Verify) -> dict[str, Any]:
    return {"tier": measured.tier, "device": device_name(measured.device), "seed": measured.seed}


def _only_tier(study: Study, record: Mapping[str, Any]) -> str:
    """The tier of a record, empty where both have one configuration."""
    return records.tier_of(study, record) if study.full else ""


def _stale(stale: Mapping[str, str], out: Path) -> str:
    lines = "".join(f"\n  {id}: {why}" for id, why in stale.items())
    return (
        f"{len(stale)} records in {out / 'evidence'} do not belong to what stands here:{lines}\nMeasure them again by "
        f"`python -m inertialab.verification run --out {out}`, or judge them all the same with --stale."
    )


def _why_absent(study: Study) -> str:
    try:
        return (study.data and data.missing(study.data)) or "there is no record of it."
    except data.DataMissingError as error:
        return str(error)


def require_current(options: Board, content: Mapping[str, Any]) -> None:
    """Refuse a board that is not what its records give under the claims and the docket that stand here.

    Raises:
        StaleRecordError: If it is not, or if its records were made by other code or data.
    """
    expected, _ = judged_board(Judge(options.only, options.out))
    lacking = ", ".join(id for id in expected["absent"] if id not in content["absent"])
    if lacking:
        raise records.StaleRecordError(
            f"{options.out / 'evidence'} lacks {lacking}; measure by `python -m inertialab.verification --out "
            f"{options.out}`."
        )
    calibrated = store.read_json(options.out / "calibration.json")
    if calibrated and calibrated["key"]["code"] != sources.digest(calibration.__module__):
        raise records.StaleRecordError(
            f"calibration.json in {options.out} was made by other code; make it again by "
            f"`python -m inertialab.verification calibrate --out {options.out}`."
        )
    other = differing(content, expected)
    if other:
        raise records.StaleRecordError(
            f"The board in {options.out} is not what its records give here, first in {other[0]} ({len(other)} claims); "
            f"make it again by `python -m inertialab.verification judge --out {options.out}`."
        )
