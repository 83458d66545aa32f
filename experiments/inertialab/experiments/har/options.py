"""What can be asked of adaptive regularisation on the command line. Light, so that help answers at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal

from inertialab.experiments.errors import WrongInputError


@dataclass(frozen=True)
class Har:
    """Fit a network to a table with a penalty of its derivative, stronger for groups whose labels are noisy or rare.

    The noise of each group is found by cross-fitting, its strength follows from theory, and a test share of the rows
    tells what it is worth beside one strength for all and beside no penalty. Groups are columns of the table: sensor,
    annotator, site ... It pays where groups lie in different parts of the inputs, differ in noise by a factor of ten or
    more, and the clean one matters. Without --data a demonstration runs. What cross-fitting found is kept; the same
    command goes on from there.
    """

    data: Path | None = None
    """CSV file with a header; all columns but target, groups and ignored ones are inputs and must be numbers."""
    target: str | None = None
    """Column to predict."""
    group: tuple[str, ...] = ()
    """Columns whose values, or combinations of them, are the groups."""
    ignore: tuple[str, ...] = ()
    """Columns that are no inputs."""
    task: Literal["auto", "regression", "classification"] = "auto"
    """auto takes a target of text, or of at most ten whole numbers, for classes."""
    demo: Literal["regression", "labels", "images"] = "regression"
    """Without --data: two sensors of noise 1:100, or handwritten digits, or photographs (CIFAR-10 from a data folder,
    by two convolutions), where labels of some classes are flipped and others are rare."""
    strengths: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1)
    """Strengths, mean over the groups, to choose from."""
    hidden: int = 40
    """Units in each of two hidden layers; of no meaning for images."""
    steps: int = 800
    """Steps of each training."""
    eta: float = 0.01
    """Learning rate of Adam at the start of each training."""
    folds: int = 2
    """Of the cross-fitting."""
    test: float = 0.25
    """Share of the rows of every group that is kept for the test."""
    repeats: int = 1
    """Independent splits into training and test, and weights, from seed on."""
    seed: int = 0
    """Of splits, weights and batches."""
    out: Path = Path("runs/har")
    """Folder of record, picture and what is needed to go on."""

    def check(self) -> None:
        """Refuse what can be seen to be wrong before anything is read.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        for name in ("hidden", "steps", "eta", "repeats"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0):
                raise WrongInputError(f"--{name}: {name} must be positive and finite, got {value}.")
        if not self.strengths or not all(isfinite(s) and s > 0 for s in self.strengths):
            raise WrongInputError(f"--strengths: give positive finite numbers, got {list(self.strengths)}.")
        if self.folds < 2:
            raise WrongInputError(f"--folds: cross-fitting takes at least 2 folds, got {self.folds}.")
        if not 0 < self.test < 1:
            raise WrongInputError(f"--test: give a share of the rows in (0, 1), got {self.test}.")
        if not 0 <= self.seed < 2**63:
            raise WrongInputError(f"--seed: give a whole number from 0 to 2**63 - 1, got {self.seed}.")
        if self.data is not None and (self.target is None or not self.group):
            raise WrongInputError("--data: name the column to predict by --target and the groups by --group.")
        if self.data is None and (self.target is not None or self.group or self.ignore or self.task != "auto"):
            raise WrongInputError("--target, --group, --ignore and --task speak of a table; give one by --data.")
