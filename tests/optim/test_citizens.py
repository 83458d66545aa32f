"""What PyTorch expects of an optimizer beside its trajectory, for every row of OPTIMIZERS."""

import copy

import numpy as np
import pytest
import torch
from rows import SETTINGS, every_row, gradients, settings
from torch._dynamo.testing import CompileCounter

from inertialab.optim import OPTIMIZERS
from inertialab.optim.base import CheckedOptimizer, moving
from inertialab.theory.dynamics import MAPS

OUT_OF_RANGE = {
    "eta": -1.0,
    "beta": 1.0,
    "beta0": 0.0,
    "beta2": 1.0,
    "eps": 1.5,
    "delta": -1.0,
    "c": 0.0,
    "decay": -1.0,
}
own_rows = pytest.mark.parametrize(
    "row", [r for r in OPTIMIZERS.values() if r.runs.startswith("inertialab")], ids=lambda row: row.name
)


def run(optimizer, params, sequence):
    """Feed gradients, None for a parameter that has none; the positions after every step."""
    path = []
    for grads in sequence:
        for p, g in zip(params, grads, strict=True):
            p.grad = None if g is None else torch.as_tensor(g).to(p.dtype).clone()
        optimizer.step()
        path.append([p.detach().clone() for p in params])
    return path


def sequence(steps=30):
    return [(g[:3], g[3:]) for g in gradients(steps)]


def two(dtype=torch.float64):
    return [torch.ones(3, dtype=dtype, requires_grad=True) for _ in range(2)]


def same(a, b, **tolerance):
    return all(torch.allclose(x, y, **tolerance) for x, y in zip(a, b, strict=True))


@every_row
def test_groups_have_their_own_learning_rates(row):
    params, reference = two(), two()
    optimizer = row.make([{"params": params[:1], "lr": 0.0}, {"params": params[1:]}], **settings(row))
    final = run(optimizer, params, sequence())[-1]
    expected = run(row.make(reference, **settings(row)), reference, sequence())[-1]
    assert torch.equal(final[0], torch.ones_like(final[0])) or row.name == "adamw"
    assert torch.allclose(final[1], expected[1], rtol=1e-12)


@every_row
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_maximising_is_minimising_the_negative_with_decay_too(row, decay):
    up, down = two(), two()
    ascent, descent = row.make(up, **settings(row)), row.make(down, **settings(row))
    for optimizer, maximize in ((ascent, True), (descent, False)):
        optimizer.param_groups[0].update(maximize=maximize, weight_decay=decay)
    a = run(ascent, up, [(-x, -y) for x, y in sequence()])[-1]
    b = run(descent, down, sequence())[-1]
    assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@every_row
def test_the_learning_rate_may_be_a_tensor(row):
    number, tensor = two(), two()
    a = run(row.make(number, **settings(row)), number, sequence())[-1]
    b = run(
        row.make(tensor, **settings(row) | {"eta": torch.tensor(SETTINGS["eta"], dtype=torch.float64)}),
        tensor,
        sequence(),
    )[-1]
    assert same(a, b, rtol=1e-12)


@every_row
def test_a_parameter_that_gets_gradients_late_starts_then(row):
    params, alone = two(), two()
    late = [(x, None) for x, _ in sequence(5)] + sequence()
    path = run(row.make(params, **settings(row)), params, late)
    assert all(torch.equal(step[1], torch.ones(3, dtype=torch.float64)) for step in path[:5])
    assert not torch.equal(path[-1][1], torch.ones(3, dtype=torch.float64))
    if MAPS[row.name].mean is None:
        expected = run(row.make(alone[1:], **settings(row)), alone[1:], [(y,) for _, y in sequence()])
        assert torch.allclose(path[-1][1], expected[-1][0], rtol=1e-12)


@every_row
def test_a_group_may_be_added_later(row):
    params = two()
    optimizer = row.make(params[:1], **settings(row))
    run(optimizer, params[:1], [(x,) for x, _ in sequence(3)])
    optimizer.add_param_group({"params": params[1:]})
    assert not torch.equal(run(optimizer, params, sequence())[-1][1], torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("row", "name"),
    [(r, n) for r in OPTIMIZERS.values() for n in ("eta", *r.settings)],
    ids=lambda x: getattr(x, "name", x),
)
def test_a_setting_out_of_range_is_named_with_its_value_and_what_is_allowed(row, name):
    with pytest.raises(ValueError, match=rf"\w+: \w+ must be .*got .*{OUT_OF_RANGE[name]}"):
        row.make([torch.zeros(1)], **settings(row) | {name: OUT_OF_RANGE[name]})


@own_rows
@pytest.mark.parametrize("foreach", [None, False])
def test_complex_parameters_move_as_the_pairs_of_their_real_numbers(row, foreach):
    pairs = [torch.ones(3, 2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)]
    complexes = [torch.view_as_complex(p.clone()).requires_grad_() for p in pairs]
    optimizer, reference = row.make(complexes, **settings(row)), row.make(pairs, **settings(row))
    for o in (optimizer, reference):
        o.param_groups[0]["foreach"] = foreach
    generator = torch.Generator().manual_seed(0)
    for k in range(row.idle + 4):
        for p, c in zip(pairs, complexes, strict=True):
            p.grad = torch.randn(p.shape, dtype=torch.float64, generator=generator)
            c.grad = torch.view_as_complex(p.grad.clone())
            if k % 2:
                c.grad = c.grad.conj().resolve_conj().conj()  # a lazy conjugate of the same numbers
        optimizer.step()
        reference.step()
    assert all(torch.equal(torch.view_as_real(c.detach()), p) for c, p in zip(complexes, pairs, strict=True))
    assert all(s.shape == c.shape for c in complexes for n, s in optimizer.state[c].items() if n != "step")


