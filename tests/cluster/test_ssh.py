"""A sweep through a real sshd: a worker is killed, the run is interrupted or killed; nothing is lost, nothing left."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from interrupts import ended_as_a_group
from sweeping import POINTS, command, records, results, wait

HERE = Path(__file__).parent
LACKING = [
    name
    for name in ("sshd", "ssh", "ssh-keygen")
    if not shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
]
ACROSS = ("--cluster", "ssh:one,two", "--jobs", "2")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of one whose ssh knows the hosts one and two, both of them this machine."""
    pytest.importorskip("asyncssh", reason="the extra inertialab[cluster] is not installed")
    if LACKING:
        pytest.skip(f"no sshd can be started: {', '.join(LACKING)} not found (Debian: openssh-server)")
    monkeypatch.setenv("PYTHONPATH", f"{HERE.parent}:{os.environ.get('PYTHONPATH', '')}")
    home = tmp_path / "home"
    started = subprocess.run([HERE / "one_host_ssh.sh", "start", home], capture_output=True, text=True)
    if started.returncode:
        pytest.skip(f"sshd does not start here: {' '.join(started.stderr.split())[-300:]}")
    monkeypatch.setenv("HOME", str(home))
    yield home
    subprocess.run([HERE / "one_host_ssh.sh", "stop", home], check=True)


def on_the_host(home):
    """What was started there through its sshd, with its descendants."""
    port = next(line.split()[1] for line in (home / "sshd_config").read_text().splitlines() if line.startswith("Port"))
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("SSH_CONNECTION", "").endswith(f" {port}"):
                found.append(process)
    return found


def workers(home):
    """The processes that do the work, below the nannies that begin them anew."""
    found = []
    for process in on_the_host(home):
        with contextlib.suppress(psutil.Error):
            if "spawn_main" in " ".join(process.cmdline()):
                found.append(process)
    return found


def begun(folder):
    """A sweep that has measured some of its points."""
    running = subprocess.Popen(
        command(folder, *ACROSS), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder.parent
    )
    wait(lambda: len(records(folder)) >= 3 or running.poll() is not None)
    return running


def test_a_sweep_through_ssh_loses_nothing_when_a_worker_dies(home, tmp_path):
    """All results are there, none twice, with the bits of a local run; nothing stays on the hosts."""
    here = subprocess.Popen(command(tmp_path / "here", "--jobs", "1"), stdout=subprocess.DEVNULL)
    running = begun(tmp_path / "ssh")
    try:
        assert len(workers(home)) == 2
        workers(home)[0].kill()
        _, err = running.communicate(timeout=120)
    finally:
        running.kill()
        here.wait()
    assert running.returncode == 0, err
    assert err == ""
    assert results(tmp_path / "ssh") == results(tmp_path / "here")
    assert len(records(tmp_path / "ssh")) == POINTS
    wait(lambda: not on_the_host(home), 30)


def test_an_interrupt_leaves_no_process_on_the_hosts(home, tmp_path):
    ended_as_a_group(command(tmp_path / "out", *ACROSS), tmp_path / "out", dict(os.environ), 120)
    wait(lambda: not on_the_host(home), 30)


def test_a_run_that_is_killed_leaves_no_process_on_the_hosts(home, tmp_path):
    """Neither the run nor an sshd tells them to end: the connection does."""
    running = begun(tmp_path / "out")
    assert on_the_host(home)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    wait(lambda: not on_the_host(home), 30)


def test_hosts_that_cannot_be_reached_are_named_and_nothing_starts(home, tmp_path):
    done = subprocess.run(
        command(tmp_path / "out", "--cluster", "ssh:one,nobody.invalid"), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert "--cluster ssh:one,nobody.invalid: ssh does not reach nobody.invalid (" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not records(tmp_path / "out")
    wait(lambda: not on_the_host(home), 30)
