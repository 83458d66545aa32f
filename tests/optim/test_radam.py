"""RAdam: its factor, its switches, and its relation to other codes."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from inertialab.optim import RAdam
from inertialab.optim.radam import degrees_of_freedom, factor_variance, rectification

A = torch.tensor([1, 10, 0.1, 3, 0.5], dtype=torch.float64)
CENTRE = torch.tensor([0.3, -1, 2, 0, -0.7], dtype=torch.float64)
START = torch.tensor([1, 2, -1, 0.5, -2], dtype=torch.float64)


def path(make, steps=300):
    """Positions on a deterministic problem with steep and flat directions, shape (steps, 5)."""
    x = START.clone().requires_grad_()
    optimizer, positions = make([x]), []
    for _ in range(steps):
        x.grad = (A * (x - CENTRE) + 0.3 * torch.cos(3 * x)).detach()
        optimizer.step()
        positions.append(x.detach().clone())
    return torch.stack(positions)


@pytest.mark.parametrize("decoupled", [False, True])
def test_with_threshold_5_it_is_that_of_torch(decoupled):
    settings = {"lr": 1e-2, "weight_decay": 0.1, "decoupled_weight_decay": decoupled}
    ours = path(lambda p: RAdam(p, threshold=5, **settings))
    theirs = path(lambda p: torch.optim.RAdam(p, **settings))
    assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_codes_and_publication_differ_visibly():
    """The fallback steps are not normalised, so five of them or none, four or five, are far apart."""
    published = path(lambda p: RAdam(p, lr=1e-2))
    like_torch = path(lambda p: RAdam(p, lr=1e-2, threshold=5))
    like_authors_code = path(lambda p: RAdam(p, lr=1e-2, threshold=5, fallback="none"))
    assert (published - like_torch).abs().max() == pytest.approx(0.236, abs=0.001)
    assert (like_authors_code - like_torch).abs().max() == pytest.approx(1.346, abs=0.001)


def test_fallback_none_changes_nothing_in_the_first_steps():
    def make(p):
        return RAdam(p, lr=1e-2, threshold=5, fallback="none", weight_decay=0.1, decoupled_weight_decay=True)

    assert torch.equal(path(make, 5)[-1], START)
    assert not torch.equal(path(make, 6)[-1], START)


@pytest.mark.parametrize(
    ("step", "rho", "r"),
    [(1, 1, None), (4, 3.9974987499, None), (5, 4.9959980004, 0.017311503166), (100, 98.3329443227, 0.215335436538)],
)
def test_degrees_of_freedom_and_factor_at_known_points(step, rho, r):
    assert degrees_of_freedom(0.999, step) == pytest.approx(rho, rel=1e-9)
    found = rectification(0.999, step, 4, "centre-of-mass", "first-order")
    assert found == (None if r is None else pytest.approx(r, rel=1e-9))


@pytest.mark.parametrize("kind", ["centre-of-mass", "satterthwaite"])
def test_degrees_of_freedom_start_at_one_and_share_their_limit(kind):
    assert degrees_of_freedom(0.99, 1, kind) == pytest.approx(1)
    assert degrees_of_freedom(0.99, 10_000, kind) == pytest.approx(199)


@pytest.mark.parametrize(
    ("rho", "exact"), [(3, 1.090140683), (5, 0.2519560614), (20, 0.03042408473), (1999, 0.0002505949318)]
)
def test_the_exact_variance_at_known_points(rho, exact):
    assert factor_variance(rho, "exact") == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("rho", [3.0, 7.0, 40.0])
def test_the_exact_variance_is_that_of_the_distribution(rho):
    moments = [stats.chi2.expect(lambda x, n=n: (x / rho) ** (-n / 2), args=(rho,)) for n in (1, 2)]
    assert factor_variance(rho, "exact") == pytest.approx(moments[1] - moments[0] ** 2, rel=1e-6)


def test_the_expansion_for_large_rho_continues_the_exact_form():
    below, above = factor_variance(1e4, "exact"), factor_variance(1e4 * (1 + 1e-9), "exact")
    assert below == pytest.approx(above, rel=1e-6)


def test_satterthwaite_counts_degrees_of_freedom_better():
    """The variance of the real average of squared Gaussian noise, by simulation."""
    rng, beta2, steps = np.random.default_rng(0), 0.99, 150
    v = np.zeros(200_000)
    for _ in range(steps):
        v = beta2 * v + (1 - beta2) * rng.standard_normal(v.size) ** 2
    measured = np.var(1 / np.sqrt(v / (1 - beta2**steps)))
    error = {
        kind: abs(factor_variance(degrees_of_freedom(beta2, steps, kind), "exact") / measured - 1)
        for kind in ("centre-of-mass", "satterthwaite")
    }
    assert error["satterthwaite"] < 0.02
    assert error["centre-of-mass"] > 0.05


def test_the_exact_variance_allows_earlier_steps():
    assert rectification(0.999, 3, 2, "centre-of-mass", "exact") is not None
    assert math.isfinite(float(path(lambda p: RAdam(p, lr=1e-2, threshold=2, variance="exact"), 20).sum()))


def test_a_short_memory_is_never_adaptive():
    assert all(rectification(0.6, t, 4, "centre-of-mass", "first-order") is None for t in (1, 10, 1000))


def test_maximising_is_minimising_the_negative():
    up = path(lambda p: RAdam(p, lr=1e-2, maximize=True), 1)
    down = path(lambda p: RAdam(p, lr=1e-2), 1)
    assert torch.allclose(up[-1] - START, START - down[-1])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"lr": -1.0}, "RAdam: lr must be a finite number >= 0, got -1.0"),
        ({"betas": (0.9, 1.0)}, r"betas must be two numbers in \[0, 1\), got \(0.9, 1.0\)"),
        ({"eps": -1e-8}, "eps must be a finite number >= 0"),
        ({"threshold": 3}, "threshold must be >= 4 with variance 'first-order', got 3"),
        ({"threshold": 1, "variance": "exact"}, "threshold must be >= 2 with variance 'exact', got 1"),
        ({"fallback": "adam"}, "fallback must be 'sgdm' or 'none', got adam"),
        ({"freedom": "n"}, "freedom must be 'centre-of-mass' or 'satterthwaite', got n"),
        ({"variance": "delta"}, "variance must be 'first-order' or 'exact', got delta"),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_value_and_range(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        RAdam([torch.zeros(1)], **settings)


def test_sparse_gradients_are_refused():
    p = torch.zeros(3, requires_grad=True)
    p.grad = torch.sparse_coo_tensor([[0]], [1.0], (3,), check_invariants=True)
    with pytest.raises(RuntimeError, match="RAdam needs dense gradients"):
        RAdam([p]).step()
