"""What must hold for every row of OPTIMIZERS."""

import numpy as np
import pytest
import sympy as sp
import torch

from inertialab.optim import OPTIMIZERS, momentum_ema, set_momentum_buffer
from inertialab.theory.dynamics import MAPS
from inertialab.theory.notation import g

SETTINGS = {"eta": 0.07, "beta": 0.9}
every_row = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=lambda row: row.name)


def _settings(row):
    return {name: SETTINGS[name] for name in ("eta", *row.settings)}


def symbolic_path(row, gradients):
    """Positions from the symbolic map, with numbers put in step by step."""
    update = MAPS[row.name]
    by_name = {str(s): s for s in set().union(*(e.free_symbols for _, e in update.assignments))}
    arguments = [by_name[name] for name in _settings(row)]
    step = sp.lambdify([*update.state, g, *arguments], list(update.step(g).values()))
    state, path = [0.0] * len(update.state), []
    for gradient in gradients:
        state = step(*state, gradient, *_settings(row).values())
        path.append(state[0])
    return np.array(path)


def torch_path(row, gradients):
    theta = torch.zeros(1, dtype=torch.float64)
    optimizer = row.make([theta], **_settings(row))
    path = []
    for gradient in gradients:
        theta.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        path.append(float(theta))
    return np.array(path)


@every_row
def test_fifty_steps_of_torch_are_fifty_steps_of_the_symbolic_map(row):
    gradients = np.random.default_rng(1).standard_normal(50)
    assert torch_path(row, gradients) == pytest.approx(symbolic_path(row, gradients), rel=1e-12, abs=1e-13)


@every_row
def test_the_comparison_notices_another_convention(row):
    gradients = np.random.default_rng(1).standard_normal(50)
    same = {"momentum-torch", "heavy-ball"}
    others = [o for o in OPTIMIZERS.values() if o is not row and {o.name, row.name} != same]
    assert all(np.abs(torch_path(o, gradients) - symbolic_path(row, gradients)).max() > 1e-3 for o in others)


def test_torch_dampening_alone_is_not_the_ema_convention():
    """Its first step is 1/(1 - beta) times too long; the row puts zero buffers in place."""
    theta = torch.zeros(1, dtype=torch.float64)
    bare = torch.optim.SGD([theta], lr=0.07, momentum=0.9, dampening=0.9)
    theta.grad = torch.ones(1, dtype=torch.float64)
    bare.step()
    assert float(theta) == pytest.approx(-0.07)
    assert torch_path(OPTIMIZERS["momentum-ema"], [1.0])[0] == pytest.approx(-0.007)


def test_a_given_buffer_moves_the_parameter_first():
    theta = torch.zeros(3, dtype=torch.float64)
    optimizer = momentum_ema([theta], eta=0.1, beta=0.5)
    set_momentum_buffer(optimizer, torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    theta.grad = torch.zeros(3, dtype=torch.float64)
    optimizer.step()
    assert theta.tolist() == pytest.approx([-0.05, -0.1, -0.15])


def test_rows_and_maps_have_the_same_names():
    assert set(OPTIMIZERS) == set(MAPS)
