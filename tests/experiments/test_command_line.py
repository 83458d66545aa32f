"""The command line, and runs that are killed."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

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
        assert 0 < int(found["counts"][0]) < 33_000
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
        (["--noise", "1", "--law", "stable-1.5"], "The mean squared displacement needs a variance"),
        (["--noise", "1", "--law", "stable"], "There is no law of noise 'stable'; take gaussian"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, sentence, capsys):
    assert command.main(["simulate", *arguments]) == 2
    assert sentence in " ".join(capsys.readouterr().out.split())


def test_the_command_line_counts_escapes_under_stable_noise(tmp_path, capsys):
    arguments = ["escape", "--law", "stable-1.5", "--particles", "2000", "--steps", "500", "--out", str(tmp_path)]
    assert command.main([*arguments, "--noise", "0.01", "--eta", "0.02"]) == 0
    assert "Mean steps to an escape" in capsys.readouterr().out
    assert command.main([*arguments, "--barrier", "5"]) == 2
    assert "A barrier over eta C/2 needs a variance" in " ".join(capsys.readouterr().out.split())


def test_the_command_line_makes_a_record_and_a_picture(tmp_path, capsys):
    arguments = ["simulate", "--barrier", "5", "--optimizer", "adai", "--steps", "50", "--particles", "2000"]
    assert command.main([*arguments, "--out", str(tmp_path)]) == 0
    (record,) = tmp_path.glob("simulate-*.json")
    assert json.loads(record.read_text())["status"] == "complete"
    assert "<svg" in record.with_suffix(".svg").read_text()
    assert "Mean squared displacement after 50 steps" in capsys.readouterr().out
