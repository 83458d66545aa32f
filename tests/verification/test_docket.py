"""The docket: points that nobody chose, rows by digest, refutations that say what is true, levels of each claim."""

from dataclasses import replace

import numpy as np
import pytest

from inertialab.theory import CLAIMS, claim
from inertialab.verification.court.board import board_row
from inertialab.verification.court.check import Check, in_regime, inside
from inertialab.verification.court.judgement import ALPHA, compare_all, confirmed_values, judge_all
from inertialab.verification.court.registration import docket_of, registration
from inertialab.verification.court.verdict import Verdict
from inertialab.verification.docket import CHECKS, escape, points, real_stationary
from inertialab.verification.measure.estimate import Estimate
from inertialab.verification.studies.noisy_wells import minibatch
from inertialab.verification.studies.study import Findings, Measurement, Study

MADE_UP = Study("made-up", lambda **_: Findings(()), {})
OU, EXACT = "sgd.stationary-variance-ou", "sgd.stationary-variance"
STEEP = {"eta": 0.5, "h": 2.0, "C": 0.7}
FAR = Check(OU, "simulation", MADE_UP, "variance", 0.02, expected=Verdict.REFUTED, instead=EXACT)


def found(*rows, se=0.001):
    return {
        "made-up": Findings(tuple(Measurement("variance", p, Estimate(v, se * v, 100_000)) for p, v in rows)),
    }


TABLES = points._tables()


MATRICES = {"interval-chain": lambda h, C, **rest: {**rest, "H": [[h]], "C": [[C]]}}
"""How the points of a table become those of its claim, where they hold matrices."""


@pytest.mark.parametrize("name", TABLES)
def test_points_are_drawn_by_a_committed_seed_from_the_regime(name):
    make = MATRICES.get(name, dict)
    drawn = points.drawn(name, make)
    assert drawn == points.drawn(name, make)
    assert len(drawn) == TABLES[name]["number"] == len({str(p) for p in drawn})
    if "claim" in TABLES[name]:
        subject = claim(TABLES[name]["claim"])
        assert all(in_regime(subject, {"T": 1, **p}) for p in drawn)


@pytest.mark.parametrize(
    ("id", "optimizer", "drawn"),
    [
        ("sgd.escape", "sgd", escape.CLIMBS),
        ("adai.escape", "sgd", escape.ADAI_FLUX.config["points"]),
        ("adam.escape", "adam", [p | {"beta": 0.0} for p in escape.EVEN.config["points"]]),
        ("adam.escape", "adam", escape.ADAM_FLUX.config["points"]),
        ("adam.escape-frozen", "adam", escape.ADAM_FLUX.settings("full")["points"]),
    ],
)
def test_climbs_lie_in_the_regime_that_they_are_drawn_for(id, optimizer, drawn):
    """Their curvatures are known only once there is a well."""
    for point in drawn:
        own = {k: x for k, x in point.items() if k != "kappa"}
        conditions = minibatch(optimizer, own, **({"delta": 0.0} if optimizer == "adam" else {}))[1]
        assert in_regime(claim(id), {**conditions, **point})


def table(monkeypatch, **ranges):
    monkeypatch.setattr(points, "_tables", lambda: {"made-up": {"seed": 3, "number": 40, **ranges}})
    return points.drawn("made-up")


def test_ranges_are_kept_and_filled(monkeypatch):
    ranges = {"a": {"log": [1e-3, 1e3]}, "b": {"linear": [-1.0, 2.0]}, "n": {"whole": [2, 5]}, "s": {"of": ["x", "y"]}}
    drawn = table(monkeypatch, **ranges)
    a, b, n, s = (np.array([p[name] for p in drawn]) for name in "abns")
    assert 1e-3 < a.min() < 1e-1
    assert 1e1 < a.max() < 1e3
    assert -1 < b.min() < 0 < 1.5 < b.max() < 2
    assert set(n) == {2, 3, 4, 5}
    assert set(s) == {"x", "y"}


def test_another_seed_or_name_gives_other_points(monkeypatch):
    one = table(monkeypatch, a={"log": [1.0, 2.0]})
    assert one != table(monkeypatch, a={"log": [1.0, 2.0]}, seed=4)


def test_a_group_gives_the_argument_that_makes_it_up(monkeypatch):
    for p in table(monkeypatch, eta={"log": [0.1, 1.0]}, eta_h={"log": [0.01, 1.0]}):
        assert 0.01 < p["eta"] * p["h"] < 1
        assert "eta_h" not in p


def test_points_outside_the_regime_are_drawn_again(monkeypatch):
    wide = {"eta": {"log": [0.1, 1.0]}, "C": {"log": [0.1, 1.0]}, "eta_h": {"log": [0.01, 100.0]}}
    drawn = table(monkeypatch, **wide, claim=EXACT)
    assert len(drawn) == 40
    assert all(p["eta"] * p["h"] < 2 for p in drawn)


