"""CProp: its scale against the written-out algorithm and known values, around several optimizers."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from inertialab.optim import Adai, CProp
from inertialab.optim.cprop import conformity, sureness

A = torch.tensor([1, 10, 0.1, 3, 0.5], dtype=torch.float64)
CENTRE = torch.tensor([0.3, -1, 2, 0, -0.7], dtype=torch.float64)
START = torch.tensor([1, 2, -1, 0.5, -2], dtype=torch.float64)
WRAPPED = {
    "sgd": lambda p: torch.optim.SGD(p, lr=1e-2),
    "sgd with momentum and decay": lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9, weight_decay=0.1),
    "adam": lambda p: torch.optim.Adam(p, lr=1e-2),
    "adai": lambda p: Adai(p, lr=1e-2),
}


def gradient(x, t):
    wave = torch.sin(1.7 * torch.arange(1, 6, dtype=torch.float64) * t)
    return (A * (x - CENTRE) + 0.3 * torch.cos(3 * x) + 2 * wave).detach()


@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("c", [1.0, 5.0])
def test_it_is_the_published_algorithm_around_any_optimizer(make, c):
    """Averages of g and g² corrected for their start, as in the publication; exact normal law."""
    x, y = START.clone().requires_grad_(), START.clone().requires_grad_()
    ours, bare = CProp(make([x]), beta=0.99, c=c, cdf="normal"), make([y])
    m, v = torch.zeros(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    for t in range(1, 201):
        x.grad, y.grad = gradient(x, t), gradient(y, t)
        m, v = m + 0.01 * (y.grad - m), v + 0.01 * (y.grad**2 - v)
        bc = 1 - 0.99**t
        variance = (v / bc - (m / bc) ** 2).clamp_min(0) if t > 1 else torch.zeros(5, dtype=torch.float64)
        se = (variance / (bc / 0.01 - 1 + 1e-8)).sqrt() + 1e-8
        scale = (2 * c * (torch.special.ndtr(-m / bc / se) - 0.5).abs()).clamp_max(1)
        before = y.detach().clone()
        bare.step()
        with torch.no_grad():
            y.copy_(before + scale * (y - before))
        ours.step()
        assert torch.allclose(x, y, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_scale_of_the_first_step_is_exactly_one(dtype, generator):
    g = torch.randn(100_000, generator=generator, dtype=dtype)
    g = g[g.abs() > 1e-6]
    settings = {"conformity_beta": 0.999, "c": 1.0, "conformity_eps": 1e-8, "cdf": "normal"}
    scale = conformity(g, torch.zeros_like(g), torch.zeros_like(g), 1.0, settings)
    assert torch.equal(scale, torch.ones_like(g))


def test_averages_that_cancel_miss_one_at_the_first_step_in_float32(generator):
    """What the difference of two averages would give: rounding over (0 + eps)."""
    g = torch.randn(100_000, generator=generator)
    m, v, bc = 0.001 * g, 0.001 * g**2, 1 - 0.999
    spread = ((v / bc - (m / bc) ** 2).clamp_min(0) / 1e-8).sqrt() + 1e-8
    naive = torch.erf((m / bc).abs() / spread / math.sqrt(2))
    assert (naive < 0.999).float().mean() > 0.001


@pytest.mark.parametrize(("cdf", "error"), [("normal", 0), ("bft", 1.4145e-4), ("bfo", 9.49e-3), ("logistic", 2.27e-2)])
def test_laws_differ_from_the_normal_one_by_known_amounts(cdf, error):
    z = torch.linspace(0, 8, 80_001, dtype=torch.float64)
    worst = (sureness(z, cdf) - torch.as_tensor(2 * stats.norm.cdf(z) - 1)).abs().max() / 2
    assert float(worst) == pytest.approx(error, rel=5e-3, abs=1e-12)


def test_pure_noise_is_scaled_by_its_known_floor():
    """E s = (2/pi) arctan(1/sqrt 2), not 1/2: the average has twice the degrees of freedom it is given."""
    rng, beta = np.random.default_rng(0), 0.98
    mean, variance = torch.zeros(100_000, dtype=torch.float64), torch.zeros(100_000, dtype=torch.float64)
    settings = {"conformity_beta": beta, "c": 1.0, "conformity_eps": 1e-8, "cdf": "normal"}
    for k in range(1, 401):
        w = (1 - beta) / (1 - beta**k)
        scale = conformity(torch.as_tensor(rng.standard_normal(100_000)), mean, variance, w, settings)
    spread = (1 / (1 - beta) - 1) * (1 - beta) / (1 + beta)
    assert float(scale.mean()) == pytest.approx(2 / math.pi * math.atan(math.sqrt(spread)), abs=0.005)
    assert float(scale.mean()) < 0.45


def test_groups_may_have_scales_of_their_own():
    x, y = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    wrapper = CProp(torch.optim.SGD([{"params": [x], "c": 0.25}, {"params": [y]}], lr=0.1))
    x.grad, y.grad = torch.ones(1), torch.ones(1)
    wrapper.step()
    assert x.item() == pytest.approx(1 - 0.25 * 0.1)
    assert y.item() == pytest.approx(1 - 0.1)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"beta": 1.0}, r"CProp: conformity_beta must be in \(0, 1\), got 1.0"),
        ({"c": 0.0}, "c must be a finite number > 0, got 0.0"),
        ({"eps": float("nan")}, "conformity_eps must be a finite number > 0, got nan"),
        ({"cdf": "gumbel"}, "cdf must be 'normal', 'bft', 'bfo' or 'logistic', got gumbel"),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_value_and_range(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        CProp(torch.optim.SGD([torch.zeros(1)], lr=0.1), **settings)


def some(*shape):
    return torch.ones(shape, requires_grad=True)


def test_groups_and_states_are_those_of_the_wrapped_optimizer_also_after_it_was_loaded():
    """A learning rate set on either acts, whichever took the checkpoint."""
    x = some(1)
    wrapper = CProp(torch.optim.SGD([x], lr=0.1))
    wrapper.wrapped.load_state_dict(torch.optim.SGD([some(1)], lr=0.2).state_dict())
    assert wrapper.param_groups is wrapper.wrapped.param_groups
    wrapper.param_groups[0]["lr"] = 0.5
    x.grad = torch.ones(1)
    wrapper.param_groups[0].update({"conformity_beta": 0.9, "c": 1.0, "conformity_eps": 1e-8, "cdf": "normal"})
    wrapper.step()
    assert x.item() == pytest.approx(0.5)


def test_a_checkpoint_of_the_bare_optimizer_is_taken_and_the_conformity_starts_anew():
    x, y = some(3), some(3)
    bare, wrapper = torch.optim.Adam([x]), CProp(torch.optim.Adam([y]), c=2.0)
    for _ in range(3):
        x.grad = torch.ones(3)
        bare.step()
    y.data.copy_(x)
    wrapper.load_state_dict(bare.state_dict())
    assert wrapper.param_groups[0]["c"] == 2.0
    for optimizer, p in ((bare, x), (wrapper, y)):
        p.grad = torch.ones(3)
        optimizer.step()
    assert torch.equal(x, y)
    assert torch.allclose(wrapper.state[y]["conformity_weight"], torch.full((3,), 0.001))


def test_hooks_of_all_optimizers_are_called_once_and_see_the_final_parameters():
    x, seen = some(1), []
    wrapper = CProp(torch.optim.SGD([x], lr=0.1), c=0.25)
    inner = wrapper.wrapped
    handles = [
        register_optimizer_step_pre_hook(lambda o, *_: seen.append(("before", o, x.item()))),
        register_optimizer_step_post_hook(lambda o, *_: seen.append(("after", o, x.item()))),
        inner.register_step_pre_hook(lambda o, *_: seen.append(("inner before", o, x.item()))),
        inner.register_step_post_hook(lambda o, *_: seen.append(("inner after", o, x.item()))),
    ]
    x.grad = torch.ones(1)
    wrapper.step()
    for handle in handles:
        handle.remove()
    assert [(when, o) for when, o, _ in seen] == [
        ("before", wrapper), ("inner before", inner), ("inner after", inner), ("after", wrapper)
    ]  # fmt: skip
    assert [round(value, 6) for *_, value in seen] == [1, 1, 0.9, 0.975]


def test_a_scheduler_of_the_wrapped_optimizer_sees_its_steps():
    x = some(1)
    inner = torch.optim.SGD([x], lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(inner, 1)
    wrapper = CProp(inner)
    x.grad = torch.ones(1)
    wrapper.step()
    scheduler.step()
    assert wrapper.param_groups[0]["lr"] == pytest.approx(0.01)


def test_an_added_group_is_checked_and_a_refused_one_is_not_left_behind():
    wrapper = CProp(Adai([some(2)], lr=0.1), c=3.0)
    for group in ({"c": -3.0}, {"eps": -5.0}, {"cdf": "gumbel"}, {"lr": "1e-3"}):
        with pytest.raises(ValueError, match="must be"):
            wrapper.add_param_group({"params": [some(2)], **group})
    assert len(wrapper.param_groups) == 1
    wrapper.add_param_group({"params": (p for p in [some(2)]), "lr": 0.2})
    assert wrapper.param_groups[1]["c"] == 3.0
    assert wrapper.wrapped.param_groups[1]["lr"] == 0.2


def test_a_second_wrapper_has_its_own_settings():
    inner = torch.optim.SGD([{"params": [some(1)], "c": 0.5}, {"params": [some(1)]}], lr=0.1)
    CProp(inner, c=1.0)
    second = CProp(inner, c=7.0, cdf="normal")
    assert [group["c"] for group in second.param_groups] == [0.5, 7.0]
    assert [group["cdf"] for group in second.param_groups] == ["normal", "normal"]


def test_a_refused_wrapper_leaves_the_optimizer_as_it_was():
    inner = torch.optim.SGD([{"params": [some(1)]}, {"params": [some(1)], "c": -1.0}], lr=0.1)
    before = [dict(group) for group in inner.param_groups]
    with pytest.raises(ValueError, match="c must be"):
        CProp(inner)
    assert inner.param_groups == before


def test_an_optimizer_whose_step_needs_a_closure_is_refused():
    with pytest.raises(TypeError, match="a step of LBFGS needs a closure"):
        CProp(torch.optim.LBFGS([some(1)]))


def test_a_coordinate_that_is_reset_starts_with_a_scale_of_one():
    """The weight of gradients is kept for each coordinate, as surgery on states needs it."""
    x = some(2)
    wrapper = CProp(torch.optim.SGD([x], lr=0.1), beta=0.9)
    for k in range(5):
        x.grad = torch.tensor([(-1.0) ** k, (-1.0) ** k])
        wrapper.step()
    for name in ("conformity_mean", "conformity_variance", "conformity_weight"):
        wrapper.state[x][name][0] = 0
    before = x.detach().clone()
    x.grad = torch.ones(2)
    wrapper.step()
    moved = before - x.detach()
    assert moved[0].item() == pytest.approx(0.1)
    assert moved[1].item() < 0.06
