"""What the words of the command line do: measure, judge, show, calibrate."""

from __future__ import annotations

import fnmatch
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from inertialab.experiments import store
from inertialab.experiments.devices import chosen_device, device_name
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.sweeps.options import Sweep
from inertialab.experiments.work.running import run as run_tasks
from inertialab.experiments.work.task import Task
from inertialab.theory import CLAIMS, claim
from inertialab.theory.claims import subject_of
from inertialab.verification import campaign, spot
from inertialab.verification.court.board import (
    ABOUT,
    derivation_status,
    earlier,
    flat,
    frame,
    merged,
    mismatch,
    read_board,
)
from inertialab.verification.court.changes import changes, digest, read_digest
from inertialab.verification.court.errors import failing
from inertialab.verification.court.picture import picture
from inertialab.verification.court.power import BAR
from inertialab.verification.court.registration import docket_of
from inertialab.verification.court.report import minima, print_board, surprises, total_power
from inertialab.verification.docket import checks_of, studies_of
from inertialab.verification.judging import judged_board, require_current
from inertialab.verification.measure.instruments import calibration, disagreements
from inertialab.verification.options import (
    Board,
    Calibrate,
    Chosen,
    Compare,
    Judge,
    Maps,
    Network,
    Run,
    Verify,
    chosen_claims,
    part_of,
)
from inertialab.verification.records import available
from inertialab.verification.studies.study import Study

RESULTS = Path(__file__).parents[3] / "results" / "evidence"
"""The committed records of a checkout; how long they took tells what to start first."""


def carried_out(options: Any, console: Console) -> int:
    """Do what a command asks for; returns the exit code.

    Raises:
        WrongInputError: If an option cannot be followed.
        DataMissingError: If the data folder lacks a file.
        StaleRecordError: If records do not belong to this code.
        BoardError: If there is no board to show.
    """
    does = {
        Verify: verify,
        Run: run,
        Judge: judge,
        Board: show,
        Calibrate: calibrate,
        Network: look_into,
        Maps: draw_up,
        Compare: compare,
        Sweep: sweep,
    }
    return does[type(options)](options, console)


def verify(options: Verify, console: Console) -> int:
    """Derive, measure, judge, report."""
    if options.spot and options.device == "auto":
        options = replace(options, device="cpu")  # as the committed records
    options = replace(options, device=chosen_device(options.device))
    studies = studies_of(checks_of(chosen_claims(options.only)))
    here = spot.drawn(options, studies, RESULTS) if options.spot else None
    disagree = _measure(options, console, here)
    code = judge(Judge(options.only, options.out), console, options) or disagree
    if here is not None:
        console.print(
            f"{len(here)} of {len(studies)} studies were measured here, most of them drawn by chance: "
            f"{', '.join(study.id for study in here)}. The evidence of the others is that of {RESULTS}.",
            highlight=False,
            soft_wrap=True,
        )
    return code


def look_into(options: Network, console: Console) -> int:
    """Measure a trained network."""
    from inertialab.verification.network import measured

    return measured(options, chosen_device(options.device), console)


def draw_up(options: Maps, console: Console) -> int:
    """Measure regime maps."""
    from inertialab.verification.mapping import mapped

    return mapped(options, console)


def sweep(options: Sweep, console: Console) -> int:
    """Sweep the settings of a study."""
    from inertialab.verification.sweeping import swept

    return swept(options, console)


def run(options: Run, console: Console) -> int:
    """Measure only."""
    code = _measure(options, console)
    console.print(f"Records are in {options.out / 'evidence'}; judge them by the word judge.", highlight=False)
    return code


def _measure(options: Run, console: Console, chosen: Sequence[Study] | None = None) -> int:
    """Run the studies of the chosen claims and compare the instruments meanwhile; 1 when those disagree.

    Args:
        options: What, where and how.
        console: Where progress is shown.
        chosen: Only these studies.
    """
    ids, device = chosen_claims(options.only), chosen_device(options.device)
    checks = checks_of(ids)
    _kept(options, {"tier": options.tier, "device": device_name(device), "seed": options.seed})
    folder, rows = options.out / "evidence", docket_of(checks)
    studies = chosen
    if studies is None:
        studies, _ = available(studies_of(checks))
        spot.cleared(folder, RESULTS)
    studies = campaign.share_of(studies, *part_of(options.shard), RESULTS)
    about: dict[str, Any] = {"tier": options.tier, "seed": options.seed, "device": device}
    tasks = campaign.tasks_for(studies, **about, folder=folder, docket=rows, known=[RESULTS])
    taken = len(studies) - len(tasks)
    if taken and studies:
        console.print(f"{taken} of {len(studies)} studies are taken from their records.", highlight=False)
    # Only measurements in real training rest on the instrument.
    real = any(c.layer == "real" for c in checks)
    if real:
        asked = {"folder": str(options.out.resolve()), "seed": options.seed}
        tasks.append(Task("calibration", "inertialab.verification.campaign:calibrated", asked, 1.0))
    run_tasks(tasks, options.where(), console, meanwhile=partial(_derive, ids), device=device)
    return _told(store.read_json(options.out / "calibration.json") or {}, console) if real else 0


