"""What the words of the command line do: simulate, and measure escapes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from inertialab.experiments import escape, picture, sources, store
from inertialab.experiments.answers import require_writable
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.flux import REPLICATES, forward_flux
from inertialab.experiments.laws import find_law
from inertialab.experiments.options import Escape, Request, Simulate, pairs
from inertialab.experiments.simulation import simulate
from inertialab.experiments.system import Noise, System
from inertialab.optim import OPTIMIZERS
from inertialab.theory.landscapes import LANDSCAPES, Landscape

FEW = 10
"""Events below which a counted time says little more than an order of magnitude."""


def carried_out(request: Request, console: Console) -> int:
    """Do what was asked for, or take its record; returns the exit code.

    Raises:
        WrongInputError: If something cannot be done.
        ValueError: If a name or value is not known or not allowed.
        FloatingPointError: If particles run away.
    """
    request.check()
    system_of(request)
    require_writable(request.out)
    what = type(request).__name__.lower()
    key = {"command": what, **{k: v for k, v in asdict(request).items() if k not in ("out", "threads")}}
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:8]
    path = request.out / f"{what}-{request.landscape}-{request.optimizer}-{digest}.json"
    run = partial(measured, request, path)
    try:
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task(what, total=_work(request))
            record = store.record(path, {**key, "code": sources.digest(__name__)}, lambda: run(_advance(progress, bar)))
    except (WrongInputError, ValueError, FloatingPointError, MemoryError):
        for kept in (".npz", ".part.json", ".svg"):  # nothing of a run that cannot end well is worth going on from
            path.with_suffix(kept).unlink(missing_ok=True)
        raise
    console.print(_told(request, record["result"]), highlight=False)
    console.print(f"Record {path}", highlight=False, soft_wrap=True)
    if path.with_suffix(".svg").exists():
        console.print(f"Picture {path.with_suffix('.svg')}", highlight=False, soft_wrap=True)
    return 0


def _advance(progress: Progress, bar: Any) -> Callable[[int], None]:
    return lambda steps: progress.advance(bar, steps)


def system_of(request: Request) -> System:
    """The system asked for.

    Raises:
        WrongInputError: If noise and barrier do not fit the landscape.
        ValueError: If a name or value is not known or not allowed.
    """
    if isinstance(request, Simulate):
        find_law(request.law).needed("The mean squared displacement")
    landscape = LANDSCAPES[request.landscape].at(**pairs("shape", request.shape))
    given = {"eta": request.eta, **pairs("settings", request.settings)}
    noise = Noise.constant(landscape, _variance(request, landscape), request.law)
    return System(landscape, noise, request.optimizer, _completed(request.optimizer, given))


def _variance(request: Request, landscape: Landscape) -> float:
    if request.noise is not None:
        return request.noise
    find_law(request.law).needed("A barrier over eta C/2")
    if not landscape.saddle or request.barrier is None:
        raise WrongInputError(f"--barrier needs a landscape with a barrier; got {landscape.name}. {_with_barrier()}")
    top, bottom = (float(landscape.value(list(landscape.numbers(p)))) for p in (landscape.saddle, landscape.minimum))
    return 2 * (top - bottom) / request.barrier / request.eta


def _completed(optimizer: str, given: dict[str, float]) -> dict[str, float]:
    """Settings with the optimizer's defaults for those not given."""
    row = OPTIMIZERS[optimizer]
    defaults = {n: p.default for n, p in signature(row.make).parameters.items() if p.default is not p.empty}
    missing = [name for name in row.settings if name not in given and name not in defaults]
    if missing:
        raise WrongInputError(f"{optimizer} needs {missing[0]}; give --settings {missing[0]}=...")
    return {name: defaults[name] for name in row.settings if name in defaults} | given


def _work(request: Request) -> int:
    """Ticks to come: steps, or replicates, or steps before counting, while counting, and for the picture."""
    if isinstance(request, Escape):
        return REPLICATES if request.method == "flux" else request.steps // 10 + 2 * request.steps
    return request.steps


