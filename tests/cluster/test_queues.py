"""What PBS and Grid Engine are asked for, and that it runs: a stand-in takes jobs as they do and begins them."""

import contextlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from sweeping import POINTS, command, records, wait

HERE = Path(__file__).parent
ASKED = {
    "pbs": ("#PBS -q long", "#PBS -A physics", "#PBS -l walltime=12:00:00", "#PBS -l select=1:ncpus=1:mem=3815MB"),
    "sge": ("#$ -q long", "#$ -P physics", "#$ -l h_rt=12:00:00"),
}
ACCOUNT = {"pbs": "ACCOUNT", "sge": "PROJECT"}


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    """The folder of the texts of jobs that a stand-in has taken."""
    pytest.importorskip("dask_jobqueue", reason="the extra inertialab[cluster] is not installed")
    folder = tmp_path / "jobs"
    folder.mkdir()
    monkeypatch.setenv("JOBS", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{HERE / 'stand_in'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{HERE.parent}:{os.environ.get('PYTHONPATH', '')}")
    return folder


def swept(folder, system):
    options = ("--cluster", system, "--jobs", "2")
    return subprocess.run(command(folder / "out", *options), capture_output=True, text=True, cwd=folder, timeout=120)


def at_work(jobs):
    """Processes of jobs, told by what is in their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("JOBS") == str(jobs):
                found.append(process)
    return [process for process in found if process.pid != os.getpid()]


@pytest.mark.parametrize("system", ["pbs", "sge"])
def test_jobs_ask_for_what_is_configured_and_run(jobs, system, tmp_path, monkeypatch):
    for name, value in {"QUEUE": "long", "WALLTIME": "12:00:00", ACCOUNT[system]: "physics"}.items():
        monkeypatch.setenv(f"DASK_JOBQUEUE__{system.upper()}__{name}", value)
    done = swept(tmp_path, system)
    assert done.returncode == 0, done.stderr
    assert len(records(tmp_path / "out")) == POINTS
    texts = [script.read_text() for script in jobs.glob("*.sh")]
    assert len(texts) == 2
    for text in texts:
        lines = text.splitlines()
        assert {*ASKED[system], "export OMP_NUM_THREADS=1", "export NUMBA_NUM_THREADS=1"} <= {*lines}
        assert lines[-1].startswith(f"{shlex.quote(sys.executable)} -m distributed.cli.dask_worker tcp://")
        assert "--nthreads 1 --memory-limit 3.73GiB --nanny" in lines[-1]
    wait(lambda: not at_work(jobs), 30)


def test_jobs_that_are_refused_end_the_run_with_the_reason(jobs, tmp_path, monkeypatch):
    monkeypatch.setenv("REFUSED", "there is no queue long")
    done = swept(tmp_path, "pbs")
    assert done.returncode == 2
    assert "--cluster pbs: it cannot be reached or started (" in done.stderr
    assert "Unable to run job: there is no queue long" in done.stderr
    assert "Traceback" not in done.stderr
