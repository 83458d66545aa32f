"""Records survive whatever happens."""

import json
import signal
import subprocess
import sys
import time

import pytest

from inertialab.experiments import store


def test_a_record_is_opened_before_the_work_and_complete_after_it(tmp_path):
    path = tmp_path / "study.json"

    def work():
        opened = json.loads((tmp_path / "study.running.json").read_text())
        assert opened["status"] == "running"
        assert opened["key"]["seed"] == 3
        assert not path.exists()
        return {"value": 1.5}

    done = store.record(path, {"seed": 3}, work)
    assert json.loads(path.read_text()) == done
    assert done["status"] == "complete"
    assert done["schema"] == store.SCHEMA
    assert done["result"] == {"value": 1.5}
    assert {"commit", "dirty", "command", "wall_s"} <= done.keys()
    assert {"python", "torch", "numpy"} <= done["key"]["versions"].keys()
    assert [f.name for f in tmp_path.iterdir()] == ["study.json"]


def test_a_complete_record_is_taken_and_another_key_is_not(tmp_path):
    calls = []

    def work():
        calls.append(1)
        return {"value": len(calls)}

    path = tmp_path / "study.json"
    for seed, expected in ((0, 1), (0, 1), (1, 2)):
        assert store.record(path, {"seed": seed}, work)["result"]["value"] == expected


def test_other_code_makes_another_record(tmp_path):
    path = tmp_path / "study.json"
    store.record(path, {"code": "one"}, lambda: {"value": 1})
    assert store.record(path, {"code": "other"}, lambda: {"value": 2})["result"]["value"] == 2


@pytest.mark.parametrize("library", ["python", *store.LIBRARIES])
def test_another_version_of_a_library_makes_another_record(tmp_path, monkeypatch, library):
    path = tmp_path / "study.json"
    store.record(path, {}, lambda: {"value": 1})
    now = store.versions()
    assert library in now
    monkeypatch.setattr(store, "versions", lambda: {**now, library: "0"})
    assert store.record(path, {}, lambda: {"value": 2})["result"]["value"] == 2


def test_a_failure_leaves_the_old_record(tmp_path):
    path = tmp_path / "study.json"
    store.record(path, {"seed": 0}, lambda: {"value": 1})
    with pytest.raises(RuntimeError, match="broken"):
        store.record(path, {"seed": 1}, lambda: (_ for _ in ()).throw(RuntimeError("broken")))
    assert json.loads(path.read_text())["result"]["value"] == 1


def test_a_number_that_is_not_finite_is_never_half_written(tmp_path):
    path = tmp_path / "study.json"
    store.write_json(path, {"value": 1.0})
    with pytest.raises(ValueError, match="Out of range float"):
        store.write_json(path, {"value": float("nan")})
    assert json.loads(path.read_text()) == {"value": 1.0}
    assert [f.name for f in tmp_path.iterdir()] == ["study.json"]


def test_an_unreadable_record_counts_as_none(tmp_path):
    path = tmp_path / "study.json"
    path.write_text('{"status": "comp')
    assert store.record(path, {}, lambda: {"value": 2})["result"]["value"] == 2


VICTIM = """
import sys, time
from pathlib import Path
from inertialab.experiments import store
folder = Path(sys.argv[1])
store.record(folder / "first.json", {}, lambda: {"value": 1})
store.record(folder / "second.json", {}, lambda: time.sleep(60) or {})
"""


def test_a_run_killed_by_sigkill_keeps_what_was_complete(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", VICTIM, str(tmp_path)])
    deadline = time.monotonic() + 60
    while not (tmp_path / "second.running.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert json.loads((tmp_path / "first.json").read_text())["status"] == "complete"
    assert json.loads((tmp_path / "second.running.json").read_text())["status"] == "running"
    assert not (tmp_path / "second.json").exists()
    assert store.record(tmp_path / "second.json", {}, lambda: {"value": 2})["result"]["value"] == 2
    assert sorted(f.name for f in tmp_path.iterdir()) == ["first.json", "second.json"]
