"""The whole campaign of faults: `nox -s faults`; figures go to results/faults.json."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from faults.damaged import checkpoints_damaged, records_damaged  # noqa: E402
from faults.killed import killed, workers_killed  # noqa: E402
from faults.machine import FAULTS  # noqa: E402
from faults.subjects import SUBJECTS  # noqa: E402
from inertialab.experiments import store  # noqa: E402

RESULT = Path(__file__).parents[2] / "results" / "faults.json"
ZERO = ("lost", "twice", "different", "left over", "believed")
"""Counts that must be zero."""


def good(row):
    return not any(row.get(name, 0) for name in ZERO) and row.get("as expected", True)


def rows(kills, damages, folder):
    """One row a fault, as they come."""
    for i, subject in enumerate(SUBJECTS):
        yield killed(subject, _fresh(folder), kills // len(SUBJECTS), i)
    yield workers_killed(_fresh(folder), max(2, kills // 20), 0)
    for subject in SUBJECTS:
        yield records_damaged(subject, _fresh(folder), damages, 0)
        if subject.kept:
            yield checkpoints_damaged(subject, _fresh(folder), max(3, damages // 10), 0)
    for fault in FAULTS:
        if row := fault(_fresh(folder)):
            yield row


def _fresh(folder):
    return Path(tempfile.mkdtemp(dir=folder))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--damages", type=int, default=200)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    head, dirty = store.commit()
    about, found = {"schema": 1, "commit": head, "dirty": dirty, "versions": store.versions()}, []
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(asked.kills, asked.damages, folder):
            print("as expected" if good(row) else "NOT AS EXPECTED", row, flush=True)
            found.append(row)
            store.write_json(asked.out, {**about, "rows": found})
    return int(not all(map(good, found)))


if __name__ == "__main__":
    raise SystemExit(main())
