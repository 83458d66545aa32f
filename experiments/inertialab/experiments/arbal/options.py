"""What can be asked of ARBAL on the command line. Light, so that help and wrong words answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal

from inertialab.experiments.errors import WrongInputError

Sets = Literal["digits-odd", "digits-3-5", "breast-cancer", "banknote", "cardiotocography", "avila"]


@dataclass(frozen=True)
class Arbal:
    """Region-based active learning: error against labels asked for, on a table of two classes or a real data set.

    Half of the rows, shuffled, are streamed to ARBAL, to IWAL, to margin sampling, and to a learner that takes every
    row; the others are tested on. The record holds the errors of every shuffle, the picture their means with 95%
    intervals. With --ask nothing is shuffled or hidden: you are asked for the labels yourself.
    """

    data: Path | None = None
    """CSV file with a header; or take a --set."""
    target: str = ""
    """Column of the class in --data, of two values."""
    columns: tuple[str, ...] = ()
    """Features to use; all other columns by default."""
    group: str = ""
    """Column of --data by whose values errors and labels asked for are told apart: sensor, annotator, site ... It is no
    feature, and no region either: regions are boxes of the features, which are found."""
    set: Sets = "digits-odd"
    """Real data, where no --data is given; the last three need a data folder, INERTIALAB_DATA."""
    ask: bool = False
    """Ask for labels at the terminal, row by row. Every answer is kept, and the same command goes on."""
    classes: tuple[str, ...] = ()
    """With --ask: the two classes; the first two answers that differ by default."""
    shuffles: int = 10
    """Orders of the rows, each a run."""
    seed: int = 0
    """First of the shuffles."""
    regions: int = 10
    """Largest number of regions."""
    gain: float = 0.0025
    """Gain of the risk by which a split is worth it."""
    split_slack: float = 0.1
    """Factor of the slack of splits: 1 certifies them, and seldom splits a few thousand rows."""
    cuts: int = 1
    """Thresholds for each feature at which boxes may be split: quantiles of the first rows."""
    delta: float = 0.05
    """Chance to err that is allowed."""
    out: Path = Path("runs/arbal")
    """Folder of record and picture, or of answers and predictions."""

    def check(self) -> None:
        """Refuse what can be seen to be wrong before anything is read.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        if self.ask and self.data is None:
            raise WrongInputError("--ask needs --data: the table whose rows you want to label.")
        if self.data is not None and not self.target and not self.ask:
            raise WrongInputError("--data needs --target: the column that holds the two classes.")
        if self.data is None and (self.target or self.columns or self.group):
            raise WrongInputError("--target, --columns and --group speak of a table: give --data as well.")
        if self.group and self.ask:
            raise WrongInputError("--group tells errors apart, and with --ask there are none: leave one of them out.")
        if self.group and self.group == self.target:
            raise WrongInputError(f"--group: {self.group!r} is the target; name another column.")
        for name, least in (("shuffles", 2), ("regions", 1), ("cuts", 1)):
            if getattr(self, name) < least:
                raise WrongInputError(f"--{name}: give a whole number of at least {least}, got {getattr(self, name)}.")
        for name, most in (("gain", 1.0), ("delta", 1.0), ("split_slack", float("inf"))):
            value = getattr(self, name)
            if not (isfinite(value) and 0 < value < most):
                option = name.replace("_", "-")
                raise WrongInputError(f"--{option}: give a number above 0 and below {most:g}, got {value}.")
        if not 0 <= self.seed < 2**31:
            raise WrongInputError(f"--seed: give a whole number from 0 to 2**31 - 1, got {self.seed}.")
        if self.classes and (not self.ask or len(set(self.classes)) != 2):
            raise WrongInputError("--classes: give the two classes, and --ask.")
