import subprocess
import sys

import pytest

FAULTS = """
import resource
import numpy as np
from inertialab.experiments.memory import keep_freed_memory

kept = {keep} and keep_freed_memory()
made = lambda: [np.ones(500_000) + 1 for _ in range(3)]
made()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    made()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep):
    run = subprocess.run([sys.executable, "-c", FAULTS.format(keep=keep)], capture_output=True, text=True, check=True)
    kept, pages = run.stdout.split()
    return kept == "True", int(pages)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is asked")
def test_freed_memory_is_used_again_and_not_fetched_from_the_kernel_anew():
    kept, few = faults(True)
    if not kept:
        pytest.skip("this C library is not glibc")
    _, many = faults(False)
    assert many > 10_000, "without it pages of 4 kB come and go; else this test sees nothing"
    assert few < 500
