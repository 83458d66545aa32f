"""Spot checks: committed records are taken, but for some that chance draws and that are measured anew."""

import json
import random

import pytest
from verifying import flat, run

from inertialab.experiments import store
from inertialab.verification import commands

CLAIM = ("--only", "radam.average-variance")
STUDIES = {"radam-averages", "radam-late-averages", "radam-average-run"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Records as a clone has them."""
    folder = tmp_path_factory.mktemp("made")
    assert run(*CLAIM, "--jobs", 1, "--out", folder) == 0
    return folder / "evidence"


@pytest.fixture
def committed(made, tmp_path, monkeypatch):
    """The same under another command and as long as they please, with the order that chance gives known."""
    folder = tmp_path / "committed"
    for name, wall in zip(sorted(STUDIES), (30.0, 50.0, 20.0), strict=True):
        content = store.read_record(made / f"{name}.json")
        body = {k: v for k, v in content.items() if k != store.SEAL}
        store.write_json(folder / f"{name}.json", store.sealed(body | {"command": ["elsewhere"], "wall_s": wall}))
    monkeypatch.setattr(commands, "RESULTS", folder)
    monkeypatch.setattr(random.SystemRandom, "shuffle", lambda self, names: names.sort())
    return folder


def own(out):
    """Studies that were measured in a folder."""
    records = {p.stem: store.read_record(p) for p in (out / "evidence").glob("*.json")}
    assert records.keys() == STUDIES
    return {name for name, record in records.items() if record["command"] != ["elsewhere"]}


def spot(out, minutes=0.5):
    return run(*CLAIM, "--jobs", 1, "--spot", minutes, "--out", out)


def test_what_chance_draws_is_measured_and_the_rest_is_taken(committed, tmp_path, capsys):
    out = tmp_path / "out"
    assert spot(out) == 0
    assert own(out) == {"radam-average-run"}  # 30 s; the second takes 50, the third 20
    said = flat(capsys.readouterr().out)
    assert "1 of 3 studies were measured here, most of them drawn by chance: radam-average-run." in said
    assert json.loads((out / "board.json").read_text())["absent"] == {}


def test_what_is_too_long_makes_room_for_what_is_not(committed, tmp_path):
    assert spot(tmp_path / "out", minutes=0.9) == 0
    assert own(tmp_path / "out") == {"radam-average-run", "radam-late-averages"}


def test_however_short_the_time_one_is_measured(committed, tmp_path):
    assert spot(tmp_path / "out", minutes=0.001) == 0
    assert len(own(tmp_path / "out")) == 1


def test_again_draws_others(committed, tmp_path):
    out = tmp_path / "out"
    assert spot(out) == 0
    before = (out / "evidence" / "radam-average-run.json").read_bytes()
    assert spot(out) == 0
    assert own(out) == {"radam-average-run", "radam-averages"}
    assert (out / "evidence" / "radam-average-run.json").read_bytes() == before


def test_a_whole_run_takes_nothing_that_was_laid_there(committed, tmp_path):
    assert spot(tmp_path / "out", minutes=0.001) == 0
    assert run(*CLAIM, "--jobs", 1, "--out", tmp_path / "out") == 0
    assert own(tmp_path / "out") == STUDIES


def test_a_record_of_other_code_is_measured_in_any_case(committed, tmp_path):
    path = committed / "radam-averages.json"
    body = {k: v for k, v in store.read_record(path).items() if k != store.SEAL}
    store.write_json(path, store.sealed(body | {"key": body["key"] | {"code": "older"}}))
    assert spot(tmp_path / "out") == 0
    assert own(tmp_path / "out") == {"radam-average-run", "radam-averages"}


def test_a_wrong_committed_record_is_found_when_it_is_drawn(committed, tmp_path):
    """What was committed for all that is taken decides the verdict; what is drawn is judged by what is measured."""
    path = committed / "radam-average-run.json"
    body = {k: v for k, v in store.read_record(path).items() if k != store.SEAL}
    for row in body["result"]["measurements"]:
        row["estimate"]["value"] *= 3
    store.write_json(path, store.sealed(body))
    assert run(*CLAIM, "--jobs", 1, "--spot", 0.5, "--out", tmp_path / "out") == 0
    (committed / "radam-average-run.json").replace(tmp_path / "out" / "evidence" / "radam-average-run.json")
    assert run("judge", *CLAIM, "--out", tmp_path / "out") == 1


@pytest.mark.parametrize(
    ("minutes", "out", "sentence"),
    [
        ("-1", "out", "--spot -1: give a number of minutes"),
        ("nan", "out", "--spot nan: give a number of minutes"),
        ("1", ".", "holds the committed records; choose another folder"),
    ],
)
def test_wrong_input_is_one_sentence(minutes, out, sentence, committed, tmp_path, monkeypatch, capsys):
    committed.rename(tmp_path / "evidence")
    monkeypatch.setattr(commands, "RESULTS", tmp_path / "evidence")
    assert run(*CLAIM, "--spot", minutes, "--out", tmp_path / out) == 2
    assert sentence in flat(capsys.readouterr().err)


def test_without_a_clone_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(commands, "RESULTS", tmp_path / "nowhere")
    assert spot(tmp_path / "out") == 2
    assert "it needs a clone of the repository" in flat(capsys.readouterr().err)