def measured(request: Request, path: Path, tick: escape.Tick, drawn: bool = True) -> dict[str, Any]:
    """Do what was asked for; what goes into the record.

    Args:
        request: What was asked for.
        path: Of the record, beside which lie what an interrupted run has kept, and the picture.
        tick: Called with a number of steps after them.
        drawn: Whether to draw a picture.
    """
    if isinstance(request, Escape):
        return _escaped(request, path, tick, drawn)
    return _simulated(request, path, tick, drawn)


def _simulated(request: Request, path: Path, tick: escape.Tick, drawn: bool) -> dict[str, Any]:
    """Simulate, draw, and return what goes into the record."""
    system = system_of(request)
    times = np.unique(np.geomspace(1, request.steps, 60).astype(int)).tolist()
    seen = simulate(
        system,
        particles=request.particles,
        times=times,
        seed=request.seed,
        precision=getattr(np, request.precision),
        threads=request.threads,
        tick=tick,
        checkpoint=path.with_suffix(".npz"),
    )
    if drawn:
        picture.spread(system, seen, path.with_suffix(".svg"))
    return {name: np.asarray(value).tolist() for name, value in vars(seen).items()}


def _escaped(request: Escape, path: Path, tick: escape.Tick, drawn: bool) -> dict[str, Any]:
    """Measure the mean time to an escape, draw, and return what goes into the record."""
    system, start, boundary = _way(request)
    sign = 1 if boundary > start[0] else -1
    common: dict[str, Any] = {"start": start, "boundary": boundary, "sign": sign, "threads": request.threads}
    if request.method == "flux":
        common |= {"particles": request.particles, "tick": tick}
        flux = forward_flux(system, **common, seed=request.seed, checkpoint=path.with_suffix(".part.json"))
        return {name: np.asarray(value).tolist() for name, value in vars(flux).items()}
    common |= {"particles": request.particles, "precision": getattr(np, request.precision), "tick": tick}
    burn_in, checkpoint = request.steps // 10, path.with_suffix(".npz")
    found = escape.count_escapes(
        system, **common, seed=request.seed, steps=request.steps, burn_in=burn_in, checkpoint=checkpoint
    )
    common |= {"particles": min(request.particles, 20_000)}
    times = escape.first_passages(system, **common, seed=request.seed, steps=request.steps)
    if drawn and found.events:
        picture.survival(times, request.steps, path.with_suffix(".svg"))
    steps, (low, high) = found.steps if found.events else None, found.interval()
    censored = float((times < 0).mean())
    interval = [low, high if np.isfinite(high) else None]
    return {**vars(found), "steps": steps, "interval": interval, "censored": censored}


def _way(request: Escape) -> tuple[System, list[float], float]:
    system = system_of(request)
    landscape = system.landscape
    if not landscape.saddle:
        raise WrongInputError(f"{landscape.name} has no barrier. {_with_barrier()}")
    minimum, saddle = (landscape.numbers(p) for p in (landscape.minimum, landscape.saddle))
    boundary = float(2 * saddle[0] - minimum[0]) if request.boundary is None else request.boundary
    return system, minimum.tolist(), boundary


def _with_barrier() -> str:
    return f"Take one of: {', '.join(name for name, row in LANDSCAPES.items() if row.saddle)}."


def _told(request: Request, result: dict[str, Any]) -> str:
    """What a result says, in a line or two."""
    if not isinstance(request, Escape):
        last = [float(v) for v in np.array(result["square"])[-1]]
        return f"Mean squared displacement after {request.steps} steps: {', '.join(f'{v:.6g}' for v in last)}"
    low, high = result["interval"]
    if request.method == "flux":
        return f"Mean steps to an escape: {result['steps']:.6g} (95% interval {low:.6g} to {high:.6g})"
    seen = f"{result['events']} escapes in {result['exposure']:.3g} particle-steps"
    if not result["events"]:
        return f"{seen}: the mean is over {low:.3g} steps (97.5% confidence). Take more steps, or --method flux."
    upwards = "upwards" if high is None else f"to {high:.6g}"
    told = f"Mean steps to an escape: {result['steps']:.6g} (95% interval {low:.6g} {upwards}); {seen}."
    few = " So few escapes give an order of magnitude; take more steps, or --method flux."
    return told + (few if result["events"] < FEW else "")
