"""`python -m inertialab.verification`, with small studies in the place of the real ones."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

import inertialab.verification.__main__ as command
from inertialab.verification.checks import CHECKS, STUDIES
from inertialab.verification.checks.training import fluctuations
from inertialab.verification.study import from_json, to_json
from inertialab.verification.verdict import Verdict


def run(*arguments):
    return command.main([str(a) for a in arguments])


def test_a_passing_run_writes_the_board_and_its_evidence(tmp_path, capsys):
    assert run("--only", "momentum.conventions", "--out", tmp_path) == 0
    board = json.loads((tmp_path / "board.json").read_text())
    assert {"schema", "commit", "dirty", "tier", "device", "seed", "rows"} <= board.keys()
    (row,) = board["rows"]
    names = {"id", "kind", "derivation", "numerics", "simulation", "real", "expected", "power", "survivors", "checks"}
    assert names <= row.keys()
    assert row["numerics"] == "confirmed"
    assert row["power"] == 1
    assert {"check", "point", "predicted", "low", "high", "margin", "n", "verdict"} <= row["checks"][0].keys()
    assert (tmp_path / "evidence" / "convention-rate.json").exists()
    out = capsys.readouterr().out
    assert "Verdict board" in out
    assert "8 of 8 verdicts as expected; power 100.0%" in out


def test_a_second_run_judges_again_without_measuring(tmp_path, monkeypatch):
    assert run("--only", "momentum.conventions", "--out", tmp_path) == 0
    before = (tmp_path / "evidence" / "convention-rate.json").stat().st_mtime_ns
    assert run("--only", "momentum.conventions", "--out", tmp_path) == 0
    assert (tmp_path / "evidence" / "convention-rate.json").stat().st_mtime_ns == before
    assert run("--only", "momentum.conventions", "--out", tmp_path, "--seed", "1") == 0
    assert (tmp_path / "evidence" / "convention-rate.json").stat().st_mtime_ns != before


def test_a_verdict_that_was_not_expected_is_exit_code_1(tmp_path, monkeypatch, capsys):
    wrong = tuple(replace(c, expected=Verdict.REFUTED) for c in CHECKS if c.claim == "momentum.conventions")
    monkeypatch.setattr(command, "CHECKS", wrong)
    assert run("--only", "momentum.conventions", "--out", tmp_path) == 1
    assert "surprise momentum.conventions is confirmed, expected refuted" in " ".join(capsys.readouterr().out.split())


def test_power_under_the_bar_is_exit_code_1(tmp_path, monkeypatch, capsys):
    blind = tuple(replace(c, margin=0.9) for c in CHECKS if c.claim == "momentum.conventions")
    monkeypatch.setattr(command, "CHECKS", blind)
    assert run("--only", "momentum.conventions", "--out", tmp_path) == 1
    assert "survivor momentum.conventions: times 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--only", "momentum.convention"],
            "no claim matches. There is no claim 'momentum.convention'. Did you mean momentum.conventions",
        ),
        (["--seed", "-1"], "a seed is a whole number >= 0"),
        (["--out", "/proc/nowhere"], "cannot write there"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert not list(tmp_path.rglob("*.json"))


def test_a_device_that_is_not_there_is_refused(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run("--device", "cuda") == 2
    assert "PyTorch finds no CUDA device here; use --device cpu or auto" in capsys.readouterr().err


def test_an_unknown_tier_is_refused_by_the_command_line(capsys):
    with pytest.raises(SystemExit) as refused:
        run("--tier", "medium")
    assert refused.value.code == 2


def test_a_data_folder_that_lacks_a_file_is_refused_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("INERTIALAB_DATA", str(tmp_path))
    assert run("--only", "sgd.stationary-variance", "--out", tmp_path / "out") == 2
    assert "banknote.csv is not in the data folder" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))


def test_without_a_data_folder_its_studies_are_left_out_with_the_reason(monkeypatch):
    monkeypatch.delenv("INERTIALAB_DATA", raising=False)
    kept, absent = command.available(list(STUDIES.values()))
    assert set(absent) == {"banknote-softmax-sgd", "cardiotocography-softmax-sgd"}
    assert all("set INERTIALAB_DATA" in reason for reason in absent.values())
    assert len(kept) + len(absent) == len(STUDIES)


def test_a_run_killed_by_sigkill_resumes_and_gives_the_same_board(tmp_path):
    arguments = [sys.executable, "-m", "inertialab.verification", "--only", "momentum.saddle-msd", "--device", "cpu"]
    killed = subprocess.Popen([*arguments, "--out", str(tmp_path)], stdout=subprocess.DEVNULL)
    opened = tmp_path / "evidence" / "ema-spread.running.json"
    deadline = time.monotonic() + 120
    while not opened.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    first = (tmp_path / "evidence" / "ema-iterated.json").read_text()
    assert json.loads(first)["status"] == "complete"
    assert not (tmp_path / "board.json").exists()
    assert subprocess.run([*arguments, "--out", str(tmp_path)], stdout=subprocess.DEVNULL).returncode == 0
    assert (tmp_path / "evidence" / "ema-iterated.json").read_text() == first
    assert not opened.exists()
    assert len(list((tmp_path / "evidence").iterdir())) == 2


def test_real_training_on_a_small_scale(rng, cpu):
    """The whole path from data to comparison; the verdict itself needs the real sizes."""
    found = fluctuations(
        "digits",
        "softmax-regression",
        0.1,
        "momentum-torch",
        {"beta": 0.5},
        [0.2],
        3,
        16,
        20,
        5.0,
        rng=rng,
        device=cpu,
        tick=lambda: None,
    )
    assert found.facts["gradient norm"] <= 1e-8
    assert found.facts["calibration"]["pyhessian"] == pytest.approx(found.facts["lambda"][0], rel=1e-3)
    assert max(found.facts["residuals"]) < 1e-5
    (group,) = found.shared
    assert found.shared[group]["eta"] * found.facts["lambda"][0] == pytest.approx(0.1)
    assert sum(m.quantity == "variance" for m in found.measurements) == 3
    assert from_json(json.loads(json.dumps(to_json(found)))).measurements == found.measurements
