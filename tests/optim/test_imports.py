"""What importing the package costs."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("statement", ["import inertialab.optim", "from inertialab.optim import *"])
def test_importing_the_optimizers_imports_no_compiler(statement):
    """Neither torch's nor numba's; each takes a second or more and is fetched where it is used."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    loaded = done.stdout.split()
    assert "inertialab.optim" in loaded
    assert not {"torch._dynamo", "torch._inductor", "numba", "sympy"} & set(loaded)
