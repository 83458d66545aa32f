"""States that somebody else edits: reset, cut, extended, exchanged, saved one by one."""

import io

import pytest
import torch
from rows import every_row, settings

from inertialab.optim import Adai, blocks
from inertialab.optim.blocks import BLOCK, LARGE
from inertialab.theory.dynamics import MAPS

SIZES = [8, LARGE + 3, 4 * BLOCK]
PATHS = {"native": {"fused": True}, "blocks": {"fused": False}}
RESETS = {
    "in place": lambda s: s["exp_avg_sq"].zero_(),
    "through data": lambda s: s["exp_avg_sq"].data.mul_(0.01),
    "through NumPy": lambda s: s["exp_avg_sq"].numpy().fill(1e-6),
    "exchanged": lambda s: s.update(exp_avg_sq=torch.full_like(s["exp_avg_sq"], 3.0)),
    "cleared": dict.clear,
}


def trained(optimizer, params, steps=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator).to(p.dtype)
        optimizer.step()


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reset", RESETS.values(), ids=RESETS)
def test_a_step_after_a_reset_sees_it(path, size, reset):
    moves = []
    for way in (path, {"foreach": False}):
        p = torch.zeros(size, requires_grad=True)
        optimizer = Adai([p], lr=0.1, **way)
        trained(optimizer, [p], 20)
        reset(optimizer.state[p])
        before = p.detach().clone()
        trained(optimizer, [p], 1, seed=9)
        moves.append(p.detach() - before)
    assert torch.allclose(moves[0], moves[1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_large_model_goes_on_bit_for_bit_from_its_state(path):
    """The carried sum of second moments is no state: it is the one that is taken from them."""
    shapes = [(LARGE + 3,), (700, 500), (3, 5), (4, 64, 33, 33)]
    params, twins = ([torch.ones(s, requires_grad=True) for s in shapes] for _ in range(2))
    optimizer, twin = Adai(params, lr=0.1, **path), Adai(twins, lr=0.1, **path)
    trained(optimizer, params, 4)
    twin.load_state_dict(optimizer.state_dict())
    for p, t in zip(params, twins, strict=True):
        t.data.copy_(p)
    trained(optimizer, params, 3, seed=1)
    trained(twin, twins, 3, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(params, twins, strict=True))


@every_row
def test_code_that_cuts_every_state_but_the_number_of_steps_cuts_the_parameter(row):
    """Pruned points or neurons: what is left moves as if the rest had never been there, Adai's mean aside."""
    keep = torch.arange(12) % 2 == 0
    p, alone = (torch.ones(n, 2, dtype=torch.float64, requires_grad=True) for n in (12, 6))
    optimizer, reference = row.make([p], **settings(row)), row.make([alone], **settings(row))
    generator = torch.Generator().manual_seed(0)
    for _ in range(row.idle + 3):
        p.grad = torch.randn(12, 2, dtype=torch.float64, generator=generator)
        alone.grad = p.grad[keep]
        optimizer.step()
        reference.step()
    state, cut = optimizer.state.pop(p, {}), p.detach()[keep].clone().requires_grad_()
    optimizer.state[cut] = {n: x if n == "step" else x[keep] for n, x in state.items()}
    optimizer.param_groups[0]["params"][0] = cut
    cut.grad, alone.grad = torch.ones_like(cut), torch.ones_like(cut)
    optimizer.step()
    reference.step()
    assert cut.isfinite().all()
    assert torch.allclose(cut, alone, rtol=1e-12) or MAPS[row.name].mean


@pytest.mark.parametrize("path", [{}, {"fused": True}, {"foreach": True}, {"foreach": False}], ids=str)
def test_a_state_that_was_extended_in_part_is_refused_before_anything_is_touched(path):
    """Read as a block it would reach into the state of its neighbour."""
    a, b = torch.zeros(100, requires_grad=True), torch.zeros(100, requires_grad=True)
    optimizer = Adai([a, b], lr=0.1, **path)
    trained(optimizer, [a, b])
    state, grown = optimizer.state.pop(a), torch.zeros(150, requires_grad=True)
    state.update(exp_avg=torch.zeros(150), exp_avg_sq=torch.zeros(150))
    optimizer.state[grown] = state
    optimizer.param_groups[0]["params"][0] = grown
    before = {p: {k: v.clone() for k, v in s.items()} for p, s in optimizer.state.items()}
    grown.grad, b.grad = torch.ones(150), None
    with pytest.raises(RuntimeError, match=r"'bias_correction' has shape \(100,\) and its parameter \(150,\)"):
        optimizer.step()
    assert all(torch.equal(v, before[p][k]) for p, s in optimizer.state.items() for k, v in s.items())
    assert not grown.any()


@pytest.mark.parametrize("path", [{}, {"fused": True}, {"foreach": True}, {"foreach": False}], ids=str)
@pytest.mark.parametrize("exchange", ["the tensor", "its memory"])
def test_a_state_of_the_same_size_and_another_shape_is_refused_among_any_number_of_tensors(path, exchange):
    params = [torch.zeros(4, 6, requires_grad=True) for _ in range(600)]
    optimizer = Adai(params, lr=0.1, **path)
    trained(optimizer, params, 2)
    before = [p.detach().clone() for p in params]
    state, turned = optimizer.state[params[500]], torch.zeros(6, 4)
    if exchange == "the tensor":
        state["exp_avg"] = turned
    else:
        state["exp_avg"].data = turned
    with pytest.raises(RuntimeError, match=r"'exp_avg' has shape \(6, 4\) and its parameter \(4, 6\)"):
        optimizer.step()
    assert all(torch.equal(p, x) for p, x in zip(params, before, strict=True))
    assert optimizer.state[params[0]]["step"] == 2


def test_saving_the_state_of_one_parameter_saves_no_other():
    params = [torch.zeros(1000, requires_grad=True) for _ in range(300)]
    optimizer = Adai(params, lr=0.1)
    trained(optimizer, params, 1)
    file = io.BytesIO()
    torch.save(optimizer.state[params[0]], file)
    assert file.tell() < 20_000
    assert all(x.untyped_storage().nbytes() == x.nbytes for x in optimizer.state[params[7]].values())


def test_states_in_one_memory_are_not_joined_with_what_is_not_behind_them():
    made = blocks.zeros_one_after_the_other([torch.zeros(3), torch.zeros(4)], torch.float32)
    assert blocks._joined(tuple(made), [3, 4]) is not None
    assert blocks._joined((made[0],), [7]) is None
    assert blocks._joined((made[0],), [2]) is None
    assert blocks._joined((made[0], torch.zeros(4)), [3, 4]) is None
