"""Records of studies: measured once, judged again, refused where they are of something else."""

import json
import signal
import subprocess
import sys
import time

import pytest
from verifying import CONVENTIONS, flat, run

from inertialab.experiments import store
from inertialab.verification import commands, load_study, records, study
from inertialab.verification.docket import CHECKS, STUDIES, studies_of
from inertialab.verification.studies.study import from_json, to_json
from inertialab.verification.studies.training.fluctuations import fluctuations


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
    assert run("judge", "--only", "momentum.drift-bound", "--out", tmp_path) == 2
    assert "there is no record of these claims; measure by the word run first" in capsys.readouterr().err


def test_a_record_of_other_code_is_refused_unless_asked_for(tmp_path, capsys):
    assert run(*CONVENTIONS, "--out", tmp_path) == 0
    path = tmp_path / "evidence" / "convention-rate.json"
    record = json.loads(path.read_text())
    for change, why in (
        ({"code": "0" * 16}, "the code it rests on has changed"),
        ({"config": {"points": [], "steps": 3}}, "its configuration is not the one on the docket"),
    ):
        store.write_json(path, store.sealed({**record, "key": {**record["key"], **change}}))
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
    assert run("run", "--only", "momentum.drift-bound", "--out", tmp_path, "--seed", 1) == 0
    assert run("judge", "--only", "momentum.*", "--out", tmp_path) == 2
    assert "records of more than one seed lie there" in capsys.readouterr().err


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
    here, away = STUDIES["convention-rate"], STUDIES["drift-path"]
    assert run("run", "--only", "momentum.drift-bound", "--out", tmp_path) == 0
    monkeypatch.setattr(commands, "available", lambda studies: ([here], {away.id: "not here"}))
    assert run("--only", "momentum.[cd]*[sd]", "--out", tmp_path, "--seed", 1) == 0
    board = json.loads((tmp_path / "board.json").read_text())
    assert board["seed"] == 1
    checks = {row["id"]: len(row["checks"]) for row in board["rows"]}
    assert checks["momentum.conventions"] > 0
    assert checks["momentum.drift-bound"] == 0
    assert away.id in board["absent"]


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
    store.write_json(path, store.sealed(record))
    assert run("judge", *CONVENTIONS, "--out", tmp_path) == 2
    assert "The record of convention-rate is damaged (KeyError('estimate')); remove it" in capsys.readouterr().err


def test_a_study_can_be_run_smaller():
    found = study("sgd-minimum").run(particles=100, points=[{"eta": 0.5, "h": 1.0, "C": 0.7}])
    (row,) = found.measurements
    assert row.estimate.n == 100
    assert row.point["h"] == 1.0


def test_a_run_killed_by_sigkill_resumes_and_gives_the_same_board(tmp_path):
    arguments = [sys.executable, "-m", "inertialab.verification", "--only", "radam.average-variance", "--device", "cpu"]
    arguments += ["--jobs", "1"]
    killed = subprocess.Popen([*arguments, "--out", str(tmp_path)], stdout=subprocess.DEVNULL)
    evidence = tmp_path / "evidence"
    deadline = time.monotonic() + 120
    while not (done := set(evidence.glob("*-run.json"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    kept = {file: file.read_text() for file in done}
    assert [json.loads(text)["status"] for text in kept.values()] == ["complete"]
    assert not (tmp_path / "board.json").exists()
    assert subprocess.run([*arguments, "--out", str(tmp_path)], stdout=subprocess.DEVNULL).returncode == 0
    assert {file: file.read_text() for file in done} == kept
    assert not list(evidence.glob("*.running.json"))
    assert len(list(evidence.glob("*.json"))) == len(
        studies_of([c for c in CHECKS if c.claim == "radam.average-variance"])
    )


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