@own_rows
def test_sparse_gradients_are_refused_and_nothing_changes(row):
    first, second = torch.zeros(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    first.grad = torch.ones(3)
    second.grad = torch.sparse_coo_tensor([[0]], [1.0], (3,), check_invariants=True)
    optimizer = row.make([first, second], **settings(row))
    with pytest.raises(RuntimeError, match="needs dense gradients"):
        optimizer.step()
    assert torch.equal(first, torch.zeros(3))
    assert not optimizer.state


def judge_low_precision(make, dtype, has_state, count):
    """Averages are float32, and stay so when they are loaded; an optimizer that needs none may have none."""
    params = two(dtype)
    optimizer = make(params)
    run(optimizer, params, sequence(count))
    again = make(params)
    again.load_state_dict(optimizer.state_dict())
    for o in (optimizer, again):
        found = {v.dtype for p in params for v in o.state[p].values()}
        assert found == {torch.float32} or (not found and not has_state)
    assert all(p.dtype == dtype for p in params)
    assert not torch.equal(params[0], torch.ones(3, dtype=dtype))


lower = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])


@own_rows
@lower
def test_low_precision_parameters_have_float32_averages_that_stay_so(row, dtype):
    has_state = len(MAPS[row.name].state) > 1
    judge_low_precision(lambda p: row.make(p, **settings(row)), dtype, has_state, row.idle + 3)


class SignSGD(CheckedOptimizer):
    """Moves by the sign of the gradient; remembers nothing, or what it should not."""

    forgetful = True

    def __init__(self, params):
        super().__init__(params, {"lr": 0.1})

    @torch.no_grad()
    def step(self):
        for p, g, group in moving(self):
            p.sub_(g.sign() * group["lr"])
            if not self.forgetful:
                self.state[p]["last"] = g


@lower
def test_an_optimizer_without_state_is_judged_rightly(dtype):
    judge_low_precision(SignSGD, dtype, has_state=False, count=3)
    with pytest.raises(AssertionError):
        judge_low_precision(SignSGD, dtype, has_state=True, count=3)
    with pytest.raises(AssertionError):
        judge_low_precision(type("Hoarder", (SignSGD,), {"forgetful": False}), dtype, has_state=True, count=3)


@every_row
def test_a_state_can_be_taken_in_another_precision(row):
    exact, coarse = two(), two(torch.float32)
    a = row.make(exact, **settings(row))
    run(a, exact, sequence(15))
    b = row.make(coarse, **settings(row))
    b.load_state_dict(copy.deepcopy(a.state_dict()))  # torch's own share the step count otherwise
    with torch.no_grad():
        for x, y in zip(coarse, exact, strict=True):
            x.copy_(y)
    assert same(
        [x.double() for x in run(b, coarse, sequence())[-1]], run(a, exact, sequence())[-1], rtol=1e-4, atol=1e-4
    )


@own_rows
def test_a_loaded_state_shares_no_memory_with_the_one_it_came_from(row):
    params, twins = two(), two()
    optimizer, twin = row.make(params, **settings(row)), row.make(twins, **settings(row))
    run(optimizer, params, sequence(row.idle + 3))
    twin.load_state_dict(optimizer.state_dict())
    before = copy.deepcopy(optimizer.state_dict()["state"])
    run(twin, twins, sequence(3))
    after = optimizer.state_dict()["state"]
    assert all(torch.equal(before[i][k], after[i][k]) for i in before for k in before[i])


@every_row
def test_a_scaled_loss_makes_the_same_step_and_an_overflow_none(row):
    params, plain = two(), two()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    optimizer, reference = row.make(params, **settings(row)), row.make(plain, **settings(row))
    for a, b in sequence(row.idle + 3):
        for o, ps, scale in ((optimizer, params, scaler.scale), (reference, plain, lambda loss: loss)):
            o.zero_grad()
            scale(sum((p * torch.as_tensor(g)).sum() for p, g in zip(ps, (a, b), strict=True))).backward()
        scaler.step(optimizer)
        scaler.update()
        reference.step()
    assert all(torch.equal(x, y) for x, y in zip(params, plain, strict=True))
    before = [p.detach().clone() for p in params]
    optimizer.zero_grad()
    scaler.scale((params[0] * float("inf")).sum() + params[1].sum()).backward()
    scaler.step(optimizer)
    assert all(torch.equal(x, y) for x, y in zip(params, before, strict=True))


@every_row
def test_the_step_can_be_compiled_and_a_changing_learning_rate_compiles_nothing_again(row):
    """The first step makes the states. CProp runs as it is, and makes no graph at all."""
    torch.compiler.reset()
    params, plain = two(), two()
    rate, counter = torch.tensor(SETTINGS["eta"], dtype=torch.float64), CompileCounter()
    optimizer = row.make(params, **settings(row) | {"eta": rate})
    reference = row.make(plain, **settings(row))
    compiled = torch.compile(optimizer.step, backend=counter)
    for k, (a, b) in enumerate(sequence(row.idle + 4)):
        step = compiled if k else optimizer.step
        rate.fill_(0.1 / (k + 1))
        reference.param_groups[0]["lr"] = 0.1 / (k + 1)
        for ps in (params, plain):
            for p, g in zip(ps, (a, b), strict=True):
                p.grad = torch.as_tensor(g).clone()
        step()
        reference.step()
    # PyTorch's own take powers of the decay in float32 when compiled.
    assert same(params, plain, rtol=1e-5 if row.runs.startswith("torch") else 1e-12)
    assert counter.frame_count == (0 if row.name.startswith("cprop") else 1)


def test_the_gradients_of_these_tests_differ_between_coordinates():
    assert np.std(np.abs(gradients()).mean(0)) > 1
