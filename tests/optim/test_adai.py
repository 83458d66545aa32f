"""Adai: the algorithm as published, and the numerics where naive codes go wrong."""

import pytest
import torch

from inertialab.optim import Adai, AdaiW
from inertialab.optim.blocks import BLOCK


def written_out(params, sequence, lr, beta0=0.1, beta2=0.99, eps=1e-3, wd=0.0, decoupled=False, d=1.0):
    """The algorithm line by line, with 1 - beta1 and the product of beta1 as in the publication."""
    p = [x.clone() for x in params]
    v, m, product = ([f(x) for x in p] for f in (torch.zeros_like, torch.zeros_like, torch.ones_like))
    for t, grads in enumerate(sequence, 1):
        g = [g + wd * x if wd and not decoupled else g for g, x in zip(grads, p, strict=True)]
        v = [beta2 * a + (1 - beta2) * b**2 for a, b in zip(v, g, strict=True)]
        v_hat = [x / (1 - beta2**t) for x in v]
        mean = sum(x.sum() for x in v_hat) / sum(x.numel() for x in v_hat)
        for i in range(len(p)):
            if decoupled:
                p[i] = p[i] * (1 - lr * wd)
            beta1 = (1 - beta0 * (v_hat[i] / mean) ** (1 / (3 - 2 * d))).clamp(0, 1 - eps)
            product[i] = product[i] * beta1
            m[i] = beta1 * m[i] + (1 - beta1) ** d * g[i]
            p[i] = p[i] - lr * m[i] / (1 - product[i]) * beta0 ** (1 - d)
    return p


def run(params, sequence, make=Adai, **settings):
    p = [x.clone().requires_grad_() for x in params]
    optimizer = make(p, **settings)
    for grads in sequence:
        for x, g in zip(p, grads, strict=True):
            x.grad = None if g is None else g.clone()
        optimizer.step()
    return [x.detach() for x in p], optimizer


@pytest.fixture
def problem(generator):
    params = [
        torch.randn(50, dtype=torch.float64, generator=generator),
        torch.randn(7, 3, dtype=torch.float64, generator=generator),
    ]
    scale = [10 ** torch.rand(x.shape, dtype=torch.float64, generator=generator) for x in params]
    sequence = [[s * torch.randn(s.shape, dtype=torch.float64, generator=generator) for s in scale] for _ in range(60)]
    return params, sequence


@pytest.mark.parametrize(
    ("settings", "publication"),
    [
        ({}, {}),
        ({"betas": (0.5, 0.9), "eps": 0.2}, {"beta0": 0.5, "beta2": 0.9, "eps": 0.2}),
        ({"weight_decay": 0.1}, {"wd": 0.1}),
        ({"weight_decay": 0.1, "decoupled_weight_decay": True}, {"wd": 0.1, "decoupled": True}),
        ({"dampening": 0.5}, {"d": 0.5}),
        ({"dampening": 0.0}, {"d": 0.0}),
    ],
)
def test_it_is_the_published_algorithm(problem, settings, publication):
    got, _ = run(*problem, lr=0.1, **settings)
    expected = written_out(*problem, lr=0.1, **publication)
    assert all(float((a - b).abs().max() / b.abs().max()) < 1e-14 for a, b in zip(got, expected, strict=True))


