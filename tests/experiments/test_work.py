"""Tasks one by one, side by side and on a cluster: what fails is named, and nothing else suffers."""

import contextlib
import io
import sys
from math import inf

import chores
import pytest
from rich.console import Console

from inertialab.experiments import store
from inertialab.experiments.errors import WrongInputError
from inertialab.experiments.work import cluster
from inertialab.experiments.work.running import FailedTasksError, run
from inertialab.experiments.work.task import Task
from inertialab.experiments.work.where import Where


@pytest.fixture(autouse=True)
def has_dask(request):
    where = request.node.callspec.params.get("where") if hasattr(request.node, "callspec") else None
    if where and where.cluster:
        pytest.importorskip("distributed", reason="the extra inertialab[cluster] is not installed")


def console(terminal=False):
    return Console(file=io.StringIO(), width=200, force_terminal=terminal)


def task(call, name=None, seconds=0.0, **arguments):
    return Task(name or call, f"{chores.__name__}:{call}", arguments, seconds)


def written(folder):
    return {file.stem for file in folder.glob("*.txt")}


def good(folder, number, wait=0.0):
    return [task("writes", f"good-{i}", folder=str(folder), mark=f"good-{i}", wait=wait) for i in range(number)]


def failing(tasks, where, out=None):
    with pytest.raises(FailedTasksError) as caught:
        run(tasks, where, out or console())
    return caught.value


@pytest.mark.parametrize("where", [pytest.param(Where(1), id="one"), pytest.param(Where(2), id="two")])
def test_a_failure_is_named_and_the_others_go_on(where, tmp_path):
    out = console()
    error = failing([task("fails", seconds=9.0), *good(tmp_path, 3)], where, out)
    assert [(f.name, f.kind) for f in error.failures] == [("fails", "measurement")]
    assert error.code == 1
    assert "1 of 4 failed: fails (the first: the third point has no minimum)" in str(error)
    assert "fails failed after" in out.file.getvalue()
    assert written(tmp_path) == {"good-0", "good-1", "good-2"}


@pytest.mark.parametrize(
    "where",
    [pytest.param(Where(2, limit=5), id="two"), pytest.param(Where(2, "local", 20), id="cluster")],
)
def test_who_dies_or_hangs_is_named_and_no_other(where, tmp_path):
    once = task("dies_once", "once", folder=str(tmp_path), mark="once")
    out = console(terminal=True)
    tasks = [task("dies", seconds=9.0), task("hangs", seconds=8.0), task("fails", seconds=7.0), once]
    error = failing([*tasks, *good(tmp_path, 4)], where, out)
    assert {f.name: f.kind for f in error.failures} == {"dies": "machine", "hangs": "machine", "fails": "measurement"}
    assert "measuring" in out.file.getvalue()
    assert "hangs" in out.file.getvalue()
    assert error.code == 3
    assert next(f for f in error.failures if f.name == "dies").why.startswith(
        ("its process died 2", "its worker died 2")
    )
    assert written(tmp_path) == {"once", "good-0", "good-1", "good-2", "good-3"}


@pytest.mark.parametrize("where", [pytest.param(Where(1), id="one"), pytest.param(Where(2), id="two")])
def test_one_that_wants_too_much_memory_is_named(where, tmp_path):
    error = failing([task("wants_memory"), *good(tmp_path, 2)], where)
    assert [f.name for f in error.failures] == ["wants_memory"]
    assert error.code == 3
    assert written(tmp_path) == {"good-0", "good-1"}


def test_a_worker_that_writes_on_a_disk_of_its_own_is_told(tmp_path):
    pytest.importorskip("distributed", reason="the extra inertialab[cluster] is not installed")
    where = Where(1, "local")
    error = failing([task("writes_elsewhere", "lonely", folder=str(tmp_path), mark="lonely")], where)
    assert "--out must be a shared folder" in str(error)
    assert error.code == 2


