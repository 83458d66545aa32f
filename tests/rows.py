"""What the generic tests of optimizers share: settings for every row, and a sequence of gradients."""

import numpy as np
import pytest

from inertialab.optim import OPTIMIZERS

SETTINGS = {"eta": 0.07, "beta": 0.9, "beta0": 0.3, "beta2": 0.9, "eps": 0.05, "delta": 1e-3, "c": 1.5, "decay": 0.3}
every_row = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=lambda row: row.name)


def settings(row):
    return {name: SETTINGS[name] for name in ("eta", *row.settings)}


def gradients(steps=50, coordinates=6):
    """Of different size in each coordinate, so that adaptive methods treat them differently."""
    rng = np.random.default_rng(1)
    return rng.standard_normal((steps, coordinates)) * 10 ** rng.uniform(-1.5, 1.5, coordinates)
