"""CProp: its scale against the written-out algorithm and known values, around several optimizers."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

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
