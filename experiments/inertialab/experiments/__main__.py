"""Command line: `python -m inertialab.experiments simulate|escape|campaign|har|arbal|compare|sweep`.

Exit code 0: done. 1: points of a sweep failed. 2: wrong input. 3: the machine has no more disk or memory, or a process
died. 130: interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from inertialab.experiments.answers import answered, leave, refused
from inertialab.experiments.arbal.options import Arbal
from inertialab.experiments.campaign.options import Campaign
from inertialab.experiments.compared.options import Compare
from inertialab.experiments.har.options import Har
from inertialab.experiments.options import COMMANDS
from inertialab.experiments.sweeps.options import Sweep

HOMES: dict[type, str] = {
    Campaign: "inertialab.experiments.campaign.command",
    Har: "inertialab.experiments.har.command",
    Arbal: "inertialab.experiments.arbal.command",
    Compare: "inertialab.experiments.compared.command",
    Sweep: "inertialab.experiments.sweeps.command",
}
"""Where a request is carried out; the others in `commands`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    try:
        import tyro
    except ImportError:  # a machine for measurements alone may lack it
        return refused("The command line needs the package tyro: pip install tyro.")
    commands: Any = COMMANDS
    request: Any = tyro.extras.subcommand_cli_from_dict(
        commands,
        args=arguments,
        prog="python -m inertialab.experiments",
        config=(tyro.conf.PositionalRequiredArgs,),
    )

    def work() -> int:
        request.check()  # before the heavy imports
        from rich.console import Console

        home = HOMES.get(type(request), "inertialab.experiments.commands")
        return import_module(home).carried_out(request, Console())

    return answered(work, (ValueError, FloatingPointError), request.out)


if __name__ == "__main__":
    leave(main())
