"""The ways in which RAdam and AdaShift carry out their rules, and what both share with Adai."""

import copy
import pickle

import pytest
import torch
from adai_runs import SHAPES, close, graph_and_plain_steps_agree

from inertialab.optim import Adai, AdaShift, RAdam
from inertialab.optim.rounding import stochastically

RULES = {
    "radam": (RAdam, {}),
    "radam, waits": (RAdam, {"fallback": "none", "threshold": 5.0}),
    "radam, exact": (RAdam, {"variance": "exact", "freedom": "satterthwaite", "threshold": 2.5}),
    "radam, short memory": (RAdam, {"betas": (0.9, 0.6)}),
    "adashift": (AdaShift, {"shift": 3}),
    "adashift, mean": (AdaShift, {"shift": 2, "reduction": "mean"}),
    "adashift, none": (AdaShift, {"shift": 3, "reduction": "none"}),
    "adashift, own start": (AdaShift, {"shift": 3, "reduction": "none", "start": "own"}),
    "adashift, max, own start": (AdaShift, {"shift": 3, "start": "own"}),
}
every_rule = pytest.mark.parametrize(("make", "settings"), RULES.values(), ids=RULES)
DECAYS = [{}, {"weight_decay": 0.1, "maximize": True}, {"weight_decay": 0.1, "decoupled_weight_decay": True}]


def steps(make, settings, count=9, dtype=torch.float64, shapes=SHAPES, compiler=None):
    """Positions after some steps."""
    generator = torch.Generator().manual_seed(3)
    params = [torch.ones(s, dtype=dtype).requires_grad_() for s in shapes]
    optimizer = make(params, lr=0.1, **settings)
    step = optimizer.step
    for k in range(count):
        for p in params:
            g = torch.randn(p.shape, dtype=torch.float64, generator=generator)
            p.grad = torch.empty_like(p).copy_(g * 10 ** torch.rand(p.shape, dtype=torch.float64, generator=generator))
        (step if compiler is None or not k else compiler(step))()
    return [p.detach() for p in params]


@every_rule
@pytest.mark.parametrize("decay", DECAYS, ids=str)
@pytest.mark.parametrize("path", [{}, {"foreach": True}, {"capturable": True}], ids=str)
def test_every_path_makes_the_steps_of_the_plain_one(make, settings, decay, path):
    plain = steps(make, {**settings, **decay, "foreach": False})
    assert close(steps(make, {**settings, **decay, **path}), plain)


@every_rule
def test_a_compiled_step_is_one_graph_and_makes_the_same_steps(make, settings):
    torch.compiler.reset()

    def compiler(step):
        return torch.compile(step, backend="eager", fullgraph=True)

    compiled = steps(make, settings, shapes=[(3, 4), (7,)], compiler=compiler)
    assert close(compiled, steps(make, settings, shapes=[(3, 4), (7,)]))


@every_rule
@pytest.mark.parametrize("decay", DECAYS, ids=str)
def test_autograd_sees_differentiable_steps(make, settings, decay):
    """Derivatives of the positions by start, gradients and learning rate are those of finite differences."""

    def after(start, lr, *gradients):
        p = start.clone()
        optimizer = make([p], lr=lr, differentiable=True, eps=0.1, **settings, **decay)
        for g in gradients:
            p.grad = g
            optimizer.step()
        return p

    torch.manual_seed(0)
    inputs = [torch.randn(3, dtype=torch.float64).requires_grad_() for _ in range(6)]
    inputs.insert(1, torch.tensor(0.1, dtype=torch.float64, requires_grad=True))
    assert torch.autograd.gradcheck(after, inputs)


@every_rule
def test_derivatives_at_zero_gradients_are_finite(make, settings):
    start = torch.ones(3, requires_grad=True)
    gradients = [torch.zeros(3, requires_grad=True) for _ in range(7)]
    p = start.clone()
    optimizer = make([p], differentiable=True, **settings)
    for g in gradients:
        p.grad = g
        optimizer.step()
    found = torch.autograd.grad(p.sum(), [start, *gradients], allow_unused=True)
    assert all(x.isfinite().all() for x in found if x is not None)


