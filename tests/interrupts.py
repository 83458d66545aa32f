"""Processes that can be interrupted, also where the tests themselves cannot be."""

import signal


def hears_interrupts():
    """For a child before it starts: a shell that runs the tests in the background has them ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
