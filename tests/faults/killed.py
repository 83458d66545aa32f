"""SIGKILL at random instants: what was complete stays, nothing is twice, the end is that of an undisturbed run."""

import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from faults.subjects import SUBJECTS, SWEEP, Subject, ended, forked, length, outcome, reference, results, swept


def killed(subject: Subject, folder: Path, kills: int, seed: int) -> dict[str, object]:
    """Kill a run again and again, beginning it anew each time, and count what is lost.

    Args:
        subject: The run.
        folder: Empty.
        kills: How often.
        seed: Of the instants.
    """
    rng, wanted = random.Random(seed), reference(subject, folder / "undisturbed")
    longest = length(subject, folder / "timed")
    found = {"fault": "SIGKILL", "subject": subject.name, "tries": 0, "lost": 0, "twice": 0, "different": 0}
    found |= {"completed": 0, "left over": 0}
    place, before = folder / "killed", dict[str, object]()
    while found["tries"] < kills:
        pid = forked(lambda: subject.begin(place))
        time.sleep(rng.uniform(0, longest))
        os.kill(pid, signal.SIGKILL)
        code = ended(pid)
        after = results(subject, place)
        found["lost"] += sum(after.get(name) != value for name, value in before.items())
        found["twice"] += max(0, len(after) - len(wanted))
        before = after
        if code == -signal.SIGKILL:
            found["tries"] += 1
        else:
            _completed(subject, place, code, wanted, found)
            before = {}
    code, _ = outcome(lambda: subject.begin(place), folder / "last.said")
    _completed(subject, place, code, wanted, found)
    return found


def _completed(subject: Subject, place: Path, code: int, wanted: dict[str, object], found: dict[str, int]) -> None:
    """Compare a run that reached its end with the undisturbed one, and begin again with an empty folder."""
    found["completed"] += 1
    found["different"] += code != 0 or results(subject, place) != wanted
    found["left over"] += len([*place.rglob("*.running.json")])
    shutil.rmtree(place)


def _workers(pid: int) -> list[psutil.Process]:
    """Processes of a run that live and do its work."""
    found = []
    for process in psutil.Process(pid).children():
        with contextlib.suppress(psutil.Error):
            if "resource_tracker" not in " ".join(process.cmdline()):
                found.append(process)
    return found


def workers_killed(folder: Path, kills: int, seed: int) -> dict[str, object]:
    """Kill workers of a sweep in two processes, whatever they do; all points must have records in the end.

    A point whose process dies twice is named and told by the exit code; the same command then measures it. A sweep
    that ends before all kills are done is begun anew.
    """
    rng, text = random.Random(seed), SWEEP.replace("wait = 0.002", "wait = 0.2")  # long enough for some kills
    sweep = replace(SUBJECTS[0], begin=lambda folder: swept(folder, "--jobs", "2", text=text))
    wanted = reference(sweep, folder / "undisturbed")
    found = {"fault": "SIGKILL of workers", "subject": "sweep in two processes", "tries": 0}
    found |= {"said": "", "as expected": True, "exit code": 0, "lost": 0, "twice": 0, "different": 0}
    rounds = named = 0
    while found["tries"] < kills and rounds < kills:
        place, rounds = folder / f"killed-{rounds}", rounds + 1
        pid = forked(lambda place=place: sweep.begin(place))
        found["tries"] += _struck(pid, lambda place=place: bool(results(sweep, place)), kills - found["tries"], rng)
        named += _mended(sweep, place, ended(pid), wanted, found)
    found["as expected"] &= found["tries"] == kills
    if named:
        found["said"] = f"named after two deaths: {named}; the same command measured them"
    return found


def _struck(pid: int, begun: Callable[[], bool], kills: int, rng: random.Random) -> int:
    """Kill workers of a run until it has ended, or as many as are to be killed; how many were."""
    tries = 0
    while tries < kills and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        workers = _workers(pid)
        time.sleep(rng.uniform(0.05, 0.3))
        if workers and begun():
            workers[rng.randrange(len(workers))].kill()
            tries += 1
            time.sleep(3)
    return tries


def _mended(sweep: Subject, place: Path, code: int, wanted: dict[str, object], found: dict[str, Any]) -> int:
    """Compare a sweep whose workers were killed with the undisturbed one; how many points it named, now measured."""
    named = len(wanted) - len(results(sweep, place))
    found["as expected"] &= code == (3 if named else 0)
    if named:
        code, _ = outcome(lambda: sweep.begin(place), place.with_suffix(".said"))
    got = results(sweep, place)
    lost = len(wanted) - len(got)
    found["exit code"] = max(found["exit code"], code)
    found["lost"] += lost
    found["twice"] += max(0, len(got) - len(wanted))
    found["different"] += sum(got.get(name) != value for name, value in wanted.items()) - lost
    return named
