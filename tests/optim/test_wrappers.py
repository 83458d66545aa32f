"""Wrappers around optimizers that users combine with them: what they compute with ours is what they say."""

import copy

import pytest
import torch
from rows import every_row, settings

from inertialab.optim import OPTIMIZERS, CProp
from inertialab.theory.dynamics import MAPS

wrappers = pytest.importorskip("pytorch_optimizer")
own = pytest.mark.parametrize(
    "row", [r for r in OPTIMIZERS.values() if r.runs.startswith("inertialab")], ids=lambda r: r.name
)


def start(dtype=torch.float64):
    return torch.tensor([1.0, -2.0, 3.0], dtype=dtype).requires_grad_()


def loss(p, k=0):
    return (torch.tensor([1.0, 3.0, 0.5], dtype=p.dtype) * (p - 0.3) ** 2).sum() + 0.1 * (k + 1) * p.sin().sum()


def descend(optimizer, p, k=0):
    optimizer.zero_grad()
    loss(p, k).backward()
    optimizer.step()


@every_row
def test_sharpness_aware_steps_are_steps_with_the_gradient_at_the_climbed_point(row):
    p, q, rho = start(), start(), 0.05
    sam = wrappers.SAM([p], lambda groups, **_: row.make(groups, **settings(row)), rho=rho)
    plain = row.make([q], **settings(row))
    for k in range(row.idle + 4):
        loss(p, k).backward()
        sam.first_step(zero_grad=True)
        loss(p, k).backward()
        sam.second_step(zero_grad=True)
        (g,) = torch.autograd.grad(loss(q, k), q)
        climbed = (q.detach() + rho * g / (g.norm() + 1e-12)).requires_grad_()
        (q.grad,) = torch.autograd.grad(loss(climbed, k), climbed)
        plain.step()
    assert torch.allclose(p, q, rtol=1e-9)
    assert not torch.equal(q, start())


@every_row
def test_lookahead_moves_slow_weights_towards_fast_ones(row):
    p, q = start(), start()
    ahead = wrappers.Lookahead(row.make([p], **settings(row)), k=3, alpha=0.5)
    plain, slow = row.make([q], **settings(row)), start().detach()
    for k in range(3 * (row.idle // 3 + 3)):
        descend(ahead, p, k)
        descend(plain, q, k)
        if k % 3 == 2:
            slow = slow + 0.5 * (q.detach() - slow)
            q.data.copy_(slow)
    assert torch.allclose(p, q, rtol=1e-10)


@own
def test_lookahead_saves_and_goes_on(row):
    p, q = start(), start()
    first, second = (wrappers.Lookahead(row.make([x], **settings(row)), k=2) for x in (p, q))
    for k in range(row.idle + 4):
        descend(first, p, k)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    q.data.copy_(p)
    for k in range(2):
        descend(first, p, k)
        descend(second, q, k)
    assert torch.allclose(p, q, rtol=1e-10)


@every_row
@pytest.mark.parametrize("parts", [2, 4])
def test_accumulated_gradients_make_the_step_of_the_whole_batch(row, parts):
    """The mean over parts of a batch, gathered in the gradient, is its gradient; also inside a scaled loss."""
    torch.manual_seed(0)
    data = torch.randn(row.idle + 4, 8, 3, dtype=torch.float64)
    p, q, s = start(), start(), start()
    whole, gathered, scaled = (row.make([x], **settings(row)) for x in (p, q, s))
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8)
    for batch in data:
        for optimizer in (whole, gathered, scaled):
            optimizer.zero_grad()
        ((batch @ p) ** 2).mean().backward()
        for part in batch.chunk(parts):
            (((part @ q) ** 2).mean() / parts).backward()
            scaler.scale(((part @ s) ** 2).mean() / parts).backward()
        whole.step()
        gathered.step()
        scaler.step(scaled)
        scaler.update()
    assert torch.allclose(p, q, rtol=1e-9)
    assert torch.allclose(p, s, rtol=1e-9)


@every_row
def test_clipping_before_the_step_clips_it(row):
    p, q = start(), start()
    clipped, plain = row.make([p], **settings(row)), row.make([q], **settings(row))
    for _ in range(row.idle + 4):
        p.grad, q.grad = torch.full_like(p, 100.0), torch.full_like(q, 1 / 3**0.5)
        torch.nn.utils.clip_grad_norm_([p], 1.0)
        clipped.step()
        plain.step()
    assert torch.allclose(p, q, rtol=1e-5)


@own
def test_averaged_weights_may_be_swapped_in_and_out(row):
    p, q = start(), start()
    swapped, plain = row.make([p], **settings(row)), row.make([q], **settings(row))
    for k in range(row.idle + 4):
        descend(swapped, p, k)
        descend(plain, q, k)
        kept, p.data = p.data, torch.zeros_like(p)
        p.data = kept
    assert torch.equal(p, q)


@own
def test_an_optimizer_for_each_parameter_in_backward_hooks_moves_each(row):
    """As with optimizers in the backward pass: without a mean over all, it is the same as one for all."""
    params, twins = [start(), start()], [start(), start()]
    each = {p: row.make([p], **settings(row)) for p in params}

    def move(p):
        each[p].step()
        each[p].zero_grad()

    for p in params:
        p.register_post_accumulate_grad_hook(move)
    one = row.make(twins, **settings(row))
    for k in range(row.idle + 3):
        sum(loss(p, k) for p in params).backward()
        one.zero_grad()
        sum(loss(t, k) for t in twins).backward()
        one.step()
    same = all(torch.allclose(a, b, rtol=1e-12) for a, b in zip(params, twins, strict=True))
    assert same or MAPS[row.name].mean


def test_cprop_around_lookahead_is_a_wrapper_around_a_wrapper():
    p = start()
    optimizer = CProp(wrappers.Lookahead(OPTIMIZERS["adai"].make([p], **settings(OPTIMIZERS["adai"])), k=2))
    for k in range(6):
        descend(optimizer, p, k)
    assert p.isfinite().all()
    assert loss(p).item() < loss(start()).item()
