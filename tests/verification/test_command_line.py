"""`python -m inertialab.verification`, with small studies in the place of the real ones."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

import inertialab.verification.__main__ as command
from inertialab.experiments import store
from inertialab.verification import commands, docket, load_board, load_study, records, study
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket import CHECKS, STUDIES, studies_of
from inertialab.verification.studies.study import from_json, to_json
from inertialab.verification.studies.training.fluctuations import fluctuations

CONVENTIONS = ("--only", "momentum.conventions")


def run(*arguments):
    return command.main([str(a) for a in arguments])


def flat(text):
    """Text without the line breaks of a terminal."""
    return " ".join(text.split())


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
    assert "banknote.csv is not in the data folder" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))


def test_without_a_data_folder_its_studies_are_left_out_with_the_reason(monkeypatch):
    monkeypatch.delenv("INERTIALAB_DATA", raising=False)
    kept, absent = commands.available(list(STUDIES.values()))
    assert set(absent) == {"banknote-softmax-sgd", "cardiotocography-softmax-sgd", "banknote-repeated"}
    assert all("set INERTIALAB_DATA" in reason for reason in absent.values())
    assert len(kept) + len(absent) == len(STUDIES)


def test_measuring_and_judging_are_separate(tmp_path, capsys):
    assert run("run", *CONVENTIONS, "--out", tmp_path) == 0
    assert not (tmp_path / "board.json").exists()
    assert run("judge", *CONVENTIONS, "--out", tmp_path) == 0
    assert "8 of 8 verdicts as expected" in flat(capsys.readouterr().out)
    assert run("board", *CONVENTIONS, "--out", tmp_path) == 0
    assert "8 of 8 verdicts as expected" in flat(capsys.readouterr().out)


def test_judging_measures_nothing(tmp_path, monkeypatch, capsys):
    assert run("run", *CONVENTIONS, "--out", tmp_path) == 0
    monkeypatch.setattr("inertialab.experiments.store.record", lambda *_: pytest.fail("measured again"))
    assert run("judge", *CONVENTIONS, "--out", tmp_path) == 0
    assert run("judge", "--only", "momentum.bias-correction", "--out", tmp_path) == 2
    assert "there is no record of these claims; measure by the word run first" in capsys.readouterr().err


def test_a_record_of_other_code_is_refused_unless_asked_for(tmp_path, capsys):
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    path = tmp_path / "evidence" / "convention-rate.json"
    record = json.loads(path.read_text())
    for change, why in (
        ({"code": "0" * 16}, "the code it rests on has changed"),
        ({"config": {"points": [], "steps": 3}}, "its configuration is not the one on the docket"),
    ):
        path.write_text(json.dumps({**record, "key": {**record["key"], **change}}))
        capsys.readouterr()
        assert run("judge", *CONVENTIONS, "--out", tmp_path) == 2
        assert f"convention-rate: {why}" in capsys.readouterr().err
        assert run("judge", *CONVENTIONS, "--out", tmp_path, "--stale") == 0
        assert f"stale convention-rate: {why}" in flat(capsys.readouterr().out)
        board = json.loads((tmp_path / "board.json").read_text())
        assert board["stale"] == {"convention-rate": why}
        assert board["rows"][0]["stale"] == ["convention-rate"]


def test_data_that_have_changed_make_a_record_stale(tmp_path, monkeypatch):
    banknote = STUDIES["banknote-softmax-sgd"]
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("INERTIALAB_DATA", str(folder))
    (folder / "banknote.csv").write_text("a,class\n1,0\n2,1\n4,0\n")
    key = store.plain(records.key_of(banknote, tier="quick", seed=0, device="cpu"))
    assert records.staleness(banknote, {"key": key}) == ""
    (folder / "banknote.csv").write_text("a,class\n1,0\n2,1\n")
    assert records.staleness(banknote, {"key": key}) == "banknote holds other data"
    assert store.plain(records.key_of(banknote, tier="quick", seed=0, device="cpu")) != key
    (folder / "banknote.csv").unlink()
    assert records.staleness(banknote, {"key": key}) == ""  # cannot be compared


def test_records_of_two_runs_are_not_judged_together(tmp_path, capsys):
    assert run("run", *CONVENTIONS, "--out", tmp_path) == 0
    assert run("run", "--only", "momentum.bias-correction", "--out", tmp_path, "--seed", 1) == 0
    assert run("judge", "--only", "momentum.*", "--out", tmp_path) == 2
    assert "records of more than one seed lie there" in capsys.readouterr().err


def test_a_partial_run_does_not_cut_a_board(tmp_path, capsys):
    assert run("--only", "momentum.bias-correction", "--out", tmp_path) == 0
    before = json.loads((tmp_path / "board.json").read_text())
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    rows = json.loads((tmp_path / "board.json").read_text())["rows"]
    assert [row["id"] for row in rows] == ["momentum.conventions", "momentum.bias-correction"]
    assert rows[1] == {"commit": before["commit"], **before["rows"][0]}
    assert run(*CONVENTIONS, "--out", tmp_path, "--seed", 1) == 2
    assert "its board cannot take these rows, it is of seed 0, this run of tier quick" in capsys.readouterr().err
    assert json.loads((tmp_path / "board.json").read_text())["rows"] == rows


def test_judging_a_part_does_not_cut_the_board_of_another_run(tmp_path, capsys):
    assert run("--only", "momentum.bias-correction", "--out", tmp_path) == 0
    before = (tmp_path / "board.json").read_text()
    assert run("run", *CONVENTIONS, "--out", tmp_path / "other", "--seed", 1) == 0
    (tmp_path / "other" / "evidence" / "convention-rate.json").rename(tmp_path / "evidence" / "convention-rate.json")
    assert run("judge", *CONVENTIONS, "--out", tmp_path) == 2
    assert "its board cannot take these rows, it is of seed 0, this run of" in capsys.readouterr().err
    assert (tmp_path / "board.json").read_text() == before


def test_a_partial_run_keeps_what_was_said_of_the_rows_it_keeps(tmp_path):
    assert run("--only", "momentum.bias-correction", "--out", tmp_path) == 0
    board = json.loads((tmp_path / "board.json").read_text())
    board |= {"absent": {"ema-spread": "not here"}, "stale": {"cold-start": "old", "ema-growth": "old"}}
    board["rows"][0]["stale"] = ["cold-start"]
    store.write_json(tmp_path / "board.json", board)
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    after = json.loads((tmp_path / "board.json").read_text())
    assert after["absent"] == {"ema-spread": "not here"}
    assert after["stale"] == {"cold-start": "old"}


@pytest.mark.parametrize("content", ["[]", "{", '{"rows": [{"id": "momentum.bias-correction"}]}', '{"rows": 3}'])
def test_a_board_of_an_earlier_version_is_refused_and_not_cut(content, tmp_path, capsys):
    (tmp_path / "board.json").write_text(content)
    for arguments in (["board"], ["run", *CONVENTIONS], CONVENTIONS):
        assert run(*arguments, "--out", tmp_path) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert (tmp_path / "board.json").read_text() == content


@pytest.mark.parametrize("content", ["[]", '{"status": "complete"}', '{"status": "complete", "key": 1, "result": {}}'])
def test_what_is_no_record_is_none_and_measured(content, tmp_path, capsys):
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "convention-rate.json").write_text(content)
    assert run("judge", *CONVENTIONS, "--out", tmp_path) == 2
    assert "there is no record of these claims" in capsys.readouterr().err
    with pytest.raises(ValueError, match="There is no complete record"):
        load_study("convention-rate", tmp_path)
    assert run(*CONVENTIONS, "--out", tmp_path) == 0


def test_a_record_of_another_run_is_not_judged_where_its_data_are_not_here(tmp_path, monkeypatch):
    """The run of seed 1 cannot measure the study; the record of seed 0 is not its own."""
    here, away = STUDIES["convention-rate"], STUDIES["cold-start"]
    assert run("run", "--only", "momentum.bias-correction", "--out", tmp_path) == 0
    monkeypatch.setattr(commands, "available", lambda studies: ([here], {away.id: "not here"}))
    assert run("--only", "momentum.[bc]*[ns]", "--out", tmp_path, "--seed", 1) == 0
    board = json.loads((tmp_path / "board.json").read_text())
    assert board["seed"] == 1
    checks = {row["id"]: len(row["checks"]) for row in board["rows"]}
    assert checks["momentum.conventions"] > 0
    assert checks["momentum.bias-correction"] == 0
    assert away.id in board["absent"]


def test_a_file_in_the_place_of_the_folder_is_refused_by_judge(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run("judge", "--out", tmp_path / "file") == 2
    assert "a file lies there" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_failure_of_the_machine(tmp_path):
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    command = [sys.executable, "-m", "inertialab.verification", "board", "--format", "csv", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writing:
        writing.stdout.close()
        assert writing.stderr.read() == ""
    assert writing.returncode == 141


def test_a_part_of_a_board_is_asked_for_by_itself_whether_it_is_current(tmp_path):
    assert run("--only", "momentum.bias-correction", "--out", tmp_path) == 0
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    assert run("board", *CONVENTIONS, "--current", "--out", tmp_path) == 0
    board = json.loads((tmp_path / "board.json").read_text())
    board["rows"][0]["checks"][0]["margin"] *= 2
    (tmp_path / "board.json").write_text(json.dumps(board))
    assert run("board", *CONVENTIONS, "--current", "--out", tmp_path) == 2
    assert run("board", "--only", "momentum.bias-correction", "--current", "--out", tmp_path) == 0


def test_a_run_that_judged_nothing_is_no_success(tmp_path, capsys):
    assert run("--only", "adai.momentum-bias", "--out", tmp_path) == 1
    out = flat(capsys.readouterr().out)
    assert "Nothing was judged; 1 of 1 applicable cells not measured" in out
    assert "100%" not in out


@pytest.mark.parametrize("format", ["json", "csv", "parquet"])
def test_a_board_is_also_a_table(format, tmp_path, capfdbinary):
    import io

    import pandas

    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    capfdbinary.readouterr()
    assert run("board", "--out", tmp_path, "--format", format) == 0
    out = capfdbinary.readouterr().out
    if format == "json":
        assert json.loads(out) == json.loads((tmp_path / "board.json").read_text())
        return
    table = {"csv": pandas.read_csv, "parquet": pandas.read_parquet}[format](io.BytesIO(out))
    assert len(table) == 8
    assert json.loads(table["point"][0]) == load_board(tmp_path)["point"][0]
    assert set(table["claim"]) == {"momentum.conventions"}
    expected = load_board(tmp_path)
    assert table["measured"].tolist() == expected["measured"].tolist()


def test_measurements_are_had_as_a_table_with_units(tmp_path):
    assert run("run", *CONVENTIONS, "--out", tmp_path) == 0
    table = load_study("convention-rate", tmp_path)
    assert table["value"].tolist() == study("convention-rate").run().frame()["value"].tolist()
    assert set(table["unit"]) == {"θ² L⁻¹"}
    assert table.attrs["units"] == {"eta": "θ² L⁻¹", "beta": "1"}
    with pytest.raises(ValueError, match="no complete record"):
        load_study("sgd-minimum", tmp_path)
    with pytest.raises(ValueError, match="Did you mean sgd-minimum"):
        study("sgd-minimun")


def test_a_study_is_run_as_asked_or_not_at_all():
    with pytest.raises(ValueError, match="A tier is quick or full, got 'ful'"):
        study("sgd-minimum").run(tier="ful")
    with pytest.raises(ValueError, match="sgd-minimum has optimizer, points, particles to change; got particels"):
        study("sgd-minimum").run(particels=3)


def test_a_damaged_record_is_told(tmp_path, capsys):
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    path = tmp_path / "evidence" / "convention-rate.json"
    record = json.loads(path.read_text())
    del record["result"]["measurements"][0]["estimate"]
    path.write_text(json.dumps(record))
    assert run("judge", *CONVENTIONS, "--out", tmp_path) == 2
    assert "The record of convention-rate is damaged (KeyError('estimate')); remove it" in capsys.readouterr().err


def test_a_terminal_without_such_signs_gets_plain_ones(tmp_path):
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "inertialab.verification", *CONVENTIONS, "--out", str(tmp_path)]
    found = subprocess.run(command, env=environment, capture_output=True)
    assert found.returncode == 0, found.stderr
    assert b"+ confirmed" in found.stdout
    assert found.stdout.isascii()


def test_a_study_can_be_run_smaller():
    found = study("sgd-minimum").run(particles=100, points=[{"eta": 0.5, "h": 1.0, "C": 0.7}])
    (row,) = found.measurements
    assert row.estimate.n == 100
    assert row.point["h"] == 1.0


@pytest.mark.parametrize(
    ("word", "sentence"),
    [("calibrat", "Did you mean calibrate?"), ("xyz", "Commands are run, judge, board, calibrate")],
)
def test_an_unknown_word_is_answered_with_the_words_there_are(word, sentence, capsys):
    assert run(word) == 2
    assert sentence in capsys.readouterr().err


def test_a_board_that_is_not_there_is_refused(tmp_path, capsys):
    assert run("board", "--out", tmp_path) == 2
    assert "There is no verdict board" in capsys.readouterr().err


def test_the_board_fits_a_hundred_columns_with_its_words_whole(tmp_path, capsys):
    assert run("--only", "*.bias-correction", "--out", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert not any("…" in line for line in lines)
    assert any("Leaving a saddle" in line for line in lines)


def test_a_run_killed_by_sigkill_resumes_and_gives_the_same_board(tmp_path):
    arguments = [sys.executable, "-m", "inertialab.verification", "--only", "*.saddle-*", "--device", "cpu"]
    arguments += ["--jobs", "1"]
    killed = subprocess.Popen([*arguments, "--out", str(tmp_path)], stdout=subprocess.DEVNULL)
    evidence = tmp_path / "evidence"
    deadline = time.monotonic() + 120
    while not (done := set(evidence.glob("*-spread.json"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    kept = {file: file.read_text() for file in done}
    assert [json.loads(text)["status"] for text in kept.values()] == ["complete"]
    assert not (tmp_path / "board.json").exists()
    assert subprocess.run([*arguments, "--out", str(tmp_path)], stdout=subprocess.DEVNULL).returncode == 0
    assert {file: file.read_text() for file in done} == kept
    assert not list(evidence.glob("*.running.json"))
    assert len(list(evidence.glob("*.json"))) == len(studies_of([c for c in CHECKS if ".saddle-" in c.claim]))


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
