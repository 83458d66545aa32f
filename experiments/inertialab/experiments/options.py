"""What can be asked for on the command line. Light, so that help and wrong words answer at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal

from inertialab.experiments.arbal.options import Arbal
from inertialab.experiments.campaign.options import Campaign
from inertialab.experiments.compared.options import Compare
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.har.options import Har
from inertialab.experiments.sweeps.options import Sweep


@dataclass(frozen=True)
class Request:
    """What is simulated.

    Attributes:
        landscape: Row of LANDSCAPES.
        shape: Parameters of the landscape, as name=value; its defaults for the others.
        optimizer: Row of OPTIMIZERS.
        eta: Learning rate.
        settings: Other settings of the optimizer, as name=value; its defaults for the others.
        noise: Variance C of the gradient noise in each coordinate; or give --barrier.
        barrier: Height of the barrier over eta C/2, which fixes the noise.
        law: Law of the noise: gaussian, two-point (skewed), student-4 (heavy tails), or symmetric stable noise of an
            index from 1 to 2, as stable-1.5, which has no variance: noise is then the square of its scale.
        particles: Number of particles.
        steps: Number of steps.
        seed: Of all random numbers.
        precision: Of the particles.
        threads: Number of threads; all cores by default. It changes no result.
        out: Folder of the record and the picture.
    """

    landscape: str = "double-well"
    shape: tuple[str, ...] = ()
    optimizer: str = "sgd"
    eta: float = 0.1
    settings: tuple[str, ...] = ()
    noise: float | None = None
    barrier: float | None = None
    law: str = "gaussian"
    particles: int = 100_000
    steps: int = 2_000
    seed: int = 0
    precision: Literal["float32", "float64"] = "float32"
    threads: int | None = None
    out: Path = Path("runs/experiments")

    def check(self) -> None:
        """Refuse what can be seen to be wrong before anything is made.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        _known("landscape", self.landscape, _landscapes())
        _known("optimizer", self.optimizer, _optimizers())
        for name in ("eta", "barrier", "particles", "steps", "threads"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value > 0):
                raise WrongInputError(f"--{name}: {name} must be positive and finite, got {value}.")
        for name in ("noise", "seed"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value >= 0):
                raise WrongInputError(f"--{name}: {name} must be finite and not negative, got {value}.")
        if (self.noise is None) == (self.barrier is None):
            raise WrongInputError(
                "Give either noise, the variance C, or barrier, the height of the barrier over eta C/2."
            )
        for name in ("particles", "steps", "seed"):
            if getattr(self, name) >= 2**63:
                raise WrongInputError(f"--{name}: {name} must be below 2**63, got {getattr(self, name)}.")
        for what in ("shape", "settings"):
            pairs(what, getattr(self, what))
        if "eta" in pairs("settings", self.settings):
            raise WrongInputError("--settings eta: give the learning rate by --eta, on which a --barrier rests.")


@dataclass(frozen=True)
class Simulate(Request):
    """Spread of particles that start in the minimum: moments against time, and the density at the end."""


@dataclass(frozen=True)
class Escape(Request):
    """Mean time to leave the well, counted with immediate rebirth, or by forward flux where it is rare.

    Attributes:
        boundary: Position of the first coordinate that ends an escape; by default as far behind the saddle as the
            minimum lies before it.
        method: "count", or "flux" for barriers that are not crossed in `steps` steps; then `particles` are the trials
            at each level, as many times as needed, and `steps` and `precision` are not used.
    """

    boundary: float | None = None
    method: Literal["count", "flux"] = "count"

    def check(self) -> None:
        """As for every request; also a boundary that is no place.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        super().check()
        if self.boundary is not None and not isfinite(self.boundary):
            raise WrongInputError(f"--boundary: boundary must be finite, got {self.boundary}.")


COMMANDS = {
    "simulate": Simulate,
    "escape": Escape,
    "campaign": Campaign,
    "har": Har,
    "arbal": Arbal,
    "compare": Compare,
    "sweep": Sweep,
}


def pairs(what: str, texts: Iterable[str]) -> dict[str, float]:
    """Numbers by name, from words such as beta=0.9.

    Raises:
        WrongInputError: If a word is not a name and a finite number.
    """
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = float("nan")
        if not isfinite(found[name]):
            raise WrongInputError(f"--{what} takes name=number, got {text!r}.")
    return found


def _known(what: str, name: str, rows: Iterable[str]) -> None:
    if name not in rows:
        raise WrongInputError(f"There is no {what} {name!r}; rows are: {', '.join(rows)}.")


def _landscapes() -> list[str]:
    from inertialab.theory.landscapes import LANDSCAPES

    return list(LANDSCAPES)


def _optimizers() -> list[str]:
    """Every optimizer has a map, whose module is lighter than the optimizers."""
    from inertialab.theory.dynamics import MAPS

    return list(MAPS)
