"""What can be asked of the comparisons on the command line. Light, so that help answers at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from inertialab.experiments.errors import WrongInputError

Experiment = Literal["counterexample", "warmup", "conformity", "minima"]
Allowed = Callable[[float], bool]
DEFAULTS: dict[str, dict[str, Any]] = {
    "counterexample": {
        "steps": 20_000,
        "runs": 20_000,
        "eta": (1e-3,),
        "beta": 0.0,
        "beta2": 0.999,
        "rare": 24.0,
        "mean": 0.005,
    },
    "warmup": {"steps": 2_000, "runs": 5, "eta": (1e-3, 1e-2, 1e-1), "beta": 0.9, "beta2": 0.999, "batch": 32},
    "conformity": {"steps": 6_000, "runs": 5, "eta": (0.1,), "beta": 0.999, "batch": 32},
    "minima": {"steps": 20_000, "runs": 10, "batch": 32, "hidden": 8, "loss": 0.1},
}
"""What each experiment takes, with its own defaults; nothing else may be given."""
ALLOWED: dict[str, tuple[Allowed, str]] = {
    "steps": (lambda x: 10 <= x < 2**63, "must be at least 10"),
    "runs": (lambda x: 2 <= x < 2**63, "must be at least 2, for an error"),
    "eta": (lambda x: 0 < x < float("inf"), "must be positive and finite"),
    "beta": (lambda x: 0 <= x < 1, "must be in [0, 1)"),
    "beta2": (lambda x: 0 <= x < 1, "must be in [0, 1)"),
    "rare": (lambda x: 1 <= x < float("inf"), "must be finite and at least 1, the size of the common gradient"),
    "mean": (lambda x: isfinite(x) and x > -1, "must be finite and above -1"),
    "batch": (lambda x: x >= 1, "must be at least 1"),
    "hidden": (lambda x: 1 <= x <= 64, "must be from 1 to 64; the whole Hessian is looked at"),
    "loss": (lambda x: 0 < x < float("inf"), "must be positive and finite"),
}


@dataclass(frozen=True)
class Compare:
    """Run optimizers beside each other: on what RAdam, AdaShift and CProp were made for, and for the minima they find.

    counterexample: gradients of which a rare large one decides the mean; where do Adam and its relatives go?
    warmup: Adam on handwritten digits without warm-up, with a linear and a square-root one, and RAdam.
    conformity: CProp's mean scale while a network learns digits, beside one whose gradients have random signs.
    minima: sharpness of what SGD, momentum, Adam, AdamW, Adai and AdaiW find, at the same training loss.
    The default sizes take a minute or less, those of minima several. Every run that is done is kept; the same command
    goes on from it.

    Attributes:
        experiment: Which of them.
        steps: Number of steps.
        runs: Independent ones: coordinates of the counterexample, seeds of the others.
        eta: Learning rates; one, but for warmup. Of SGD and its kind in the counterexample, over the root of the mean
            square gradient.
        beta: Momentum of Adam and its relatives; for conformity CProp's memory.
        beta2: Memory of the second moment.
        rare: Size of the rare gradient, that of the common one is -1.
        mean: Mean gradient, in units of the common one.
        batch: Size of minibatches.
        hidden: Units of the network whose minima are looked at.
        loss: Training loss at which they are looked at; steps are the most that are made until then.
        seed: Of all random numbers.
        out: Folder of record, picture and what is needed to go on.
    """

    experiment: Experiment
    steps: int | None = None
    runs: int | None = None
    eta: tuple[float, ...] | None = None
    beta: float | None = None
    beta2: float | None = None
    rare: float | None = None
    mean: float | None = None
    batch: int | None = None
    hidden: int | None = None
    loss: float | None = None
    seed: int = 0
    out: Path = Path("runs/compare")

    def settings(self) -> dict[str, Any]:
        """What is run: the experiment's defaults, and what was given."""
        return {
            name: default if getattr(self, name) is None else getattr(self, name)
            for name, default in DEFAULTS[self.experiment].items()
        }

    def check(self) -> None:
        """Refuse what can be seen to be wrong before anything is made.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        taken = self.settings()
        for name, (allowed, sentence) in ALLOWED.items():
            value = getattr(self, name)
            if name not in taken and value is not None:
                raise WrongInputError(f"--{name}: {self.experiment} takes {', '.join(taken)}; not {name}.")
            values = taken.get(name, ())
            for one in values if isinstance(values, tuple) else (values,):
                if not allowed(one):
                    raise WrongInputError(f"--{name}: {name} {sentence}, got {one}.")
        rates = taken.get("eta", (0.0,))
        if not rates or (len(rates) > 1 and self.experiment != "warmup"):
            raise WrongInputError(f"--eta: {self.experiment} takes one learning rate, got {list(rates)}.")
        if self.experiment == "conformity" and taken["beta"] == 0:
            raise WrongInputError("--beta: CProp needs a memory, beta in (0, 1), got 0.")
        if "rare" in taken and taken["mean"] >= taken["rare"]:
            raise WrongInputError(f"--mean: mean must be below rare, {taken['rare']:g}, got {taken['mean']:g}.")
        if not 0 <= self.seed < 2**63 - 2**32:
            raise WrongInputError(f"--seed: give a whole number from 0 to 2**63 - 2**32, got {self.seed}.")
