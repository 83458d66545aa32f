"""Particles on disk between chunks of steps, so that a run that was killed goes on and ends with the same numbers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from inertialab.experiments.particles import Particles
from inertialab.experiments.store import fingerprint, replacing

SECONDS = 5.0
"""Least time between two checkpoints."""


class Checkpoint:
    """The state of a crowd in one file, replaced atomically, taken again only by the same run.

    The random numbers of a chunk follow from seed, block and chunk, so nothing of them is stored.

    Args:
        path: The file; None to keep nothing.
        crowd: The particles.
        key: What else the run is made of.

    Attributes:
        extra: Further arrays or numbers to keep.
    """

    def __init__(self, path: Path | None, crowd: Particles, **key: Any):
        self.path, self.crowd, self.extra = path, crowd, dict[str, Any]()
        words = [crowd.source, crowd.count, crowd.precision.__name__, crowd.boundary, crowd.lower, crowd.sign, key]
        self.key = fingerprint(*words, crowd.fresh.tolist())
        self._saved = time.monotonic()

    def resume(self) -> int:
        """Take up the state on disk if it is one of the same run; the number of steps it has made, else 0."""
        if self.path is None or not self.path.exists():
            return 0
        try:
            with np.load(self.path) as found:
                kept = {name: found[name] for name in found.files}
            if str(kept.pop("key", "")) != self.key:
                return 0
            state, times = kept.pop("state"), kept.pop("times")
            steps, chunks, events = (int(n) for n in kept.pop("progress"))
        except Exception:  # a file that is not whole can fail in any way; the run then begins anew
            return 0
        self.crowd.state[:], self.crowd.times[:] = state, times
        self.crowd.steps, self.crowd.chunks, self.crowd.events = steps, chunks, events
        self.extra.update(kept)
        return steps

    def save(self, force: bool = False) -> None:
        """Write the state, at most every few seconds."""
        if self.path is None or (not force and time.monotonic() - self._saved < SECONDS):
            return
        crowd = self.crowd
        own: dict[str, Any] = {"key": np.array(self.key), "state": crowd.state, "times": crowd.times}
        own["progress"] = np.array([crowd.steps, crowd.chunks, crowd.events])
        with replacing(self.path) as file:
            np.savez(file, **own, **self.extra)
        self._saved = time.monotonic()

    def done(self) -> None:
        """Remove the file: what it was kept for is there."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
