"""Processes that can be interrupted, also where the tests themselves cannot be."""

import os
import signal
import subprocess
import time


def hears_interrupts():
    """For a child before it starts: a shell that runs the tests in the background has them ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupted(process, seconds=90.0):
    """Interrupt a process until it ends, as a person does: a compiler may swallow a first time; what it has said."""
    deadline = time.monotonic() + seconds
    while True:
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                process.kill()
                raise


def ended_as_a_group(command, folder, environment, seconds):
    """Interrupt a run once two of its tasks have begun, as a terminal does, workers and all; no process is left.

    Args:
        command: Of the run.
        folder: Below which its records are written.
        environment: Of the run.
        seconds: Until the tasks have begun and the workers have gone.
    """
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
        preexec_fn=hears_interrupts,
    )
    deadline = time.monotonic() + seconds
    while len([*folder.rglob("*.running.json")]) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "Interrupted. Complete records are kept" in err
    assert "Traceback" not in out + err
    while _alive(running.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _alive(running.pid)


def _alive(group):
    """Whether a process of a group lives."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
