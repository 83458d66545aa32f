"""A sweep as a command of its own and what it leaves, for tests of where it runs."""

import json
import sys
import time

PLAN = 'target = "chore"\n[fixed]\nsteps = 4\nwait = 0.25\n[grid]\nx = {low = 11, high = 30, points = 20}\n'
POINTS = 20


def command(folder, *options):
    """A sweep of a chore, which workers find since they are told where it lies."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = folder / "plan.toml"
    plan.write_text(PLAN)
    code = (
        "import sys; from faults.subjects import *; targets.TARGETS['chore'] = "
        "Target('chores:measures', 'inertialab.experiments.store', dict); sys.exit(experiments(sys.argv[1:]))"
    )
    return [sys.executable, "-c", code, "sweep", str(plan), "--out", str(folder), *options]


def records(folder):
    return [p for p in folder.glob("plan/points/*/*.json") if p.suffixes == [".json"]]


def results(folder):
    return {p.stem: json.loads(p.read_text())["result"] for p in records(folder)}


def wait(for_what, seconds=90):
    deadline = time.monotonic() + seconds
    while not for_what():
        assert time.monotonic() < deadline
        time.sleep(0.1)
