"""Crash-safe records: opened before the run, replaced atomically, reused when nothing they rest on has changed."""

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import parent_process
from pathlib import Path
from typing import IO, Any

from inertialab.experiments import sources

SCHEMA = 2
"""Of records: 1 had no seal; `READERS` knows all."""
SEAL = "seal"
"""Name of the digest of all else that a file says."""
COMMAND = "INERTIALAB_COMMAND"
"""Environment variable in which workers find the command line that asked for their work."""
LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "numba", "sympy")
RUNS = "inertialab.experiments.commands"
"""The module whose imports are all that an interrupted run of particles rests on."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into that takes the place of another, whole, whatever happens.

    Args:
        path: Where; folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file so that it is either the old one or the new one.

    Args:
        path: Where; folders are made.
        content: JSON without NaN.
    """
    with replacing(path) as file:
        file.write(json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False).encode() + b"\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """The content of a record, None if there is none or it is not readable JSON with names."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Content with a digest of itself, by which a flipped bit is seen."""
    rest = plain({name: value for name, value in content.items() if name != SEAL})
    text = json.dumps(rest, sort_keys=True, allow_nan=False)
    return {**rest, SEAL: hashlib.sha256(text.encode()).hexdigest()[:16]}


def unsealed(content: dict[str, Any] | None) -> dict[str, Any] | None:
    """What was sealed, None if it is not what was written."""
    try:
        return content if content and content == sealed(content) else None
    except ValueError:  # a number that JSON does not know
        return None


def read_sealed(path: Path) -> dict[str, Any] | None:
    """The content of a file that was written sealed, None if it is not what was written."""
    return unsealed(read_json(path))


READERS: dict[int, Callable[[dict[str, Any]], dict[str, Any] | None]] = {1: lambda content: content, 2: unsealed}
"""From what a file of each schema says to a record, None if it is not what was written."""


def read_record(path: Path) -> dict[str, Any] | None:
    """A record of this or any older schema; None if there is none, or it is not what was written."""
    found = read_json(path) or {}
    schema = found.get("schema")
    return READERS[schema](found) if type(schema) is int and schema in READERS else None


def fingerprint(*words: Any) -> str:
    """Digest of what a run is made of, numbers and names, and of the code that it rests on."""
    text = json.dumps([*words, sources.digest(RUNS)], default=float, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def commit() -> tuple[str, bool]:
    """Commit of the checkout this package runs from and whether it is dirty; ("", False) outside a checkout.

    What lies under results/ is written by runs and makes none of them dirty. A copy of a checkout, on a machine that
    has none, is told its commit by INERTIALAB_COMMIT, with a + at the end if it was dirty.
    """
    if told := os.environ.get("INERTIALAB_COMMIT"):
        return told.rstrip("+"), told.endswith("+")
    here = Path(__file__).parents[3]
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        status = subprocess.run(
            ["git", "status", "--porcelain", "--", ".", ":!results"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "", False
    return head.stdout.strip(), bool(status.stdout.strip())


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that make the numbers."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[library] = version(library)
    return found


def plain(content: Any) -> Any:
    """What becomes of a value in JSON: tuples are lists."""
    return json.loads(json.dumps(content))


def complete(key: Mapping[str, Any]) -> dict[str, Any]:
    """A key as it stands in a record, with the versions."""
    return plain({**key, "versions": versions()})


def current(path: Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record at a place if it is complete and of this key, as `record` would take it; else None."""
    found = read_record(path)
    return found if found and found.get("status") == "complete" and found.get("key") == complete(key) else None


def record(
    path: Path, key: Mapping[str, Any], work: Callable[[], Mapping[str, Any]], notes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Do a piece of work once and keep what it gave.

    A record opened before the work lies beside the final one as `NAME.running.json` until the work is done,
    so an interrupted run loses nothing that was complete and shows what it was doing.

    Args:
        path: Final record.
        key: What the result depends on: configuration, seed, device, digest of code and data ...; versions are added.
        work: Returns the result, JSON-able.
        notes: What else a new record shall say, on which the result does not depend.

    Returns:
        The record: the one found if it is complete and its key is the same, else a new one.
    """
    if found := current(path, key):
        return found
    head, dirty = commit()
    opened = {
        "schema": SCHEMA,
        "status": "running",
        "commit": head,
        "dirty": dirty,
        "command": command(),
        "key": complete(key),
        **(notes or {}),
    }
    running = path.with_suffix(".running.json")
    write_json(running, opened)
    began = time.perf_counter()
    try:
        result = dict(work())
    except Exception:
        running.unlink(missing_ok=True)  # it ended; one that was interrupted or killed stays
        raise
    done = {**opened, "status": "complete", "wall_s": 0.0, "result": result}
    done["wall_s"] = round(time.perf_counter() - began, 3)
    write_json(path, done := sealed(done))
    running.unlink(missing_ok=True)
    return done


def command() -> list[str]:
    """What was typed, the interpreter without its path; a worker knows it from `COMMAND`."""
    told = os.environ.get(COMMAND)
    if told and parent_process():
        return json.loads(told)
    return [Path(sys.orig_argv[0]).name, *sys.orig_argv[1:]]


def tell_workers() -> str:
    """Leave the command line to processes begun from now on, whose own says nothing; returns what they read."""
    os.environ[COMMAND] = json.dumps(command())
    return os.environ[COMMAND]
