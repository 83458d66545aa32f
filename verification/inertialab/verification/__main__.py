"""Command line: confront the claims with their measurements and print the verdict board."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

from inertialab.experiments.answers import VERDICT, answered, leave, refused
from inertialab.theory.names import meant
from inertialab.verification.options import COMMANDS, Verify

PROG = "python -m inertialab.verification"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        import tyro
    except ImportError:
        return refused("The command line needs tyro: pip install tyro.")
    given = list(sys.argv[1:] if arguments is None else arguments)
    word = given.pop(0) if given and not given[0].startswith("-") else ""
    if word and word not in COMMANDS:
        hint = meant(word, COMMANDS, f"Commands are {', '.join(COMMANDS)}; without one, all is done.")
        return refused(f"There is no command {word!r}. {hint}")
    asked: Any = Annotated[COMMANDS.get(word, Verify), tyro.conf.arg(name="")]
    options: Any = tyro.cli(
        asked, prog=f"{PROG} {word}".strip(), args=given, config=(tyro.conf.PositionalRequiredArgs,)
    )
    return answered(lambda: _carried_out(options), (), options.out)


def _carried_out(options: Any) -> int:
    """Import what measures and judges only now, so that help and wrong words answer at once."""
    options.check()
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(variable, "1")  # one numerical thread a process, set before torch and numba start
    from rich.console import Console

    from inertialab.experiments.training import NotConvergedError
    from inertialab.experiments.work.running import FailedTasksError
    from inertialab.verification import commands
    from inertialab.verification.measure.calibration import InstrumentsDisagreeError

    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 100)  # a log has no width of its own
    try:
        return commands.carried_out(options, console)
    except (InstrumentsDisagreeError, NotConvergedError) as error:
        return refused(f"A measurement failed. {error}", VERDICT)
    except FailedTasksError as error:
        return refused(error, error.code)


if __name__ == "__main__":
    leave(main())
