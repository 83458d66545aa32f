"""The ways in which Adai carries out its rule: plain, in blocks, native, compiled, capturable, differentiable."""

import warnings

import pytest
import torch
from adai_runs import SETTINGS, SHAPES, close, graph_and_plain_steps_agree, steps

from inertialab.optim import Adai, adai_lists, blocks, carried, compiled
from inertialab.optim.blocks import BLOCK, LARGE


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(
    "path", [{}, {"foreach": True}, {"fused": True}, {"fused": False}, {"capturable": True}], ids=str
)
def test_every_path_makes_the_steps_of_the_plain_one(path, settings):
    plain, _ = steps(settings=settings, foreach=False)
    assert close(steps(settings=settings, **path)[0], plain)


@pytest.mark.parametrize("path", [{"fused": False}, {"fused": True}], ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2), (torch.float16, 2e-3)])
def test_paths_agree_in_lower_precision(path, dtype, tolerance):
    assert close(steps(dtype=dtype, **path)[0], steps(dtype=dtype, foreach=False)[0], tolerance)


@pytest.mark.parametrize("path", [{"fused": False}, {"fused": True}], ids=str)
def test_a_model_in_channels_last_makes_the_same_steps(path):
    assert close(steps(layout=torch.channels_last, **path)[0], steps(foreach=False)[0])


@pytest.fixture
def lists(monkeypatch):
    """Whatever is not native goes the way of an accelerator, in lists of some tensors."""
    monkeypatch.setattr(adai_lists, "TOGETHER", 2 * LARGE)
    monkeypatch.setattr(adai_lists, "elsewhere", lambda _: True)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_lists_make_the_steps_of_the_plain_path(lists, settings, layout):
    plain, _ = steps(settings=settings, foreach=False)
    assert close(steps(settings=settings, layout=layout, fused=False)[0], plain)


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-22, 1e22])
def test_lists_are_right_where_numbers_vanish_or_overflow(lists, size):
    found = []
    for path in ({"fused": False}, {"foreach": False}):
        p = torch.ones(4, requires_grad=True)
        optimizer = Adai([p, torch.zeros(0, requires_grad=True)], lr=0.1, **path)
        for k in range(3):
            p.grad = size * torch.tensor([1.0, 2.0, 3.0, 0.0]) * (k + 1)
            optimizer.param_groups[0]["params"][1].grad = torch.zeros(0)
            optimizer.step()
        found.append(p.detach())
    assert torch.equal(found[0].isfinite(), found[1].isfinite())
    torch.testing.assert_close(*found, rtol=1e-5, atol=0, equal_nan=True)


def test_lists_take_what_is_in_one_precision(lists, monkeypatch):
    taken = []
    move = adai_lists.Lists.move
    monkeypatch.setattr(adai_lists.Lists, "move", lambda self, *a: taken.append(len(self.rows)) or move(self, *a))
    steps(1, shapes=[(3,), (4, 5)], fused=False)
    assert taken == [2]
    steps(1, shapes=[(3,), (4, 5)], dtype=torch.bfloat16, fused=False)
    steps(1, shapes=[(3,), (4, 5)], foreach=False)
    assert taken == [2]


def test_a_path_may_change_between_steps():
    """The carried sum of second moments must not go stale while the plain path does not carry it."""
    shapes = [(LARGE + 5,), (7,)]
    params = [torch.zeros(s, dtype=torch.float64, requires_grad=True) for s in shapes]
    twins = [torch.zeros(s, dtype=torch.float64, requires_grad=True) for s in shapes]
    changing, plain = Adai(params, lr=0.1), Adai(twins, lr=0.1, foreach=False)
    for k in range(6):
        changing.param_groups[0]["foreach"] = None if k % 3 == 0 else False
        for p, t in zip(params, twins, strict=True):
            p.grad = torch.full_like(p, 10.0**k)
            p.grad[0] = 1.0
            t.grad = p.grad.clone()
        changing.step()
        plain.step()
    assert close(params, twins)


@pytest.mark.parametrize("path", [{"fused": True}, {"fused": False}], ids=str)
def test_the_carried_sum_is_the_sum_of_the_second_moments(path):
    _, optimizer = steps(200, dtype=torch.float32, shapes=[(BLOCK + 5,)], **path)
    v = next(iter(optimizer.state.values()))["exp_avg_sq"]
    assert carried.recall(v).total == pytest.approx(float(v.double().sum()), rel=1e-6)


def test_small_states_lie_one_after_the_other_and_pack_without_copies_until_they_are_loaded():
    _, optimizer = steps(1, shapes=[(3,), (2, 2), (5,)])
    column = tuple(s["exp_avg"] for s in optimizer.state.values())
    joined = blocks._joined(column, [3, 4, 5])
    assert joined is not None
    assert joined.data_ptr() == column[0].data_ptr()
    assert blocks._joined(tuple(x.clone() for x in column), [3, 4, 5]) is None
    assert blocks._joined(column[::-1], [5, 4, 3]) is None


