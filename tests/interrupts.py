"""Processes that can be interrupted, also where the tests themselves cannot be."""

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
