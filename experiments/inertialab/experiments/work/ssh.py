"""Workers on machines that ssh reaches, as `~/.ssh/config` says: names, ports, users, keys, jumps.

What dask starts on a machine outlives the connection that it was started through, when an sshd sends no signals, the
line is cut or the run is killed. So it watches its standard input, which closes with the connection.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import sys
import threading
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

from inertialab.experiments.errors import WrongInputError

SETTINGS = {
    "distributed.scheduler.preload": [__name__],
    "distributed.nanny.preload": [__name__],
    "distributed.logging": {"distributed": "info"},  # dask reads there which address a machine has given
}
"""What dask is told there, beside what it is told everywhere."""


def started(hosts: Sequence[str], jobs: int, seconds: float) -> Any:
    """A cluster with its scheduler on the first machine, and on each at least one worker.

    Args:
        hosts: Names that ssh knows.
        jobs: How many workers in all; machines have them in turn.
        seconds: In which a machine must answer.

    Raises:
        WrongInputError: If machines do not answer or do not let this user in; the sentence names them.
    """
    from distributed import SSHCluster

    asyncio.run(_require_reached(hosts, seconds))
    workers = islice(cycle(hosts), max(jobs, len(hosts)))
    return SSHCluster(
        [hosts[0], *workers],
        connect_options={"connect_timeout": seconds},
        worker_options={"nthreads": 1},
        scheduler_options={"dashboard_address": ":0"},
        remote_python=shlex.quote(sys.executable),
        silence_logs=logging.CRITICAL,
    )


async def _require_reached(hosts: Sequence[str], seconds: float) -> None:
    """Refuse machines that cannot be reached, all at once and by their names, which dask does not tell."""
    names = list(dict.fromkeys(hosts))
    tried = await asyncio.gather(*(_reached(name, seconds) for name in names), return_exceptions=True)
    lost = [f"{name} ({_reason(error)})" for name, error in zip(names, tried, strict=True) if error]
    if lost:
        raise WrongInputError(f"--cluster ssh:{','.join(hosts)}: ssh does not reach {', '.join(lost)}.")


async def _reached(host: str, seconds: float) -> None:
    import asyncssh

    async with asyncssh.connect(host, connect_timeout=seconds):
        pass


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or "no answer"


def dask_setup(service: Any) -> None:
    """Called by dask in the scheduler and the nannies that it starts on a machine."""
    threading.Thread(target=_end_with_the_connection, daemon=True).start()


def _end_with_the_connection() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)  # a worker ends with its nanny
