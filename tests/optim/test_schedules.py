"""Schedules of learning rate, momentum, decay and other settings."""

import warnings

import pytest
import torch
from rows import every_row, settings
from torch.optim import lr_scheduler

from inertialab.optim import Adai, AdaiW, CProp, compiled, momentum_ema

CYCLES = {
    "OneCycleLR": lambda o, **k: lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=20, **k),
    "CyclicLR": lambda o, **k: lr_scheduler.CyclicLR(o, 1e-3, 0.1, step_size_up=5, **k),
}
every_cycle = pytest.mark.parametrize("cycle", CYCLES.values(), ids=CYCLES)


def one(value=0.0):
    return torch.tensor([value], dtype=torch.float64, requires_grad=True)


def ema(gradients, momenta, lr=0.1):
    """Positions of the EMA rule, written out."""
    x, m, path = 0.0, 0.0, []
    for g, beta in zip(gradients, momenta, strict=True):
        m = beta * m + (1 - beta) * g
        x -= lr * m
        path.append(x)
    return path


def walk(optimizer, p, gradients):
    path = []
    for g in gradients:
        p.grad = torch.full_like(p, g)
        optimizer.step()
        path.append(p.item())
    return path


GRADIENTS = [1.0, -2.0, 3.0, 0.5]


@pytest.mark.parametrize("foreach", [None, True, False])
def test_a_parameter_of_momentum_ema_that_is_added_later_starts_as_the_others_did(foreach):
    a, b = one(), one()
    optimizer = momentum_ema([a], eta=0.1, beta=0.9)
    walk(optimizer, a, GRADIENTS)
    optimizer.add_param_group({"params": [b], "foreach": foreach})
    a.grad = None
    assert walk(optimizer, b, GRADIENTS) == pytest.approx(ema(GRADIENTS, [0.9] * 4))


def test_a_parameter_of_momentum_ema_may_be_exchanged():
    """As preparation for distribution does, between construction and the first step."""
    a, b = one(), one()
    optimizer = momentum_ema([a], eta=0.1, beta=0.9)
    optimizer.param_groups[0]["params"] = [b]
    assert walk(optimizer, b, GRADIENTS) == pytest.approx(ema(GRADIENTS, [0.9] * 4))


def test_momentum_ema_goes_on_from_a_state_without_buffers():
    a, b = one(), one()
    optimizer = momentum_ema([b], eta=0.1, beta=0.9)
    optimizer.load_state_dict(torch.optim.SGD([a], lr=0.1, momentum=0.9, dampening=0.9).state_dict())
    assert walk(optimizer, b, GRADIENTS) == pytest.approx(ema(GRADIENTS, [0.9] * 4))


def test_momentum_ema_starts_when_a_closure_makes_the_first_gradient():
    p = one(1.0)
    optimizer = momentum_ema([p], eta=0.1, beta=0.9)

    def closure():
        optimizer.zero_grad()
        (p**2).sum().backward()

    optimizer.step(closure)
    assert p.item() == pytest.approx(1 - 0.1 * 0.1 * 2)


def test_momentum_ema_inside_cprop_starts_late_parameters_too():
    a, b = one(), one()
    wrapper = CProp(momentum_ema([a], eta=0.1, beta=0.9))
    wrapper.add_param_group({"params": [b]})
    assert walk(wrapper, b, [1.0]) == pytest.approx([-0.01])


@every_row
def test_modules_without_sizes_and_converted_ones_start_with_their_first_gradient(row):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lazy = torch.nn.LazyLinear(3)
    moved = torch.nn.Linear(2, 3)
    optimizers = [row.make(m.parameters(), **settings(row)) for m in (lazy, moved)]
    moved.double()
    for module, optimizer, dtype in zip((lazy, moved), optimizers, (torch.float32, torch.float64), strict=True):
        module(torch.ones(2, 2, dtype=dtype))
        for p in module.parameters():
            torch.nn.init.ones_(p)
        for _ in range(row.idle + 2):
            optimizer.zero_grad()
            module(torch.ones(2, 2, dtype=dtype)).sum().backward()
            optimizer.step()
        assert all(not torch.equal(p, torch.ones_like(p)) and p.isfinite().all() for p in module.parameters())
        kinds = {x.dtype for p in module.parameters() for n, x in optimizer.state[p].items() if n != "step"}
        assert kinds <= {dtype}


@every_cycle
def test_a_cycled_momentum_is_an_ema_at_every_step(cycle):
    p = one()
    optimizer = momentum_ema([p], eta=0.1, beta=0.9)
    scheduler, momenta, rates, found = cycle(optimizer), [], [], []
    for g in GRADIENTS:
        momenta.append(optimizer.param_groups[0]["momentum"])
        rates.append(optimizer.param_groups[0]["lr"])
        found += walk(optimizer, p, [g])
        scheduler.step()
    x, m = 0.0, 0.0
    for g, beta, lr, position in zip(GRADIENTS, momenta, rates, found, strict=True):
        m = beta * m + (1 - beta) * g
        x -= lr * m
        assert position == pytest.approx(x)
    assert len(set(momenta)) == 4


@every_cycle
@pytest.mark.parametrize("make", [Adai, AdaiW, lambda p, lr: CProp(Adai(p, lr=lr))], ids=["Adai", "AdaiW", "CProp"])
def test_a_cycled_momentum_in_the_place_of_beta0_is_told_once(cycle, make):
    p = one()
    optimizer = make([p], lr=0.1)
    scheduler = cycle(optimizer)
    with pytest.warns(RuntimeWarning, match="Give cycle_momentum=False to OneCycleLR or CyclicLR"):
        walk(optimizer, p, [1.0])
    scheduler.step()
    walk(optimizer, p, GRADIENTS)  # a second warning would be an error


@every_cycle
def test_without_a_cycled_momentum_nothing_is_told_and_beta0_stays(cycle):
    p = one()
    optimizer = Adai([p], lr=0.1)
    scheduler = cycle(optimizer, cycle_momentum=False)
    walk(optimizer, p, GRADIENTS)
    scheduler.step()
    assert optimizer.param_groups[0]["betas"] == (0.1, 0.99)


@pytest.mark.parametrize("dampening", [1.0, 0.5])
def test_schedules_of_any_setting_compile_nothing_again(dampening):
    """Weight decay, learning rate, betas and the bound are numbers of the compiled rule, not constants."""
    counters = pytest.importorskip("torch._dynamo.utils").counters["stats"]
    torch.compiler.reset()
    compiled.compiled.cache_clear()
    p = torch.ones(20_000, dtype=torch.bfloat16, requires_grad=True)
    q = torch.ones(20_000, dtype=torch.bfloat16, requires_grad=True)
    fused = AdaiW([p], lr=0.1, weight_decay=0.1, betas=[0.1, 0.99], dampening=dampening, fused=True)
    plain = AdaiW([q], lr=0.1, weight_decay=0.1, betas=[0.1, 0.99], dampening=dampening, foreach=False)
    before = counters["unique_graphs"]
    generator = torch.Generator().manual_seed(0)
    for k in range(5):
        for optimizer in (fused, plain):
            optimizer.param_groups[0].update(
                lr=0.1 / (k + 1), weight_decay=0.04 + 0.01 * k, eps=1e-3 * (k + 1), betas=[0.1 + 0.01 * k, 0.99]
            )
        p.grad = torch.randn(20_000, generator=generator).bfloat16()
        q.grad = p.grad.clone()
        fused.step()
        plain.step()
    assert counters["unique_graphs"] - before == 1
    assert torch.allclose(p, q, rtol=1e-2, atol=1e-2)
