"""Rivals: likelihood ratios known by hand, and what becomes of a claim that cannot be told from any."""

import numpy as np
import pytest

from inertialab.theory import claim
from inertialab.verification.court.board import board_row
from inertialab.verification.court.bounds import BoundCheck
from inertialab.verification.court.check import Check
from inertialab.verification.court.judgement import compare_all, judge_all
from inertialab.verification.court.power import power_of
from inertialab.verification.court.rivals import Rival, likelihoods, predictions
from inertialab.verification.docket import CHECKS
from inertialab.verification.docket.rivals import RIVALS
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.study import Findings, Measurement, Study

ID = "sgd.stationary-variance"
MADE_UP = Study("made-up", lambda **_: Findings(()), {})
LAW = Check(ID, "real", MADE_UP, "variance", 0.07)
POINTS = [{"eta": 0.5, "h": 0.2, "C": c} for c in (0.7, 1.0)]
OFF = Rival(ID, "a percent more", lambda p: 1.01 * claim(ID).predict(**p))


def judged(correlation, bias=1.0, se=0.005):
    exact = [claim(ID).predict(**p) for p in POINTS]
    rows = [
        Measurement("variance", p, Estimate(bias * x, se * x, 600), group="run")
        for p, x in zip(POINTS, exact, strict=True)
    ]
    found = {"made-up": Findings(tuple(rows), correlations={"run": correlation})}
    return judge_all(compare_all([LAW], found)), found


def test_the_ratio_of_independent_numbers_is_that_of_their_squared_deviations():
    (ratio,) = likelihoods([OFF], *judged([[1.0, 0.0], [0.0, 1.0]])).values()
    assert ratio == pytest.approx(2 * (0.01 / 0.005) ** 2 / 2 / np.log(10), rel=1e-3)


def test_correlated_numbers_tell_less():
    (ratio,) = likelihoods([OFF], *judged([[1.0, 0.99], [0.99, 1.0]])).values()
    assert ratio == pytest.approx((0.01 / 0.005) ** 2 / 1.99 * 2 / 2 / np.log(10), rel=1e-3)


def test_a_rival_that_fits_better_has_a_negative_logarithm():
    (ratio,) = likelihoods([OFF], *judged([[1.0, 0.0], [0.0, 1.0]], bias=1.01)).values()
    assert ratio < 0


@pytest.mark.parametrize(("rivals", "weak"), [({"near": 1.9}, ["real"]), ({"near": 1.9, "far": 2.1}, []), ({}, [])])
def test_a_claim_that_no_rival_is_told_from_is_weak(rivals, weak):
    judgements, _ = judged([[1.0, 0.0], [0.0, 1.0]])
    row = board_row(ID, judgements, power_of(ID, judgements), rivals=rivals)
    assert row["real"] == "confirmed"
    assert row["weak"] == weak


def test_every_claim_that_is_to_be_confirmed_in_real_training_has_a_rival():
    exact = 1e-6  # margin of identities
    expected = {c.claim for c in CHECKS if c.layer == "real" and c.expected == "confirmed" and c.margin > exact}
    bounds = {c.claim for c in CHECKS if isinstance(c, BoundCheck)}  # no law to race against
    assert expected - bounds == {rival.claim for rival in RIVALS}


def test_what_others_say_stands_beside_what_was_judged():
    """In real training rivals and what was published; in simulation, where no rival races, what was published."""
    real, _ = judged([[1.0, 0.0], [0.0, 1.0]])
    simulated = judge_all(
        compare_all(
            [Check(ID, "simulation", MADE_UP, "variance", 0.07)],
            {"made-up": Findings(tuple(Measurement("variance", p, Estimate(0.1, 0.01, 60)) for p in POINTS))},
        )
    )
    published = [p["eta"] * p["C"] / (2 * p["h"]) for p in POINTS]
    for told, judgement, ou in zip(predictions([OFF], real), real, published, strict=True):
        assert told[OFF.name] == pytest.approx(1.01 * judgement.comparison.predicted)
        assert told["sgd.stationary-variance-ou"] == pytest.approx(ou)
    assert [told["sgd.stationary-variance-ou"] for told in predictions([OFF], simulated)] == pytest.approx(published)
    assert not any(OFF.name in told for told in predictions([OFF], simulated))


def test_nothing_is_said_beside_points_outside_the_regime():
    found = {"made-up": Findings((Measurement("variance", POINTS[0] | {"eta": 20.0}, Estimate(0.1, 0.01, 60)),))}
    (judgement,) = judge_all(compare_all([LAW], found))
    assert not judgement.comparison.in_regime
    assert predictions([OFF], [judgement]) == [{}]
