"""What must hold for every row of OPTIMIZERS."""

import copy
import io
import pickle

import numpy as np
import pytest
import sympy as sp
import torch
from rows import every_row, gradients, settings

from inertialab.optim import OPTIMIZERS, momentum_ema, set_momentum_buffer
from inertialab.theory.dynamics import MAPS
from inertialab.theory.notation import g


def symbolic_path(row, sequence):
    """Positions from the symbolic map, one assignment after the other, in NumPy."""
    update = MAPS[row.name]
    values = {str(s): np.zeros(sequence.shape[1]) for s in update.state} | settings(row)
    functions = [
        (str(s), sorted(map(str, e.free_symbols)), sp.lambdify(sorted(e.free_symbols, key=str), e))
        for s, e in update.assignments
    ]
    path = []
    for gradient in sequence:
        values[str(g)] = gradient
        for symbol, names, function in functions:
            values[symbol] = function(*(values[name] for name in names))
            if update.mean and symbol == str(update.mean[0]):
                values[str(update.mean[1])] = values[symbol].mean()
        path.append(values["theta"])
    return np.array(path)


def torch_path(row, sequence, split=lambda theta: [theta]):
    """Positions from the torch optimizer; `split` makes tensors of the coordinates."""
    parts = split(torch.zeros(sequence.shape[1], dtype=torch.float64))
    optimizer = row.make(parts, **settings(row))
    sizes = [p.numel() for p in parts]
    path = []
    for gradient in torch.as_tensor(sequence):
        for part, piece in zip(parts, gradient.split(sizes), strict=True):
            part.grad = piece.clone().view_as(part)
        optimizer.step()
        path.append(torch.cat([p.reshape(-1) for p in parts]).numpy().copy())
    return np.array(path)


def fresh(row, dtype=torch.float64):
    """An optimizer over two parameters, and a function that makes its next step."""
    rng = np.random.default_rng(2)
    params = [torch.ones(3, dtype=dtype, requires_grad=True), torch.ones(2, 2, dtype=dtype, requires_grad=True)]
    optimizer = row.make(params, **settings(row))

    def step(optimizer=optimizer, params=params, rng=rng):
        for p in params:
            p.grad = torch.as_tensor(rng.standard_normal(p.shape)).to(dtype)
        optimizer.step()

    return optimizer, params, step, rng


@every_row
def test_fifty_steps_of_torch_are_fifty_steps_of_the_symbolic_map(row):
    assert torch_path(row, gradients()) == pytest.approx(symbolic_path(row, gradients()), rel=1e-12, abs=1e-13)


@every_row
def test_the_comparison_notices_another_rule(row):
    same = {"momentum-torch", "heavy-ball"}
    others = [o for o in OPTIMIZERS.values() if o is not row and {o.name, row.name} != same]
    assert all(np.abs(torch_path(o, gradients()) - symbolic_path(row, gradients())).max() > 1e-3 for o in others)


@every_row
def test_the_path_does_not_depend_on_how_coordinates_are_split_over_tensors(row):
    whole = torch_path(row, gradients())
    parts = torch_path(
        row, gradients(), lambda theta: [theta[:1].clone(), theta[1:5].clone().view(2, 2), theta[5:].clone()]
    )
    assert parts == pytest.approx(whole, rel=1e-12, abs=1e-14)


@every_row
def test_gradients_are_left_as_they_were(row):
    optimizer, params, _, rng = fresh(row)
    for p in params:
        p.grad = torch.as_tensor(rng.standard_normal(p.shape))
    before = [p.grad.clone() for p in params]
    optimizer.step()
    assert all(torch.equal(p.grad, b) for p, b in zip(params, before, strict=True))


@every_row
def test_a_step_without_gradients_changes_nothing(row):
    optimizer, params, _, _ = fresh(row)
    optimizer.step()
    assert all(torch.equal(p, torch.ones_like(p)) for p in params)


@every_row
def test_a_parameter_without_gradient_stays(row):
    optimizer, params, _, _ = fresh(row)
    params[0].grad = torch.ones(3, dtype=torch.float64)
    for _ in range(row.idle + 1):
        optimizer.step()
    assert torch.equal(params[1], torch.ones_like(params[1]))
    assert not torch.equal(params[0], torch.ones_like(params[0]))


@every_row
def test_a_step_bumps_the_version_that_autograd_watches(row):
    _, params, step, _ = fresh(row)
    for _ in range(row.idle):
        step()
    before = [p._version for p in params]
    step()
    assert all(p._version > b for p, b in zip(params, before, strict=True))


@every_row
def test_a_closure_is_called_with_gradients_enabled_and_its_loss_returned(row):
    optimizer, params, _, _ = fresh(row)

    def closure():
        optimizer.zero_grad()
        loss = sum((p**2).sum() for p in params)
        loss.backward()
        return loss

    with torch.no_grad():
        losses = [float(optimizer.step(closure)) for _ in range(row.idle + 1)]
    assert losses[0] == 7
    assert all((p < 1).all() for p in params)


@every_row
@pytest.mark.parametrize("copier", ["state_dict", "weights_only", "pickle", "deepcopy"])
def test_a_copy_goes_on_bit_for_bit(row, copier):
    optimizer, params, step, rng = fresh(row)
    for _ in range(row.idle + 3):
        step()
    if copier in ("pickle", "deepcopy"):
        pair = (optimizer, params)
        twin, twins = pickle.loads(pickle.dumps(pair)) if copier == "pickle" else copy.deepcopy(pair)
        twins = twin.param_groups[0]["params"]
    else:
        twins = [p.detach().clone().requires_grad_() for p in params]
        twin = row.make(twins, **settings(row))
        content = copy.deepcopy(optimizer.state_dict())
        if copier == "weights_only":
            file = io.BytesIO()
            torch.save(content, file)
            content = torch.load(io.BytesIO(file.getvalue()), weights_only=True)
        twin.load_state_dict(content)
    draws = copy.deepcopy(rng)
    step()
    for p in twins:
        p.grad = torch.as_tensor(draws.standard_normal(p.shape))
    twin.step()
    assert all(torch.equal(a, b) for a, b in zip(params, twins, strict=True))


@every_row
def test_a_scheduler_changes_the_learning_rate(row):
    optimizer, params, step, _ = fresh(row)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: float(epoch == 0))
    for _ in range(row.idle + 1):
        step()
    scheduler.step()
    before = [p.clone() for p in params]
    step()
    assert all(torch.equal(p, b) for p, b in zip(params, before, strict=True))


def test_torch_dampening_alone_is_not_the_ema_convention():
    """Its first step is 1/(1 - beta) times too long; the row puts zero buffers in place."""
    theta = torch.zeros(1, dtype=torch.float64)
    bare = torch.optim.SGD([theta], lr=0.07, momentum=0.9, dampening=0.9)
    theta.grad = torch.ones(1, dtype=torch.float64)
    bare.step()
    assert float(theta) == pytest.approx(-0.07)
    assert float(torch_path(OPTIMIZERS["momentum-ema"], np.ones((1, 1)))[0, 0]) == pytest.approx(-0.007)


def test_a_given_buffer_moves_the_parameter_first():
    theta = torch.zeros(3, dtype=torch.float64)
    optimizer = momentum_ema([theta], eta=0.1, beta=0.5)
    set_momentum_buffer(optimizer, torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    theta.grad = torch.zeros(3, dtype=torch.float64)
    optimizer.step()
    assert theta.tolist() == pytest.approx([-0.05, -0.1, -0.15])


def test_rows_and_maps_have_the_same_names():
    assert set(OPTIMIZERS) == set(MAPS)
