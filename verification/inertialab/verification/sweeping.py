"""Sweeps whose target is a study of the docket: any of its settings along axes, its points one by one."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.sweeps.command import carried_out
from inertialab.experiments.sweeps.options import Sweep
from inertialab.experiments.sweeps.targets import Target
from inertialab.experiments.work.task import Tick
from inertialab.theory.names import meant
from inertialab.verification.campaign import named
from inertialab.verification.studies.study import Findings, Study

DOCKET = "docket"
"""In the place of an axis' values: those of the study, one by one."""


def swept(options: Sweep, console: Console) -> int:
    """Do what was asked of a sweep over a study; returns the exit code.

    Raises:
        WrongInputError: If the sweep cannot be understood.
    """
    return carried_out(options, console, find_target, from_docket)


def find_target(name: str) -> Target:
    """The study of a name, as what can be swept.

    Raises:
        ValueError: If there is none.
    """
    from inertialab.verification.docket import study

    found = study(name)
    about = {k: v for k, v in named(found).items() if k in ("id", "measure", "data")}
    return Target(f"{__name__}:measured", found.measure.__module__, lambda given: _checked(found, given), about)


def _checked(study: Study, given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a study, those given among them; the result depends on nothing else."""
    known = study.settings()
    for name, value in given.items():
        if name not in (*known, "seed"):
            raise WrongInputError(f"{study.id} has no setting {name!r}. {meant(name, known, f'It has {[*known]}.')}")
        default = known.get(name, 0)
        alike = isinstance(value, int | float) == isinstance(default, int | float)
        if isinstance(value, bool) != isinstance(default, bool) or not (alike or default is None):
            raise WrongInputError(f"{name} of {study.id} is {type(default).__name__} such as {default!r}: {value!r}.")
    seed = given.get("seed", 0)
    if type(seed) is not int or seed < 0:
        raise WrongInputError(f"seed must be a whole number >= 0, got {seed!r}.")
    return {**known, **given}


def from_docket(target: str, name: str, values: Any) -> Any:
    """Values of an axis: for the word docket those that the study has, one by one.

    Raises:
        WrongInputError: If the study has no such list.
    """
    if values != DOCKET:
        return values
    known = find_target(target).checked({}).get(name)
    if not isinstance(known, list | tuple) or not known:
        raise WrongInputError(f"{name}: {target} has no list of it on the docket.")
    return [[value] for value in known]


def measured(
    parameters: Mapping[str, Any], *, id: str, measure: str, data: str, path: Path, tick: Tick
) -> dict[str, Any]:
    """Run a study at one point of a sweep; its numbers by name.

    Args:
        parameters: All its settings and the seed.
        id: Of the study.
        measure: Its function, `MODULE:FUNCTION`.
        data: Data set it needs.
        path: Of the record.
        tick: Called after each step of the work.
    """
    module, _, function = measure.partition(":")
    config = {name: value for name, value in parameters.items() if name != "seed"}
    study = Study(id, getattr(import_module(module), function), config, data=data)
    return _numbers(study.run(seed=parameters["seed"], tick=tick))


def _numbers(findings: Findings) -> dict[str, Any]:
    """Every measured number with its error, by quantity, entry, and a number where there are several."""
    told: dict[str, Any] = {}
    for m in findings.measurements:
        name = m.quantity + ("" if m.entry is None else f"[{m.entry[0]},{m.entry[1]}]")
        free = next(n for i in range(10**6) if (n := name if i == 0 else f"{name}#{i}") not in told)
        told[free] = {"value": float(m.estimate.value), "se": float(m.estimate.se)}
    return told