def test_adaiw_is_adai_with_decoupled_decay(problem):
    got, _ = run(*problem, make=AdaiW, lr=0.1, weight_decay=0.1)
    expected, _ = run(*problem, lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_groups_share_one_mean_of_second_moments(problem):
    params, sequence = problem
    whole, _ = run(params, sequence, lr=0.1)
    p = [x.clone().requires_grad_() for x in params]
    optimizer = Adai([{"params": [p[0]], "lr": 0.2}, {"params": [p[1]]}], lr=0.1)
    for grads in sequence[:1]:
        for x, g in zip(p, grads, strict=True):
            x.grad = g.clone()
        optimizer.step()
    first, _ = run(params, sequence[:1], lr=0.1)
    assert torch.allclose(p[0] - params[0], 2 * (first[0] - params[0]))
    assert torch.allclose(p[1], first[1])
    apart = [run([x], [[g[i]] for g in sequence], lr=0.1)[0][0] for i, x in enumerate(params)]
    assert not torch.allclose(apart[0], whole[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("c", [2.0**-20, 2.0**10])
def test_scaling_the_loss_is_scaling_the_learning_rate(problem, c, dtype):
    """A step on (c g, lr/c) is a step on (g, lr); a floor under the mean would break it."""
    params = [x.to(dtype) for x in problem[0]]
    sequence = [[g.to(dtype) for g in grads] for grads in problem[1]]
    plain, _ = run(params, sequence, lr=0.1)
    scaled, _ = run(params, [[c * g for g in grads] for grads in sequence], lr=0.1 / c)
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    assert all(torch.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in zip(plain, scaled, strict=True))


def test_zero_gradients_move_nothing_and_make_no_nan():
    p, optimizer = run([torch.ones(3)], [[torch.zeros(3)]] * 3, lr=0.1)
    assert torch.equal(p[0], torch.ones(3))
    assert all(torch.isfinite(s).all() for s in optimizer.state[optimizer.param_groups[0]["params"][0]].values())


def test_small_alpha_keeps_its_digits_in_float32():
    """alpha = eps = 1e-6 lies within rounding of 1; taken from 1 - beta1 it is several per cent off."""
    g = torch.tensor([1e-6, 1.0])
    _, optimizer = run([torch.zeros(2)], [[g]], lr=0.1, eps=1e-6)
    state = optimizer.state[optimizer.param_groups[0]["params"][0]]
    alpha, naive = float(state["bias_correction"][0]), float(1 - (1 - torch.tensor(1e-6)))
    assert alpha == pytest.approx(1e-6, rel=1e-6)
    assert abs(naive / 1e-6 - 1) > 0.01
    assert float(state["exp_avg"][0]) == pytest.approx(1e-12, rel=1e-6)


def test_a_parameter_that_comes_late_gets_its_own_bias_correction(generator):
    late = torch.randn(5, generator=generator, dtype=torch.float64)
    early = torch.randn(5, generator=generator, dtype=torch.float64)
    p, optimizer = run([torch.zeros(5, dtype=torch.float64)] * 2, [[early, None]] * 9 + [[early, late]], lr=1.0)
    assert int(optimizer.state[optimizer.param_groups[0]["params"][1]]["step"]) == 1
    assert torch.allclose(p[1], -late)


def test_an_overflowing_gradient_harms_its_own_coordinate_alone():
    g = torch.tensor([1.0, 2.0, 3.0])
    hurt = torch.tensor([1.0, 2.0, float("inf")])
    p, _ = run([torch.zeros(3)], [[g], [hurt], [g]], lr=0.1)
    assert torch.isfinite(p[0][:2]).all()
    assert not torch.isfinite(p[0][2])
    first, _ = run([torch.zeros(3)], [[g]], lr=0.1)
    assert (p[0][:2] < first[0][:2] - 0.01).all()


def test_a_parameter_of_many_blocks_is_updated_as_one(generator):
    n = BLOCK + 1000
    g = torch.randn(n, generator=generator, dtype=torch.float64)
    ours, _ = run([torch.zeros(n, dtype=torch.float64)], [[g], [-g]], lr=0.1)
    expected = written_out([torch.zeros(n, dtype=torch.float64)], [[g], [-g]], lr=0.1)
    assert torch.allclose(ours[0], expected[0], rtol=1e-10)


def test_a_parameter_that_is_not_contiguous_is_updated_too(generator):
    g = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    p = torch.zeros(6, 4, dtype=torch.float64).t().requires_grad_()
    optimizer = Adai([p], lr=0.1)
    p.grad = g
    optimizer.step()
    assert torch.allclose(p, run([torch.zeros(4, 6, dtype=torch.float64)], [[g]], lr=0.1)[0][0])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"lr": -1.0}, "Adai: lr must be a finite number >= 0, got -1.0"),
        ({"lr": float("nan")}, "lr must be a finite number >= 0, got nan"),
        ({"lr": 0.1, "betas": (0.0, 0.9)}, r"betas must be \(beta0 > 0, beta2\), got \(0.0, 0.9\)"),
        ({"lr": 0.1, "betas": (0.1, 1.0)}, r"betas must be \(beta0, beta2 in \[0, 1\)\), got \(0.1, 1.0\)"),
        ({"lr": 0.1, "eps": 0.0}, r"eps must be in \(0, 1\], got 0.0"),
        ({"lr": 0.1, "weight_decay": -0.1}, "weight_decay must be a finite number >= 0, got -0.1"),
        ({"lr": 0.1, "dampening": 2.0}, r"dampening must be in \[0, 1\], got 2.0"),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_value_and_range(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Adai([torch.zeros(1)], **settings)
    with pytest.raises(ValueError, match=sentence):
        Adai([{"params": [torch.zeros(1)], **settings}], lr=0.1)
