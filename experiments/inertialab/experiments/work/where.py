"""Where tasks run, as it is asked for on a command line. Light, so that help and wrong words answer at once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from math import isfinite

from inertialab.experiments.errors import WrongInputError

QUEUES = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster"}
"""Batch systems and their classes in dask-jobqueue."""
INSTALL = "pip install 'inertialab[cluster]'"
NAMES = r"local|slurm|pbs|sge|ssh:[^,\s]+(,[^,\s]+)*|(tcp|tls|ws|wss)://\S+:\d+"


@dataclass(frozen=True)
class Where:
    """Where tasks run.

    Attributes:
        jobs: Processes or workers; 0 for all cores.
        cluster: As in `require_cluster`; empty for this machine without an engine.
        limit: Most seconds that a task may take, 0 for any number.
    """

    jobs: int = 0
    cluster: str = ""
    limit: float = 0.0

    def check(self) -> None:
        """Refuse numbers that are none and a cluster that cannot be had.

        Raises:
            WrongInputError: With a sentence that names the option.
        """
        if self.jobs < 0:
            raise WrongInputError(f"--jobs {self.jobs}: give a number of processes, or 0 for all cores.")
        if not (isfinite(self.limit) and self.limit >= 0):
            raise WrongInputError(f"--limit {self.limit:g}: give a number of seconds, or 0 for no limit.")
        if self.cluster:
            require_cluster(self.cluster)

    def processes(self, device: str = "cpu") -> int:
        """As many as were asked for; for 0 all cores, or one where they would share a device."""
        return self.jobs or (1 if device != "cpu" else os.cpu_count() or 1)


def require_cluster(word: str) -> None:
    """Refuse what names no cluster, before anything heavy is imported.

    Args:
        word: local, slurm, pbs, sge, ssh:HOST,HOST... or the address of a scheduler.

    Raises:
        WrongInputError: With a sentence that says what can be named, or what to install.
    """
    if not re.fullmatch(NAMES, word):
        raise WrongInputError(
            f"--cluster {word}: give local, slurm, pbs, sge, ssh:HOST,HOST or the address of a scheduler, such as "
            "tcp://10.0.0.1:8786."
        )
    from importlib.util import find_spec

    needed = ["distributed", *(["dask_jobqueue"] if word in QUEUES else []), *(["asyncssh"] if "ssh:" in word else [])]
    if lacking := [name for name in needed if find_spec(name) is None]:
        raise WrongInputError(f"--cluster {word} needs {' and '.join(lacking)}: {INSTALL}.")
