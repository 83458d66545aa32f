"""What can be swept: one row an experiment."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from inertialab.experiments.campaign.options import Campaign
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.options import Escape, Simulate
from inertialab.experiments.work.task import Tick
from inertialab.theory.names import meant


@dataclass(frozen=True)
class Target:
    """An experiment that can be swept.

    Attributes:
        call: Measures one point, `MODULE:FUNCTION`, called with the parameters, the path of the record and a tick;
            returns what goes into the record.
        code: The module that the result rests on.
        checked: Gives the parameters as they are used; raises `WrongInputError` for wrong ones.
        sent: What else the function is called with, JSON-able.
    """

    call: str
    code: str
    checked: Callable[[Mapping[str, Any]], dict[str, Any]]
    sent: Mapping[str, Any] = field(default_factory=dict)


def parameters_of(request: type, given: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """Parameters of a request from values of a TOML file, whole numbers as floats where those are meant.

    Args:
        request: Its class.
        given: By name.
        *without: Fields that a sweep decides.

    Raises:
        WrongInputError: With a sentence that names the parameter.
    """
    hints = get_type_hints(request)
    known = {row.name: row for row in fields(request) if row.name not in without}
    for name, row in known.items():
        if row.default is MISSING and name not in given:
            raise WrongInputError(f"{name} must be given.")
    for name in given:
        if name not in known:
            raise WrongInputError(f"there is no parameter {name!r}. {meant(name, known, f'There are {[*known]}.')}")
    return {name: _as(name, value, hints[name]) for name, value in given.items()}


def _as(name: str, value: Any, hint: Any) -> Any:
    """A value of the type that is hinted at."""
    allowed = get_args(hint) or (hint,)
    if get_origin(hint) is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return value
    if float in allowed and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if value in [a for a in allowed if isinstance(a, str)] or type(value) in allowed:
        return value
    choices = [repr(a) for a in allowed if isinstance(a, str)]
    wanted = " or ".join(choices or [getattr(a, "__name__", str(a)) for a in allowed if a is not type(None)])
    raise WrongInputError(f"{name} must be {wanted}, got {value!r}.")


def _request(request: type, given: Mapping[str, Any]) -> Any:
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    made = request(**values)
    made.check()
    return made


def _particles(request: type, given: Mapping[str, Any]) -> dict[str, Any]:
    parameters = parameters_of(request, given, "out", "threads")
    _request(request, parameters)
    return parameters


def simulated(parameters: Mapping[str, Any], path: Path, tick: Tick) -> dict[str, Any]:
    """Spread of particles at one point."""
    return _measured(Simulate, parameters, path, tick)


def escaped(parameters: Mapping[str, Any], path: Path, tick: Tick) -> dict[str, Any]:
    """Mean time to leave the well at one point."""
    return _measured(Escape, parameters, path, tick)


def _measured(request: type, parameters: Mapping[str, Any], path: Path, tick: Tick) -> dict[str, Any]:
    from inertialab.experiments.commands import measured

    asked = _request(request, {**parameters, "threads": 1})
    result = measured(asked, path, lambda _: tick(), drawn=False)
    for kept in (".npz", ".part.json"):
        path.with_suffix(kept).unlink(missing_ok=True)
    return result


def _campaign(given: Mapping[str, Any]) -> dict[str, Any]:
    parameters = parameters_of(Campaign, given, "out", "device", "minutes")
    _request(Campaign, parameters)
    return parameters


def trained(parameters: Mapping[str, Any], path: Path, tick: Tick) -> dict[str, Any]:
    """A training of an image network on the CPU, which goes on after its last whole epoch."""
    import torch

    from inertialab.experiments.campaign.command import seen
    from inertialab.experiments.campaign.training import Training, published
    from inertialab.experiments.store import fingerprint

    options = Campaign(**parameters)
    training = Training(options, published(options), torch.device("cpu"))
    kept, digest = path.with_suffix(".pt"), fingerprint(json.dumps(parameters, sort_keys=True))
    training.resume(kept, digest)
    while len(training.history) < options.epochs:
        training.epoch(lambda _: tick())
        training.save(kept, digest)
    kept.unlink(missing_ok=True)
    found = seen(training)
    return {**found, "epochs": [{k: v for k, v in e.items() if k != "seconds"} for e in found["epochs"]]}


COMMANDS = "inertialab.experiments.commands"
TARGETS: dict[str, Target] = {
    "simulate": Target(f"{__name__}:simulated", COMMANDS, lambda given: _particles(Simulate, given)),
    "escape": Target(f"{__name__}:escaped", COMMANDS, lambda given: _particles(Escape, given)),
    "train": Target(f"{__name__}:trained", "inertialab.experiments.campaign.training", _campaign),
}
"""Every experiment that can be swept, by the word of a sweep's target."""


def find_target(name: str) -> Target:
    """The experiment of a name.

    Raises:
        WrongInputError: If there is none.
    """
    if name not in TARGETS:
        raise WrongInputError(f"there is no target {name!r}. {meant(name, TARGETS, f'Targets are {[*TARGETS]}.')}")
    return TARGETS[name]
