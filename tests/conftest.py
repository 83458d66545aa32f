"""Common to all tests."""

# ruff: noqa: E402
import os

# One numerical thread a process, set before any library starts: tests run side by side, and two threads on two busy
# cores make small batched products several times slower than one.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np
import pytest
import torch
from hypothesis import settings

from inertialab.experiments.memory import keep_freed_memory

torch.set_num_threads(1)
keep_freed_memory()

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("steady")


@pytest.fixture
def rng():
    """A NumPy stream."""
    return np.random.default_rng(7)


@pytest.fixture
def generator():
    """A torch stream on the CPU."""
    return torch.Generator().manual_seed(7)


@pytest.fixture
def cpu():
    """The CPU device."""
    return torch.device("cpu")
