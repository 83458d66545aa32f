"""What can be asked of a campaign on the command line. Light, so that help and wrong words answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal

from inertialab.experiments.errors import WrongInputError


@dataclass(frozen=True)
class Campaign:
    """Train an image network by one optimizer, at published settings, in pieces that can be resumed.

    After every epoch all that the training rests on is kept, and the same command goes on from there. The record holds
    training loss and test error of every epoch, the last and the best, and for Adai the distribution of its inertia.
    Curvature and noise at the weights it ends with: `python -m inertialab.verification network RECORD`.
    """

    data: Literal["cifar10", "digits"]
    """Images. cifar10 needs a data folder; digits are inside scikit-learn."""
    optimizer: Literal["adaiw", "adai", "momentum", "adam", "adamw"] = "adai"
    """Row of the published comparison."""
    model: Literal["resnet18", "small"] = "resnet18"
    """resnet18 for a GPU; small is a network of two convolutions for a CPU."""
    epochs: int = 200
    """Passes over the data; the learning rate falls tenfold after 40% and after 80% of them."""
    fraction: float = 1.0
    """Share of the training and test images that is used, the first ones."""
    batch: int = 128
    """Batch size."""
    eta: float | None = None
    """Learning rate; the published one by default."""
    weight_decay: float | None = None
    """Weight decay; the published one by default."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of forward and backward passes; weights are always float32."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes CUDA when it is there."""
    seed: int = 0
    """Of weights, order and augmentation."""
    minutes: float | None = None
    """Begin no epoch, but for a first one, that would end later than this; the same command then goes on."""
    out: Path = Path("runs/campaign")
    """Folder of record, weights and what is needed to go on."""

    def check(self) -> None:
        """Refuse what can be seen to be wrong before anything is made.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        for name in ("epochs", "batch", "eta", "minutes"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value > 0):
                raise WrongInputError(f"--{name}: {name} must be positive and finite, got {value}.")
        if self.weight_decay is not None and not (isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise WrongInputError(f"--weight-decay: give a finite number >= 0, got {self.weight_decay}.")
        if not 0 < self.fraction <= 1:
            raise WrongInputError(f"--fraction: give a share of the images in (0, 1], got {self.fraction}.")
        if not 0 <= self.seed < 2**63:
            raise WrongInputError(f"--seed: give a whole number from 0 to 2**63 - 1, got {self.seed}.")
