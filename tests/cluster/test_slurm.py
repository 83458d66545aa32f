"""A sweep through a real Slurm of one node: a worker is killed, a job cancelled, the controller restarted."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest
from sweeping import POINTS, command, records, results, wait

HERE = Path(__file__).parent
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch")
LACKING = [name for name in NEEDED if not shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")]


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A Slurm of this test alone."""
    pytest.importorskip("dask_jobqueue", reason="the extra inertialab[cluster] is not installed")
    if LACKING:
        pytest.skip(f"Slurm is not installed: {', '.join(LACKING)} not found (Debian: slurmctld slurmd munge)")
    monkeypatch.setenv("PATH", os.environ["PATH"] + ":/usr/sbin")
    home = Path("/tmp") / f"slurm-{os.getpid()}"  # the path of a socket must be short
    started = subprocess.run([HERE / "one_node_slurm.sh", "start", home], capture_output=True, text=True)
    if started.returncode:
        pytest.skip(f"Slurm does not start here: {' '.join(started.stderr.split())[-300:]}")
    monkeypatch.setenv("SLURM_CONF", str(home / "slurm.conf"))
    yield lambda word: subprocess.run([HERE / "one_node_slurm.sh", word, home], check=True, capture_output=True)
    subprocess.run([HERE / "one_node_slurm.sh", "stop", home], capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


def jobs():
    told = subprocess.run(["squeue", "-h", "-t", "R", "-o", "%i"], capture_output=True, text=True, check=True)
    return told.stdout.split()


def worker_of(job):
    """The process that does the work of a job, below the nanny that begins it anew."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if "spawn_main" in " ".join(process.info["cmdline"] or []) and process.environ().get("SLURM_JOB_ID") == job:
                found.append(process)
    return found[0]


def test_a_sweep_through_slurm_loses_nothing_whatever_dies(slurm, tmp_path, monkeypatch):
    """All results are there, none twice, with the bits of a local run."""
    tests = str(HERE.parent)
    monkeypatch.setenv("PYTHONPATH", f"{tests}:{os.environ.get('PYTHONPATH', '')}")
    options = ("--cluster", "slurm", "--jobs", "2")
    running = subprocess.Popen(
        command(tmp_path / "slurm", *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        wait(lambda: len(records(tmp_path / "slurm")) >= 3)
        slurm("restart-controller")
        wait(lambda: len(jobs()) == 2)
        struck, cancelled = jobs()
        worker_of(struck).kill()
        wait(lambda: len(records(tmp_path / "slurm")) >= 8)
        subprocess.run(["scancel", cancelled], check=True)
        out, err = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 0, err
    assert "Dashboard http" in out
    assert "Traceback" not in err
    subprocess.run(command(tmp_path / "here", "--jobs", "1"), check=True, capture_output=True)
    assert results(tmp_path / "slurm") == results(tmp_path / "here")
    assert len(records(tmp_path / "slurm")) == POINTS
    wait(lambda: not jobs(), 30)  # no job is left behind
