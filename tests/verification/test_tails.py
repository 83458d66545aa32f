"""Tails at rest: the law that a grid gives, excursions that are grown, batches of real data."""

import numpy as np
import pytest
import torch

from inertialab.theory import claim
from inertialab.verification.docket import beyond
from inertialab.verification.studies.exact.tails import survival
from inertialab.verification.studies.particles import tails
from inertialab.verification.studies.training.one_weight import problem_of
from inertialab.verification.studies.training.tails import residuals, samples_at

TAIL = claim("sgd.tail-index")


def test_the_grid_gives_a_gaussian_where_all_batches_are_alike():
    places, chances = survival(np.array([0.6, 0.6]))
    sd = (1 - 0.6**2) ** -0.5
    exact = torch.special.erfc(torch.tensor(places / sd / 2**0.5)).numpy()
    near = (places > 0.1) & (places < 3 * sd)
    assert np.allclose(chances[near], exact[near], rtol=0.01)


def test_the_power_is_that_of_the_variance_at_its_edge():
    """At 2h/(h² + c₂) the second moment stops existing."""
    h = np.array([0.2, 0.5, 3.0])
    edge = claim("sgd.mean-square-stability").predict(h=h.mean(), c2=h.var())
    assert TAIL.predict(eta=edge, curvatures=h, shares=np.full(3, 1 / 3)) == pytest.approx(2, abs=1e-10)


@pytest.mark.parametrize("power", [0.7, 3.0, 40.0])
def test_two_kinds_of_batches_of_any_power(power):
    """Factors 2 and 1/2: q with w q + (1 - w)/q = 1 is (1 - w)/w."""
    w = 1 / (1 + 2**power)
    found = TAIL.predict(eta=1.0, curvatures=[-1.0, 0.5], shares=[w, 1 - w])
    assert found == pytest.approx(power, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"eta": 1.0, "curvatures": [0.5, 1.0], "shares": [0.5, 0.5]}, "no minibatch carries away"),
        ({"eta": 1.0, "curvatures": [3.0, 4.0], "shares": [0.5, 0.5]}, "do not contract on average"),
        ({"eta": 1.0, "curvatures": [0.5, 3.0], "shares": [0.5, 0.6]}, "must add up to 1"),
        ({"eta": 1.0, "curvatures": [0.5, 3.0], "shares": [1.0]}, "two rows of one length"),
        ({"eta": 1.0, "curvatures": [1.999, 2.0 + 1e-8], "shares": [0.5, 0.5]}, "beyond 10000"),
    ],
)
def test_what_has_no_tail_is_refused(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        TAIL.predict(**values)


def test_excursions_grown_in_stages_spend_the_time_that_plain_ones_do(monkeypatch):
    """Without any level in between the same ratio, within their errors."""
    monkeypatch.setattr(tails, "LEVELS", (1.5, 2.0, 2.5, 3.0))
    monkeypatch.setattr(tails, "NEAR", 1)
    staged = beyond.TAILS.run(particles=60_000, steps=200).measurements[0].estimate
    monkeypatch.setattr(tails, "LEVELS", (2.0, 3.0))
    monkeypatch.setattr(tails, "NEAR", 0)
    plain = (
        beyond.TAILS.run(
            particles=60_000,
            steps=600,
        )
        .measurements[0]
        .estimate
    )
    assert abs(staged.value - plain.value) < 4 * np.hypot(staged.se, plain.se)
    assert max(staged.se, plain.se) < 0.03 * plain.value


def test_gradients_of_samples_are_those_of_the_loss():
    problem = problem_of({"data": "wine", "feature": 4, "target": 0}, torch.device("cpu"))
    at, theta = torch.tensor([0.3], dtype=torch.float64), torch.linspace(-5, 5, 7, dtype=torch.float64)
    kick = residuals(problem, at, torch.Generator().manual_seed(3))
    drawn = torch.randint(len(problem.inputs), theta.shape, generator=torch.Generator().manual_seed(3))
    right = problem.batch_gradients((at + theta)[:, None], drawn[:, None])[:, 0]
    assert torch.allclose(kick(theta), right)
    slopes, bends = samples_at(problem, at)
    assert np.allclose(bends, problem.inputs[:, 0] ** 2)
    assert np.mean(slopes) == pytest.approx(float(problem.gradient(at)))