@every_rule
def test_a_state_of_another_shape_is_refused_before_anything_is_touched(make, settings):
    a, b = torch.zeros(3, requires_grad=True), torch.zeros(4, requires_grad=True)
    optimizer = make([a, b], **settings)
    for _ in range(2):
        a.grad, b.grad = torch.ones(3), torch.ones(4)
        optimizer.step()
    optimizer.state[b]["exp_avg"] = torch.zeros(5)
    before = [p.detach().clone() for p in (a, b)]
    with pytest.raises(RuntimeError, match=r"'exp_avg' has shape \(5,\) and its parameter \(4,\)"):
        optimizer.step()
    assert all(torch.equal(x, p) for x, p in zip(before, (a, b), strict=True))
    assert optimizer.state[a]["step"] == 2


@pytest.mark.parametrize("change", [{"shift": 4}, {"shift": 2}, {"start": "own"}], ids=str)
def test_settings_that_decide_on_states_cannot_change_on_the_way(change):
    p = torch.zeros(3, requires_grad=True)
    optimizer = AdaShift([p], shift=3)
    p.grad = torch.ones(3)
    optimizer.step()
    optimizer.param_groups[0].update(change)
    with pytest.raises(RuntimeError, match=r"AdaShift: the state is that of other settings, 'step', .*; settings"):
        optimizer.step()
    optimizer.state.clear()
    optimizer.step()


@every_rule
def test_groups_are_differentiable_together_or_not_at_all(make, settings):
    with pytest.raises(ValueError, match="differentiable must be the same in all groups"):
        make([{"params": [torch.zeros(1)], "differentiable": True}], **settings)


@every_rule
def test_parameters_without_elements_are_no_trouble(make, settings):
    shapes = [(2,), (0, 3)]
    assert close(steps(make, settings, shapes=shapes)[:1], steps(make, settings, shapes=[(2,)]))


LATE = 20


def late(start, reduction="none", eps=1e-10):
    """Steps of two coordinates in units of the learning rate, the second of which has no gradient at first."""
    p = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer, positions = AdaShift([p], lr=1.0, reduction=reduction, start=start, eps=eps), [torch.zeros(2).double()]
    for k in range(60):
        p.grad = torch.tensor([1.0, float(k >= LATE)], dtype=torch.float64)
        optimizer.step()
        positions.append(p.detach().clone())
    return torch.stack(positions).diff(dim=0).abs()


def test_a_gradient_that_starts_late_makes_steps_of_its_size_over_eps():
    """As published: for n steps its second moment is zero, while the average already sees it."""
    weight = 0.1 / (1 - 0.9**10)
    assert late("common")[LATE, 1] == pytest.approx(weight / 1e-10, rel=1e-6)
    assert late("common")[LATE : LATE + 10, 1].min() > 1e9
    assert late("common", eps=1e-5)[LATE + 9, 1] == pytest.approx(1e5, rel=1e-6)


def test_with_a_start_of_its_own_a_late_gradient_waits_and_then_makes_steps_of_the_usual_size():
    moved = late("own")
    assert not moved[: LATE + 10, 1].any()
    assert moved[LATE + 10 :, 1].min() == pytest.approx(1)
    assert moved.max() == pytest.approx(1)


def test_where_gradients_start_at_once_a_start_of_its_own_changes_nothing():
    assert torch.allclose(late("own")[:, 0], late("common")[:, 0], rtol=1e-12)