@pytest.mark.parametrize("where", [pytest.param(Where(2), id="two"), pytest.param(Where(1, "local"), id="cluster")])
def test_a_record_says_what_was_typed_whoever_makes_it(where, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["/somewhere/python", "-m", "inertialab.verification", "run"])
    run([task("records", mark, folder=str(tmp_path), mark=mark) for mark in ("one", "two")], where, console())
    for mark in ("one", "two"):
        made = store.read_record(tmp_path / f"{mark}.json")
        assert made["command"] == ["python", "-m", "inertialab.verification", "run"]


def test_long_work_comes_first():
    out = console()
    tasks = [task("fails", name, seconds) for name, seconds in (("short", 1.0), ("long", 9.0), ("mid", 2.0))]
    failing(tasks, Where(1), out)
    assert [line.split()[0] for line in out.file.getvalue().splitlines()] == ["long", "mid", "short"]


def test_other_work_is_done_meanwhile(tmp_path):
    """The tasks go on while this process does something: one of them waits for it."""
    tasks = [task("waits_for", str(i), folder=str(tmp_path), mark=str(i), file="here") for i in range(2)]
    run(tasks, Where(2), console(), meanwhile=(tmp_path / "here").touch)
    assert written(tmp_path) == {"0", "1"}


@pytest.mark.parametrize("where", [pytest.param(Where(2), id="two")])
def test_a_terminal_shows_how_far_it_is(where, tmp_path):
    out = console(terminal=True)
    run(good(tmp_path, 3, wait=1.0), where, out)
    assert "measuring" in out.file.getvalue()
    assert "good-0" in out.file.getvalue()


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        (Where(-1), "--jobs -1: give a number of processes"),
        (Where(0, "", -1.0), "--limit -1: give a number of seconds"),
        (Where(0, "", float("nan")), "--limit nan: give a number of seconds"),
        (Where(0, "slum"), "--cluster slum: give local, slurm"),
        (Where(0, "ssh:"), "--cluster ssh:: give local, slurm"),
        (Where(0, "tcp://host"), "or the address of a scheduler"),
    ],
)
def test_a_place_that_is_none_is_refused(where, sentence):
    with pytest.raises(WrongInputError, match=sentence):
        where.check()


def test_without_the_extra_its_name_is_told(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WrongInputError, match=r"distributed and dask_jobqueue: pip install 'inertialab\[cluster\]'"):
        Where(0, "slurm").check()


def test_a_scheduler_that_does_not_answer_is_one_sentence(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="the extra inertialab[cluster] is not installed")
    monkeypatch.setattr(cluster, "REACHED", 1)
    with pytest.raises(WrongInputError, match=r"--cluster tcp://127\.0\.0\.1:9: it cannot be reached or started"):
        run(good(tmp_path, 1), Where(1, "tcp://127.0.0.1:9"), console())


class NobodyLeft:
    """A client whose last worker was lost."""

    def nthreads(self):
        return {}


def test_without_a_worker_left_tasks_are_named(tmp_path):
    with contextlib.ExitStack() as stack:
        ended = [*cluster.on_cluster(good(tmp_path, 2), NobodyLeft(), None, {}, stack, 0.1)]
    assert [(name, why, kind) for name, _, _, why, kind in ended] == [
        (f"good-{i}", "no worker is left.", "machine") for i in range(2)
    ]


@pytest.mark.parametrize(("word", "waits"), [("local", 60), ("ssh:one", 60), ("slurm", inf), ("tcp://here:8786", inf)])
def test_who_may_still_get_workers_waits_for_them(word, waits):
    assert cluster.patience(word) == waits


def test_a_host_that_ssh_does_not_reach_is_named(tmp_path, monkeypatch):
    pytest.importorskip("asyncssh", reason="the extra inertialab[cluster] is not installed")
    monkeypatch.setenv("HOME", str(tmp_path))
    ssh_config = tmp_path / ".ssh" / "config"
    ssh_config.parent.mkdir()
    ssh_config.write_text("Host away\n    HostName 127.0.0.1\n    Port 9\n")
    with pytest.raises(WrongInputError, match=r"--cluster ssh:away: ssh does not reach away \(.*Connect call failed"):
        run(good(tmp_path, 1), Where(1, "ssh:away"), console())
