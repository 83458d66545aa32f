"""What can be asked for on the command line: one class a word. Light, so that help answers at once."""

import fnmatch
import re
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from inertialab.experiments.answers import require_writable
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.sweeps.options import Sweep
from inertialab.experiments.work.where import Where


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
class Measuring(Chosen):
    """Where and how something is measured."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to simulate and train; auto takes CUDA when it is there."""
    seed: int = 0
    """Seed of every random stream."""
    jobs: int = 0
    """Processes or workers that measure side by side, one numerical thread each; 0 for all cores, or one with CUDA."""
    cluster: str = ""
    """local, slurm, pbs, sge, ssh:HOST,HOST or the address of a dask scheduler; --out must lie on a shared disk."""
    limit: float = 0.0
    """Most seconds that one study may take, which then is named as failed; 0 for no limit."""

    def where(self) -> Where:
        """Where the studies run."""
        return Where(self.jobs, self.cluster, self.limit)

    def check(self) -> None:
        """As for the claims; also a seed and a number of processes that are none, and a folder that cannot be written.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        _require_seed(self.seed)
        self.where().check()
        super().check()
        require_writable(self.out)


@dataclass(frozen=True)
class Run(Measuring):
    """Measure: run the studies that the chosen claims rest on, or take their records. Judges nothing."""

    tier: Literal["quick", "full"] = "quick"
    """quick takes minutes; full takes more particles and longer chains."""
    shard: str = ""
    """I/N, for job arrays: only the I-th of N parts of about the same length, which may all write into one folder."""

    def check(self) -> None:
        """As for every measurement; also a part that is none.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        part_of(self.shard)
        super().check()


@dataclass(frozen=True)
class Verify(Run):
    """Derive the claims, measure, judge, and print the verdict board.

    A word first does one part of it: run measures, judge judges the records that are there, board shows or converts
    the last board, calibrate compares our instrument with independent ones; each has a --help of its own.

    Exit code 0: every verdict is the expected one, no confirmation is weak, the standard errors pass their own tests
    and the power test its bar. 1: not so, or nothing was judged.
    2: wrong input. 3: no more disk or memory. 130: interrupted.
    """

    spot: float = 0.0
    """Minutes of studies drawn by chance that are measured anew, the others' records are the committed; 0 for all."""

    def check(self) -> None:
        """As for a run; also a part, of which no board can be judged.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        super().check()
        if not (isfinite(self.spot) and self.spot >= 0):
            raise WrongInputError(f"--spot {self.spot:g}: give a number of minutes, or 0 to measure everything.")
        if self.shard:
            raise WrongInputError(
                f"--shard {self.shard}: a part cannot be judged; use the word run for each part, then the word judge."
            )


@dataclass(frozen=True)
class Judge(Chosen):
    """Judge the records that are there, without measuring, and print the verdict board.

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

    format: Literal["text", "json", "csv", "parquet", "verdicts"] = "text"
    """text for people; json, csv or parquet on standard output, one row a check (json: the board itself; verdicts: its
    verdicts alone, which results/history keeps)."""
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


@dataclass(frozen=True)
class Compare:
    """Say which verdicts differ between two boards, of whatever version.

    Exit code 0: none. 1: some. 2: wrong input.
    """

    old: Path
    """A board.json, its folder, or a file of results/history."""
    new: Path
    """The other one."""
    only: str = "*"
    """Claims to compare, a glob over their ids, for example 'sgd.*'; both boards may know claims of other versions."""

    @property
    def out(self) -> Path:
        """Nothing is written; the folder of the new board."""
        return self.new

    def check(self) -> None:
        """Everything that can be wrong is seen when the boards are read."""


@dataclass(frozen=True)
class Maps(Measuring):
    """Measure regime maps: laws over the two groups that decide whether they hold, inside their regimes and far beyond.

    Judges nothing. Under maps/ of the folder, a table for each claim, and the records that a run resumes from.
    Exit code 0: done. 2: wrong input, or no map of the chosen claims.
    """


@dataclass(frozen=True)
class Network:
    """Measure curvature and gradient noise of networks that a campaign or har has trained, at their last weights.

    Largest eigenvalues and trace of the Hessian, trace of the noise covariance for batches of one, and noise over
    curvature along the first eigenvectors, on the first training images without augmentation, normalisations frozen.
    Of a record of har, which holds several networks, by arm and group: mean of the squared derivative that is penalised
    and trace of the Hessian, over the examples that were trained on.
    Exit code 0: done. 2: wrong input.
    """

    record: Path
    """Record of the campaign or of har; its weights lie beside it, and the measurement is written there too."""
    top: int = 5
    """Number of eigenvalues; of a campaign's network, as the two that follow."""
    samples: int = 2000
    """Number of training images."""
    chunk: int = 500
    """Images that go through the network at once."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to measure; auto takes CUDA when it is there."""
    seed: int = 0
    """Seed of random vectors and of resamples."""

    @property
    def out(self) -> Path:
        """Folder of the measurement."""
        return self.record.parent

    def check(self) -> None:
        """Refuse numbers that are none and a record that is not there.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        _require_seed(self.seed)
        for name in ("top", "samples", "chunk"):
            if getattr(self, name) < 1:
                raise WrongInputError(f"--{name} {getattr(self, name)}: give a whole number >= 1.")
        if not self.record.is_file():
            raise WrongInputError(f"There is no record {self.record}; a campaign prints where its record is.")
        require_writable(self.out)


COMMANDS: dict[str, Any] = {
    "run": Run,
    "judge": Judge,
    "board": Board,
    "calibrate": Calibrate,
    "network": Network,
    "maps": Maps,
    "compare": Compare,
    "sweep": Sweep,
}


def part_of(shard: str) -> tuple[int, int]:
    """The part and the number of parts that I/N means, (1, 1) for nothing.

    Raises:
        WrongInputError: If it is not 1 <= I <= N in whole numbers.

    >>> part_of("2/8")
    (2, 8)
    """
    found = re.fullmatch(r"(\d+)/(\d+)", shard or "1/1")
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise WrongInputError(f"--shard {shard}: give I/N with 1 <= I <= N, such as 2/8.")
    return part, parts


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
