"""Boards whose truth is known: how often the court errs."""

import numpy as np
import pytest

from inertialab.theory import CLAIMS
from inertialab.verification.court.check import Check, Comparison
from inertialab.verification.court.judgement import ALPHA, judge_all
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Study

MADE_UP = Study("made-up", lambda **_: Findings(()), {})
BOARDS, ROWS, MARGIN, SE = 200, 4, 0.02, 0.002


def board(rng, truth, claims):
    """Verdicts on rows of some claims; measured/predicted is `truth` up to normal errors of a tenth of the margin."""
    comparisons = []
    for subject in claims:
        check = Check(subject.id, "simulation", MADE_UP, "variance", MARGIN)
        for ratio in truth + SE * rng.standard_normal(ROWS):
            comparisons.append(Comparison(check, {}, None, 1.0, Estimate(float(ratio), SE, 100_000), 1.0, True))
    return [str(j.verdict) for j in judge_all(comparisons)]


def test_true_claims_are_refuted_on_at_most_one_of_two_hundred_boards(rng):
    boards = [board(rng, 1.0, CLAIMS[:20]) for _ in range(BOARDS)]
    assert sum("refuted" in verdicts for verdicts in boards) <= 1
    confirmed = sum(verdicts.count("confirmed") for verdicts in boards)
    assert confirmed == pytest.approx(BOARDS * 20 * ROWS, rel=1e-3)


def test_claims_just_outside_their_band_are_confirmed_no_more_often_than_stated(rng):
    """The worst case. A claim errs with probability ALPHA at most, half of it for confirming."""
    wrong = sum("confirmed" in board(rng, 1 + MARGIN, CLAIMS[:1]) for _ in range(BOARDS * 20))
    expected = BOARDS * 20 * ALPHA / 2
    assert wrong <= expected + 4 * np.sqrt(expected) + 1


def test_the_stated_rate_is_also_reached(rng):
    """A rate that is never used up would hide a procedure without power: at a level of 10%, half of it confirms."""
    check = Check(CLAIMS[0].id, "simulation", MADE_UP, "variance", MARGIN)
    errors = 0
    for ratio in 1 + MARGIN + SE * rng.standard_normal(2000):
        comparison = Comparison(check, {}, None, 1.0, Estimate(float(ratio), SE, 100_000), 1.0, True)
        errors += str(judge_all([comparison], alpha=0.1)[0].verdict) == "confirmed"
    assert errors / 2000 == pytest.approx(0.05, abs=0.02)
