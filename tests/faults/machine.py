"""Machines that fail: disks, memory, clocks, processes that hang; and two runs at once."""

import os
import resource
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from faults.long import long_run, long_run_in_two
from faults.subjects import SUBJECTS, SWEEP, ended, forked, outcome, reference, results, swept

SWEPT = SUBJECTS[0]


@contextmanager
def small_disk(folder: Path, options: str):
    """A tmpfs; nothing where this user may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = (
        not os.geteuid()
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True
        ).returncode
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def remounted(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def _disk(folder: Path, fault: str, options: str, enough: str, code: int, sentence: str) -> dict[str, object] | None:
    """Run on a disk that refuses, then on the same disk when it does not."""
    wanted = reference(SWEPT, folder / "undisturbed")
    with small_disk(folder / "disk", options) as mounted:
        if not mounted:
            return None
        place = folder / "disk" / "run"
        if options.startswith("size=8m"):  # a disk on which something is already
            first = SWEEP.replace("points = 40", "points = 2")
            outcome(lambda: swept(place, text=first), folder / "first.said")
            remounted(folder / "disk", "ro")
        got, said = outcome(lambda: swept(place), folder / "said")
        kept = results(SWEPT, place)
        halves = [*place.rglob("*.tmp")]
        remounted(folder / "disk", enough)
        again, _ = outcome(lambda: swept(place), folder / "again.said")
        after = results(SWEPT, place)
        return {
            "fault": fault,
            "subject": "sweep",
            "tries": 1,
            "exit code": got,
            "said": last(said),
            "as expected": got == code and sentence in said and "Traceback" not in said and not halves,
            "lost": sum(after.get(n) != value for n, value in kept.items()),
            "different": int(again != 0 or {n: v for n, v in after.items() if n in wanted} != wanted),
        }


def last(said: str) -> str:
    """The sentence that a run ends with, without this machine's paths."""
    lines = [line for line in said.splitlines() if line.strip()]
    return " ".join(word for word in (lines or [""])[-1].split() if "/tmp" not in word)


def disk_full(folder: Path) -> dict[str, object] | None:
    return _disk(folder, "disk full", "size=64k", "size=8m", 3, "The disk is full")


def no_more_inodes(folder: Path) -> dict[str, object] | None:
    return _disk(folder, "no more inodes", "nr_inodes=30", "nr_inodes=4000", 3, "The disk is full")


def read_only(folder: Path) -> dict[str, object] | None:
    return _disk(folder, "read-only folder", "size=8m", "rw", 2, "cannot write there")


def _sweep(folder: Path, fault: str, work: Callable[[], int], code: int, named: str, points: int) -> dict[str, object]:
    """A sweep in which something happens to one point: the run ends, names it, and all others have records."""
    began = time.monotonic()
    got, said = outcome(work, folder / "said")
    there = len(results(SWEPT, folder / "run"))
    ok = got == code and named in said and "Traceback" not in said and there == points
    took = time.monotonic() - began
    return {
        "fault": fault,
        "subject": "sweep",
        "tries": 1,
        "exit code": got,
        "said": last(said),
        "as expected": ok and took < 120,
        "lost": points - there,
    }


def _odd(what: str) -> str:
    """A sweep of which the second of three points is odd."""
    return f'target = "chore"\n[list]\nx = [1, 2, 3]\n{what}\n'


def hangs(folder: Path) -> dict[str, object]:
    text = _odd("wait = [0, 1000, 0]")
    work = lambda: swept(folder / "run", "--jobs", "2", "--limit", "5", text=text)  # noqa: E731
    return _sweep(folder, "a worker that hangs", work, 3, "it took longer than the 5 s of --limit", 2)


def no_number(folder: Path) -> dict[str, object]:
    work = lambda: swept(folder / "run", text=_odd("").replace("[1, 2, 3]", "[1, 5, 3]"))  # noqa: E731
    return _sweep(folder, "NaN in one point", work, 1, "value is not a finite number at this point", 2)


def out_of_memory(folder: Path) -> dict[str, object]:
    def work() -> int:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + 2**29, now + 2**29))
        return swept(folder / "run", text=_odd("memory = [0, 4e9, 0]"))

    return _sweep(folder, "out of memory in one task", work, 3, "Unable to allocate", 2)


def worker_dies(folder: Path) -> dict[str, object]:
    work = lambda: swept(folder / "run", "--jobs", "2", text=_odd("dies = [0, 1, 0]"))  # noqa: E731
    return _sweep(folder, "a task that kills its process", work, 3, "its process died 2 times (SIGKILL)", 2)


def clock_backwards(folder: Path) -> dict[str, object]:
    """A clock that jumps back by a day in every reading, and files from the future."""
    wanted = reference(SWEPT, folder / "undisturbed")
    place = folder / "run"
    outcome(lambda: swept(place, text=SWEEP.replace("points = 40", "points = 3")), folder / "first.said")
    for file in place.rglob("*.json"):
        os.utime(file, (4e9, 4e9))

    def work() -> int:
        now = [time.time()]

        def backwards() -> float:
            now[0] -= 86400
            return now[0]

        time.time = backwards
        return swept(place)

    code, _ = outcome(work, folder / "said")
    got = {n: v for n, v in results(SWEPT, place).items() if n in wanted}
    told = {"fault": "clock backwards", "subject": "sweep", "tries": 1, "exit code": code}
    return {**told, "lost": len(wanted) - len(got), "different": int(got != wanted), "as expected": code == 0}


def two_at_once(folder: Path) -> dict[str, object]:
    """Two runs that begin at the same time in one folder."""
    wanted, place = reference(SWEPT, folder / "undisturbed"), folder / "run"
    pids = [forked(lambda: swept(place), folder / f"{i}.said") for i in range(2)]
    codes = [ended(pid) for pid in pids]
    got = results(SWEPT, place)
    left = [*place.rglob("*.running.json"), *place.rglob("*.tmp")]
    told = {"fault": "two runs on one folder", "subject": "sweep", "tries": 1, "exit code": max(codes)}
    kept = {"lost": len(wanted) - len(got), "twice": max(0, len(got) - len(wanted)), "left over": len(left)}
    return {**told, **kept, "different": int(got != wanted), "as expected": codes == [0, 0]}


FAULTS = (
    disk_full,
    no_more_inodes,
    read_only,
    hangs,
    no_number,
    out_of_memory,
    worker_dies,
    clock_backwards,
    two_at_once,
    long_run,
    long_run_in_two,
)
