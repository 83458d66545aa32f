"""`python -m inertialab.verification`, with small studies in the place of the real ones."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from verifying import CONVENTIONS, flat, run

from inertialab.experiments.data import DATASETS
from inertialab.verification import commands, docket
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket import CHECKS, STUDIES


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
    assert "8 of 8 verdicts as expected; power 100.0% of 11 wrong variants refuted (bar 95%); 0 of 1" in flat(out)


def test_a_second_run_judges_again_without_measuring(tmp_path, monkeypatch):
    assert run("--only", "momentum.conventions", "--out", tmp_path) == 0
    before = (tmp_path / "evidence" / "convention-rate.json").stat().st_mtime_ns
    assert run("--only", "momentum.conventions", "--out", tmp_path) == 0
    assert (tmp_path / "evidence" / "convention-rate.json").stat().st_mtime_ns == before
    assert run("--only", "momentum.conventions", "--out", tmp_path, "--seed", "1") == 0
    assert (tmp_path / "evidence" / "convention-rate.json").stat().st_mtime_ns != before


def test_a_verdict_that_was_not_expected_is_exit_code_1(tmp_path, monkeypatch, capsys):
    wrong = tuple(replace(c, expected=Verdict.REFUTED) for c in CHECKS if c.claim == "momentum.conventions")
    monkeypatch.setattr(docket, "CHECKS", wrong)
    assert run("--only", "momentum.conventions", "--out", tmp_path) == 1
    assert "surprise momentum.conventions is confirmed, expected refuted" in flat(capsys.readouterr().out)


def test_power_under_the_bar_is_exit_code_1(tmp_path, monkeypatch, capsys):
    blind = tuple(replace(c, margin=0.9) for c in CHECKS if c.claim == "momentum.conventions")
    monkeypatch.setattr(docket, "CHECKS", blind)
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
    assert re.match(r"(banknote|cardiotocography)\.csv is not in the data folder", capsys.readouterr().err)
    assert not list(tmp_path.rglob("*.json"))


def test_without_a_data_folder_its_studies_are_left_out_with_the_reason(monkeypatch):
    monkeypatch.delenv("INERTIALAB_DATA", raising=False)
    kept, absent = commands.available(list(STUDIES.values()))
    tables = [name for name, row in DATASETS.items() if row.file]
    assert set(absent) == {id for id, study in STUDIES.items() if study.data in tables}
    assert {"banknote-softmax-sgd", "cardiotocography-softmax-sgd", "banknote-repeated"} <= set(absent)
    # None takes a table that it does not tell of.
    assert not [s.id for s in kept if any(name in str(s.config) for name in tables)]
    assert all("set INERTIALAB_DATA" in reason for reason in absent.values())
    assert len(kept) + len(absent) == len(STUDIES)


def test_a_file_in_the_place_of_the_folder_is_refused_by_judge(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run("judge", "--out", tmp_path / "file") == 2
    assert "a file lies there" in capsys.readouterr().err


def test_a_run_that_judged_nothing_is_no_success(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(docket, "CHECKS", ())
    assert run("--only", "adam.batch-crossover", "--out", tmp_path) == 1
    out = flat(capsys.readouterr().out)
    assert "Nothing was judged; 1 of 1 applicable cells not measured" in out
    assert "100%" not in out


def test_a_terminal_without_such_signs_gets_plain_ones(tmp_path):
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "inertialab.verification", *CONVENTIONS, "--out", str(tmp_path)]
    found = subprocess.run(command, env=environment, capture_output=True)
    assert found.returncode == 0, found.stderr
    assert b"+ confirmed" in found.stdout
    assert found.stdout.isascii()


@pytest.mark.parametrize(
    ("word", "sentence"),
    [("calibrat", "Did you mean calibrate"), ("xyz", "Commands are run, judge, board, calibrate")],
)
def test_an_unknown_word_is_answered_with_the_words_there_are(word, sentence, capsys):
    assert run(word) == 2
    assert sentence in capsys.readouterr().err
