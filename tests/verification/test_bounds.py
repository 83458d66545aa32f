"""Bounds: exact binomials, one side only, and wrong slacks that are noticed."""

import numpy as np
import pytest
from scipy import stats

from inertialab.verification.court.bounds import Above, BoundCheck, ChanceCheck, Share
from inertialab.verification.court.errors import about_exact
from inertialab.verification.court.judgement import compare_all, confirmed_values, judge_all
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Study

MADE_UP = Study("made-up", lambda **_: Findings(()), {})
CHANCE = ChanceCheck("iwal.time-uniform", "simulation", MADE_UP, "share", 0.01)
RATIO = BoundCheck("arbal.beats-iwal", "real", MADE_UP, "ratio", 0.02, expected=Verdict.REFUTED, instead="arbal.gain")
NO_GAIN = {"risk": 1.0, "total_gain": 0.0}


def judged(check, point, estimate):
    findings = {"made-up": Findings((Measurement(check.quantity, point, estimate),))}
    return judge_all(compare_all([check], findings))


def share(count, runs, delta=0.2):
    return judged(CHANCE, {"delta": delta}, Estimate(count / runs, 0.0, runs))[0]


@pytest.mark.parametrize(
    ("count", "runs", "verdict"),
    [(0, 100, "confirmed"), (0, 20, "undecided"), (5, 400, "confirmed"), (60, 100, "refuted"), (20, 100, "undecided")],
)
def test_a_share_of_runs_is_held_against_the_chance_that_is_allowed(count, runs, verdict):
    assert share(count, runs).verdict == verdict


def test_no_run_of_too_few_is_no_surprise_and_shows_what_could_still_be():
    j = share(0, 20)
    assert j.out_of_budget
    assert not j.surprising
    assert j.row()["high"] == pytest.approx(1 - j.level ** (1 / 20))


@pytest.mark.parametrize(("count", "runs"), [(0, 50), (3, 50), (50, 50)])
def test_intervals_and_tests_of_a_share_are_those_of_the_binomial(count, runs):
    found = Share(count / runs, 0.0, runs).scaled(5.0)
    exact = stats.binomtest(count, runs).proportion_ci(0.99, method="exact")
    assert found.interval(0.99) == pytest.approx((5 * exact.low, 5 * exact.high))
    assert found.p_at_least(1.0) == pytest.approx(stats.binomtest(count, runs, 0.2, alternative="less").pvalue)
    assert found.p_at_most(1.0) == pytest.approx(stats.binomtest(count, runs, 0.2, alternative="greater").pvalue)
    assert not found.exact
    with pytest.raises(ValueError, match="as a ratio"):
        found.scaled(1.0, 0.5)


def test_a_verdict_on_a_share_is_seldom_wrong():
    """Two thousand draws just above the bound; none may be confirmed at this level."""
    counts = np.random.default_rng(0).binomial(300, 0.205, 2000)
    assert not [c for c in counts if share(int(c), 300).verdict == "confirmed"]


@pytest.mark.parametrize(
    ("value", "se", "verdict"), [(0.5, 0.01, "confirmed"), (1.2, 0.01, "refuted"), (0.95, 0.02, "undecided")]
)
def test_what_lies_below_a_bound_confirms_it_however_far(value, se, verdict):
    assert judged(RATIO, NO_GAIN, Estimate(value, se, 100))[0].verdict == verdict


def test_what_is_true_instead_is_compared_as_a_value():
    bound, instead = judged(RATIO, NO_GAIN, Estimate(1.0, 0.001, 100))
    assert [bound.verdict, instead.verdict] == ["refuted", "confirmed"]
    assert instead.comparison.instead == "arbal.gain"
    assert instead.comparison.check is RATIO
    lower = judged(RATIO, NO_GAIN, Estimate(0.5, 0.001, 100))[1]
    assert lower.verdict == "refuted"


def test_a_bound_is_no_material_for_variants_nor_for_errors():
    j = share(0, 100)
    assert confirmed_values([j]) == {}
    assert about_exact([j] * 40) == []


def test_above_knows_nothing_of_what_is_below():
    found = Above.of(Estimate(0.3, 0.1, 50))
    assert found.value == 1.0
    assert found.interval(0.95) == (1.0, 1.0)
    assert found.p_at_most(0.9) == 0.0
    assert found.p_at_least(0.9) == 1.0
    assert found.p_at_least(1.5) < 1e-9