def test_temporaries_are_a_few_blocks_whatever_the_model():
    """Every tensor that a step creates is one block at most."""
    sizes = []

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor) and result.untyped_storage().data_ptr() not in known:
                sizes.append(result.numel())
            return result

    p = torch.zeros(5 * BLOCK + 3, requires_grad=True)
    p.grad = torch.ones_like(p)
    optimizer = Adai([p], lr=0.1, fused=False)
    optimizer.step()
    known = {x.untyped_storage().data_ptr() for x in (p, p.grad, *optimizer.state[p].values())}
    with Watch():
        optimizer.step()
    assert 0 < max(sizes) <= BLOCK


def test_a_machine_without_compiler_is_told_once_and_goes_on(monkeypatch):
    def broken(*_, **__):
        def loop(*_):
            raise RuntimeError("no C++ compiler found")

        return loop

    monkeypatch.setattr(torch, "compile", broken)
    compiled.compiled.cache_clear()
    with pytest.warns(RuntimeWarning, match="fused=True is not possible here, going on without: no C") as caught:
        path, _ = steps(shapes=[(LARGE,), (3,)], settings={"dampening": 0.5}, fused=True)
    compiled.compiled.cache_clear()
    assert len(caught) == 1
    assert close(path, steps(shapes=[(LARGE,), (3,)], settings={"dampening": 0.5}, foreach=False)[0])


def test_one_compilation_serves_all_sizes_and_learning_rates():
    compiled.compiled.cache_clear()
    torch.compiler.reset()
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    _, optimizer = steps(2, dtype=torch.bfloat16, shapes=[(LARGE,), (3 * LARGE,), (5, 2)], fused=True)
    optimizer.param_groups[0]["lr"] = 0.01
    optimizer.step()
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] - before == 1


def test_exclusive_paths_are_refused():
    with pytest.raises(ValueError, match="fused=True and foreach=True exclude each other"):
        Adai([torch.zeros(1)], lr=0.1, fused=True, foreach=True)
    with pytest.raises(ValueError, match="fused=True and differentiable=True exclude each other"):
        Adai([torch.zeros(1)], lr=0.1, fused=True, differentiable=True)
    with pytest.raises(ValueError, match="differentiable must be the same in all groups"):
        Adai([{"params": [torch.zeros(1)], "differentiable": True}], lr=0.1)


@pytest.mark.parametrize(
    "settings",
    [{"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"dampening": 0.5}],
    ids=str,
)
def test_autograd_sees_two_differentiable_steps(settings):
    """Derivatives of the positions by start, gradients and learning rate are those of finite differences."""

    def after(start, first, second, lr):
        p = start.clone()
        optimizer = Adai([p], lr=lr, differentiable=True, eps=0.01, **settings)
        for g in (first, second):
            p.grad = g
            optimizer.step()
        return p

    torch.manual_seed(0)
    inputs = [torch.randn(4, dtype=torch.float64).requires_grad_() for _ in range(3)]
    inputs.append(torch.tensor(0.1, dtype=torch.float64, requires_grad=True))
    assert torch.autograd.gradcheck(after, inputs)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_capturable_step_is_part_of_a_cuda_graph():
    assert graph_and_plain_steps_agree(lambda p, **k: Adai(p, lr=0.1, **k), SHAPES, 3)


def test_checkpoints_of_the_authors_code_can_be_loaded():
    """Its states carry the product of beta1, and its groups know four settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        optimizer = Adai([p], lr=1.0)
        saved = {
            "state": {
                0: {
                    "step": 4,
                    "exp_avg": torch.tensor([1.0, 2.0, 3.0]),
                    "exp_avg_sq": torch.tensor([1.0, 4.0, 9.0]),
                    "beta1_prod": torch.tensor([0.9, 0.5, 0.1]),
                }
            },
            "param_groups": [{"lr": 0.2, "betas": (0.1, 0.99), "eps": 1e-3, "weight_decay": 0.0, "params": [0]}],
        }
        optimizer.load_state_dict(saved)
    state = optimizer.state[p]
    assert state["bias_correction"].tolist() == pytest.approx([0.1, 0.5, 0.9])
    assert optimizer.param_groups[0]["lr"] == 0.2
    assert optimizer.param_groups[0]["dampening"] == 1.0
    p.grad = torch.tensor([1.0, -1.0, 2.0], dtype=torch.float64)
    optimizer.step()
    v = 0.99 * torch.tensor([1.0, 4.0, 9.0]).double() + 0.01 * p.grad**2
    alpha = (0.1 * v / v.mean()).clamp(1e-3, 1)
    m = torch.tensor([1.0, 2.0, 3.0]).double() * (1 - alpha) + alpha * p.grad
    product = torch.tensor([0.9, 0.5, 0.1]).double() * (1 - alpha)
    assert torch.allclose(p.detach(), -0.2 * m / (1 - product), rtol=1e-6)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_compiled_step_is_one_graph(settings):
    torch.compiler.reset()
    params, twins = ([torch.ones(s, dtype=torch.float64, requires_grad=True) for s in SHAPES[1:3]] for _ in range(2))
    optimizer, plain = Adai(params, lr=0.1, **settings), Adai(twins, lr=0.1, **settings)
    compiled = torch.compile(optimizer.step, backend="eager", fullgraph=True)
    for k in range(4):
        for p, t in zip(params, twins, strict=True):
            p.grad, t.grad = torch.full_like(p, 10.0**k), torch.full_like(t, 10.0**k)
        (compiled if k else optimizer.step)()
        plain.step()
    assert close(params, twins)
