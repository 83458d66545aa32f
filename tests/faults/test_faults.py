"""A sample of the campaign of faults; the whole is `nox -s faults`."""

import json
from pathlib import Path

import pytest

from faults.campaign import good
from faults.damaged import records_damaged
from faults.killed import killed, workers_killed
from faults.long import long_run, long_run_in_two
from faults.machine import FAULTS, hangs, worker_dies
from faults.subjects import SUBJECTS, SWEEP

SLOW = (hangs, worker_dies, long_run, long_run_in_two)
"""Start processes or take their time; in the campaign alone."""
RESULT = Path(__file__).parents[2] / "results" / "faults.json"


@pytest.mark.parametrize("subject", SUBJECTS[:1], ids=lambda s: s.name)
def test_killed_at_random_instants_nothing_is_lost(subject, tmp_path):
    assert good(row := killed(subject, tmp_path, kills=8, seed=1)), row
    assert row["tries"] == 8


def test_a_damaged_record_is_never_believed(tmp_path):
    assert good(row := records_damaged(SUBJECTS[0], tmp_path, tries=100, seed=1)), row


@pytest.mark.parametrize("fault", [f for f in FAULTS if f not in SLOW], ids=lambda f: f.__name__)
def test_the_run_ends_and_names_what_failed(fault, tmp_path):
    row = fault(tmp_path)
    if row is None:
        pytest.skip("no disk can be mounted here")
    assert good(row), row


def test_a_loss_would_be_seen(tmp_path, monkeypatch):
    """The campaign fails on records that are written in place, not replaced, and on damage that is believed."""
    from inertialab.experiments import store

    monkeypatch.setattr(store, "unsealed", lambda content: content)
    monkeypatch.setitem(store.READERS, 2, lambda content: content)
    assert not good(records_damaged(SUBJECTS[0], tmp_path, tries=200, seed=1))


def test_kills_that_were_not_done_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("faults.killed.SWEEP", SWEEP.replace("points = 40", "points = 2"))
    monkeypatch.setattr("faults.killed._struck", lambda *_: 0)
    row = workers_killed(tmp_path, 1, 0)
    assert not good(row)
    assert not any(row[count] for count in ("lost", "twice", "different", "exit code"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_long_run_grows_by_nothing(jobs, tmp_path):
    assert good(row := long_run(tmp_path, jobs, tasks=1000, every=0.02)), row
    assert row["tries"] == 1000


@pytest.mark.parametrize(
    ("call", "figure"),
    [("memory", "growth of memory"), ("files", "files left open"), ("a_process", "processes left")],
)
def test_a_leak_would_be_seen(call, figure, tmp_path):
    row = long_run(tmp_path, 2, tasks=600, call=f"leaks_{call}", every=0.02)
    assert not good(row), row
    assert row[figure] > (0.05 if call == "memory" else 0)


def test_the_committed_figures_are_those_of_a_campaign_that_went_well():
    content = json.loads(RESULT.read_text())
    assert all(map(good, content["rows"]))
    kills = [row for row in content["rows"] if row["fault"] == "SIGKILL"]
    assert {row["subject"] for row in kills} == {subject.name for subject in SUBJECTS}
    assert sum(row["tries"] for row in kills) >= 200
    assert {row["fault"] for row in content["rows"]} >= {"disk full", "read-only folder", "a worker that hangs"}
