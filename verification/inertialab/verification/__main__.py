"""Command line: confront the claims with their measurements and print the verdict board."""

from __future__ import annotations

import fnmatch
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from inertialab.experiments import store
from inertialab.experiments.data import DataMissingError, data_folder, load
from inertialab.experiments.training import NotConvergedError
from inertialab.theory import CLAIMS, claim
from inertialab.theory.ledger import entry
from inertialab.verification.check import BaseCheck
from inertialab.verification.checks import CHECKS, STUDIES
from inertialab.verification.court import (
    Judgement,
    board_row,
    compare_all,
    derivation_status,
    judge_all,
    value_judgements,
)
from inertialab.verification.instruments import calibration, disagreements
from inertialab.verification.measure.calibration import InstrumentsDisagreeError
from inertialab.verification.power import BAR, Power, power_of
from inertialab.verification.report import board, minima, print_board, total_power
from inertialab.verification.study import Findings, Study, device_name, run_study


class WrongInputError(Exception):
    """Something the user asked for that cannot be done; the sentence says what to do instead."""


@dataclass(frozen=True)
class Options:
    """Derive the claims, measure, judge, and print the verdict board.

    Exit code 0: every verdict is the expected one and the power test passes its bar. 1: not so. 2: wrong input.
    """

    only: str = "*"
    """Claims to verify, a glob over their ids, for example 'sgd.*'."""
    tier: Literal["quick", "full"] = "quick"
    """quick takes minutes; full takes more particles and longer chains."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to simulate and train; auto takes CUDA when it is there."""
    seed: int = 0
    """Seed of every random stream."""
    out: Path = Path("runs/verification")
    """Folder of board.json and of the records under evidence/; a run resumes from complete records."""


