"""Studies side by side: the same numbers as one by one, and nothing lost when the run ends early."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from interrupts import hears_interrupts
from rich.console import Console

from inertialab.verification import STUDIES, campaign

ABOUT = {"tier": "quick", "seed": 0, "device": "cpu"}
FEW = [STUDIES[id] for id in ("convention-rate", "cold-start", "ema-growth", "sgd-lyapunov")]


def console(terminal=False):
    return Console(file=io.StringIO(), width=100, force_terminal=terminal)


def results(folder):
    return {f.stem: json.loads(f.read_text())["result"] for f in folder.iterdir()}


def test_side_by_side_gives_the_bits_of_one_by_one(tmp_path):
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        out = console()
        campaign.run(campaign.tasks_for(FEW, **ABOUT, folder=folder), jobs, out)
        lines = out.file.getvalue().splitlines()
        assert sorted(line.split()[0] for line in lines) == sorted(s.id for s in FEW)
        assert lines[-1].endswith("(4 of 4)")
    assert results(tmp_path / "1") == results(tmp_path / "2")
    assert set(results(tmp_path / "2")) == {s.id for s in FEW}


def test_what_has_a_record_is_no_task_and_long_work_comes_first(tmp_path):
    tasks = campaign.tasks_for(FEW, **ABOUT, folder=tmp_path)
    assert len(tasks) == 4
    campaign.run(tasks[:1], 1, console())
    assert [t.name for t in campaign.tasks_for(FEW, **ABOUT, folder=tmp_path)] == [s.id for s in FEW[1:]]
    order = []
    named = [campaign.Task(n, partial(_noted, order, n), s) for n, s in (("short", 1.0), ("long", 9.0), ("mid", 2.0))]
    campaign.run(named, 1, console())
    assert order == ["long", "mid", "short"]


def _noted(order, name, tick):
    order.append(name)
    tick()


def test_a_terminal_shows_how_far_it_is(tmp_path):
    out = console(terminal=True)
    campaign.run(campaign.tasks_for(FEW[:1], **ABOUT, folder=tmp_path), 1, out)
    assert "measuring" in out.file.getvalue()


def test_other_work_is_done_meanwhile(tmp_path):
    """The others measure while it goes on: it can wait for what they leave."""
    seen = []

    def meanwhile():
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("*.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        seen.append(len(list(tmp_path.glob("*.json"))))

    campaign.run(campaign.tasks_for(FEW, **ABOUT, folder=tmp_path), 2, console(), meanwhile=meanwhile)
    assert len(seen) == 1
    assert seen[0] > 0


def _fails(tick):
    raise ValueError("the third point has no minimum")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failure_is_told_and_what_is_done_stays(tmp_path, jobs):
    tasks = campaign.tasks_for(FEW[:1], **ABOUT, folder=tmp_path)
    tasks = [campaign.Task(t.name, t.work, 2.0) for t in tasks] + [campaign.Task("bad", _fails, 1.0)]
    with pytest.raises(ValueError, match="the third point has no minimum"):
        campaign.run(tasks, jobs, console())
    if jobs == 1:
        assert set(results(tmp_path)) == {"convention-rate"}


def test_an_interrupted_run_ends_at_once_says_so_and_goes_on(tmp_path):
    command = [sys.executable, "-m", "inertialab.verification", "run", "--only", "sgd.s*", "--device", "cpu"]
    command += ["--jobs", "2", "--out", str(tmp_path)]
    environment = {k: v for k, v in os.environ.items() if k != "INERTIALAB_DATA"}
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
        preexec_fn=hears_interrupts,
    )
    deadline = time.monotonic() + 240
    while len(list(tmp_path.glob("evidence/*.running.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: the workers hear it as well
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Interrupted. Complete records are kept" in err
    assert "Traceback" not in out + err
    while alive(running.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(running.pid)  # no worker is left


def alive(group):
    """Whether a process of a group lives."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
