"""Command line: `python -m inertialab.experiments simulate|escape`.

Exit code 0: done. 2: wrong input. 3: the machine has no more disk or memory. 130: interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from inertialab.experiments.answers import answered, refused
from inertialab.experiments.options import COMMANDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    try:
        import tyro
    except ImportError:  # a machine for measurements alone may lack it
        return refused("The command line needs the package tyro: pip install tyro.")
    commands: Any = COMMANDS
    request: Any = tyro.extras.subcommand_cli_from_dict(
        commands, args=arguments, prog="python -m inertialab.experiments"
    )

    def work() -> int:
        request.check()  # before the heavy imports
        from rich.console import Console

        from inertialab.experiments.commands import carried_out

        return carried_out(request, Console())

    return answered(work, (ValueError, FloatingPointError), request.out)


if __name__ == "__main__":
    sys.exit(main())
