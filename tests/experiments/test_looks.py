"""Intervals that cover however sampling ended."""

import numpy as np
import pytest

from inertialab.experiments.looks import looks
from inertialab.verification.measure.estimate import Estimate


def covered(shares, rng, runs=4000, confidence=0.9):
    """Share of runs whose interval covers the true mean 0, by whoever stops at the first look that excludes it."""
    plan, hits = looks(256), 0
    for units in rng.standard_normal((runs, 256)):
        for count, share in plan.items():
            low, high = Estimate(
                units[:count].mean(), units[:count].std(ddof=1) / count**0.5, count, share if shares else 1.0
            ).interval(confidence)
            if low > 0 or high < 0:
                break
        hits += low < 0 < high
    return hits / runs


def test_who_stops_at_the_worst_look_still_covers(rng):
    assert covered(True, rng) > 0.9 - 3 * 0.005
    assert covered(False, rng) < 0.85  # without shares the same reader is misled


def test_shares_add_up_and_the_last_look_is_the_whole_budget():
    for budget, unit in ((8, 8), (24, 8), (1000, 1), (1600, 8)):
        plan = looks(budget, unit)
        assert sum(plan.values()) == pytest.approx(1)
        assert max(plan) == budget
        assert all(count % unit == 0 for count in plan)
    assert min(looks(1000)) >= 50  # an error of few samples may be small by luck
    assert looks(8, 8) == {8: pytest.approx(1.0)}


@pytest.mark.parametrize(("budget", "unit"), [(0, 1), (-8, 8), (12, 8)])
def test_a_budget_that_is_no_multiple_of_what_is_made_together_is_refused(budget, unit):
    with pytest.raises(ValueError, match="no positive multiple"):
        looks(budget, unit)


def test_a_share_widens_intervals_and_raises_p_values_alike():
    """An interval excludes an edge exactly when the test of that edge rejects, at any share."""
    one = Estimate(1.0, 0.1, 50, 0.25)
    low, high = one.interval(0.99)
    assert one.p_at_most(low) == pytest.approx(0.005)
    assert one.p_at_least(high) == pytest.approx(0.005)
    assert high - low > np.diff(Estimate(1.0, 0.1, 50).interval(0.99)).item()
    assert one.scaled(2.0, 1.0).share == 0.25