@pytest.mark.parametrize("make", [Adai, RAdam, AdaShift])
@pytest.mark.parametrize("path", [{}, {"foreach": False}], ids=str)
def test_stochastic_rounding_makes_steps_in_the_mean_that_rounding_to_nearest_loses(make, path):
    torch.manual_seed(0)
    moved = {}
    for name in (False, True):
        p = torch.ones(100_000, dtype=torch.bfloat16, requires_grad=True)
        optimizer = make([p], lr=1e-4, stochastic_rounding=name, **path)
        for _ in range(30):
            p.grad = torch.ones_like(p)
            optimizer.step()
        moved[name] = 1 - float(p.detach().double().mean())
    exact = torch.ones(1, requires_grad=True)
    optimizer = make([exact], lr=1e-4)
    for _ in range(30):
        exact.grad = torch.ones(1)
        optimizer.step()
    assert moved[False] == 0
    assert moved[True] == pytest.approx(1 - exact.item(), rel=0.05)


def rounded(make, generator, path, steps=4, seed=0):
    """Weights after some steps that rounding to nearest would lose, and the optimizer."""
    torch.manual_seed(seed)
    p = torch.ones(1000, dtype=torch.bfloat16, requires_grad=True)
    optimizer = make([p], lr=1e-3, stochastic_rounding=True, generator=generator, **path)
    for _ in range(steps):
        p.grad = torch.ones_like(p)
        optimizer.step()
    return p.detach(), optimizer


@pytest.mark.parametrize("make", [Adai, RAdam, lambda *a, **k: AdaShift(*a, shift=1, **k)])
@pytest.mark.parametrize("path", [{}, {"foreach": False}], ids=str)
def test_a_generator_decides_on_stochastic_rounding_and_leaves_torchs_own_alone(make, path):
    one, _ = rounded(make, torch.Generator().manual_seed(5), path, seed=1)
    same, _ = rounded(make, torch.Generator().manual_seed(5), path, seed=2)
    untouched = torch.get_rng_state()
    assert torch.equal(one, same)
    assert torch.equal(untouched, torch.manual_seed(2).get_state())
    assert not torch.equal(one, rounded(make, torch.Generator().manual_seed(6), path)[0])
    own = [rounded(make, None, path, seed=seed)[0] for seed in (3, 3, 4)]
    assert torch.equal(own[0], own[1])
    assert not torch.equal(own[0], own[2])


@pytest.mark.parametrize("make", [Adai, RAdam, AdaShift])
def test_a_generator_is_copied_with_its_optimizer_and_is_no_part_of_the_state(make):
    _, optimizer = rounded(make, torch.Generator().manual_seed(5), {})
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert twin.generator is not optimizer.generator
        assert torch.equal(twin.generator.get_state(), optimizer.generator.get_state())
    assert "generator" not in {**optimizer.state_dict()["param_groups"][0], **optimizer.defaults}


@pytest.mark.parametrize("make", [Adai, RAdam, AdaShift])
def test_a_generator_that_cannot_be_used_is_refused(make):
    with pytest.raises(ValueError, match=r"generator must be a torch\.Generator or None, got int; seed one"):
        make([torch.zeros(1)], lr=0.1, generator=3)
    with pytest.raises(ValueError, match=r"generator is on cpu and a parameter on meta; make it by torch\.Generator"):
        make([torch.zeros(1, device="meta")], lr=0.1, generator=torch.Generator())


def test_stochastic_rounding_goes_to_the_neighbours_with_the_right_chances():
    torch.manual_seed(0)
    for value in (1.003, -2.71828, 3e-40, 0.0, 1.0):
        x = torch.full((200_000,), value)
        drawn = stochastically(x).float()
        below, above = drawn.min().item(), drawn.max().item()
        assert below <= x[0].item() <= above
        assert abs(drawn.double().mean().item() - x[0].item()) <= 5 * max(above - below, 1e-45) / 200_000**0.5
    special = torch.tensor([float("inf"), float("-inf"), float("nan")])
    assert torch.equal(stochastically(special).isnan(), special.isnan())
    assert stochastically(special)[:2].tolist() == [float("inf"), float("-inf")]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_rule
def test_a_capturable_step_is_part_of_a_cuda_graph(make, settings):
    assert graph_and_plain_steps_agree(lambda p, **k: make(p, lr=0.1, **settings, **k), [(3, 4), (7,)], 8)