@dataclass(frozen=True)
class CalibrateOptions:
    """Measure the same networks with this package, dense matrices, SciPy and PyHessian, and compare.

    Exit code 0: all agree. 1: not so. 2: wrong input.
    """

    seed: int = 0
    """Seed of weights and random vectors."""
    out: Path = Path("runs/verification")
    """Folder of calibration.json."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 124)  # a log has no width of its own
    try:
        import tyro
    except ImportError:
        print("The command line needs tyro: pip install tyro.", file=sys.stderr)
        return 2
    given, prog = list(sys.argv[1:] if arguments is None else arguments), "python -m inertialab.verification"
    if given[:1] == ["calibrate"]:
        options = tyro.cli(
            Annotated[CalibrateOptions, tyro.conf.arg(name="")], prog=f"{prog} calibrate", args=given[1:]
        )
    else:
        options = tyro.cli(Annotated[Options, tyro.conf.arg(name="")], prog=prog, args=given)
    try:
        if isinstance(options, CalibrateOptions):
            return calibrate(options, console)
        return verify(options, console)
    except (WrongInputError, DataMissingError) as error:
        print(error, file=sys.stderr)
        return 2
    except (InstrumentsDisagreeError, NotConvergedError) as error:
        print(f"A measurement failed. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"Interrupted. Complete records are kept in {options.out}; the same command goes on from them.",
            file=sys.stderr,
        )
        return 130


def calibrate(options: CalibrateOptions | Options, console: Console) -> int:
    """Compare our instrument with independent ones.

    Args:
        options: Seed and folder.
        console: Where the outcome goes.

    Returns:
        0 when all agree, else 1.

    Raises:
        WrongInputError: If an option cannot be followed.
    """
    if options.seed < 0:
        raise WrongInputError(f"--seed {options.seed}: a seed is a whole number >= 0.")
    require_writable(options.out)
    with console.status("Calibrating"):
        try:
            record = calibration(options.out, options.seed)
        except ImportError as error:
            console.print(f"[red]not calibrated[/] {error}", highlight=False)
            return 1
    for sentence in disagreements(record):
        console.print(f"[red]instruments disagree[/] {sentence}", highlight=False)
    rows = record["result"]["rows"]
    names = ", ".join(dict.fromkeys(row["instrument"] for row in rows))
    agreeing = sum(row["agree"] for row in rows)
    console.print(f"calibration: {agreeing} of {len(rows)} comparisons with {names} agree", highlight=False)
    return int(agreeing < len(rows))


def verify(options: Options, console: Console) -> int:
    """Derive, measure, judge, report.

    Args:
        options: What to verify and how.
        console: Where the board goes.

    Returns:
        0 when everything is as expected, else 1.

    Raises:
        WrongInputError: If an option cannot be followed.
        DataMissingError: If the data folder lacks a file.
    """
    if options.seed < 0:
        raise WrongInputError(f"--seed {options.seed}: a seed is a whole number >= 0.")
    ids = chosen_claims(options.only)
    device = chosen_device(options.device)
    require_writable(options.out)
    checks = [c for c in CHECKS if c.claim in ids]
    studies, absent = available([STUDIES[s] for s in dict.fromkeys(c.study for c in checks)])
    derive(ids, console)
    # Only measurements in real training rest on the instrument.
    uncalibrated = any(c.layer == "real" for c in checks) and calibrate(options, console) != 0
    findings = measure(studies, options, device, console)
    judgements, powers = judge(checks, findings, console)
    rows = [board_row(i, [j for j in judgements if j.comparison.check.claim == i], powers.get(i)) for i in ids]
    content = board(rows, tier=options.tier, device=device_name(device), seed=options.seed, absent=absent)
    store.write_json(options.out / "board.json", content)
    for line in minima(findings):
        console.print(line, highlight=False)
    print_board(console, content, judgements, list(powers.values()))
    surprised = any(j.surprising for j in judgements) or any(entry(claim(i)).failure for i in ids)
    return int(surprised or uncalibrated or total_power(list(powers.values())) < BAR)


def chosen_claims(pattern: str) -> list[str]:
    """Ids that match a glob; an id without a match is refused with the nearest names."""
    ids = [c.id for c in CLAIMS if fnmatch.fnmatchcase(c.id, pattern)]
    if not ids:
        try:
            claim(pattern)
        except ValueError as error:
            raise WrongInputError(f"--only {pattern}: no claim matches. {error}") from None
    return ids


def chosen_device(name: str) -> torch.device:
    """The torch device; CUDA is refused where there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise WrongInputError("--device cuda: PyTorch finds no CUDA device here; use --device cpu or auto.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def require_writable(folder: Path) -> None:
    """Refuse an output folder that cannot be written, before any work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise WrongInputError(
            f"--out {folder}: cannot write there ({error.strerror}); choose a folder you may write to."
        ) from None


def available(studies: Sequence[Study]) -> tuple[list[Study], dict[str, str]]:
    """Studies whose data are here, and the reasons for leaving out others.

    Without a data folder its studies are left out. A folder that was named but lacks a file is an error.
    """
    absent = {}
    for study in studies:
        if study.data != "digits":
            if data_folder() is None:
                absent[study.id] = f"{study.data} needs a data folder; set INERTIALAB_DATA to it."
            else:
                load(study.data)
    return [s for s in studies if s.id not in absent], absent


def derive(ids: Sequence[str], console: Console) -> None:
    """Run every derivation once, so that a failure is seen before the long work."""
    with console.status("Deriving"):
        for id in ids:
            derivation_status(claim(id))


def measure(studies: Sequence[Study], options: Options, device: torch.device, console: Console) -> dict[str, Findings]:
    """Run the studies, or take their complete records."""
    columns = (
        TextColumn("{task.description:32}"),
        BarColumn(),
        TextColumn("{task.completed} steps"),
        TimeElapsedColumn(),
    )
    found = {}
    with Progress(*columns, console=console, transient=False) as progress:
        for study in studies:
            task = progress.add_task(study.id, total=None)
            found[study.id] = run_study(
                study,
                tier=options.tier,
                seed=options.seed,
                device=device,
                folder=options.out / "evidence",
                tick=lambda task=task: progress.advance(task),
            )
            done = max(1, int(progress.tasks[task].completed))
            progress.update(task, total=done, completed=done)
            progress.stop_task(task)
    return found


def judge(
    checks: Sequence[BaseCheck], findings: Mapping[str, Findings], console: Console
) -> tuple[list[Judgement], dict[str, Power]]:
    """Judge all comparisons together, then the wrong variants of every confirmed formula."""
    judgements = judge_all(compare_all(checks, findings))
    powers = {}
    with console.status("Judging wrong variants"):
        for id in dict.fromkeys(j.comparison.check.claim for j in judgements):
            confirmed = value_judgements(j for j in judgements if j.comparison.check.claim == id)
            if confirmed:
                powers[id] = power_of(id, confirmed)
    return judgements, powers


if __name__ == "__main__":
    raise SystemExit(main())
