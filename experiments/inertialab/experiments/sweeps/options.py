"""What can be asked of a sweep on the command line. Light, so that help and wrong words answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.work.where import Where

WORDS = ("run", "status", "resume", "collect")


@dataclass(frozen=True)
class Sweep:
    """One experiment at all points of a small TOML file, side by side or on a cluster; a record for each point.

    `sweep FILE` measures the points that have no record yet, and resume does the same again; status says how many
    there are; collect makes one Parquet table of the records. What cannot be read is moved into quarantine/ and named.
    The file: target, the experiment; [fixed] values; [grid] lists of values, every combination; [list] lists of one
    length, taken together; [random] draws, a number, and ranges {low, high, log} or lists to draw from; seed.
    Exit code 0: done. 1: points failed and are named. 2: wrong input. 3: disk, memory, processes. 130: interrupted.
    """

    words: tuple[str, ...]
    """The file, after run, status, resume or collect; run when no word is given."""
    jobs: int = 0
    """Processes or workers, one numerical thread each; 0 for all cores."""
    cluster: str = ""
    """local, slurm, pbs, sge, ssh:HOST,HOST or the address of a dask scheduler; --out must lie on a shared disk."""
    limit: float = 0.0
    """Most seconds that one point may take, which then is named as failed; 0 for no limit."""
    out: Path = Path("runs/sweeps")
    """Folder in which the sweep has one by the name of its file."""

    @property
    def word(self) -> str:
        """What to do."""
        return self.words[0] if len(self.words) == 2 else "run"

    @property
    def file(self) -> Path:
        """The description of the sweep."""
        return Path(self.words[-1])

    @property
    def folder(self) -> Path:
        """Of the sweep's records and table."""
        return self.out / self.file.stem

    def where(self) -> Where:
        """Where the points are measured."""
        return Where(self.jobs, self.cluster, self.limit)

    def check(self) -> None:
        """Refuse what can be seen to be wrong before anything is made.

        Raises:
            WrongInputError: With a sentence that names the word or option.
        """
        if not 1 <= len(self.words) <= 2 or self.word not in WORDS:
            raise WrongInputError(f"sweep {' '.join(self.words)}: give [{'|'.join(WORDS)}] and one file.")
        if not self.file.is_file():
            raise WrongInputError(f"There is no sweep {self.file}; give a TOML file, see --help.")
        self.where().check()
