"""The command line of the verification, called from tests."""

import inertialab.verification.__main__ as command

CONVENTIONS = ("--only", "momentum.conventions")


def run(*arguments):
    return command.main([str(a) for a in arguments])


def flat(text):
    """Text without the line breaks of a terminal."""
    return " ".join(text.split())