def _derive(ids: Sequence[str]) -> None:
    """Run every derivation once, while others measure."""
    for id in ids:
        derivation_status(claim(id))


def judge(options: Judge, console: Console, measured: Verify | None = None) -> int:
    """Judge records: those of a run that was just made, or those that are there.

    Args:
        options: Which claims, and where the records are.
        console: Where the board goes.
        measured: The run, None to take whatever is there.

    Returns:
        0 when everything is as expected, else 1.
    """
    with console.status("Judging"):
        content, findings = judged_board(options, measured)
    kept = _kept(options, {name: content[name] for name in ABOUT})
    whole = merged(content, kept, [c.id for c in CLAIMS])
    store.write_json(options.out / "board.json", whole)
    with store.replacing(options.out / "board.svg") as file:
        file.write(picture(whole, subject_of).encode())
    for line in minima(findings):
        console.print(line, highlight=False)
    print_board(console, content, subject_of)
    return _exit_code(content)


def _exit_code(content: Mapping[str, Any]) -> int:
    """1 for a surprise, a derivation that fails, errors that are not what they say, a weak cell, or nothing judged."""
    rows = content["rows"]
    failed = any(row["failure"] or row["weak"] for row in rows) or bool(failing(content["errors"]))
    judged_any = any(row["checks"] for row in rows)
    return int(bool(surprises(rows)) or failed or not judged_any or total_power(rows) < BAR)


def show(options: Board, console: Console) -> int:
    """Show a board, or convert it."""
    content, ids = read_board(options.out), chosen_claims(options.only)
    content = {**content, "rows": [row for row in content["rows"] if row["id"] in ids]}
    if options.current:
        require_current(options, content)
    if options.format == "text":
        print_board(console, content, subject_of)
        return _exit_code(content)
    if options.format == "json":
        print(json.dumps(content, indent=1, ensure_ascii=False))
    elif options.format == "verdicts":
        print(json.dumps(digest(content), indent=0, ensure_ascii=False))
    elif options.format == "csv":
        flat(frame(content)).to_csv(sys.stdout, index=False)
    else:
        flat(frame(content)).to_parquet(sys.stdout.buffer, compression="zstd")
    return 0


def compare(options: Compare, console: Console) -> int:
    """Print the verdicts that differ; 1 if there are any, else 0."""
    boards = [read_digest(path)["rows"] for path in (options.old, options.new)]
    chosen = [{id: row for id, row in rows.items() if fnmatch.fnmatchcase(id, options.only)} for rows in boards]
    if not any(chosen):
        raise WrongInputError(f"--only {options.only}: neither board has such a claim.")
    found = changes(*chosen)
    for change in found:
        words = f"{change.before or 'not there'} -> {change.after or 'not there'}"
        console.print(f"{change.claim}, {change.layer}: {words}", highlight=False, markup=False, soft_wrap=True)
    same = sum(id in chosen[0] for id in chosen[1])
    console.print(f"{len(found)} verdicts differ; {same} claims are on both boards.", highlight=False)
    return int(bool(found))


def calibrate(options: Calibrate, console: Console) -> int:
    """Compare our instrument with independent ones; 0 when all agree, else 1."""
    with console.status("Calibrating"):
        try:
            record = calibration(options.out, options.seed)
        except ImportError as error:
            console.print(f"[red]not calibrated[/] {error}", highlight=False)
            return 1
    return _told(record, console)


def _told(record: Mapping[str, Any], console: Console) -> int:
    for sentence in disagreements(record):
        console.print(f"[red]instruments disagree[/] {sentence}", highlight=False)
    rows = record["result"]["rows"]
    names = ", ".join(dict.fromkeys(row["instrument"] for row in rows))
    agreeing = sum(row["agree"] for row in rows)
    console.print(f"calibration: {agreeing} of {len(rows)} comparisons with {names} agree", highlight=False)
    return int(agreeing < len(rows))


def _kept(options: Chosen, about: Mapping[str, Any]) -> dict[str, Any] | None:
    """The board whose other rows a run keeps, None where there is none or none is left.

    Raises:
        WrongInputError: If it has other rows and cannot keep them: of another run, or not readable.
    """
    ids = chosen_claims(options.only)
    before = earlier(options.out, whole=len(ids) == len(CLAIMS))
    if before is None or not {row["id"] for row in before["rows"]} - set(ids):
        return None
    if why := mismatch(before, **about):
        raise WrongInputError(f"--out {options.out}: its board cannot take these rows, {why}; choose another folder.")
    return before
