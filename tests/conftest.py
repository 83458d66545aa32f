"""Common to all tests."""

import numpy as np
import pytest
import torch
from hypothesis import settings

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
