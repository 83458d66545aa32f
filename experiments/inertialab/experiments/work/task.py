"""A task is a name: of a function, and of what it is called with; any process that has this package can do it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from inertialab.experiments.errors import WrongInputError

Tick = Callable[[], None]
"""Called after each step of some work, to show that it goes on."""

Kind = Literal["input", "measurement", "machine"]


@dataclass(frozen=True)
class Task:
    """A piece of work that leaves a record.

    Attributes:
        name: Shown while it runs; no other task of a run has it.
        call: The function that does it, `MODULE:FUNCTION`, called with the arguments and `tick`; returns the path of
            its record.
        arguments: By name, JSON-able.
        seconds: How long it took last time, 0 when unknown; long work starts first.
    """

    name: str
    call: str
    arguments: Mapping[str, Any]
    seconds: float = 0.0

    def words(self) -> tuple[str, str, str]:
        """The task as three texts, which is all that is sent anywhere."""
        return self.name, self.call, json.dumps(self.arguments)


@dataclass(frozen=True)
class Failure:
    """What became of a task that left no record.

    Attributes:
        name: Of the task.
        why: A sentence.
        kind: Whether the input, the measurement or the machine is to blame.
    """

    name: str
    why: str
    kind: Kind


Outcome = tuple[str, float, str, str, str]
"""Name of a task, seconds, path of its record, and when it failed why, and the kind of failure; texts travel safely."""


def performed(name: str, call: str, arguments: str, tick: Tick = lambda: None) -> Outcome:
    """Do a task; what it raises becomes a sentence.

    Args:
        name: Of the task.
        call: As `Task.call`.
        arguments: As `Task.arguments`, in JSON.
        tick: Called after each of its steps.
    """
    module, _, function = call.partition(":")
    began = time.perf_counter()
    path, why, kind = "", "", ""
    try:
        path = str(getattr(import_module(module), function)(**json.loads(arguments), tick=tick))
    except Exception as error:
        why, kind = " ".join(str(error).split()) or type(error).__name__, kind_of(error)
    return name, time.perf_counter() - began, path, why, kind


def kind_of(error: Exception) -> Kind:
    """Whether the input, the measurement or the machine is to blame for an error.

    Torch has no type of its own for a CPU that has no more memory.
    """
    if isinstance(error, WrongInputError):
        return "input"
    no_memory = isinstance(error, RuntimeError) and "allocate memory" in str(error)
    return "machine" if no_memory or isinstance(error, OSError | MemoryError) else "measurement"
