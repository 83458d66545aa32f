"""What can be asked for on the command line: one class a word. Light, so that help answers at once."""

import fnmatch
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inertialab.experiments.answers import require_writable
from inertialab.experiments.errors import WrongInputError


@dataclass(frozen=True)
class Chosen:
    """Which claims, and where their records are."""

    only: str = "*"
    """Claims to verify, a glob over their ids, for example 'sgd.*'."""
    out: Path = Path("runs/verification")
    """Folder of board.json and of the records under evidence/; a run resumes from complete records."""

    def check(self) -> None:
        """Refuse what can be seen to be wrong before anything heavy is imported.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        chosen_claims(self.only)


@dataclass(frozen=True)
class Run(Chosen):
    """Measure: run the studies that the chosen claims rest on, or take their records. Judges nothing."""

    tier: Literal["quick", "full"] = "quick"
    """quick takes minutes; full takes more particles and longer chains."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to simulate and train; auto takes CUDA when it is there."""
    seed: int = 0
    """Seed of every random stream."""
    jobs: int = 0
    """Processes that measure side by side, one numerical thread each; 0 for all cores, or one with CUDA."""

    def check(self) -> None:
        """As for the claims; also a seed and a number of processes that are none, and a folder that cannot be written.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        _require_seed(self.seed)
        if self.jobs < 0:
            raise WrongInputError(f"--jobs {self.jobs}: give a number of processes, or 0 for all cores.")
        super().check()
        require_writable(self.out)


@dataclass(frozen=True)
class Verify(Run):
    """Derive the claims, measure, judge, and print the verdict board.

    A word first does one part of it: run measures, judge judges the records that are there, board shows or converts
    the last board, calibrate compares our instrument with independent ones; each has a --help of its own.

    Exit code 0: every verdict is the expected one, no confirmation is weak, the standard errors pass their own tests
    and the power test its bar. 1: not so, or nothing was judged.
    2: wrong input. 3: no more disk or memory. 130: interrupted.
    """


@dataclass(frozen=True)
class Judge(Chosen):
    """Judge the records that are there, in seconds and without measuring, and print the verdict board.

    Records are refused whose code, configuration or data are not those that stand here. Exit codes as for verifying.
    """

    stale: bool = False
    """Judge also records made with other code, configuration or data; the board says which."""

    def check(self) -> None:
        """As for the claims; also a folder that the board cannot be written into.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        super().check()
        if self.out.exists():
            require_writable(self.out)


@dataclass(frozen=True)
class Board(Chosen):
    """Show the last verdict board, or write it to standard output as a table. Exit codes as for verifying."""

    format: Literal["text", "json", "csv", "parquet"] = "text"
    """text for people; json, csv or parquet on standard output, one row a check (json: the board itself)."""
    current: bool = False
    """Refuse a board that is not what its records give here, or whose records were made by other code or data."""


@dataclass(frozen=True)
class Calibrate:
    """Measure the same networks with this package, dense matrices, SciPy and PyHessian, and compare.

    Exit code 0: all agree. 1: not so. 2: wrong input.
    """

    seed: int = 0
    """Seed of weights and random vectors."""
    out: Path = Path("runs/verification")
    """Folder of calibration.json."""

    def check(self) -> None:
        """Refuse a seed that is none and a folder that cannot be written.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        _require_seed(self.seed)
        require_writable(self.out)


COMMANDS: dict[str, Any] = {"run": Run, "judge": Judge, "board": Board, "calibrate": Calibrate}


def _require_seed(seed: int) -> None:
    if seed < 0:
        raise WrongInputError(f"--seed {seed}: a seed is a whole number >= 0.")


def chosen_claims(pattern: str) -> list[str]:
    """Ids that match a glob, in reading order.

    Raises:
        WrongInputError: If there is none; the sentence offers the nearest names.
    """
    from inertialab.theory import CLAIMS, claim

    ids = [c.id for c in CLAIMS if fnmatch.fnmatchcase(c.id, pattern)]
    if not ids:
        try:
            claim(pattern)
        except ValueError as error:
            raise WrongInputError(f"--only {pattern}: no claim matches. {error}") from None
    return ids