@pytest.mark.parametrize(
    ("ranges", "sentence"),
    [
        ({"a": [1.0, 2.0]}, r"a = \[1.0, 2.0\] is no range; write"),
        ({"a": {"log": [0.0, 2.0]}}, "is no range"),
        ({"a": {"linear": [2.0, 1.0]}}, "is no range"),
        (
            {"eta": {"log": [1.0, 2.0]}, "C": {"log": [1.0, 2.0]}, "eta_h": {"log": [3.0, 4.0]}, "claim": EXACT},
            "hardly a",
        ),
    ],
)
def test_a_table_that_cannot_be_drawn_from_is_refused(monkeypatch, ranges, sentence):
    monkeypatch.setattr(points, "TRIES", 10)
    with pytest.raises(points.PointsError, match=sentence):
        table(monkeypatch, **ranges)


def test_a_table_that_is_not_there_is_refused():
    with pytest.raises(points.PointsError, match=r"points.toml has no table \[sgd-minimun\]; it has sgd-lyapunov, "):
        points.drawn("sgd-minimun")


def test_a_refutation_says_what_is_true_and_that_is_confirmed_on_the_same_measurements():
    judgements = judge_all(compare_all([FAR], found((STEEP, claim(EXACT).predict(**STEEP)))))
    assert [(j.verdict, j.comparison.instead) for j in judgements] == [("refuted", ""), ("confirmed", EXACT)]
    assert not any(j.surprising for j in judgements)
    row = board_row(OU, judgements, None)
    assert [check["instead"] for check in row["checks"]] == ["", EXACT]
    # What is true instead is no evidence for the claim itself.
    assert row["simulation"] == "not measured"
    assert confirmed_values(judgements) == {}


def test_a_measurement_that_nothing_explains_is_a_surprise():
    """Refuted as expected, but what was said to be true instead is off as well."""
    judgements = judge_all(compare_all([FAR], found((STEEP, 1.1 * claim(EXACT).predict(**STEEP)))))
    assert [j.verdict for j in judgements] == ["refuted", "refuted"]
    assert [j.surprising for j in judgements] == [False, True]


def test_what_says_nothing_at_a_point_cannot_be_true_there():
    far = {**STEEP, "h": 5.0}
    with pytest.raises(
        ValueError, match=r"cannot hold instead of sgd\.stationary-variance-ou at .*: not in its regime"
    ):
        compare_all([FAR], found((far, 1.0)))


def test_every_row_that_is_expected_to_be_refuted_says_what_is_true_instead():
    refuted = [c for c in CHECKS if c.expected == Verdict.REFUTED]
    assert not [c.place for c in refuted if not c.instead]


def test_a_verdict_does_not_depend_on_what_else_is_judged():
    mine = Check(EXACT, "simulation", MADE_UP, "variance", 0.02)
    other = Check(OU, "simulation", MADE_UP, "variance", 0.9)
    measured = found(*(({**STEEP, "h": h}, claim(EXACT).predict(**{**STEEP, "h": h})) for h in (0.1, 1.0, 2.0)))
    alone, among = (judge_all(compare_all(checks, measured)) for checks in ([mine], [other, mine, other]))
    assert [j.level for j in alone] == [j.level for j in among if j.comparison.check is mine]


def test_a_board_errs_at_most_once_in_fifty():
    assert len(CLAIMS) * ALPHA <= 0.02


@pytest.mark.parametrize(
    "changes",
    [
        {"margin": 0.03},
        {"expected": Verdict.CONFIRMED},
        {"quantity": "msd"},
        {"instead": ""},
        {"where": lambda p: p["eta"] > 1},
        {"where": inside(OU)},
        {"study": replace(MADE_UP, id="other")},
    ],
)
def test_whatever_a_row_says_is_in_its_digest(changes):
    assert registration(replace(FAR, **changes)) != registration(FAR)


def test_a_digest_knows_what_a_condition_closes_over_and_not_how_it_is_spaced():
    assert registration(replace(FAR, where=inside(OU))) == registration(replace(FAR, where=inside(OU)))
    assert registration(replace(FAR, where=inside(OU))) != registration(replace(FAR, where=inside(EXACT)))
    smallest = [real_stationary._smallest(study) for study in real_stationary.TRAINING[:2]]
    assert registration(replace(FAR, where=smallest[0])) != registration(replace(FAR, where=smallest[1]))


def test_no_two_rows_of_the_docket_have_one_digest():
    digests = [registration(check) for check in CHECKS]
    assert len(set(digests)) == len(digests)


def test_a_row_written_after_its_measurement_is_marked():
    judgements = judge_all(compare_all([FAR], found((STEEP, claim(EXACT).predict(**STEEP)))))
    before = docket_of([FAR])
    assert all(c["registered"] for c in board_row(OU, judgements, None, docket=before)["checks"])
    later = docket_of([replace(FAR, margin=0.5)])
    assert not any(c["registered"] for c in board_row(OU, judgements, None, docket=later)["checks"])
