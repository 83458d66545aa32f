"""An interrupt ends a run through dask, its workers with it."""

import os
import sys
from pathlib import Path

import pytest
from interrupts import ended_as_a_group

CODE = """
import sys
from pathlib import Path
from faults.subjects import swept

if __name__ == "__main__":
    sys.exit(swept(Path(sys.argv[1]), "--cluster", "local", "--jobs", "2", text=sys.argv[2]))
"""
PLAN = 'target = "chore"\n[fixed]\nsteps = 100\nwait = 0.05\n[grid]\nx = {low = 11, high = 50, points = 40}\n'


def test_an_interrupt_cancels_and_leaves_no_worker(tmp_path):
    pytest.importorskip("distributed", reason="the extra inertialab[cluster] is not installed")
    script = tmp_path / "run.py"
    script.write_text(CODE)
    environment = {**os.environ, "PYTHONPATH": f"{Path(__file__).parents[1]}:{os.environ.get('PYTHONPATH', '')}"}
    ended_as_a_group([sys.executable, script, tmp_path / "out", PLAN], tmp_path, environment, 120)
