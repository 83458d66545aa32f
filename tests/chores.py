"""Small pieces of work for tests of what runs them: each leaves a file, or does not."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np

from inertialab.experiments import store


def writes(folder, mark, tick, wait=0.0):
    """Leaves a file."""
    time.sleep(wait)
    tick()
    path = Path(folder) / f"{mark}.txt"
    path.write_text(mark)
    return path


def records(folder, mark, tick):
    """Leaves a record."""
    path = Path(folder) / f"{mark}.json"
    store.record(path, {"mark": mark}, dict)
    return path


def waits_for(folder, mark, file, tick):
    """Leaves a file when another is there."""
    while not (Path(folder) / file).exists():
        time.sleep(0.05)
    return writes(folder, mark, tick)


def meets(folder, mark, others, tick):
    """Leaves a file and waits for those of others."""
    path = writes(folder, mark, tick)
    while not all((Path(folder) / f"{other}.txt").exists() for other in others):
        time.sleep(0.01)
    return path


def fails(tick):
    raise ValueError("the third point has no minimum")


def dies(tick):
    os.kill(os.getpid(), signal.SIGKILL)


def dies_once(folder, mark, tick):
    """Dies where it has not died before."""
    before = Path(folder) / f"{mark}.died"
    if before.exists():
        return writes(folder, mark, tick)
    before.touch()
    return dies(tick)


def hangs(tick):
    time.sleep(1000)


def wants_memory(tick):
    np.ones(2**56)


def writes_elsewhere(folder, mark, tick):
    return Path(folder) / "of another machine" / mark


def measures(parameters, path, tick):
    """A number of a sweep: cheap, with steps; no number where x is 5; it may want memory, or die."""
    if parameters.get("dies"):
        dies(tick)
    np.ones(int(parameters.get("memory", 0)) // 8)
    for _ in range(int(parameters.get("steps", 1))):
        time.sleep(parameters.get("wait", 0.0))
        tick()
    rng = np.random.default_rng(parameters["seed"])
    x = float(parameters.get("x", 0.0))
    return {"value": float("nan") if x == 5 else x + float(rng.random()), "draws": rng.random(3).tolist()}


KEPT = []


def leaks_memory(folder, mark, tick):
    KEPT.append(np.ones(2**14))
    return writes(folder, mark, tick)


def leaks_files(folder, mark, tick):
    path = writes(folder, mark, tick)
    KEPT.append(path.open())
    return path


def leaks_a_process(folder, mark, tick):
    """Starts one that outlives its task."""
    if not KEPT:
        KEPT.append(subprocess.Popen(["sleep", "15"]))
    return writes(folder, mark, tick)
