"""Command line: `python -m inertialab.experiments simulate|escape`."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.progress import Progress

from inertialab.experiments import escape, picture, sources, store
from inertialab.experiments.flux import REPLICATES, forward_flux
from inertialab.experiments.laws import find_law
from inertialab.experiments.simulation import simulate
from inertialab.experiments.system import Noise, System
from inertialab.optim import OPTIMIZERS
from inertialab.theory.landscapes import LANDSCAPES, Landscape

try:
    import tyro
except ImportError:  # a machine for measurements alone may lack it; said when the command is used
    tyro = None


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

    def system(self) -> System:
        """The system asked for.

        Raises:
            ValueError: If a name or value is not known or not allowed.
        """
        if self.landscape not in LANDSCAPES:
            raise ValueError(f"There is no landscape {self.landscape!r}; rows are: {', '.join(LANDSCAPES)}.")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"There is no optimizer {self.optimizer!r}; rows are: {', '.join(OPTIMIZERS)}.")
        for name, value in (("eta", self.eta), ("particles", self.particles), ("steps", self.steps)):
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}.")
        landscape = LANDSCAPES[self.landscape].at(**_pairs("shape", self.shape))
        given = {"eta": self.eta, **_pairs("settings", self.settings)}
        noise = Noise.constant(landscape, self._variance(landscape), self.law)
        return System(landscape, noise, self.optimizer, _completed(self.optimizer, given))

    def _variance(self, landscape: Landscape) -> float:
        if (self.noise is None) == (self.barrier is None):
            raise ValueError("Give either noise, the variance C, or barrier, the height of the barrier over eta C/2.")
        if self.noise is not None:
            return self.noise
        find_law(self.law).needed("A barrier over eta C/2")
        if not landscape.saddle or self.barrier is None or self.barrier <= 0:
            raise ValueError(
                f"barrier must be positive and the landscape have one; got {self.barrier} on {landscape.name}."
            )
        top, bottom = (
            float(landscape.value(list(landscape.numbers(p)))) for p in (landscape.saddle, landscape.minimum)
        )
        return 2 * (top - bottom) / self.barrier / self.eta


@dataclass(frozen=True)
class Simulate(Request):
    """Spread of particles that start in the minimum: moments against time, and the density at the end."""

    @property
    def work(self) -> int:
        """Ticks to come."""
        return self.steps

    def system(self) -> System:
        """The system asked for.

        Raises:
            ValueError: If a name or value is not known or not allowed, or the noise has no variance.
        """
        find_law(self.law).needed("The mean squared displacement")
        return super().system()

    def run(self, path: Path, tick: escape.Tick) -> dict[str, Any]:
        """Simulate, draw, and return what goes into the record."""
        system = self.system()
        times = np.unique(np.geomspace(1, self.steps, 60).astype(int)).tolist()
        seen = simulate(
            system,
            particles=self.particles,
            times=times,
            seed=self.seed,
            precision=getattr(np, self.precision),
            threads=self.threads,
            tick=tick,
            checkpoint=path.with_suffix(".npz"),
        )
        picture.spread(system, seen, path.with_suffix(".svg"))
        return {name: np.asarray(value).tolist() for name, value in vars(seen).items()}

    def told(self, result: dict[str, Any]) -> str:
        """One line about a result."""
        last = [float(v) for v in np.array(result["square"])[-1]]
        return f"Mean squared displacement after {self.steps} steps: {', '.join(f'{v:.6g}' for v in last)}"


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

    @property
    def work(self) -> int:
        """Ticks to come: replicates, or steps before counting, while counting, and for the picture."""
        return REPLICATES if self.method == "flux" else self.steps // 10 + 2 * self.steps

    def run(self, path: Path, tick: escape.Tick) -> dict[str, Any]:
        """Measure, draw, and return what goes into the record."""
        system, start, boundary = self._way()
        sign = 1 if boundary > start[0] else -1
        common: dict[str, Any] = {"start": start, "boundary": boundary, "sign": sign, "threads": self.threads}
        if self.method == "flux":
            common |= {"particles": self.particles, "tick": tick}
            flux = forward_flux(system, **common, seed=self.seed, checkpoint=path.with_suffix(".part.json"))
            return {name: np.asarray(value).tolist() for name, value in vars(flux).items()}
        common |= {"particles": self.particles, "precision": getattr(np, self.precision), "tick": tick}
        checkpoint = path.with_suffix(".npz")
        found = escape.count_escapes(
            system, **common, seed=self.seed, steps=self.steps, burn_in=self.steps // 10, checkpoint=checkpoint
        )
        if not found.events:
            raise ValueError(
                f"No particle passed {boundary:g} in {self.steps} steps; take more, or less barrier, or --method flux."
            )
        common |= {"particles": min(self.particles, 20_000)}
        times = escape.first_passages(system, **common, seed=self.seed, steps=self.steps)
        picture.survival(times, self.steps, path.with_suffix(".svg"))
        censored = float((times < 0).mean())
        return {**vars(found), "steps": found.steps, "interval": list(found.interval()), "censored": censored}

    def told(self, result: dict[str, Any]) -> str:
        """One line about a result."""
        low, high = result["interval"]
        return f"Mean steps to an escape: {result['steps']:.6g} (95% interval {low:.6g} to {high:.6g})"

    def _way(self) -> tuple[System, list[float], float]:
        system = self.system()
        landscape = system.landscape
        if not landscape.saddle:
            raise ValueError(f"{landscape.name} has no barrier; take one of: {_with_barrier()}.")
        minimum, saddle = (landscape.numbers(p) for p in (landscape.minimum, landscape.saddle))
        boundary = float(2 * saddle[0] - minimum[0]) if self.boundary is None else self.boundary
        return system, minimum.tolist(), boundary


def _pairs(what: str, texts: Sequence[str]) -> dict[str, float]:
    pairs = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            pairs[name] = float(value)
        except ValueError:
            raise ValueError(f"--{what} takes name=number, got {text!r}.") from None
    return pairs


def _with_barrier() -> str:
    return ", ".join(name for name, row in LANDSCAPES.items() if row.saddle)


def _completed(optimizer: str, given: dict[str, float]) -> dict[str, float]:
    """Settings with the optimizer's defaults for those not given."""
    row = OPTIMIZERS[optimizer]
    defaults = {n: p.default for n, p in signature(row.make).parameters.items() if p.default is not p.empty}
    missing = [name for name in row.settings if name not in given and name not in defaults]
    if missing:
        raise ValueError(f"{optimizer} needs {missing[0]}; give --settings {missing[0]}=...")
    return {name: defaults[name] for name in row.settings if name in defaults} | given


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; exit code 2 and a sentence when the input is wrong."""
    console = Console()
    if tyro is None:
        console.print("The command line needs the package tyro: pip install tyro.")
        return 2
    commands = {"simulate": Simulate, "escape": Escape}
    request: Any = tyro.extras.subcommand_cli_from_dict(
        commands, args=arguments, prog="python -m inertialab.experiments"
    )
    try:
        request.system()
        return _recorded(request, console)
    except (ValueError, FloatingPointError) as error:
        console.print(str(error), style="red", highlight=False)
        return 2


def _recorded(request: Any, console: Console) -> int:
    what = type(request).__name__.lower()
    key = {"command": what, **{k: v for k, v in asdict(request).items() if k not in ("out", "threads")}}
    code = {"code": sources.digest(store.RUNS)}
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:8]
    path = request.out / f"{what}-{request.landscape}-{request.optimizer}-{digest}.json"
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task(what, total=request.work)
        record = store.record(path, {**key, **code}, lambda: request.run(path, _advance(progress, bar)))
    console.print(request.told(record["result"]), highlight=False)
    console.print(f"Record {path}", highlight=False, soft_wrap=True)
    if path.with_suffix(".svg").exists():
        console.print(f"Picture {path.with_suffix('.svg')}", highlight=False, soft_wrap=True)
    return 0


def _advance(progress: Progress, bar: Any) -> Callable[[int], None]:
    return lambda steps: progress.advance(bar, steps)


if __name__ == "__main__":
    sys.exit(main())
