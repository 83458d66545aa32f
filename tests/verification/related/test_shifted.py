"""AdaShift without randomness, and Adam's mean steps under random gradients."""

import numpy as np
import pytest
import torch

from inertialab.verification.studies.related import drifts, shifted


def test_without_a_lag_it_is_adam_and_with_a_period_its_steps():
    plain, lagging = (shifted.periodic(rare=6.0, d=5, beta=0.3, beta2=0.8, lag=n) for n in (0, 5))
    assert lagging == pytest.approx(plain, rel=1e-12)
    assert abs(shifted.periodic(rare=6.0, d=5, beta=0.3, beta2=0.8, lag=2) / plain - 1).max() > 0.1


def test_a_lag_of_a_period_more_takes_the_same_steps_bit_for_bit():
    """Without momentum, a period later, from the first step on: the second moment holds the same gradients."""
    gradients = [6.3, -1.0, -1.0, -1.1, -1.0] * 40
    short, long = (
        shifted.displacements(shifted.adashift(1.0, 0.0, 0.83, shifted.TINY, lag), gradients) for lag in (5, 10)
    )
    assert np.array_equal(long[10:], short[5:-5])
    assert not np.array_equal(long[10:], short[4:-6])


def test_adam_is_told_from_a_lag_of_a_period_by_roundings_alone():
    """PyTorch's Adam rounds β₂v and (1 - β₂)ĝ² and divides roots, AdaShift rounds (1 - β₂)(ĝ² - v) and takes the root
    of a quotient: the same numbers but for some last digits, which each average forgets as it does its gradients."""
    beta, beta2 = 0.3, 0.83
    apart = [
        shifted.periodic(rare=6.3, d=5, beta=beta, beta2=beta2, lag=5)
        / shifted.periodic(rare=6.3, d=5, beta=beta, beta2=beta2, lag=0)
        - 1
    ]
    allowed = 3 * np.finfo(float).eps * (1 / (1 - beta) + 1 / (1 - beta2) / 2)
    assert 0 < np.abs(apart).max() < allowed


def test_the_rare_gradient_makes_the_shortest_way_and_a_lag_hands_that_on():
    common = {"rare": 6.0, "d": 6, "beta2": 0.8}
    adam = [shifted.net_factor(**common, beta=0.6, lag=0, place=p) for p in range(6)]
    peak = int(np.argmax(adam))
    assert np.argmin(adam) == 0
    assert (np.diff(adam[: peak + 1]) > 0).all()
    assert (np.diff([*adam[peak:], adam[0]]) < 0).all()
    lagging = [shifted.net_factor(**common, beta=0.0, lag=2, place=p) for p in range(6)]
    assert np.argmin(lagging) == 2


def test_net_factors_make_the_way_of_a_period():
    common = {"rare": 6.0, "d": 4, "beta": 0.5, "beta2": 0.8, "lag": 0}
    way = -shifted.periodic(**common).sum()
    gradients = [6.0, -1.0, -1.0, -1.0]
    assert sum(g * shifted.net_factor(**common, place=p) for p, g in enumerate(gradients)) == pytest.approx(
        way, rel=1e-9
    )


def test_a_held_second_moment_divides_the_first_free_step():
    point = {"eta": 0.3, "h": 2.0, "delta": 0.1, "beta2": 0.8}
    places, sizes = np.array([0.5, 0.5, -0.2]), np.array([0.5, 1.0, 0.3])
    seen = shifted.held(point, places, sizes, 1)
    assert seen[1] == pytest.approx(places - 0.3 * 2 * places / (2 * sizes + 0.1), rel=1e-9)


def test_a_step_from_the_radius_ends_on_the_other_side():
    point = {"eta": 0.3, "h": 1.0, "delta": 0.1, "beta2": 0.8}
    r = shifted.radius_of(point)
    seen = shifted.held(point, np.array([r]), np.array([r]), 4)
    assert seen[:, 0] == pytest.approx(r * np.array([1, -1, 1, -1, 1]), rel=1e-9)


def test_a_cycle_beyond_its_edge_is_not_found(rng, cpu):
    point = {"eta": 0.6, "h": 1.0, "delta": 0.1, "beta2": 0.8}
    small, large = shifted.cycles([point], rng=rng, device=cpu, tick=lambda: None).measurements
    assert large.estimate.value > 1.05 * small.estimate.value


def test_below_the_window_the_minimum_attracts(rng, cpu):
    for share, rests in ((1.95, True), (2.05, False)):
        point = {"eta": 0.1 * share, "h": 1.0, "delta": 0.1, "beta2": 0.8}
        ends = [m.estimate.value for m in shifted.cycles([point], rng=rng, device=cpu, tick=lambda: None).measurements]
        assert (max(ends) < 1e-12) == rests


def crowd(generator, beta=0.0, optimizer="adam", coordinates=20_000):
    values, chances = drifts.of_rare(np.array([3.0, 8.0]), 0.1)
    settings = {"beta": beta, "beta2": 0.95}
    return drifts.Crowd(optimizer, settings, values, chances, coordinates, generator)


def test_the_mean_over_the_newest_gradient_is_what_steps_average_to(generator):
    """With momentum too, where what is taken away has no mean."""
    for beta in (0.0, 0.7):
        many = crowd(generator, beta)
        for _ in range(120):
            many.step()
        exact, before = many.mean_step(), many.moving[0].clone()
        many.step()
        plain = before - many.moving[0]
        for law in range(2):
            error = float(plain[law].std()) / 20_000**0.5
            assert float(exact[law].mean()) == pytest.approx(float(plain[law].mean()), abs=4 * error)
            assert float(exact[law].std()) < 0.6 * float(plain[law].std())


def test_trying_the_next_gradient_changes_nothing(generator):
    one, other = crowd(torch.Generator().manual_seed(1)), crowd(torch.Generator().manual_seed(1))
    for step in range(30):
        if step % 3 == 0:
            one.next_steps()
        one.step()
        other.step()
    assert torch.equal(one.moving[0], other.moving[0])


def test_a_crossing_is_found_with_its_error(rng):
    x = np.linspace(2, 9, 8)
    found = [drifts.crossing(x, (5.3 - x)[:, None] + rng.standard_normal((8, 400)) * x[:, None]) for _ in range(200)]
    values = np.array([f.value for f in found])
    assert values.mean() == pytest.approx(5.3, abs=4 * values.std() / 200**0.5)
    assert values.std() == pytest.approx(np.mean([f.se for f in found]), rel=0.2)
    with pytest.raises(ValueError, match="does not change its sign"):
        drifts.crossing(x, np.ones((8, 5)))


def test_moments_of_a_law_are_its_own(rng):
    point = {"values": [-1.0, 0.5, 4.0], "chances": [0.5, 0.3, 0.2]}
    drawn = rng.choice(point["values"], 400_000, p=point["chances"])
    known = drifts.about(point)
    assert known["mu"] == pytest.approx(drawn.mean(), abs=0.02)
    assert known["C"] == pytest.approx(drawn.var(), rel=0.01)
    assert known["third"] == pytest.approx(((drawn - drawn.mean()) ** 3).mean(), rel=0.02)
    assert known["K"] == pytest.approx(((drawn - drawn.mean()) ** 4).mean() / drawn.var() ** 2, rel=0.02)
