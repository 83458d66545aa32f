"""The command line, and runs that are killed."""

import errno
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from interrupts import hears_interrupts, interrupted

from inertialab.experiments import __main__ as command


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_numbers(tmp_path, monkeypatch):
    """SIGKILL while it runs; the second run starts from the checkpoint and gives what an uninterrupted one gives."""
    modules = "import sys, inertialab.experiments.checkpoint as c, inertialab.experiments.__main__ as m"
    fast = f"{modules}; c.SECONDS = 0.0; m.main(sys.argv[1:])"
    arguments = [
        "escape",
        "--barrier",
        "6",
        "--particles",
        "50000",
        "--steps",
        "30000",
        "--out",
        str(tmp_path / "killed"),
    ]
    process = subprocess.Popen([sys.executable, "-c", fast, *arguments], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "killed").glob("*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (kept,) = (tmp_path / "killed").glob("*.npz")
    with np.load(kept) as found:
        assert 0 < int(found["progress"][0]) < 33_000
    assert not list((tmp_path / "killed").glob("escape-*[0-9a-f].json"))
    steps = []
    monkeypatch.setattr("inertialab.experiments.particles.Particles.advance", _watched(steps))
    assert command.main(arguments) == 0
    resumed = sum(steps)
    assert command.main([*arguments[:-1], str(tmp_path / "whole")]) == 0
    results = []
    for folder in ("killed", "whole"):
        (record,) = (tmp_path / folder).glob("escape-*.json")
        results.append(json.loads(record.read_text())["result"])
    assert results[0] == results[1]
    assert resumed < sum(steps) - resumed
    assert not list(tmp_path.rglob("*.npz"))


def _watched(steps):
    from inertialab.experiments.particles import Particles

    original = Particles.advance

    def advance(self, count, *args, **kwargs):
        steps.append(count)
        return original(self, count, *args, **kwargs)

    return advance


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--landscape", "hill", "--noise", "1"], "There is no landscape 'hill'; rows are: quadratic"),
        (["--noise", "1", "--barrier", "5"], "Give either noise, the variance C, or barrier"),
        (["--noise", "1", "--shape", "width"], "--shape takes name=number, got 'width'"),
        (["--noise", "1", "--optimizer", "heavy-ball"], "heavy-ball needs beta; give --settings beta="),
        (["--noise", "1", "--eta", "-1"], "eta must be positive"),
        (["--noise", "nan"], "noise must be finite and not negative, got nan"),
        (["--noise", "1", "--threads", "0"], "threads must be positive and finite, got 0"),
        (["--noise", "1", "--seed", "-3"], "seed must be finite and not negative, got -3"),
        (["--barrier", "nan"], "barrier must be positive and finite, got nan"),
        (["--noise", "1", "--steps", "99999999999999999999"], "steps must be below 2**63"),
        (["--noise", "1", "--seed", "99999999999999999999"], "seed must be below 2**63"),
        (["--barrier", "5", "--settings", "eta=0.5"], "give the learning rate by --eta"),
        (["--barrier", "inf"], "barrier must be positive and finite, got inf"),
        (["--noise", "1", "--shape", "barrier=nan"], "--shape takes name=number, got 'barrier=nan'"),
        (["--barrier", "5", "--landscape", "quadratic"], "--barrier needs a landscape with a barrier; got quadratic."),
        (
            ["--noise", "1", "--optimizer", "momentum-torch", "--settings", "beta=2"],
            "momentum-torch: beta must be in [0, 1), got 2.0",
        ),
        (["--noise", "1", "--optimizer", "sdg"], "There is no optimizer 'sdg'; rows are: sgd"),
        (["--noise", "1", "--law", "stable-1.5"], "The mean squared displacement needs a variance"),
        (["--noise", "1", "--law", "stable"], "There is no law of noise 'stable'; take gaussian"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, sentence, capsys, tmp_path):
    assert command.main(["simulate", *arguments, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_the_command_line_counts_escapes_under_stable_noise(tmp_path, capsys):
    arguments = ["escape", "--law", "stable-1.5", "--particles", "2000", "--steps", "500", "--out", str(tmp_path)]
    assert command.main([*arguments, "--noise", "0.01", "--eta", "0.02"]) == 0
    assert "Mean steps to an escape" in capsys.readouterr().out
    assert command.main([*arguments, "--barrier", "5"]) == 2
    assert "A barrier over eta C/2 needs a variance" in capsys.readouterr().err


def test_the_command_line_makes_a_record_and_a_picture(tmp_path, capsys):
    arguments = ["simulate", "--barrier", "5", "--optimizer", "adai", "--steps", "50", "--particles", "2000"]
    assert command.main([*arguments, "--out", str(tmp_path)]) == 0
    (record,) = tmp_path.glob("simulate-*.json")
    assert json.loads(record.read_text())["status"] == "complete"
    assert "<svg" in record.with_suffix(".svg").read_text()
    assert "Mean squared displacement after 50 steps" in capsys.readouterr().out


@pytest.mark.parametrize("boundary", ["nan", "inf", "-inf"])
def test_a_boundary_that_is_no_place_is_refused(boundary, tmp_path, capsys):
    assert command.main(["escape", "--barrier", "5", f"--boundary={boundary}", "--out", str(tmp_path)]) == 2
    assert f"boundary must be finite, got {boundary}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("out", ["/proc/nowhere", "file", "file/below"])
def test_a_folder_that_cannot_be_written_is_refused(out, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert command.main(["simulate", "--noise", "1", "--out", out]) == 2
    assert f"--out {out}: cannot write there" in capsys.readouterr().err


def test_a_run_that_is_refused_on_the_way_leaves_nothing(tmp_path, capsys):
    """An unstable step: particles run away after the record was opened and the state was saved."""
    arguments = ["simulate", "--landscape", "quadratic", "--noise", "1", "--eta", "2.5", "--out", str(tmp_path)]
    assert command.main([*arguments, "--particles", "1000", "--steps", "3000"]) == 2
    assert "ran away" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
        (MemoryError("Unable to allocate 72 TiB"), "not enough memory for this: Unable to allocate 72 TiB"),
        (PermissionError(errno.EACCES, "Permission denied", "x.json"), "refused to read or write at x.json"),
    ],
)
def test_what_the_machine_lacks_is_exit_code_3(error, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("inertialab.experiments.commands._simulated", _raises(error))
    assert command.main(["simulate", "--noise", "1", "--out", str(tmp_path)]) == 3
    assert sentence in capsys.readouterr().err


def _raises(error):
    def work(*_):
        raise error

    return work


def test_more_particles_than_memory_holds_are_refused(tmp_path, capsys):
    arguments = ["simulate", "--noise", "1", "--particles", "10000000000000", "--out", str(tmp_path)]
    assert command.main(arguments) == 3
    assert "not enough memory" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("word", ["simulate", "escape"])
def test_an_interrupted_run_says_so_and_keeps_what_it_has(word, tmp_path):
    arguments = [sys.executable, "-m", "inertialab.experiments", word, "--barrier", "5", "--steps", "10000000"]
    arguments += ["--out", str(tmp_path)]
    running = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, preexec_fn=hears_interrupts)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*.running.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    _, said = interrupted(running)
    assert running.returncode == 130, said
    assert said.strip().startswith("Interrupted. Complete records are kept")
    assert "Traceback" not in said


def escapes(tmp_path, capsys, *more):
    arguments = ["escape", "--particles", "2000", "--out", str(tmp_path), *more]
    assert command.main(arguments) == 0
    said = " ".join(capsys.readouterr().out.split())
    (path,) = tmp_path.glob("escape-*.json")
    return said, json.loads(path.read_text())["result"]


def test_where_nothing_escaped_a_lower_bound_is_told(tmp_path, capsys):
    said, found = escapes(tmp_path, capsys, "--barrier", "12", "--steps", "300")
    assert found["events"] == 0
    assert found["steps"] is None
    assert f"0 escapes in {found['exposure']:.3g} particle-steps: the mean is over" in said
    # The bound is that of no event at 97.5%: exposure over -ln 0.025.
    assert found["interval"] == [pytest.approx(found["exposure"] / -np.log(0.025)), None]


def test_few_events_come_with_a_warning_and_many_without(tmp_path, capsys):
    said, found = escapes(tmp_path / "few", capsys, "--barrier", "9", "--steps", "1500")
    assert 0 < found["events"] < 10
    assert f"{found['events']} escapes in" in said
    assert "So few escapes give an order of magnitude" in said
    said, found = escapes(tmp_path / "many", capsys, "--barrier", "5", "--steps", "3000")
    assert found["events"] > 100
    assert "So few" not in said


def test_an_interrupt_while_the_process_ends_does_not_change_its_exit_code():
    """Python hands the signal back to the system before it takes the last modules down."""
    lines = [
        "import os, signal",
        "from inertialab.experiments.answers import leave",
        "class Late:",
        "    def __del__(self, kill=os.kill, pid=os.getpid(), sign=signal.SIGINT): kill(pid, sign)",
        "signal.late = Late()",
        "leave(3)",
    ]
    run = subprocess.run([sys.executable, "-c", "\n".join(lines)], preexec_fn=hears_interrupts, check=False)
    assert run.returncode == 3


def test_an_interrupt_that_compiled_code_swallows_comes_again(tmp_path):
    """Python drops an exception raised in a callback from compiled code, and would print a notice of its own."""
    lines = [
        "import ctypes, os, signal, sys, time",
        "from pathlib import Path",
        "from inertialab.experiments.answers import answered",
        "swallowed = ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), signal.SIGINT) or time.sleep(0.05))",
        "sys.exit(answered(lambda: swallowed() or time.sleep(20) or 0, (), Path('records')))",
    ]
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, preexec_fn=hears_interrupts
    )
    assert run.returncode == 130
    assert run.stderr.startswith("Interrupted. Complete records are kept")
