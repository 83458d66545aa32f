"""What faults befall: four kinds of runs, each a command that leaves records in a folder and can be begun again."""

import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import chores
from rich.console import Console

from inertialab.experiments import store
from inertialab.experiments.__main__ import main as experiments
from inertialab.experiments.sweeps import targets
from inertialab.experiments.sweeps.targets import Target
from inertialab.experiments.work.running import run
from inertialab.experiments.work.where import Where

SWEEP = 'target = "chore"\n[fixed]\nsteps = 3\nwait = 0.002\n[grid]\nx = {low = 11, high = 50, points = 40}\n'
STUDIES = ("convention-rate", "sgd-lyapunov", "ema-growth", "ball-edges", "gd-edges", "adam-edges", "every-path")
WALL = ("wall_s", "seconds")
"""What of a result is time, and no run has again."""


@dataclass(frozen=True)
class Subject:
    """A run.

    Attributes:
        name: In the table of figures.
        begin: Runs it in this process, given a folder; returns the exit code.
        records: Glob of its records in the folder.
        kept: Glob of what an interrupted run goes on from.
    """

    name: str
    begin: Callable[[Path], int]
    records: str
    kept: str = ""


def swept(folder: Path, *options: str, text: str = SWEEP) -> int:
    targets.TARGETS["chore"] = Target(f"{chores.__name__}:measures", "inertialab.experiments.store", dict)
    with tempfile.TemporaryDirectory() as home:
        plan = Path(home) / "plan.toml"
        plan.write_text(text)
        return experiments(["sweep", str(plan), "--out", str(folder), *(options or ("--jobs", "1"))])


def verified(folder: Path) -> int:
    from inertialab.verification import STUDIES as KNOWN
    from inertialab.verification import campaign

    about = {"tier": "quick", "seed": 0, "device": "cpu", "folder": folder}
    run(campaign.tasks_for([KNOWN[id] for id in STUDIES], **about), Where(1), Console(file=io.StringIO()))
    return 0


def flux(folder: Path) -> int:
    words = "escape --method flux --barrier 12 --particles 400 --threads 1 --out"
    return experiments([*words.split(), str(folder)])


def trained(folder: Path) -> int:
    words = "campaign digits --model small --optimizer adai --epochs 6 --fraction 0.1 --device cpu --out"
    return experiments([*words.split(), str(folder)])


SUBJECTS = (
    Subject("sweep", swept, "plan/points/*/*.json"),
    Subject("verification", verified, "*.json"),
    Subject("flux", flux, "escape-*.json", "*.part.json"),
    Subject("training", trained, "campaign-*.json", "*.pt"),
)


def results(subject: Subject, folder: Path) -> dict[str, object]:
    """What the complete records of a folder say, without times."""
    found = {p.stem: store.read_record(p) for p in folder.glob(subject.records) if p.suffixes == [".json"]}
    return {name: timeless(r.get("result")) for name, r in found.items() if r and r.get("status") == "complete"}


def timeless(content):
    if isinstance(content, dict):
        return {k: timeless(v) for k, v in content.items() if k not in WALL}
    return [timeless(v) for v in content] if isinstance(content, list) else content


def forked(work: Callable[[], int], said: Path | None = None) -> int:
    """Begin some work in a process of its own, a copy of this one, which imports nothing again; its id."""
    sys.stdout.flush()
    pid, stack = os.fork(), contextlib.ExitStack()
    if pid:
        return pid
    code = 70
    try:
        out = stack.enter_context((said or Path(os.devnull)).open("w"))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(out))
        code = work()
        stack.close()
    except BaseException as error:
        if said:
            with said.open("a") as out:
                print(f"Traceback {error!r}", file=out)
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """Wait for a process; its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def outcome(work: Callable[[], int], said: Path) -> tuple[int, str]:
    """Do some work in a process of its own; its exit code and what it said."""
    code = ended(forked(work, said))
    return code, said.read_text()


def reference(subject: Subject, folder: Path) -> dict[str, object]:
    """What an undisturbed run gives, in this process: those that are copies of it then import and compile nothing."""
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        code = subject.begin(folder)
    assert code == 0, said.getvalue()
    return results(subject, folder)


def length(subject: Subject, folder: Path) -> float:
    """Seconds that such a copy takes."""
    began = time.perf_counter()
    code, said = outcome(lambda: subject.begin(folder), folder.with_suffix(".said"))
    assert code == 0, said
    return time.perf_counter() - began
