"""Estimates, verdicts, error control and power."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from inertialab.theory import CLAIMS, claim
from inertialab.verification.court import check as checking
from inertialab.verification.court import orders
from inertialab.verification.court.board import board_row
from inertialab.verification.court.check import Check
from inertialab.verification.court.judgement import compare_all, judge_all, value_judgements
from inertialab.verification.court.orders import LimitCheck, OrderCheck, weighted_line
from inertialab.verification.court.power import power_of
from inertialab.verification.court.variants import variants
from inertialab.verification.court.verdict import Verdict, holm_levels, judge, one_sided_levels
from inertialab.verification.docket import CHECKS, STUDIES
from inertialab.verification.measure.estimate import Estimate, Interval
from inertialab.verification.studies.study import Findings, Measurement, Study

POINTS = [{"eta": 0.5, "h": 2 * x, "C": 0.7} for x in (0.1, 0.4, 0.8, 1.0, 1.5)]
MADE_UP = Study("made-up", lambda **_: Findings(()), {})
LAW = Check("sgd.stationary-variance", "simulation", MADE_UP, "variance", 0.02)


def findings(se=0.002, bias=1.0, points=POINTS, n=100_000):
    """Measurements as a perfect experiment would give them."""
    exact = claim("sgd.stationary-variance").predict
    rows = [Measurement("variance", p, Estimate(bias * exact(**p), se * exact(**p), n)) for p in points]
    return {"made-up": Findings(tuple(rows))}


def verdicts(checks, found):
    return [j.verdict for j in judge_all(compare_all(checks, found))]


@given(low=st.floats(-2, 4), width=st.floats(0, 2), margin=st.floats(0.01, 0.5))
def test_a_verdict_says_where_the_interval_lies(low, width, margin):
    verdict = judge(Interval(low, low + width), margin)
    inside = 1 - margin <= low and low + width <= 1 + margin
    outside = low + width < 1 - margin or low > 1 + margin
    assert (verdict == Verdict.CONFIRMED) == inside
    assert (verdict == Verdict.REFUTED) == outside


def test_what_is_not_finite_is_refuted():
    assert judge(Interval(float("nan"), 1.0), 0.5) == Verdict.REFUTED
    assert judge(Interval(1.0, float("inf")), 0.5) == Verdict.REFUTED


def test_an_exact_number_has_a_point_interval():
    assert Estimate(2.0).interval(0.99) == Interval(2.0, 2.0)
    assert Estimate(2.0).p_at_most(1.0) == 0
    assert Estimate(2.0).p_at_least(1.0) == 1


def test_one_unit_has_no_error():
    with pytest.raises(ValueError, match="at least 2 units"):
        Estimate.mean(np.array([1.0]))


def test_holm_on_a_worked_example():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    levels = holm_levels(p, 0.05)
    assert (p <= levels).tolist() == [True, False, False, True]
    assert levels.tolist() == pytest.approx([0.05 / 3, 0.025, 0.025, 0.05 / 4])


@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_step_down_procedure(p):
    rejected = np.array(p) <= holm_levels(np.array(p), 0.1)
    order, m = np.argsort(p, kind="stable"), len(p)
    expected = np.zeros(m, dtype=bool)
    for step, i in enumerate(order):
        if p[i] > 0.1 / (m - step):
            break
        expected[i] = True
    assert rejected.tolist() == expected.tolist()


@given(values=st.lists(st.tuples(st.floats(0.8, 1.2), st.floats(0.001, 0.05)), min_size=1, max_size=10))
def test_the_interval_gives_the_verdict_of_the_tests(values):
    """Confirmed exactly when Holm rejects 'outside', refuted exactly when it rejects 'inside'."""
    ratios = [Estimate(v, s, 500) for v, s in values]
    levels = one_sided_levels(ratios, [0.1] * len(ratios), 0.05)
    inside = np.array([max(r.p_at_most(0.9), r.p_at_least(1.1)) for r in ratios])
    outside = np.array([min(r.p_at_least(0.9), r.p_at_most(1.1)) for r in ratios])
    confirmed = inside <= holm_levels(inside, 0.025)
    refuted = 2 * outside <= holm_levels(np.minimum(2 * outside, 1), 0.025)
    got = [judge(r.interval(1 - 2 * a), 0.1) for r, a in zip(ratios, levels, strict=True)]
    assert [v == Verdict.CONFIRMED for v in got] == confirmed.tolist()
    assert [v == Verdict.REFUTED for v in got] == refuted.tolist()


def test_a_wrong_verdict_anywhere_on_a_board_is_rarer_than_alpha(rng):
    """True ratios at the edges of the band, the worst case, just inside and just outside."""
    truth = np.array([0.9 - 1e-9, 0.9, 1.1, 1.1 + 1e-9, 1.0, 1.3])
    wrong = np.where((truth >= 0.9) & (truth <= 1.1), "refuted", "confirmed")
    alpha, boards, errors = 0.2, 1500, 0
    for _ in range(boards):
        ratios = [Estimate(x, 0.02, 500) for x in truth + 0.02 * rng.standard_normal(len(truth))]
        levels = one_sided_levels(ratios, [0.1] * len(ratios), alpha)
        got = [str(judge(r.interval(1 - 2 * a), 0.1)) for r, a in zip(ratios, levels, strict=True)]
        errors += any(g == w for g, w in zip(got, wrong, strict=True))
    assert 0 < errors / boards < alpha + 0.02


def test_a_right_formula_is_confirmed_and_a_wrong_one_refuted(monkeypatch):
    assert set(verdicts([LAW], findings())) == {Verdict.CONFIRMED}

    def wrong():
        yield from claim("sgd.stationary-variance").steps
        return claim("sgd.stationary-variance").rhs * sp.Rational(21, 20)

    false = replace(claim("sgd.stationary-variance"), derive=wrong)
    monkeypatch.setattr(checking, "claim", lambda id: false)
    assert set(verdicts([LAW], findings())) == {Verdict.REFUTED}


def test_a_noisy_measurement_decides_nothing():
    assert set(verdicts([LAW], findings(se=0.05))) == {Verdict.UNDECIDED}


@pytest.mark.parametrize(("se", "out"), [(0.02, True), (0.002, False)])
def test_undecided_for_want_of_samples_is_told_from_undecided_at_the_edge(se, out):
    """A wide interval around the truth wants more samples; a narrow one across the edge is a surprise."""
    judgements = judge_all(compare_all([LAW], findings(se=se, bias=1.0 if out else 1.02)))
    assert {j.verdict for j in judgements} == {Verdict.UNDECIDED}
    assert [j.out_of_budget for j in judgements] == [out] * len(judgements)
    assert [j.surprising for j in judgements] == [not out] * len(judgements)
    assert {j.row()["out_of_budget"] for j in judgements} == {out}


def test_continuous_time_is_refuted_at_eta_h_one():
    control = Check(
        "sgd.stationary-variance-ou", "simulation", MADE_UP, "variance", 0.05, where=lambda p: p["h"] == 2.0
    )
    (judgement,) = judge_all(compare_all([control], findings()))
    assert judgement.verdict == Verdict.REFUTED
    assert not judgement.comparison.in_regime
    assert judgement.surprising


def spread(se, ratio_of):
    """Spreads of Adam along two directions, one turned against the axes, over the published value."""
    known = {"eta": 1e-3, "beta": 0.9, "T": 1000}
    value = claim("adam.saddle-msd").predict(**known)
    rows = [
        Measurement("variance", {**known, "turn": turn}, Estimate(ratio_of(turn) * value, se * value, 100_000))
        for turn in (0.0, 0.5)
    ]
    return {"made-up": Findings(tuple(rows))}


@pytest.mark.parametrize(
    ("aligned", "turned", "cell", "outside"),
    [
        (1.0, 1.5, "confirmed", {"refuted": 1}),
        (1.5, 1.0, "refuted", {"confirmed": 1}),
        (1.0, 1.0, "confirmed", {"confirmed": 1}),
        (1.5, 1.5, "refuted", {"refuted": 1}),
    ],
)
def test_a_cell_is_that_of_the_points_inside_and_those_outside_are_told_beside_it(aligned, turned, cell, outside):
    """Both kinds matter: the formula does not take the angle, and the regime knows it all the same."""
    check = Check("adam.saddle-msd", "simulation", MADE_UP, "variance", 0.05)
    found = spread(0.002, lambda turn: turned if turn else aligned)
    row = board_row("adam.saddle-msd", judge_all(compare_all([check], found)), None)
    assert row["simulation"] == cell
    assert row["beyond"] == {"simulation": outside}
    assert [c["in_regime"] for c in row["checks"]] == [True, False]


def test_what_a_measurement_does_not_say_is_not_asked():
    regime = claim("sgd.fluctuation-dissipation-2").regime
    known = {"eta": 0.1, "h": 1.0, "C": 1.0, "L3": -1.3, "L4": 0.1, "k3": 2.0, "k4": 6.0, "law": "exponential"}
    assert not regime.allows(known)
    assert regime.allows({**known, "k3": 0.0})
    assert regime.allows({"eta": 0.1, "k3": 2.0})


@pytest.mark.parametrize(
    ("measured", "verdict"), [(0.0, Verdict.CONFIRMED), (0.04, Verdict.CONFIRMED), (1.0, Verdict.REFUTED)]
)
def test_a_prediction_of_nothing_is_judged_in_the_unit_that_the_study_gives(measured, verdict):
    nothing = Check("noise.saddle-zero", "real", MADE_UP, "noise", 0.05)
    row = Measurement("noise", {"unit": 2.0}, Estimate(2.0 * measured, 1e-3, 1000))
    (judgement,) = judge_all(compare_all([nothing], {"made-up": Findings((row,))}))
    assert judgement.verdict == verdict
    with pytest.raises(ValueError, match=r"predicts 0.*must give the condition `unit`"):
        nothing.compare(Findings((replace(row, point={}),)))


def test_a_check_that_matches_nothing_is_an_error():
    empty = replace(LAW, where=lambda p: False)
    with pytest.raises(ValueError, match="matches no variance; mend its `where`"):
        compare_all([empty], findings())


def test_the_order_of_an_asymptotic_claim_is_judged():
    order = OrderCheck("sgd.stationary-variance-ou", "simulation", MADE_UP, "variance", 0.1)
    assert verdicts([order], findings()) == [Verdict.CONFIRMED, Verdict.CONFIRMED]
    wrong = {
        "made-up": replace(
            findings()["made-up"], measurements=tuple(_second_order(m) for m in findings()["made-up"].measurements)
        )
    }
    assert verdicts([order], wrong) == [Verdict.REFUTED, Verdict.REFUTED]


@pytest.mark.parametrize(("coefficient", "verdict"), [(-0.5, "confirmed"), (-0.4, "refuted"), (0.5, "refuted")])
def test_the_coefficient_of_an_order_is_measured(monkeypatch, coefficient, verdict):
    """claimed/true - 1 of continuous time is -eta*h/2; another stated coefficient must be found."""
    ou = claim("sgd.stationary-variance-ou")
    stated = replace(ou, order=replace(ou.order, coefficient=sp.Float(coefficient)))
    monkeypatch.setattr(orders, "claim", lambda id: stated)
    order = OrderCheck("sgd.stationary-variance-ou", "simulation", MADE_UP, "variance", 0.1)
    assert verdicts([order], findings()) == ["confirmed", verdict]


def test_a_coefficient_that_nobody_knows_is_not_judged(monkeypatch):
    ou = claim("sgd.stationary-variance-ou")
    monkeypatch.setattr(orders, "claim", lambda id: replace(ou, order=replace(ou.order, coefficient=sp.Symbol("K"))))
    order = OrderCheck("sgd.stationary-variance-ou", "simulation", MADE_UP, "variance", 0.1)
    assert verdicts([order], findings()) == ["confirmed"]


def _second_order(m):
    """A measurement whose distance from continuous time shrinks with the square of eta*h."""
    ou, x = claim("sgd.stationary-variance-ou").evaluate(**m.point), m.point["eta"] * m.point["h"]
    value = ou / (1 - 0.3 * x**2)
    return replace(m, estimate=Estimate(value, 0.002 * value, m.estimate.n))


def test_an_order_needs_a_claim_that_states_one():
    with pytest.raises(ValueError, match="states no order"):
        OrderCheck("sgd.stationary-variance", "simulation", MADE_UP, "variance", 0.1).compare(findings()["made-up"])


def _runs(intercept):
    """Two runs at two learning rates, four directions each, whose ratio grows with the learning rate."""
    rows, correlations = [], {}
    for eta in (0.1, 0.2):
        point = {"eta": eta, "h": 1.0, "C": 0.5}
        value = claim("sgd.stationary-variance").predict(**point) * (intercept + 0.3 * eta)
        rows += [Measurement("variance", point, Estimate(value, 0.004 * value, 500), group=f"{eta}") for _ in range(4)]
        correlations[f"{eta}"] = np.eye(4).tolist()
    return Findings(tuple(rows), correlations=correlations)


def test_an_excess_that_vanishes_with_the_learning_rate_is_told_from_one_that_stays():
    limit = LimitCheck("sgd.stationary-variance", "real", MADE_UP, "variance", 0.03)
    assert verdicts([limit], {"made-up": _runs(1.0)}) == [Verdict.CONFIRMED]
    assert verdicts([limit], {"made-up": _runs(1.1)}) == [Verdict.REFUTED]


def test_a_weighted_line_is_that_of_polyfit(rng):
    x, se = np.arange(6.0), rng.uniform(0.1, 1, 6)
    y = 2 + 3 * x + se * rng.standard_normal(6)
    (slope, intercept), covariance = np.polyfit(x, y, 1, w=1 / se, cov="unscaled")
    expected = (intercept, covariance[1, 1] ** 0.5), (slope, covariance[0, 0] ** 0.5)
    assert np.array(weighted_line(x, y, se)) == pytest.approx(np.array(expected))


PLACES = {
    "radam.rectified-variance": {"T": 20, "beta2": 0.98},
    "adashift.net-update": {"d": 7, "lag": 3, "rare": 3.1},
    "adashift.net-factor-order": {"d": 7, "age": 3, "rare": 3.1},
    "adashift.cycle": {"eta": 0.6, "h": 0.5, "delta": 0.05},
}
"""Where a formula is a number and its integers are all different."""


@pytest.mark.parametrize("subject", CLAIMS, ids=lambda c: c.id)
def test_every_formula_has_wrong_variants_and_none_is_the_formula(subject):
    made = variants(subject)
    assert {"times 2", "times 1/2"} <= made.keys() or subject.formula == 0
    assert len(made) >= (5 if len(subject.formula.free_symbols) >= 3 and not subject.functional else 0)
    draw = np.random.default_rng(1)
    own = PLACES.get(subject.id, {})
    drawn = {s: 5 if s.is_integer else draw.uniform(0.1, 0.6) for s in sorted(subject.formula.free_symbols, key=str)}
    at = {s: own.get(str(s), x) for s, x in drawn.items()}
    right = complex(subject.formula.subs(at)) if not subject.functional else 0
    # A variant may also be no number at all, which is different enough.
    assert subject.functional or not any(abs(number(v, at) / right - 1) <= 1e-6 for v in made.values())


def number(formula, at):
    """NaN at a pole, where only wrong formulas are."""
    try:
        return complex(formula.subs(at))
    except ValueError:
        return complex("nan")


def test_lost_terms_and_other_conventions_are_among_the_variants():
    names = variants(claim("momentum.stationary-variance"))
    assert "eta -> eta/(1 - beta)" in names
    assert any(name.startswith("without beta in beta + 1") for name in names)
    assert any(name.startswith("sign of") for name in names)


def test_good_measurements_refute_every_variant_and_poor_ones_do_not():
    good = judge_all(compare_all([LAW], findings()))
    assert power_of("sgd.stationary-variance", value_judgements(good)).survivors == ()
    # At one small eta*h alone, losing the term eta*h cannot be noticed.
    blind = judge_all(compare_all([LAW], findings(points=[{"eta": 0.5, "h": 0.01, "C": 0.7}])))
    power = power_of("sgd.stationary-variance", value_judgements(blind))
    assert any("eta*h" in name for name in power.survivors)
    assert power.share < 1


def test_measurements_that_refute_the_claim_lend_it_no_power():
    biased = judge_all(compare_all([LAW], findings(bias=1.5)))
    assert value_judgements(biased) == []


def test_a_row_of_the_board_sums_up_the_points_inside_the_regime():
    checks = [
        LAW,
        Check("sgd.stationary-variance-ou", "simulation", MADE_UP, "variance", 0.06, where=lambda p: p["h"] == 0.1),
        Check(
            "sgd.stationary-variance-ou",
            "simulation",
            MADE_UP,
            "variance",
            0.06,
            where=lambda p: p["h"] == 2.0,
            expected=Verdict.REFUTED,
        ),
    ]
    judgements = judge_all(compare_all(checks, findings(points=[{**POINTS[0], "h": 0.1}, *POINTS])))
    mine = [j for j in judgements if j.comparison.check.claim == "sgd.stationary-variance-ou"]
    row = board_row("sgd.stationary-variance-ou", mine, None)
    assert row["simulation"] == "confirmed"
    assert row["numerics"] == "not applicable"
    assert row["derivation"] == "proven"
    assert [c["verdict"] for c in row["checks"]] == ["confirmed", "refuted"]
    assert not any(j.surprising for j in judgements)


def test_every_check_speaks_of_a_claim_and_a_study_that_exist():
    for c in CHECKS:
        assert claim(c.claim)
        assert STUDIES[c.study.id] is c.study
        assert c.layer in claim(c.claim).layers


def test_there_is_a_negative_control():
    controls = [c for c in CHECKS if c.expected == Verdict.REFUTED]
    study = STUDIES["sgd-minimum"]
    assert any(
        c.study is study and any(p["eta"] * p["h"] == 1 and c.where(p) for p in study.config["points"])
        for c in controls
    )


KINDS = {"numerics": {"exact", "flow"}, "simulation": {"particles"}, "real": {"training"}}
OF_DIFFUSIONS = {
    "langevin.mean-first-passage",
    "langevin.stationary-density",
    "langevin.eyring-kramers",
    "sgd.noise-cannot-vanish",
    "momentum.escape",
    "momentum.turnover",
    "momentum.saddle-msd-continuous",
    "momentum.drift-bound",
    "levy.exit",
}
"""Claims that speak of an equation in continuous time, which may be judged by integrating it."""


OF_SAMPLES = {"sgd.escape-minibatch"}
"""Claims whose exact numerics take the samples of real data, and stand beside the training it is held against."""


SHARED_ROOMS = {"active", "regularisation", "related"}
"""Rooms of one subject, whose studies are of several layers."""
NUMERIC = {"related.factors", "related.shifted", "regularisation.strengths"}
NUMERIC |= {"active.requests.all_coins", "active.requests.ranges", "active.splits.stairs"}
NUMERIC |= {"regularisation.gradients.drawn_networks"}
REAL = {"active.sets", "regularisation.networks", "regularisation.gradients.trained_networks"}
"""Modules and functions in them that are no simulations."""


@pytest.mark.parametrize("row", CHECKS, ids=lambda c: f"{c.claim}, {c.study.id}")
def test_the_layer_of_a_row_is_the_room_in_which_its_study_stands(row):
    module = row.study.measure.__module__.split(".", 3)[3]
    room = module.partition(".")[0]
    if room in SHARED_ROOMS:
        here = {module, f"{module}.{row.study.measure.__name__}"}
        assert row.layer == ("numerics" if here & NUMERIC else "real" if here & REAL else "simulation")
        return
    assert room in KINDS[row.layer] or (row.layer == "numerics" and row.claim in OF_SAMPLES)
    assert room != "flow" or row.claim in OF_DIFFUSIONS


def test_a_row_knows_where_it_is_written():
    file, line = LAW.place.rsplit(":", 1)
    assert file == __file__
    assert "LAW = Check(" in Path(file).read_text().splitlines()[int(line) - 1]
    assert replace(LAW, margin=0.5).place == LAW.place
